//! A condition by name becomes a predicate by id: `where` of clients, rules, checks, partial indexes alike.

use crate::catalog::{Cardinality, Catalog, Entity, Field, Join, Member, Relation};
use crate::id::{EntityId, FieldId};
use crate::input::Input;
use crate::predicate::operand::{Claim, Operand, Param};
use crate::predicate::{Arity, Op, Predicate};
use crate::problem::{Problem, Trouble};
use crate::scalar::{FieldType, IdKind, Scalar};
use crate::suggest;
use crate::value::{Value, coerce, excerpt, scalar_value};

/// Bytes a text that is looked for may have.
pub const PATTERN_LENGTH: usize = 2_000;

/// What surrounds a condition: who asks, and how much they may ask.
pub trait Scope {
    /// On which rows a field or relation may be used in a condition; none where it is as if it were not there.
    ///
    /// # Errors
    /// `Scope` where it is there, and out of reach.
    fn usable(&self, entity: &Entity, member: &str) -> Result<Option<Predicate>, Problem>;

    /// The rows of an entity that may take part in a condition on related rows.
    fn visible(&self, entity: EntityId) -> Predicate;

    /// What a string that begins with `$` means, where it means anything here.
    ///
    /// # Errors
    /// `BadValue` for an unknown one.
    fn dynamic(&self, text: &str) -> Result<Option<Operand>, Problem>;

    /// Items a list operand may have.
    fn list_limit(&self) -> usize;

    /// Levels of nesting.
    fn depth_limit(&self) -> usize;
}

/// The scope of the model itself: everything is usable, `$user.id` and its kin have a meaning.
#[derive(Debug, Clone, Copy)]
pub struct ModelScope;

impl Scope for ModelScope {
    fn usable(&self, _: &Entity, _: &str) -> Result<Option<Predicate>, Problem> {
        Ok(Some(Predicate::Always))
    }

    fn visible(&self, _: EntityId) -> Predicate {
        Predicate::Always
    }

    fn dynamic(&self, text: &str) -> Result<Option<Operand>, Problem> {
        let Some(name) = text.strip_prefix('$') else { return Ok(None) };
        if name.starts_with('$') {
            return Ok(None);
        }
        if name == "now" {
            return Ok(Some(Operand::Now(0)));
        }
        if let Some(offset) = name.strip_prefix("now") {
            return duration(offset).map(|seconds| Some(Operand::Now(seconds))).ok_or_else(|| {
                Problem::new(Trouble::BadValue, format!("`{}` is not a time", excerpt(text)))
                    .hint("write `$now`, `$now-30d`, `$now+12h`, `$now-15m` or `$now-10s`".to_owned())
            });
        }
        Claim::named(name).map(|claim| Some(Operand::Claim(claim))).ok_or_else(|| {
            let hint = suggest::nearest(name, Claim::NAMES.into_iter().chain(["now"]))
                .map(|near| format!("did you mean `${near}`?"))
                .unwrap_or_else(|| "a literal leading dollar is written `$$`".to_owned());
            Problem::new(Trouble::BadValue, format!("`{}` is not a value of the request", excerpt(text)))
                .hint(hint)
        })
    }

    fn list_limit(&self) -> usize {
        1_000
    }

    fn depth_limit(&self) -> usize {
        16
    }
}

fn duration(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let unit = match rest.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: i64 =
        rest.get(..rest.len() - 1)?.parse().ok().filter(|count| (0..=100_000).contains(count))?;
    Some(sign * count * unit)
}

/// Resolves a condition on rows of an entity.
///
/// # Errors
/// What is wrong, its place below `input`, and a hint.
pub fn resolve(
    catalog: &Catalog,
    entity: &Entity,
    input: &Input,
    scope: &dyn Scope,
) -> Result<Predicate, Problem> {
    Resolver { catalog, scope }.object(entity, input, scope.depth_limit()).map(Predicate::where_true)
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    scope: &'a dyn Scope,
}

