//! What one principal sees of a catalog: every decision about access is made here, once.

use entity::catalog::{Cardinality, Entity, Field, Join, Operation, Relation, Rule};
use entity::{Catalog, EntityId, FieldType, IdKind, Predicate, RelationId};
use service::access;
use service::{Limits, Principal};

use super::name::{Allocator, Names};

/// A catalog through the eyes of a principal.
pub(super) struct View<'a> {
    /// The model.
    pub(super) catalog: &'a Catalog,
    /// The engine's limits, told as maxima.
    pub(super) limits: &'a Limits,
    types: Vec<Option<Type<'a>>>,
    /// Names of enums, by position; absent where nothing visible uses them.
    pub(super) enums: Vec<Option<String>>,
    /// Names of embedded types (as read, as written), by position.
    pub(super) embedded: Vec<Option<(String, String)>>,
    /// Whether there are too many filters to write out each.
    pub(super) brief: bool,
    /// Who reads the document.
    pub(super) principal: &'a Principal,
    /// Whether the model has accounts.
    pub(super) accounts: bool,
}

/// A type the principal can do something with.
pub(super) struct Type<'a> {
    /// The type.
    pub(super) entity: &'a Entity,
    /// The names of its schemas.
    pub(super) names: Names,
    /// Rows can be read.
    pub(super) read: bool,
    /// Every row can be read, whatever is in it.
    whole: bool,
    /// Rows can be made.
    pub(super) create: bool,
    /// Rows can be changed.
    pub(super) update: bool,
    /// Rows can be deleted.
    pub(super) delete: bool,
    /// Whether the same is open to who shows no credentials: read, create, update, delete.
    pub(super) public: [bool; 4],
    /// Its members in the order of the catalog: plain fields, then relations.
    pub(super) members: Vec<Member<'a>>,
}

/// A field or relation the principal can do something with.
pub(super) struct Member<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What it is.
    pub(super) kind: Kind<'a>,
    /// It is in answers.
    pub(super) read: bool,
    /// It can be given on create.
    pub(super) create: bool,
    /// It can be changed.
    pub(super) update: bool,
    /// It can be used in conditions and orders.
    pub(super) filter: bool,
    /// It is null in some rows whatever the model says, because a rule hides it there.
    pub(super) masked: bool,
}

/// What a member is.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    /// A value.
    Field(&'a Field),
    /// A to-one relation, with its key where this side holds it.
    One(&'a Relation, Option<&'a Field>),
    /// A to-many relation.
    Many(&'a Relation),
}

impl Member<'_> {
    /// Documentation.
    pub(super) fn description(&self) -> Option<&str> {
        match self.kind {
            Kind::Field(field) => field.description.as_deref(),
            Kind::One(relation, _) | Kind::Many(relation) => relation.description.as_deref(),
        }
    }

    /// Why it should not be used any more.
    pub(super) fn deprecated(&self) -> Option<&str> {
        match self.kind {
            Kind::Field(field) => field.deprecated.as_deref(),
            Kind::One(relation, _) | Kind::Many(relation) => relation.deprecated.as_deref(),
        }
    }

    /// Whether the stored value is always there.
    pub(super) fn required(&self) -> bool {
        match self.kind {
            Kind::Field(field) => field.required,
            Kind::One(relation, _) => relation.required,
            Kind::Many(_) => true,
        }
    }
}

impl<'a> View<'a> {
    /// What `principal` sees of `catalog`.
    ///
    /// Also gives the allocator of names, which knows those that are taken.
    pub(super) fn new(
        catalog: &'a Catalog,
        principal: &'a Principal,
        limits: &'a Limits,
    ) -> (Self, Allocator) {
        let mut allocator = Allocator::new(catalog);
        let types: Vec<_> = catalog
            .entities
            .iter()
            .map(|entity| Type::new(catalog, entity, principal, &mut allocator))
            .collect();
        let mut view = Self {
            catalog,
            limits,
            types,
            enums: vec![None; catalog.enums.len()],
            embedded: vec![None; catalog.embedded.len()],
            brief: false,
            principal,
            accounts: catalog.has_accounts(),
        };
        view.name_values(&mut allocator);
        view.brief = super::parameter::filter::count(&view) > super::parameter::filter::WRITTEN_OUT;
        (view, allocator)
    }

