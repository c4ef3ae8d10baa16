//! Models nobody wrote, and changes of them: made by a counted sequence of chances, so that a seed tells all.

use std::fmt::Write;

/// Chances: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Scattered: seeds in a row would else give the same sequence, one step further each.
        let mut dice = Self(seed);
        Self(dice.next() ^ 0xD1B5_4A32_D192_ED03)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

// Small pools, so that models made apart overlap and freed names are given again.
const TYPES: [&str; 7] = ["Song", "Album", "Person", "Shop", "Order", "Label", "Ticket"];
const FIELDS: [&str; 9] = ["title", "name", "code", "rank", "size", "note", "day", "group", "select"];
const LINKS: [&str; 6] = ["owner", "parent", "main", "best", "maker", "place"];
const BACKS: [&str; 6] = ["items", "parts", "things", "members", "pieces", "others"];
const TABLES: [&str; 3] = ["things", "records", "orders"];
const ENUMS: [&str; 2] = ["Mood", "Format"];
const VALUES: [&str; 5] = ["CALM", "LOUD", "WILD", "SELECT", "OTHER"];
const SCALARS: [&str; 11] =
    ["String", "Int", "BigInt", "Float", "Boolean", "Decimal", "Date", "DateTime", "UUID", "JSON", "Email"];

/// A model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    enums: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) types: Vec<Type>,
    pub(crate) links: Vec<Link>,
    /// The number the next thing gets: things are the same when their numbers are, whatever their names.
    next: usize,
}

/// A type.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    pub(crate) id: usize,
    name: &'static str,
    was: Option<&'static str>,
    table: Option<&'static str>,
    key: &'static str,
    timestamps: bool,
    soft: bool,
    pub(crate) fields: Vec<Field>,
    /// Their fields, and whether they are for some rows only.
    uniques: Vec<(Vec<usize>, bool)>,
    indexes: Vec<(Vec<(usize, bool)>, bool)>,
    /// Fields of which one must have a value.
    check: Option<(usize, usize)>,
}

/// A field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) id: usize,
    name: &'static str,
    was: Option<&'static str>,
    ty: &'static str,
    list: bool,
    required: bool,
    default: bool,
    check: bool,
}

/// A relation: to one, or to many on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: usize,
    from: usize,
    to: usize,
    field: &'static str,
    was: Option<&'static str>,
    back: &'static str,
    many: bool,
    required: bool,
    on_delete: &'static str,
}

impl Type {
    /// The number of its uniques, indexes and checks.
    pub(crate) fn keys(&self) -> usize {
        self.uniques.len() + self.indexes.len() + usize::from(self.check.is_some())
    }

    /// Without one of them.
    pub(crate) fn remove_key(&mut self, at: usize) {
        let (uniques, both) = (self.uniques.len(), self.uniques.len() + self.indexes.len());
        if at < uniques {
            self.uniques.remove(at);
        } else if at < both {
            self.indexes.remove(at - uniques);
        } else {
            self.check = None;
        }
    }
}

/// A model of one to five types.
pub(crate) fn model(dice: &mut Dice) -> Model {
    let mut model = Model::default();
    for name in ENUMS.into_iter().take(1 + dice.below(2)) {
        let count = 1 + dice.below(VALUES.len());
        model.enums.push((name, VALUES.into_iter().take(count).collect()));
    }
    for _ in 0..=dice.below(5) {
        model.add_type(dice);
    }
    for _ in 0..dice.below(4) {
        model.add_link(dice);
    }
    model
}

impl Model {
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn add_type(&mut self, dice: &mut Dice) {
        let name = dice.pick(&TYPES);
        if self.types.iter().any(|other| other.name == name) {
            return;
        }
        let mut ty = Type {
            id: self.number(),
            name,
            was: None,
            table: dice.chance(10).then(|| dice.pick(&TABLES)),
            key: dice.pick(&["UUID7", "UUID7", "SERIAL", "CLIENT"]),
            timestamps: dice.chance(30),
            soft: dice.chance(20),
            fields: Vec::new(),
            uniques: Vec::new(),
            indexes: Vec::new(),
            check: None,
        };
        for _ in 0..=dice.below(5) {
            self.add_field(&mut ty, dice);
        }
        for _ in 0..2 {
            add_key(&mut ty, dice);
        }
        self.types.push(ty);
    }

