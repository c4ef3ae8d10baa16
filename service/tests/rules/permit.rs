//! Whether a write may be asked at all, before any row is looked at.

use entity::catalog::Operation;
use serde_json::Value as Json;
use service::Code;
use service::engine::request::{Answer, BatchPart, Target};

use super::caller::Caller;
use super::effect::{Done, Effect, No};
use super::model::{Key, Link, Shape};

impl Effect<'_> {
    pub(crate) fn permitted(&self, ty: usize, operation: Operation) -> Done<()> {
        if !self.truth().opens(ty, operation) {
            return Err(No::Code(match self.caller {
                Caller::Anonymous => Code::Unauthenticated,
                _ => Code::Forbidden,
            }));
        }
        if self.truth().in_scope(ty, true) { Ok(()) } else { Err(Code::InsufficientScope.into()) }
    }

    pub(crate) fn answerable(&self, ty: usize, answer: &Answer) -> Done<()> {
        match answer {
            Answer::Nothing => Ok(()),
            Answer::One(selection) => Ok(self.truth().object_fine(ty, selection)?),
            Answer::Batch(parts) => parts.iter().try_for_each(|(_, part)| match part {
                BatchPart::Nodes(selection) => Ok(self.truth().object_fine(ty, selection)?),
                _ => Ok(()),
            }),
        }
    }

    pub(crate) fn targetable(&self, ty: usize, target: &Target) -> Done<()> {
        match target {
            Target::One(by) => self.truth().nameable(ty, by)?,
            Target::Many { filter, .. } => self.truth().filter_fine(ty, Some(filter))?,
        }
        Ok(())
    }

    /// Whether the members of an input may be given.
    pub(crate) fn plan_entries(&self, ty: usize, given: &Json, operation: Operation) -> Done<()> {
        let (truth, definition) = (self.truth(), &self.model.types[ty]);
        for (name, value) in given.as_object().into_iter().flatten() {
            let seen = truth.member_opens(ty, name, Operation::Read);
            let open = truth.member_opens(ty, name, operation);
            let field = definition.field(name);
            if !seen && !open {
                return Err(Code::UnknownField.into());
            }
            if !open {
                let exposed = field.is_none() || truth.exposed(ty, name, operation);
                return Err(No::Code(if exposed { Code::Forbidden } else { Code::ReadOnly }));
            }
            if field.is_some_and(|field| field.required) && value.is_null() {
                return Err(Code::Required.into());
            }
        }
        Ok(())
    }

    pub(crate) fn plan_create(&self, ty: usize, given: &Json, known: Option<&str>) -> Done<()> {
        self.plan_entries(ty, given, Operation::Create)?;
        self.plan_links(ty, given)?;
        let definition = &self.model.types[ty];
        let missing = |name: &str| given.get(name).is_none() && known != Some(name);
        if definition.fields.iter().skip(2).any(|field| field.required && missing(&field.name))
            || definition.key == Key::Client && missing("id")
            || definition
                .links
                .iter()
                .any(|it| it.required && it.is_one() && it.writable && missing(&it.name))
        {
            return Err(Code::Required.into());
        }
        let homeless = definition.tenant && missing("organization") && self.caller.claim("org.id").is_none();
        if homeless {
            let may = self.truth().member_opens(ty, "organization", Operation::Create);
            return Err(No::Code(if may { Code::Required } else { Code::OrganizationRequired }));
        }
        self.plan_lists(ty, given)
    }

    /// Whether rows on the other side may be written.
    pub(crate) fn plan_links(&self, ty: usize, given: &Json) -> Done<()> {
        for (link, value) in self.links(ty, given, true) {
            let created = value.get("create");
            if let Some(row) = created {
                self.permitted(link.target, Operation::Create)?;
                self.plan_create(link.target, row, None)?;
            } else if link.required && (value.is_null() || value.get("disconnect").is_some()) {
                return Err(Code::Required.into());
            }
        }
        Ok(())
    }

    pub(crate) fn plan_lists(&self, ty: usize, given: &Json) -> Done<()> {
        for (link, value) in self.links(ty, given, false) {
            let back = match &link.shape {
                Shape::Back(field) => Some(field.as_str()),
                _ => None,
            };
            for verb in ["set", "disconnect", "connect", "create"] {
                let Some(items) = value.get(verb) else { continue };
                if verb == "create" {
                    for row in items.as_array().into_iter().flatten() {
                        self.permitted(link.target, Operation::Create)?;
                        self.given_from_afar(link.target, back, Operation::Create)?;
                        self.plan_create(link.target, row, back)?;
                    }
                } else if let Some(field) = back {
                    self.permitted(link.target, Operation::Update)?;
                    self.given_from_afar(link.target, back, Operation::Update)?;
                    if verb != "connect" && self.model.link(link.target, field).required {
                        return Err(Code::Required.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// A relation that is written from its other side is written all the same.
    pub(crate) fn given_from_afar(&self, ty: usize, name: Option<&str>, operation: Operation) -> Done<()> {
        match name.is_none_or(|name| self.truth().member_opens(ty, name, operation)) {
            true => Ok(()),
            false => Err(Code::Forbidden.into()),
        }
    }

    pub(crate) fn links<'r>(&'r self, ty: usize, given: &'r Json, one: bool) -> Vec<(&'r Link, &'r Json)> {
        let definition = &self.model.types[ty];
        given
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((definition.link(name)?, value)))
            .filter(|(link, _)| link.is_one() == one)
            .collect()
    }

    pub(crate) fn plan_update(&self, ty: usize, target: &Target, set: &Json, inc: &Json) -> Done<()> {
        self.permitted(ty, Operation::Update)?;
        self.plan_entries(ty, set, Operation::Update)?;
        self.plan_links(ty, set)?;
        for name in inc.as_object().into_iter().flatten().map(|(name, _)| name) {
            self.truth().reach(ty, name)?;
            if !self.truth().member_opens(ty, name, Operation::Update) {
                return Err(Code::Forbidden.into());
            }
        }
        self.targetable(ty, target)?;
        self.plan_lists(ty, set)
    }
}
