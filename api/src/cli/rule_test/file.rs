//! A file of tests as it is written: rows, principals, tests. Unknown words are mistakes, all told at once.

use std::collections::HashSet;

use entity::catalog::Operation;
use entity::{Catalog, EntityId};

use super::super::aim::{Aim, aim, known, operation, unknown};
use super::yaml::{self, Key, Kind, Mistake, Node, Place};

/// Tests of one file, counted by what is expected.
const EXPECTATIONS: usize = 20_000;

/// Everything a file says.
#[derive(Debug, Default)]
pub(super) struct TestFile {
    /// A folder of rows as `launchway import` reads them, from the file's own folder.
    pub(super) data: Option<(Place, String)>,
    /// Rows by type, in the order written.
    pub(super) rows: Vec<Rows>,
    /// Who asks, by name.
    pub(super) principals: Vec<(Key, Node)>,
    pub(super) tests: Vec<Test>,
}

/// Rows of one type.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) entity: EntityId,
    pub(super) rows: Vec<RowDraft>,
}

/// One row: what it is called, and its fields.
#[derive(Debug)]
pub(super) struct RowDraft {
    pub(super) place: Place,
    pub(super) label: Option<String>,
    pub(super) fields: Vec<(Key, Node)>,
}

/// What some principals can, can't and see.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: Option<String>,
    /// Names of principals, or principals written out.
    pub(super) who: Vec<Node>,
    pub(super) expectations: Vec<Expectation>,
}

/// One thing that is expected.
#[derive(Debug)]
pub(super) struct Expectation {
    pub(super) place: Place,
    /// As it is written.
    pub(super) text: String,
    pub(super) what: What,
}

/// What is expected.
#[derive(Debug)]
pub(super) enum What {
    /// That something may be done, or not.
    May { yes: bool, aim: Aim, values: Option<Node> },
    /// That a list has these rows, in any order.
    Sees { entity: EntityId, rows: Vec<(Place, String)> },
    /// That a list has so many rows.
    Counts { entity: EntityId, count: u64 },
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(catalog: &Catalog, text: &str) -> Result<TestFile, Vec<Mistake>> {
    let mut reader = Reader { catalog, mistakes: Vec::new(), expectations: 0 };
    let mut file = TestFile::default();
    match yaml::parse(text) {
        Err(mistake) => reader.mistakes.push(mistake),
        Ok(None) => reader.mistakes.push(Mistake::new(Place { line: 1, column: 1 }, "the file is empty")),
        Ok(Some(root)) => reader.file(&root, &mut file),
    }
    if reader.mistakes.is_empty() { Ok(file) } else { Err(reader.mistakes) }
}

struct Reader<'a> {
    catalog: &'a Catalog,
    mistakes: Vec<Mistake>,
    expectations: usize,
}