    fn add_field(&mut self, ty: &mut Type, dice: &mut Dice) {
        let name = dice.pick(&FIELDS);
        if ty.fields.iter().any(|other| other.name == name) {
            return;
        }
        let id = self.number();
        let (kind, list) = self.kind(dice);
        let field = Field {
            id,
            name,
            was: None,
            ty: kind,
            list,
            required: dice.chance(40),
            default: dice.chance(50),
            check: dice.chance(25),
        };
        ty.fields.push(field);
    }

    fn kind(&self, dice: &mut Dice) -> (&'static str, bool) {
        let kind =
            if dice.chance(20) { self.enums[dice.below(self.enums.len())].0 } else { dice.pick(&SCALARS) };
        (kind, kind != "JSON" && dice.chance(10))
    }

    fn add_link(&mut self, dice: &mut Dice) {
        if self.types.is_empty() {
            return;
        }
        let (from, to) = (dice.below(self.types.len()), dice.below(self.types.len()));
        let link = Link {
            id: self.number(),
            from: self.types[from].id,
            to: self.types[to].id,
            field: dice.pick(&LINKS),
            was: None,
            back: dice.pick(&BACKS),
            many: dice.chance(35),
            required: dice.chance(30),
            on_delete: dice.pick(&["RESTRICT", "CASCADE", "SET_NULL"]),
        };
        let taken = self.links.iter().any(|other| other.field == link.field || other.back == link.back);
        if !taken {
            self.links.push(link);
        }
    }

    /// Takes away what refers to nothing any more.
    pub(crate) fn tidy(&mut self) {
        let types: Vec<_> = self.types.iter().map(|ty| ty.id).collect();
        self.links.retain(|link| types.contains(&link.from) && types.contains(&link.to));
        for ty in &mut self.types {
            let there = |id: &usize| ty.fields.iter().any(|field| field.id == *id);
            ty.uniques.retain(|(fields, _)| fields.iter().all(there));
            ty.indexes.retain(|(fields, _)| fields.iter().all(|(id, _)| there(id)));
            ty.check = ty.check.filter(|(one, other)| there(one) && there(other));
        }
    }