    /// The type of an id, where the principal can do something with it.
    pub(super) fn get(&self, id: EntityId) -> Option<&Type<'a>> {
        self.types.get(id.index()).and_then(Option::as_ref)
    }

    /// The visible types in the order of the model.
    pub(super) fn types(&self) -> impl Iterator<Item = &Type<'a>> {
        self.types.iter().flatten()
    }

    /// The type on the other side, where its rows can be read.
    pub(super) fn readable(&self, id: EntityId) -> Option<&Type<'a>> {
        self.get(id).filter(|ty| ty.read)
    }

    /// The type on the other side, where rows can be made.
    pub(super) fn creatable(&self, id: EntityId) -> Option<&Type<'a>> {
        self.get(id).filter(|ty| ty.create)
    }

    /// Whether every row of a type is seen.
    pub(super) fn always(&self, ty: &Type<'_>) -> bool {
        ty.whole
    }

    fn name_values(&mut self, allocator: &mut Allocator) {
        let mut open: Vec<FieldType> = self
            .types()
            .flat_map(|ty| &ty.members)
            .filter_map(|member| match member.kind {
                Kind::Field(field) => Some(field.ty),
                Kind::One(..) | Kind::Many(_) => None,
            })
            .collect();
        while let Some(ty) = open.pop() {
            match ty {
                FieldType::Scalar(_) => {}
                FieldType::Enum(id) => self.enums[id.index()] = Some(self.catalog.enum_type(id).name.clone()),
                FieldType::Embedded(id) => {
                    let definition = self.catalog.embedded_type(id);
                    if self.embedded[id.index()].is_none() {
                        let written = allocator.take(&format!("{}Input", definition.name));
                        self.embedded[id.index()] = Some((definition.name.clone(), written));
                        open.extend(definition.fields.iter().map(|field| field.ty));
                    }
                }
            }
        }
    }
}

impl<'a> Type<'a> {
    fn new(
        catalog: &'a Catalog,
        entity: &'a Entity,
        principal: &Principal,
        allocator: &mut Allocator,
    ) -> Option<Self> {
        let opens = |operation| access::opens(entity, principal, operation);
        let (read, create) = (opens(Operation::Read), opens(Operation::Create));
        let (update, delete) = (opens(Operation::Update), opens(Operation::Delete));
        if !(read || create || update || delete) {
            return None;
        }
        let fields = entity.plain_fields().map(|field| {
            let mut member = Member::new(catalog, entity, principal, &field.name, Kind::Field(field));
            member.filter &= field.exposure.filter;
            member
        });
        let relations = entity.relations.iter().map(|relation| {
            let kind = match (relation.cardinality, &relation.join) {
                (Cardinality::Many, _) => Kind::Many(relation),
                (Cardinality::One, Join::Outgoing { field }) => {
                    Kind::One(relation, Some(entity.field(*field)))
                }
                (Cardinality::One, _) => Kind::One(relation, None),
            };
            let mut member = Member::new(catalog, entity, principal, &relation.name, kind);
            match kind {
                Kind::One(_, Some(key)) => member.filter &= key.exposure.filter,
                Kind::One(_, None) => member.filter = false,
                Kind::Field(_) | Kind::Many(_) => {}
            }
            member
        });
        let members = fields.chain(relations).filter(|member| member.read || member.create || member.update);
        let members = members.collect();
        let whole = !entity.soft_delete
            && (entity.tenant.is_none() || principal.is_admin())
            && (principal.is_admin() || entity.access.rules.iter().any(|rule| open(rule, principal)));
        let public = [Operation::Read, Operation::Create, Operation::Update, Operation::Delete]
            .map(|operation| access::opens(entity, &Principal::Anonymous, operation));
        let names = Names::new(entity, allocator);
        Some(Self { entity, names, read, whole, create, update, delete, public, members })
    }

    /// The plural with a capital, for operation ids and prose.
    pub(super) fn title(&self) -> String {
        capital(&self.entity.plural)
    }

    /// A member by name.
    pub(super) fn member(&self, name: &str) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The to-one relation of this type that a to-many relation elsewhere is the other side of.
    pub(super) fn inverse_of(&self, relation: &Relation) -> Option<RelationId> {
        match relation.join {
            Join::Incoming { field } => self.entity.field(field).relation,
            Join::Outgoing { .. } | Join::Through { .. } => None,
        }
    }
}

impl<'a> Member<'a> {
    fn new(catalog: &Catalog, entity: &Entity, principal: &Principal, name: &'a str, kind: Kind<'a>) -> Self {
        let opens = |operation| access::member_opens(catalog, entity, principal, name, operation);
        let read = opens(Operation::Read);
        let counted = entity.key == IdKind::Serial && entity.key_field().name == name;
        Self {
            name,
            kind,
            read,
            create: opens(Operation::Create) && !counted,
            update: opens(Operation::Update),
            filter: read,
            masked: masked(entity, principal, name),
        }
    }
}

/// Whether some row that the principal sees may hide this member.
fn masked(entity: &Entity, principal: &Principal, name: &str) -> bool {
    if principal.is_admin() {
        return false;
    }
    let granted = |rule: &&Rule| rule.operations.read && principal.meets(rule);
    let by_row =
        name != "id"
            && entity.access.rules.iter().filter(granted).any(|rule| {
                rule.fields.as_ref().is_some_and(|fields| fields.iter().all(|field| field != name))
            });
    let by_field = entity
        .access
        .fields
        .get(name)
        .is_some_and(|rules| !rules.is_empty() && !rules.iter().any(|rule| open(rule, principal)));
    by_row || by_field
}

/// Whether a rule opens every row to a principal's eyes.
fn open(rule: &Rule, principal: &Principal) -> bool {
    rule.operations.read && principal.meets(rule) && rule.condition == Predicate::Always && rule.via.is_none()
}

/// The same word with a capital.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