impl Resolver<'_> {
    fn object(&self, entity: &Entity, input: &Input, depth: usize) -> Result<Predicate, Problem> {
        if depth == 0 {
            return Err(Problem::new(Trouble::TooMuch, "the condition nests too deep"));
        }
        let Input::Object(fields) = input else {
            return Err(Problem::new(
                Trouble::Malformed,
                format!("expected a condition on {}, got {}", entity.name, input.kind()),
            ));
        };
        let parts = fields
            .iter()
            .map(|(key, value)| {
                self.entry(entity, key, value, depth).map_err(|problem| problem.at(key.clone()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Predicate::and(parts))
    }

    fn entry(&self, entity: &Entity, key: &str, value: &Input, depth: usize) -> Result<Predicate, Problem> {
        match key {
            "and" => return Ok(Predicate::and(self.list(entity, value, depth)?)),
            "or" => return Ok(Predicate::or(self.list(entity, value, depth)?)),
            "not" => return Ok(Predicate::Not(Box::new(self.object(entity, value, depth - 1)?))),
            _ => {}
        }
        let Some(member) = entity.member(key) else { return self.count(entity, key, value) };
        let Some(usable) = self.scope.usable(entity, key)? else { return Err(self.unknown(entity, key)) };
        let condition = match member {
            Member::Field(field) => self.field(entity, field, value)?,
            Member::Relation(relation) => match relation.cardinality {
                Cardinality::One => self.to_one(entity, relation, value, depth)?,
                Cardinality::Many => self.to_many(relation, value, depth)?,
            },
        };
        Ok(masked(usable, condition))
    }

    fn list(&self, entity: &Entity, input: &Input, depth: usize) -> Result<Vec<Predicate>, Problem> {
        let Input::List(items) = input else {
            return Err(Problem::new(
                Trouble::Malformed,
                format!("expected a list of conditions, got {}", input.kind()),
            ));
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                self.object(entity, item, depth - 1).map_err(|problem| problem.at(index.to_string()))
            })
            .collect()
    }

    fn field(&self, entity: &Entity, field: &Field, input: &Input) -> Result<Predicate, Problem> {
        let operators = operators(&field.name, input)?;
        let parts = operators
            .iter()
            .map(|(name, value)| {
                let op = Op::named(name).filter(|op| op.applies(field.ty, field.list)).ok_or_else(|| {
                    let possible =
                        Op::ALL.into_iter().filter(|op| op.applies(field.ty, field.list)).map(Op::name);
                    Problem::new(
                        Trouble::UnknownOperator,
                        format!("`{}.{}` takes no operator `{}`", entity.name, field.name, excerpt(name)),
                    )
                    .hint(suggest::hint(name, possible))
                    .at(name.clone())
                })?;
                let value = self.operand(op, field.ty, value).map_err(|problem| problem.at(name.clone()))?;
                Ok(Predicate::Compare { field: field.id, op, value })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Predicate::and(parts))
    }

    fn to_one(
        &self,
        entity: &Entity,
        relation: &Relation,
        input: &Input,
        depth: usize,
    ) -> Result<Predicate, Problem> {
        let Input::Object(fields) = input else {
            return Err(Problem::new(
                Trouble::Malformed,
                format!(
                    "expected a condition on {}, got {}",
                    self.catalog.target(relation).name,
                    input.kind()
                ),
            )
            .hint(format!("write `{}: {{ eq: … }}` to compare its id", relation.name)));
        };
        let Join::Outgoing { field } = relation.join else {
            return Err(Problem::new(Trouble::Malformed, "this relation can't be used here"));
        };
        let key = entity.field(field);
        let mut parts = Vec::new();
        let mut nested = Vec::new();
        for (name, value) in fields {
            match Op::named(name).filter(|op| Op::KEY.contains(op)) {
                Some(op) => {
                    let value =
                        self.operand(op, key.ty, value).map_err(|problem| problem.at(name.clone()))?;
                    parts.push(keyed(relation, field, self.scope.visible(relation.target), op, value));
                }
                None => nested.push((name.clone(), value.clone())),
            }
        }
        if !nested.is_empty() || fields.is_empty() {
            parts.push(self.exists(relation, &Input::Object(nested), depth)?);
        }
        Ok(Predicate::and(parts))
    }

    fn to_many(&self, relation: &Relation, input: &Input, depth: usize) -> Result<Predicate, Problem> {
        let parts = operators(&relation.name, input)?
            .iter()
            .map(|(name, value)| {
                let condition = || self.related(relation, value, depth).map_err(|problem| problem.at(name.clone()));
                let visible = self.scope.visible(relation.target);
                let exists = |that| Predicate::Exists { relation: relation.id, that: Box::new(that) };
                match name.as_str() {
                    "some" => Ok(exists(Predicate::and([visible, condition()?]))),
                    "none" => Ok(Predicate::Not(Box::new(exists(Predicate::and([visible, condition()?]))))),
                    "every" => {
                        let broken = Predicate::Untrue(Box::new(condition()?));
                        Ok(Predicate::Not(Box::new(exists(Predicate::and([visible, broken])))))
                    }
                    other => Err(Problem::new(Trouble::UnknownOperator, format!("`{}` takes no operator `{}`", relation.name, excerpt(other)))
                        .hint(format!("a list of related rows takes `some`, `none` and `every`, and `{}Count` compares their number", relation.name))
                        .at(other.to_owned())),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Predicate::and(parts))
    }

    fn exists(&self, relation: &Relation, input: &Input, depth: usize) -> Result<Predicate, Problem> {
        let that =
            Predicate::and([self.scope.visible(relation.target), self.related(relation, input, depth)?]);
        Ok(Predicate::Exists { relation: relation.id, that: Box::new(that) })
    }

    fn related(&self, relation: &Relation, input: &Input, depth: usize) -> Result<Predicate, Problem> {
        self.object(self.catalog.target(relation), input, depth - 1)
    }

    /// `<relation>Count: { gt: 10 }`, or an unknown name.
    fn count(&self, entity: &Entity, key: &str, input: &Input) -> Result<Predicate, Problem> {
        let relation = key.strip_suffix("Count").and_then(|name| match entity.member(name) {
            Some(Member::Relation(relation)) if relation.cardinality == Cardinality::Many => Some(relation),
            _ => None,
        });
        let Some(relation) = relation else { return Err(self.unknown(entity, key)) };
        let Some(usable) = self.scope.usable(entity, &relation.name)? else {
            return Err(self.unknown(entity, key));
        };
        let parts = operators(key, input)?
            .iter()
            .map(|(name, value)| {
                let op = Op::named(name).filter(|op| Op::COUNT.contains(op)).ok_or_else(|| {
                    Problem::new(
                        Trouble::UnknownOperator,
                        format!("a count takes no operator `{}`", excerpt(name)),
                    )
                    .hint(suggest::hint(name, Op::COUNT.into_iter().map(Op::name)))
                    .at(name.clone())
                })?;
                let value = self
                    .operand(op, FieldType::Scalar(Scalar::BigInt), value)
                    .map_err(|problem| problem.at(name.clone()))?;
                let that = Box::new(self.scope.visible(relation.target));
                Ok(Predicate::Count { relation: relation.id, that, op, value })
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        Ok(masked(usable, Predicate::and(parts)))
    }

    fn unknown(&self, entity: &Entity, name: &str) -> Problem {
        unknown_field(entity, name, |name| matches!(self.scope.usable(entity, name), Ok(Some(_))))
    }

    fn operand(&self, op: Op, ty: FieldType, input: &Input) -> Result<Operand, Problem> {
        if *input == Input::Null {
            return Err(Problem::new(
                Trouble::BadValue,
                format!("`{}: null` compares with nothing", op.name()),
            )
            .hint(
                "use `isNull: true` to find rows without a value, `isNull: false` for those with one"
                    .to_owned(),
            ));
        }
        let ty = if op == Op::IsNull { FieldType::Scalar(Scalar::Boolean) } else { ty };
        // Part of an e-mail address is not an e-mail address.
        let ty = if op.is_pattern() { FieldType::Scalar(Scalar::String) } else { ty };
        let list = matches!(op.arity(), Arity::Many | Arity::Two);
        if let Input::Param(index) = input {
            return Ok(Operand::Param(Param { index: *index, ty, list }));
        }
        if let Input::String(text) = input
            && let Some(operand) = self.scope.dynamic(text)?
        {
            return Ok(operand);
        }
        let unescaped = match input {
            Input::String(text) if self.scope.dynamic("$now").is_ok_and(|found| found.is_some()) => {
                text.strip_prefix("$$").map(|rest| Input::String(format!("${rest}")))
            }
            _ => None,
        };
        let input = unescaped.as_ref().unwrap_or(input);
        if let Input::List(items) = input {
            if items.len() > self.scope.list_limit() {
                return Err(Problem::new(
                    Trouble::TooMuch,
                    format!(
                        "a list may have {} items at most, this one has {}",
                        self.scope.list_limit(),
                        items.len()
                    ),
                ));
            }
            if op.arity() == Arity::Two && items.len() != 2 {
                return Err(Problem::new(
                    Trouble::BadValue,
                    "`between` takes a list of two values: from, to",
                ));
            }
            if items.iter().any(|item| matches!(item, Input::Param(_))) {
                return Err(Problem::new(Trouble::Malformed, "a variable must be the whole list here"));
            }
        }
        if let Input::String(text) = input
            && op.is_pattern()
            && text.len() > PATTERN_LENGTH
        {
            return Err(Problem::new(
                Trouble::TooMuch,
                format!("a text to look for may have {PATTERN_LENGTH} bytes at most"),
            ));
        }
        coerce(self.catalog, ty, list, input).map(Operand::Value)
    }
}

/// A condition on the key of a relation: as if the row referred to nothing where its target is hidden.
fn keyed(relation: &Relation, field: FieldId, visible: Predicate, op: Op, value: Operand) -> Predicate {
    if visible == Predicate::Always {
        return Predicate::Compare { field, op, value };
    }
    let shown = || Predicate::Exists { relation: relation.id, that: Box::new(visible.clone()) };
    if op != Op::IsNull {
        return masked(shown(), Predicate::Compare { field, op, value });
    }
    match value {
        Operand::Value(Value::Bool(true)) => Predicate::Not(Box::new(shown())),
        Operand::Value(Value::Bool(false)) => shown(),
        // Which of the two is only known when it runs. The id of the row itself is never null.
        wanted => {
            let never = Predicate::Compare { field: Entity::KEY, op, value: wanted };
            Predicate::or([
                Predicate::and([never.clone(), shown()]),
                Predicate::and([Predicate::Not(Box::new(never)), Predicate::Not(Box::new(shown()))]),
            ])
        }
    }
}

/// Unknown where the member is hidden, the condition where it is not.
fn masked(usable: Predicate, condition: Predicate) -> Predicate {
    match usable {
        Predicate::Always => condition,
        shown => Predicate::Where(Box::new(shown), Box::new(condition)),
    }
}

fn operators<'i>(name: &str, input: &'i Input) -> Result<&'i [(String, Input)], Problem> {
    match input {
        Input::Object(fields) => Ok(fields),
        Input::Null => Err(Problem::new(Trouble::BadValue, format!("`{name}: null` is no condition"))
            .hint(format!("write `{name}: {{ isNull: true }}`"))),
        other => Err(Problem::new(
            Trouble::Malformed,
            format!("expected operators for `{name}`, got {}", other.kind()),
        )
        .hint(format!("write `{name}: {{ eq: … }}`"))),
    }
}

/// The complaint about a name an entity does not have, or does not have for the caller: only names they may know
/// are suggested.
pub fn unknown_field(entity: &Entity, name: &str, known: impl Fn(&str) -> bool) -> Problem {
    let names: Vec<&str> = entity.member_names().filter(|name| known(name)).collect();
    Problem::new(Trouble::UnknownField, format!("{} has no field `{}`", entity.name, excerpt(name)))
        .hint(suggest::hint(name, names.iter().copied()))
}

/// The value of an entity's key from input.
///
/// # Errors
/// `BadValue`, where it can't be an id of that entity.
pub fn key(kind: IdKind, input: &Input) -> Result<Operand, Problem> {
    let scalar = Scalar::Id(kind);
    match input {
        Input::Param(index) => {
            Ok(Operand::Param(Param { index: *index, ty: FieldType::Scalar(scalar), list: false }))
        }
        other => scalar_value(scalar, other).map(Operand::Value),
    }
}