    /// The text of it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, values) in &self.enums {
            writeln!(text, "enum {name} {{ {} }}", values.join(" ")).unwrap();
        }
        for ty in &self.types {
            self.write_type(ty, &mut text);
        }
        text
    }

    fn write_type(&self, ty: &Type, text: &mut String) {
        let table = ty.table.map(|table| format!("table: \"{table}\", ")).unwrap_or_default();
        let (key, timestamps, soft) = (ty.key, ty.timestamps, ty.soft);
        write!(
            text,
            "type {} @model({table}id: {key}, timestamps: {timestamps}, softDelete: {soft})",
            ty.name
        )
        .unwrap();
        text.push_str(&was(ty.was));
        let named = |id: usize| ty.fields.iter().find(|field| field.id == id).unwrap();
        let only = |some: bool, id: usize| {
            if some { format!(", where: {}", self.condition(named(id))) } else { String::new() }
        };
        for (fields, some) in &ty.uniques {
            let names: Vec<_> = fields.iter().map(|id| format!("\"{}\"", named(*id).name)).collect();
            write!(text, " @unique(fields: [{}]{})", names.join(", "), only(*some, fields[0])).unwrap();
        }
        for (fields, some) in &ty.indexes {
            let one = |(id, down): &(usize, bool)| {
                format!("\"{}{}\"", if *down { "-" } else { "" }, named(*id).name)
            };
            let names: Vec<_> = fields.iter().map(one).collect();
            write!(text, " @index(fields: [{}]{})", names.join(", "), only(*some, fields[0].0)).unwrap();
        }
        if let Some((one, other)) = ty.check {
            let (one, other) = (named(one).name, named(other).name);
            write!(text, " @check(where: {{ or: [{{ {one}: {{ isNull: false }} }}, {{ {other}: {{ isNull: true }} }}] }})").unwrap();
        }
        self.write_fields(ty, text);
    }

    fn write_fields(&self, ty: &Type, text: &mut String) {
        text.push_str(" {\n");
        for field in &ty.fields {
            let list = if field.list { format!("[{}!]", field.ty) } else { field.ty.to_owned() };
            let required = if field.required { "!" } else { "" };
            writeln!(
                text,
                "  {}: {list}{required}{}{}{}",
                field.name,
                was(field.was),
                self.constant(field),
                check(field)
            )
            .unwrap();
        }
        for link in &self.links {
            let name = |id: usize| self.types.iter().find(|ty| ty.id == id).unwrap().name;
            if link.from == ty.id {
                let of = (link.field, name(link.to), link.back, was(link.was));
                let required = if link.required { "!" } else { "" };
                if link.many {
                    writeln!(text, "  {}: [{}!]! @relation(inverse: \"{}\"){}", of.0, of.1, of.2, of.3)
                        .unwrap();
                } else {
                    let on = if link.required && link.on_delete == "SET_NULL" {
                        "RESTRICT"
                    } else {
                        link.on_delete
                    };
                    writeln!(
                        text,
                        "  {}: {}{required} @relation(inverse: \"{}\", onDelete: {on}){}",
                        of.0, of.1, of.2, of.3
                    )
                    .unwrap();
                }
            }
            if link.to == ty.id {
                writeln!(
                    text,
                    "  {}: [{}!]! @relation(inverse: \"{}\")",
                    link.back,
                    name(link.from),
                    link.field
                )
                .unwrap();
            }
        }
        text.push_str("}\n");
    }

    /// A condition that the database can keep.
    fn condition(&self, field: &Field) -> String {
        let rest = match field.ty {
            _ if field.list => "isNull: false".to_owned(),
            "Int" => "gt: 3".to_owned(),
            "String" => "ne: \"it's\"".to_owned(),
            "Boolean" => "eq: true".to_owned(),
            ty => match self.enums.iter().find(|(name, _)| *name == ty) {
                Some((_, values)) => format!("in: [{}]", values[0]),
                None => "isNull: false".to_owned(),
            },
        };
        format!("{{ {}: {{ {rest} }} }}", field.name)
    }

    /// A default that the type has one of.
    fn constant(&self, field: &Field) -> String {
        if !field.default {
            return String::new();
        }
        let value = match field.ty {
            _ if field.list => "[]".to_owned(),
            "String" => "\"it's\"".to_owned(),
            "Int" => "7".to_owned(),
            "BigInt" => "\"9007199254740993\"".to_owned(),
            "Float" => "0.25".to_owned(),
            "Boolean" => "true".to_owned(),
            "Decimal" => "\"0.99\"".to_owned(),
            "Date" => "\"2024-02-29\"".to_owned(),
            "DateTime" => "\"$now\"".to_owned(),
            ty => match self.enums.iter().find(|(name, _)| *name == ty) {
                Some((_, values)) => values[0].to_owned(),
                None => return String::new(),
            },
        };
        format!(" @default(value: {value})")
    }
}

fn was(name: Option<&str>) -> String {
    name.map(|name| format!(" @was(name: \"{name}\")")).unwrap_or_default()
}

fn check(field: &Field) -> &'static str {
    match field.ty {
        _ if !field.check => "",
        _ if field.list => " @check(maxLength: 9)",
        "Int" => " @check(min: 1, max: 99)",
        "String" => " @check(minLength: 1)",
        "Decimal" => " @check(min: \"0.01\")",
        _ => "",
    }
}

/// A unique, an index or a check more.
fn add_key(ty: &mut Type, dice: &mut Dice) {
    let fit: Vec<_> =
        ty.fields.iter().filter(|field| field.ty != "JSON" && !field.list).map(|field| field.id).collect();
    if fit.is_empty() {
        return;
    }
    let (one, other) = (dice.pick(&fit), dice.pick(&fit));
    // A second one that begins alike is refused.
    let begins = |first: Option<usize>| first == Some(one);
    let alike = ty.uniques.iter().any(|(fields, _)| begins(fields.first().copied()))
        || ty.indexes.iter().any(|(fields, _)| begins(fields.first().map(|(id, _)| *id)));
    if alike {
        return;
    }
    let both = one != other && dice.chance(50);
    let some = dice.chance(30);
    match dice.below(4) {
        0 => ty.uniques.push((if both { vec![one, other] } else { vec![one] }, some)),
        1 if one != other => ty.check = Some((one, other)),
        _ => {
            let first = (one, dice.chance(30));
            ty.indexes.push((if both { vec![first, (other, dice.chance(30))] } else { vec![first] }, some));
        }
    }
}

