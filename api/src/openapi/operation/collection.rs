//! `/v1/tracks` and `/v1/tracks/aggregate`.

use serde_json::{Value, json};

use super::super::parameter;
use super::super::schema::{aggregate, any, input, list, put, row};
use super::super::view::Type;
use super::{ALWAYS, BODY, Operation, READ, Writer, answer, body, one, silence, text};
use crate::rest::parse::{AGGREGATE, LIST, MANY};

impl<'v> Writer<'v> {
    /// The paths of a type's rows together.
    pub(super) fn collection(&mut self, ty: &'v Type<'v>) {
        let mut operations = Vec::new();
        if ty.read {
            operations.push(("get", self.list(ty)));
        }
        if ty.create {
            operations.push(("post", self.create(ty)));
        }
        if ty.update && ty.read {
            operations.push(("patch", self.update_many(ty)));
        }
        if ty.delete && ty.read {
            operations.push(("delete", self.delete_many(ty)));
        }
        let path = format!("{}/{}", self.base, ty.entity.plural);
        self.place(path.clone(), Vec::new(), operations);
        if ty.read {
            let aggregate = self.aggregate(ty);
            self.place(format!("{path}/aggregate"), Vec::new(), vec![("get", aggregate)]);
        }
    }

    fn list(&mut self, ty: &'v Type<'v>) -> Value {
        let parameters = self.list_parameters(ty, true);
        let page = self.page(ty);
        let operation = Operation {
            id: format!("list{}", ty.title()),
            summary: format!("List {}", ty.entity.plural),
            description: text(ty.entity.description.as_deref(), &self.grammar(ty)),
            parameters,
            body: None,
            answers: vec![(200, page)],
            refusals: &[&READ, &ALWAYS],
            public: ty.public[0],
        };
        self.operation(&ty.entity.name, operation)
    }

    /// How conditions on related rows are written, where there are such.
    fn grammar(&self, ty: &'v Type<'v>) -> String {
        let related = ty.members.iter().find_map(|member| match member.kind {
            super::super::view::Kind::One(relation, Some(_)) if member.filter => {
                let target = self.view.readable(relation.target)?;
                let field = target.members.iter().find(|inner| inner.filter && inner.name != "id")?;
                Some((member.name, field.name))
            }
            _ => None,
        });
        match related {
            Some((relation, field)) => format!(
                "Conditions on several fields are joined by *and*. Fields of related rows are reached by a path, such as `{relation}.{field}=…`; `where` says everything else."
            ),
            None => {
                "Conditions on several fields are joined by *and*; `where` says everything else.".to_owned()
            }
        }
    }

    /// The parameters of a list of a type.
    ///
    /// `own`: it is the list of all rows, not of those related to another row.
    pub(super) fn list_parameters(&mut self, ty: &'v Type<'v>, own: bool) -> Vec<Value> {
        let mut parameters = vec![parameter::limit(ty)];
        parameters.extend(self.shared(&["after", "before"]));
        parameters.extend(parameter::places(self.view, ty, &mut self.registry));
        parameters.push(self.share("offset"));
        parameters.extend(parameter::sort(self.view, ty, &mut self.registry));
        parameters.extend(parameter::selection(self.view, ty, &mut self.registry));
        parameters.push(parameter::condition(self.view, ty, &mut self.registry));
        parameters.extend(if own { self.filters(ty, LIST) } else { self.other_filters(ty, LIST) });
        parameters.push(self.share("preferList"));
        parameters
    }

    /// A page of rows, in each of its forms.
    pub(super) fn page(&mut self, ty: &'v Type<'v>) -> Value {
        let schema = row::page(self.view, ty, &mut self.registry);
        let headers = self.responses.headers(&["Link", "Preference-Applied"]);
        let mut page = answer(&format!("A page of {}.", ty.entity.plural), schema, headers);
        let plain = |text: &str| json!({ "schema": { "type": "string", "description": text } });
        page["content"]["application/x-ndjson"] = plain("The rows, a JSON object on each line.");
        page["content"]["text/csv"] = plain("The rows as a table; the first line names the fields.");
        page
    }