impl Reader<'_> {
    /// What came of a part, or nothing where it is wrong.
    fn fine<T>(&mut self, outcome: Result<T, Mistake>) -> Option<T> {
        outcome.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    fn file(&mut self, root: &Node, file: &mut TestFile) {
        let Some(parts) = self.fine(root.map("a mapping with rows, principals and tests")) else { return };
        for (key, node) in parts {
            match key.text.as_str() {
                "data" => {
                    let text = self.fine(node.text("the path of a folder"));
                    file.data = text.map(|text| (node.place, text.to_owned()));
                }
                "rows" => file.rows = self.rows(node),
                "principals" => self.principals(node, file),
                "tests" => {
                    for item in self.fine(node.list("a list of tests")).unwrap_or_default() {
                        file.tests.extend(self.test(item));
                    }
                }
                other => {
                    let text =
                        unknown("part of a file of tests", other, ["data", "rows", "principals", "tests"]);
                    self.mistakes.push(Mistake::new(key.place, text));
                }
            }
        }
        if file.tests.is_empty() && self.mistakes.is_empty() {
            self.mistakes
                .push(Mistake::new(root.place, "there are no tests: write `tests:` with a list of them"));
        }
    }

    fn principals(&mut self, node: &Node, file: &mut TestFile) {
        let pairs = self.fine(node.map("a mapping of names to principals")).unwrap_or_default();
        for (key, node) in pairs {
            if matches!(key.text.as_str(), "anyone" | "admin") {
                let text = format!("`{}` is always there, and can't be another principal", key.text);
                self.mistakes.push(Mistake::new(key.place, text));
            }
            file.principals.push((key.clone(), node.clone()));
        }
    }

    fn rows(&mut self, node: &Node) -> Vec<Rows> {
        let mut all = Vec::new();
        for (key, node) in self.fine(node.map("a mapping of types to rows")).unwrap_or_default() {
            let Some(entity) = self.catalog.entity_named(&key.text) else {
                let names = self.catalog.entities.iter().map(|entity| entity.name.as_str());
                let text = unknown("type", &key.text, names.collect::<Vec<_>>());
                self.mistakes.push(Mistake::new(key.place, text));
                continue;
            };
            let mut rows = Rows { entity: entity.id, rows: Vec::new() };
            let mut labels = HashSet::new();
            for row in self.rows_of(node) {
                if let Some(label) = &row.label
                    && !labels.insert(label.clone())
                {
                    let text = format!("a row of {} is called `{label}` already", entity.name);
                    self.mistakes.push(Mistake::new(row.place, text));
                }
                for (key, _) in row.fields.iter().filter(|(key, _)| key.text != "id") {
                    let found = known(entity, &key.text);
                    self.fine(found.map_err(|text| Mistake::new(key.place, text)));
                }
                rows.rows.push(row);
            }
            all.push(rows);
        }
        all
    }

    /// `- id: first` and what it has, or `first:` and what it has.
    fn rows_of(&mut self, node: &Node) -> Vec<RowDraft> {
        let mut all = Vec::new();
        if let Kind::Map(pairs) = &node.kind {
            for (key, node) in pairs {
                let fields = self.fine(node.map("a mapping of fields to values")).unwrap_or_default();
                if let Some((id, _)) = fields.iter().find(|(key, _)| key.text == "id") {
                    let text =
                        "the row is called by its key already; leave the id out, or write a list of rows";
                    self.mistakes.push(Mistake::new(id.place, text));
                }
                let label = Some(key.text.clone());
                all.push(RowDraft { place: key.place, label, fields: fields.to_vec() });
            }
            return all;
        }
        for item in self.fine(node.list("a list of rows, or a mapping of labels to rows")).unwrap_or_default()
        {
            let fields = self.fine(item.map("a mapping of fields to values")).unwrap_or_default();
            let id = fields.iter().find(|(key, _)| key.text == "id");
            let label = id.and_then(|(_, node)| self.fine(node.text("a label, or an id"))).map(str::to_owned);
            let fields = fields.iter().filter(|(key, _)| key.text != "id").cloned().collect();
            all.push(RowDraft { place: item.place, label, fields });
        }
        all
    }

    fn test(&mut self, node: &Node) -> Option<Test> {
        let pairs = self.fine(node.map("a test: a mapping with `as`, and `can`, `cannot` or `sees`"))?;
        let mut test = Test { name: None, who: Vec::new(), expectations: Vec::new() };
        for (key, node) in pairs {
            match key.text.as_str() {
                "name" => test.name = self.fine(node.text("a sentence")).map(str::to_owned),
                "as" => match &node.kind {
                    Kind::List(items) => test.who = items.clone(),
                    _ => test.who.push(node.clone()),
                },
                "can" => self.entries(node, true, &mut test),
                "cannot" => self.entries(node, false, &mut test),
                "sees" => self.sees(node, &mut test),
                other => {
                    let text = unknown("part of a test", other, ["name", "as", "can", "cannot", "sees"]);
                    self.mistakes.push(Mistake::new(key.place, text));
                }
            }
        }
        if test.who.is_empty() {
            self.mistakes
                .push(Mistake::new(node.place, "who? Write `as: anyone`, or the name of a principal"));
        } else if test.expectations.is_empty() && self.mistakes.is_empty() {
            let text = "nothing is expected: write `can`, `cannot` or `sees`";
            self.mistakes.push(Mistake::new(node.place, text));
        }
        self.expectations += test.expectations.len() * test.who.len();
        if self.expectations > EXPECTATIONS {
            let text = format!("a file has {EXPECTATIONS} expectations at most");
            self.mistakes.push(Mistake::new(node.place, text));
            return None;
        }
        Some(test)
    }

    fn entries(&mut self, node: &Node, yes: bool, test: &mut Test) {
        for item in self.fine(node.list("a list such as `- read Track/first`")).unwrap_or_default() {
            let expectation = self.entry(item, yes);
            test.expectations.extend(self.fine(expectation));
        }
    }

    /// `read Track/first`, `create Note: { text: x }`, or the same in quotes: `'create Note { text: "x" }'`.
    fn entry(&self, node: &Node, yes: bool) -> Result<Expectation, Mistake> {
        let (text, values) = match &node.kind {
            Kind::Map(pairs) => match pairs.as_slice() {
                [(key, values)] => (key.text.clone(), Some(values.clone())),
                _ => {
                    return Err(Mistake::new(node.place, "one thing at a time: begin another line with `-`"));
                }
            },
            _ => {
                let text = node.text("what can be done, such as `read Track/first`")?;
                match text.find('{') {
                    Some(at) => {
                        let (text, values) = text.split_at(at);
                        (text.trim().to_owned(), Some(inline(values, node.place)?))
                    }
                    None => (text.trim().to_owned(), None),
                }
            }
        };
        let wrong = |message: String| Mistake::new(node.place, message);
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let operation = operation(word).map_err(wrong)?;
        if rest.trim().is_empty() {
            return Err(wrong(format!("what? Write `{word} Track/first`")));
        }
        let aim = aim(self.catalog, operation, rest.trim()).map_err(wrong)?;
        if let Some(values) = &values {
            self.values(&aim, values)?;
        }
        let written = match &values {
            Some(values) => format!("{text} {}", values.to_json()),
            None => text,
        };
        Ok(Expectation { place: node.place, text: written, what: What::May { yes, aim, values } })
    }

    fn values(&self, aim: &Aim, values: &Node) -> Result<(), Mistake> {
        let entity = self.catalog.entity(aim.entity);
        if matches!(aim.operation, Operation::Read | Operation::Delete) || aim.member.is_some() {
            return Err(Mistake::new(values.place, "values are for `create` and `update` of a row"));
        }
        if aim.operation == Operation::Update && aim.row.is_none() {
            let text = format!("which row? Write `update {}/first` and its values", entity.name);
            return Err(Mistake::new(values.place, text));
        }
        for (key, _) in values.map("a mapping of fields to values")? {
            known(entity, &key.text).map_err(|text| Mistake::new(key.place, text))?;
        }
        Ok(())
    }

    fn sees(&mut self, node: &Node, test: &mut Test) {
        for (key, node) in self.fine(node.map("a mapping of lists to rows")).unwrap_or_default() {
            let (plural, name) =
                (self.catalog.entity_plural(&key.text), self.catalog.entity_named(&key.text));
            let Some(entity) = plural.or(name) else {
                let plurals = self.catalog.entities.iter().map(|entity| entity.plural.as_str());
                let text = unknown("list", &key.text, plurals.collect::<Vec<_>>());
                self.mistakes.push(Mistake::new(key.place, text));
                continue;
            };
            let entity = entity.id;
            let what = match &node.kind {
                Kind::Scalar(text, true) if text.parse::<u64>().is_ok() => {
                    What::Counts { entity, count: text.parse().unwrap_or_default() }
                }
                _ => {
                    let items =
                        self.fine(node.list("a list of rows, or a number of them")).unwrap_or_default();
                    let rows = items.iter().filter_map(|item| {
                        let text = self.fine(item.text("a label, or an id"))?;
                        Some((item.place, text.to_owned()))
                    });
                    What::Sees { entity, rows: rows.collect() }
                }
            };
            let text = format!("sees {} {}", key.text, node.to_json());
            test.expectations.push(Expectation { place: key.place, text, what });
        }
    }
}

/// Values behind a text in quotes.
fn inline(text: &str, place: Place) -> Result<Node, Mistake> {
    let parsed = yaml::parse(text).map_err(|mistake| {
        Mistake::new(
            place,
            format!("the values are wrong: {}", mistake.message.lines().next().unwrap_or_default()),
        )
    })?;
    let mut node = parsed.ok_or_else(|| Mistake::new(place, "the values are missing"))?;
    put(&mut node, place);
    Ok(node)
}

fn put(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.kind {
        Kind::Scalar(..) => {}
        Kind::List(items) => items.iter_mut().for_each(|item| put(item, place)),
        Kind::Map(pairs) => pairs.iter_mut().for_each(|(key, node)| {
            key.place = place;
            put(node, place);
        }),
    }
}
