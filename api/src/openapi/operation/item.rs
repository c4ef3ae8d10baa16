//! `/v1/tracks/{id}`.

use entity::IdKind;
use serde_json::Value;

use super::super::parameter;
use super::super::schema::{input, row, scalar};
use super::super::view::{Member, Type};
use super::{ALWAYS, BODY, Operation, READ, Writer, answer, body, one, silence, text};

impl<'v> Writer<'v> {
    /// The path of one row of a type.
    pub(super) fn item(&mut self, ty: &'v Type<'v>) {
        let mut operations = Vec::new();
        if ty.read {
            operations.push(("get", self.get(ty)));
        }
        let chosen = ty.member("id").is_some_and(|id: &Member<'_>| id.create);
        if ty.create && (chosen || ty.update) {
            operations.push(("put", self.upsert(ty)));
        }
        if ty.update {
            operations.push(("patch", self.update(ty)));
        }
        if ty.delete {
            operations.push(("delete", self.delete(ty)));
        }
        let id = parameter::id(self.view, ty, &mut self.registry);
        self.place(format!("{}/{}/{{id}}", self.base, ty.entity.plural), vec![id], operations);
    }

    fn get(&mut self, ty: &'v Type<'v>) -> Value {
        let mut parameters = parameter::selection(self.view, ty, &mut self.registry);
        parameters.push(self.share("ifNoneMatch"));
        let headers = self.responses.headers(&["ETag"]);
        let found = self.row(ty, &format!("The {}.", ty.entity.singular), &["ETag"]);
        let operation = Operation {
            id: format!("get{}", ty.entity.name),
            summary: format!("Get {}", one(&ty.entity.singular)),
            description: text(
                ty.entity.description.as_deref(),
                &format!(
                    "One {} by its id. Send its `ETag` back as `If-None-Match` to be told when nothing has changed.",
                    ty.entity.singular
                ),
            ),
            parameters,
            body: None,
            answers: vec![
                (200, found),
                (304, silence("Nothing has changed since the `ETag` that `If-None-Match` names.", headers)),
            ],
            refusals: &[&READ, &[404], &ALWAYS],
            public: ty.public[0],
        };
        self.operation(&ty.entity.name, operation)
    }

    /// One row, in full or in part.
    pub(super) fn row(&mut self, ty: &'v Type<'v>, text: &str, headers: &[&'static str]) -> Value {
        let headers = self.responses.headers(headers);
        if !ty.read {
            return silence(text, headers);
        }
        row::one(self.view, ty, &mut self.registry);
        row::partial(self.view, ty, &mut self.registry);
        answer(text, scalar::row(&ty.names.row, &ty.names.partial), headers)
    }

    fn written_parameters(&mut self, ty: &'v Type<'v>, own: &[&str]) -> Vec<Value> {
        let mut parameters = Vec::new();
        if ty.read {
            parameters.extend(parameter::selection(self.view, ty, &mut self.registry));
        }
        parameters.extend(self.shared(own));
        parameters.extend(self.shared(&["preferWrite", "idempotencyKey"]));
        parameters
    }

    fn upsert(&mut self, ty: &'v Type<'v>) -> Value {
        let schema = input::upsert(self.view, ty, &mut self.registry);
        let counted = ty.entity.key == IdKind::Serial;
        let conditions: &[&str] = if counted { &["ifMatch"] } else { &["ifMatch", "createOnly"] };
        let parameters = self.written_parameters(ty, conditions);
        let text = match (counted, ty.update) {
            (true, _) => {
                "Gives the row under this id these values. Ids of this type are made by the server, so no row is made."
            }
            (false, true) => "Makes the row under this id, or gives the one that is there these values.",
            (false, false) => {
                "Makes the row under this id. Send `If-None-Match: *`: one that is there may not be changed."
            }
        };
        let changed = self.row(ty, "Changed.", &["ETag", "Preference-Applied", "Idempotent-Replayed"]);
        let created =
            self.row(ty, "Created.", &["Location", "ETag", "Preference-Applied", "Idempotent-Replayed"]);
        let answers = vec![(200, changed), (201, created), (204, self.minimal(true))];
        let operation = Operation {
            id: format!("upsert{}", ty.entity.name),
            summary: format!("Create or change {}", one(&ty.entity.singular)),
            description: Some(text.to_owned()),
            parameters,
            body: Some(body(&format!("The {}.", ty.entity.singular), &schema, &["application/json"])),
            answers,
            refusals: &[&READ, &[403, 404, 409, 412], &BODY, &ALWAYS],
            public: ty.public[1] && ty.public[2],
        };
        self.operation(&ty.entity.name, operation)
    }

    /// The answer without a body; `tagged` where it is about one row that is still there.
    pub(super) fn minimal(&mut self, tagged: bool) -> Value {
        let all = ["ETag", "Preference-Applied", "Idempotent-Replayed"];
        let headers = self.responses.headers(if tagged { &all } else { all.get(1..).unwrap_or_default() });
        silence("Done; nothing is told, as `Prefer: return=minimal` asked.", headers)
    }

    fn update(&mut self, ty: &'v Type<'v>) -> Value {
        let schema = input::update(self.view, ty, &mut self.registry);
        let parameters = self.written_parameters(ty, &["ifMatch"]);
        let changed = self.row(ty, "Changed.", &["ETag", "Preference-Applied", "Idempotent-Replayed"]);
        let answers = vec![(200, changed), (204, self.minimal(true))];
        let operation = Operation {
            id: format!("update{}", ty.entity.name),
            summary: format!("Update {}", one(&ty.entity.singular)),
            description: Some(
                "A JSON merge patch: fields that are left out stay as they are, null empties.".to_owned(),
            ),
            parameters,
            body: Some(body(
                "The new values.",
                &schema,
                &["application/merge-patch+json", "application/json"],
            )),
            answers,
            refusals: &[&READ, &[403, 404, 409, 412], &BODY, &ALWAYS],
            public: ty.public[2],
        };
        self.operation(&ty.entity.name, operation)
    }

    fn delete(&mut self, ty: &'v Type<'v>) -> Value {
        let parameters = self.written_parameters(ty, &["ifMatch"]);
        let told = ["Preference-Applied", "Idempotent-Replayed"];
        let headers = self.responses.headers(&told);
        let mut answers = vec![(204, silence("Deleted.", headers))];
        if ty.read {
            let text = "Deleted; the row as it was, as `Prefer: return=representation` asked.";
            answers.insert(0, (200, self.row(ty, text, &told)));
        }
        let gone = match ty.entity.soft_delete {
            true => "The row is gone from every answer; an administrator can bring it back.",
            false => "The row is gone for good. `If-Match` deletes it only as it was seen.",
        };
        let operation = Operation {
            id: format!("delete{}", ty.entity.name),
            summary: format!("Delete {}", one(&ty.entity.singular)),
            description: Some(gone.to_owned()),
            parameters,
            body: None,
            answers,
            refusals: &[&READ, &[403, 404, 409, 412], &ALWAYS],
            public: ty.public[3],
        };
        self.operation(&ty.entity.name, operation)
    }
}