    fn create(&mut self, ty: &'v Type<'v>) -> Value {
        let row = input::create(self.view, ty, &mut self.registry);
        let mut rows = list(row.clone());
        put(&mut rows, "minItems", 1);
        put(&mut rows, "maxItems", self.view.limits.batch);
        let schema = any(vec![row, rows]);
        let mut parameters = Vec::new();
        if ty.read {
            parameters.extend(parameter::selection(self.view, ty, &mut self.registry));
        }
        parameters.extend(self.shared(&["preferWrite", "idempotencyKey"]));
        let created = self.created(ty);
        let operation = Operation {
            id: format!("create{}", ty.entity.name),
            summary: format!("Create {}, or several", one(&ty.entity.singular)),
            description: Some("An array makes all of its rows, or none.".to_owned()),
            parameters,
            body: Some(body(
                &format!("The new {}, or an array of them.", ty.entity.singular),
                &schema,
                &["application/json"],
            )),
            answers: vec![(201, created)],
            refusals: &[&READ, &[403, 404, 409], &BODY, &ALWAYS],
            public: ty.public[1],
        };
        self.operation(&ty.entity.name, operation)
    }

    fn created(&mut self, ty: &'v Type<'v>) -> Value {
        let headers =
            self.responses.headers(&["Location", "ETag", "Preference-Applied", "Idempotent-Replayed"]);
        if !ty.read {
            return silence("Created.", headers);
        }
        let whole = row::one(self.view, ty, &mut self.registry);
        let part = row::partial(self.view, ty, &mut self.registry);
        let batch = row::batch(self.view, ty, &mut self.registry);
        let text = "Created. Of one row, `Location` says where it is. There is no body under `Prefer: return=minimal`.";
        answer(text, any(vec![whole, part, batch]), headers)
    }

    fn update_many(&mut self, ty: &'v Type<'v>) -> Value {
        let schema = input::update_many(self.view, ty, &mut self.registry);
        let parameters = self.many_parameters(ty);
        let answers = vec![(200, self.touched(ty, "Changed.")), (204, self.minimal(false))];
        let text =
            "Needs a condition. When more rows match than `Prefer: max-affected` allows, nothing is changed.";
        let operation = Operation {
            id: format!("update{}", ty.title()),
            summary: format!("Update all {} of a condition", ty.entity.plural),
            description: Some(text.to_owned()),
            parameters,
            body: Some(body(
                "The new values.",
                &schema,
                &["application/merge-patch+json", "application/json"],
            )),
            answers,
            refusals: &[&READ, &[403, 404, 409], &BODY, &ALWAYS],
            public: ty.public[2],
        };
        self.operation(&ty.entity.name, operation)
    }

    fn delete_many(&mut self, ty: &'v Type<'v>) -> Value {
        let parameters = self.many_parameters(ty);
        let answers = vec![(200, self.touched(ty, "Deleted.")), (204, self.minimal(false))];
        let text =
            "Needs a condition. When more rows match than `Prefer: max-affected` allows, nothing is deleted.";
        let operation = Operation {
            id: format!("delete{}", ty.title()),
            summary: format!("Delete all {} of a condition", ty.entity.plural),
            description: Some(text.to_owned()),
            parameters,
            body: None,
            answers,
            refusals: &[&READ, &[403, 409], &ALWAYS],
            public: ty.public[3],
        };
        self.operation(&ty.entity.name, operation)
    }

    fn many_parameters(&mut self, ty: &'v Type<'v>) -> Vec<Value> {
        let mut parameters = vec![parameter::condition(self.view, ty, &mut self.registry)];
        parameters.extend(self.other_filters(ty, MANY));
        parameters.extend(parameter::selection(self.view, ty, &mut self.registry));
        parameters.extend(self.shared(&["preferMany", "idempotencyKey"]));
        parameters
    }

    fn touched(&mut self, ty: &'v Type<'v>, text: &str) -> Value {
        let schema = row::changes(self.view, ty, &mut self.registry);
        let headers = self.responses.headers(&["Preference-Applied", "Idempotent-Replayed"]);
        answer(text, schema, headers)
    }

    fn aggregate(&mut self, ty: &'v Type<'v>) -> Value {
        let mut parameters = parameter::aggregate(self.view, ty, &mut self.registry);
        for key in ["having.eq", "having.gt", "having.gte", "having.lt", "having.lte"] {
            self.share(key);
        }
        parameters.extend(self.other_filters(ty, AGGREGATE));
        let schema = aggregate::answer(self.view, ty, &mut self.registry);
        let operation = Operation {
            id: format!("aggregate{}", ty.title()),
            summary: format!("Count and sum up {}", ty.entity.plural),
            description: Some("One group for each combination of what `group` names, with the number of its rows and what else is asked for. Conditions choose the rows that take part.".to_owned()),
            parameters,
            body: None,
            answers: vec![(200, answer("The groups.", schema, json!({})))],
            refusals: &[&READ, &ALWAYS],
            public: ty.public[0],
        };
        self.operation(&ty.entity.name, operation)
    }
}
