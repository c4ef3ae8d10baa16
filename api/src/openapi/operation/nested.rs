//! `/v1/albums/{id}/tracks`.

use super::super::parameter;
use entity::catalog::Relation;

use super::super::view::{Kind, Member, Type, capital};
use super::{ALWAYS, Operation, READ, Writer, one, silence, text};

impl<'v> Writer<'v> {
    /// The paths of the rows related to one row of a type.
    pub(super) fn nested(&mut self, ty: &'v Type<'v>) {
        if !ty.read {
            return;
        }
        for member in ty.members.iter().filter(|member| member.read) {
            let relation = match member.kind {
                Kind::Many(relation) => relation,
                Kind::One(relation, _) => {
                    self.related(ty, member, relation);
                    continue;
                }
                Kind::Field(_) => continue,
            };
            let Some(target) = self.view.readable(relation.target) else { continue };
            let parameters = self.list_parameters(target, false);
            let page = self.page(target);
            let operation = Operation {
                id: format!("list{}{}", ty.entity.name, capital(member.name)),
                summary: format!("List the {} of {}", member.name, one(&ty.entity.singular)),
                description: text(
                    member.description(),
                    &format!(
                        "The {} on the other side of `{}`, in pages; the parameters are those of any list of {}.",
                        target.entity.plural, member.name, target.entity.plural
                    ),
                ),
                parameters,
                body: None,
                answers: vec![(200, page)],
                refusals: &[&READ, &[404], &ALWAYS],
                public: ty.public[0] && target.public[0],
            };
            let written = self.operation(&ty.entity.name, operation);
            let id = parameter::id(self.view, ty, &mut self.registry);
            self.place(
                format!("{}/{}/{{id}}/{}", self.base, ty.entity.plural, member.name),
                vec![id],
                vec![("get", written)],
            );
        }
    }

    /// The path of the row that a row refers to.
    fn related(&mut self, ty: &'v Type<'v>, member: &'v Member<'v>, relation: &'v Relation) {
        let Some(target) = self.view.readable(relation.target) else { return };
        let mut parameters = parameter::selection(self.view, target, &mut self.registry);
        parameters.push(self.share("ifNoneMatch"));
        let headers = self.responses.headers(&["ETag"]);
        let found = self.row(target, &format!("The {}.", target.entity.singular), &["ETag"]);
        let ours = format!(
            "The {} that `{}` of {} refers to; 404 where it refers to none.",
            target.entity.singular,
            member.name,
            one(&ty.entity.singular)
        );
        let operation = Operation {
            id: format!("get{}{}", ty.entity.name, capital(member.name)),
            summary: format!("Get the {} of {}", member.name, one(&ty.entity.singular)),
            description: text(member.description(), &ours),
            parameters,
            body: None,
            answers: vec![
                (200, found),
                (304, silence("Nothing has changed since the `ETag` that `If-None-Match` names.", headers)),
            ],
            refusals: &[&READ, &[404], &ALWAYS],
            public: ty.public[0] && target.public[0],
        };
        let written = self.operation(&ty.entity.name, operation);
        let id = parameter::id(self.view, ty, &mut self.registry);
        self.place(
            format!("{}/{}/{{id}}/{}", self.base, ty.entity.plural, member.name),
            vec![id],
            vec![("get", written)],
        );
    }
}
