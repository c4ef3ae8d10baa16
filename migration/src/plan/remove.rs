//! Steps that would lose data: never done by this version.

use super::{Planner, describe};
use crate::ddl::literal::ident;
use crate::risk::Risk;
use crate::shape::{Column, Table};
use crate::step::{Action, Demand, Refusal, Step};

impl Planner<'_> {
    pub(super) fn remove_column(&self, table: &Table, column: &Column) -> Step {
        let origin = table.origin_of(column);
        let description = format!("drop column {} of {} ({origin})", ident(&column.name), ident(&table.name));
        let reason = format!("the values of {origin} would be lost");
        let hint = format!(
            "Was it renamed? Write `@was(name: \"{}\")` on the new field. To hide it, put it back with `@api(read: false, create: false, update: false, filter: false)`{}. \
             To be rid of it, make a backup and drop the column by hand; apply then sees that it is gone.",
            column.field,
            if column.required { " and a default, or without `!`" } else { "" },
        );
        let gone =
            Demand::UnlessGone { table: self.former(table).to_owned(), column: Some(column.name.clone()) };
        Step::new(Action::Remove, origin, description)
            .refuse(destroys(&reason), Refusal::new(reason, hint))
            .demand(gone)
    }

    pub(super) fn remove_table(&self, table: &Table) -> Step {
        let description = format!("drop table {}", describe::table(table));
        let reason = format!("the rows of {} would be lost", table.origin());
        let hint = if table.join {
            format!(
                "Put the relation {} back, or make a backup and drop the table by hand; apply then sees that it is gone.",
                table.origin()
            )
        } else {
            format!(
                "Was it renamed? Write `@was(name: \"{}\")` on the new type. To hide it, put it back without `@allow`. \
                 To be rid of it, make a backup and drop the table by hand; apply then sees that it is gone.",
                table.origin()
            )
        };
        let name = self
            .old
            .tables
            .iter()
            .find(|old| old.origins == table.origins)
            .map_or(&table.name, |old| &old.name);
        Step::new(Action::Remove, table.origin(), description)
            .refuse(destroys(&reason), Refusal::new(reason, hint))
            .demand(Demand::UnlessGone { table: name.clone(), column: None })
    }
}

fn destroys(reason: &str) -> Risk {
    Risk::Destroys { reason: reason.to_owned(), safer: "see the hint".to_owned() }
}