/// One to four changes of a model.
pub(crate) fn changed(model: &Model, dice: &mut Dice) -> Model {
    let mut model = model.clone();
    for _ in 0..=dice.below(4) {
        if dice.chance(70) {
            change_type(&mut model, dice)
        } else {
            change_whole(&mut model, dice)
        }
        model.tidy();
    }
    model
}

fn change_whole(model: &mut Model, dice: &mut Dice) {
    let count = model.links.len();
    match dice.below(9) {
        0 => model.add_type(dice),
        1 | 2 => model.add_link(dice),
        3 if dice.chance(30) => {
            model.types.remove(dice.below(model.types.len()));
        }
        4 if count > 0 => {
            let link = &mut model.links[dice.below(count)];
            link.on_delete = dice.pick(&["RESTRICT", "CASCADE", "SET_NULL"]);
        }
        5 if count > 0 => {
            let name = dice.pick(&LINKS);
            let taken = model.links.iter().any(|other| other.field == name);
            let link = &mut model.links[dice.below(count)];
            if !taken {
                link.was = link.was.or(Some(link.field));
                link.field = name;
            }
        }
        6 if count > 0 => {
            let link = &mut model.links[dice.below(count)];
            link.required = !link.required;
        }
        7 if count > 0 && dice.chance(30) => {
            model.links.remove(dice.below(count));
        }
        _ => {
            let at = dice.below(model.enums.len());
            let values = &mut model.enums[at].1;
            let value = dice.pick(&VALUES);
            match values.iter().position(|other| *other == value) {
                Some(at) if values.len() > 1 => {
                    values.remove(at);
                }
                Some(_) => {}
                None => values.push(value),
            }
        }
    }
}

fn change_type(model: &mut Model, dice: &mut Dice) {
    if model.types.is_empty() {
        return;
    }
    let at = dice.below(model.types.len());
    let mut ty = model.types[at].clone();
    match dice.below(12) {
        0 => {
            let name = dice.pick(&TYPES);
            if !model.types.iter().any(|other| other.name == name) {
                ty.was = ty.was.or(Some(ty.name));
                ty.name = name;
            }
        }
        1 => ty.table = if ty.table.is_some() { None } else { Some(dice.pick(&TABLES)) },
        2 => ty.soft = !ty.soft,
        3 => model.add_field(&mut ty, dice),
        4 | 5 => add_key(&mut ty, dice),
        6 if dice.chance(50) => match dice.below(3) {
            0 => drop(ty.uniques.pop()),
            1 => drop(ty.indexes.pop()),
            _ => ty.check = None,
        },
        7 if dice.chance(20) => ty.timestamps = !ty.timestamps,
        8 if dice.chance(10) => ty.key = dice.pick(&["UUID7", "SERIAL", "CLIENT"]),
        _ => change_field(model, &mut ty, dice),
    }
    model.types[at] = ty;
}

fn change_field(model: &Model, ty: &mut Type, dice: &mut Dice) {
    if ty.fields.is_empty() {
        return;
    }
    let count = ty.fields.len();
    let at = dice.below(count);
    match dice.below(7) {
        0 | 1 => {
            let name = dice.pick(&FIELDS);
            if !ty.fields.iter().any(|other| other.name == name) {
                let field = &mut ty.fields[at];
                field.was = field.was.or(Some(field.name));
                field.name = name;
            }
        }
        2 => ty.fields[at].required = !ty.fields[at].required,
        3 => ty.fields[at].default = !ty.fields[at].default,
        4 => ty.fields[at].check = !ty.fields[at].check,
        5 if dice.chance(30) => (ty.fields[at].ty, ty.fields[at].list) = model.kind(dice),
        6 if dice.chance(30) => {
            ty.fields.remove(at);
        }
        _ => {}
    }
}
