//! A page of rows as one scalar sub-select, or as a row of columns when its facts are wanted beside the JSON.

use migration::Dialect;

use super::text::{Alias, Form, Sql};
use crate::engine::plan::list::{EdgePlan, PartPlan};
use crate::engine::plan::{ListPlan, OrderTerm, Source};
use crate::engine::request::PageFact;

/// What beside the rows a page has to know. Its columns are named `#n` and `#c`: no field's column can be.
#[derive(Clone, Copy)]
struct Needs {
    /// One row more than the page is fetched, to know whether there is one.
    more: bool,
    /// Rows are counted, to know the last.
    count: bool,
}

impl Sql<'_> {
    /// The page as one JSON object; `row` is the row around it.
    pub(crate) fn page(&mut self, plan: &ListPlan, row: Option<Alias>) {
        let rows = self.alias();
        let needs = needs(plan);
        self.push("select ");
        self.page_object(plan, rows, needs, row);
        // Without an aggregate of them, the rows would each give an object.
        if aggregates(plan) {
            self.push(" from ");
            self.page_rows(plan, rows, needs, row);
        }
    }

    /// The page as columns: JSON, more rows follow, rows precede, first cursor, last cursor, total, parent is there.
    pub(crate) fn page_columns(&mut self, plan: &ListPlan) {
        let rows = self.alias();
        let needs = Needs { more: true, count: false };
        self.push("select ");
        self.as_text(&mut |sql| sql.page_object(plan, rows, needs, None));
        self.push(" as c0, ");
        self.fact_flag(plan, rows, &PageFact::HasNext);
        self.push(" as c1, ");
        self.fact_flag(plan, rows, &PageFact::HasPrevious);
        self.push(" as c2, ");
        self.link_cursor(plan, rows, &PageFact::Start);
        self.push(" as c3, ");
        self.link_cursor(plan, rows, &PageFact::End);
        self.push(" as c4, ");
        if plan.total {
            self.total(plan, None);
        } else {
            self.push("null");
        }
        if self.dialect == Dialect::Postgres {
            self.push("::bigint");
        }
        self.push(" as c5, ");
        self.parent(plan);
        self.push(" as c6").schema_seen();
        self.push(" from ");
        self.page_rows(plan, rows, needs, None);
    }

    fn page_object(&mut self, plan: &ListPlan, rows: Alias, needs: Needs, row: Option<Alias>) {
        let keys: Vec<&str> = plan.parts.iter().map(|(key, _)| key.as_str()).collect();
        // REST's page is its rows alone.
        if let ([(_, part @ PartPlan::Nodes(_))], true) = (plan.parts.as_slice(), plan.facts) {
            return self.part(plan, rows, needs, row, part);
        }
        self.object(&keys, &mut |sql, index| {
            if let Some((_, part)) = plan.parts.get(index) {
                sql.part(plan, rows, needs, row, part);
            }
        });
    }

    fn part(&mut self, plan: &ListPlan, rows: Alias, needs: Needs, row: Option<Alias>, part: &PartPlan) {
        let filter = needs.more.then(|| format!("t{}.\"#n\" <= {}", rows.0, plan.window.limit));
        let order = plan.window.backward.then(|| format!("t{}.\"#n\" desc", rows.0));
        match part {
            PartPlan::Constant(text) => {
                self.text_literal(text);
            }
            PartPlan::Nodes(object) => {
                self.array(filter.as_deref(), order.as_deref(), &mut |sql| sql.row_object(object, rows));
            }
            PartPlan::Edges(parts) => {
                let keys: Vec<&str> = parts.iter().map(|(key, _)| key.as_str()).collect();
                self.array(filter.as_deref(), order.as_deref(), &mut |sql| {
                    sql.object(&keys, &mut |sql, index| match parts.get(index) {
                        Some((_, EdgePlan::Cursor)) => sql.cursor(plan.entity, rows, &plan.order),
                        Some((_, EdgePlan::Node(object))) => sql.row_object(object, rows),
                        Some((_, EdgePlan::Constant(text))) => sql.text_literal(text),
                        None => {}
                    });
                });
            }
            PartPlan::PageInfo(facts) => {
                let keys: Vec<&str> = facts.iter().map(|(key, _)| key.as_str()).collect();
                self.object(&keys, &mut |sql, index| {
                    if let Some((_, fact)) = facts.get(index) {
                        sql.fact(plan, rows, fact);
                    }
                });
            }
            PartPlan::Fact(fact) => self.fact(plan, rows, fact),
            PartPlan::Total => self.total(plan, row),
        }
    }

    fn fact(&mut self, plan: &ListPlan, rows: Alias, fact: &PageFact) {
        match fact {
            PageFact::HasNext | PageFact::HasPrevious => {
                if self.dialect == Dialect::Sqlite {
                    self.push("json(iif(");
                    self.fact_flag(plan, rows, fact);
                    self.push(", 'true', 'false'))");
                } else {
                    self.fact_flag(plan, rows, fact);
                }
            }
            PageFact::Start | PageFact::End => self.fact_cursor(plan, rows, fact),
            PageFact::Typename(name) => self.text_literal(name),
        }
    }

    fn fact_flag(&mut self, plan: &ListPlan, rows: Alias, fact: &PageFact) {
        let window = &plan.window;
        let ahead = matches!(fact, PageFact::HasNext) != window.backward;
        if ahead {
            // In the direction of reading: the one row more is there.
            self.push("coalesce(max(").table(rows).push(".\"#n\"), 0) > ").number(window.limit);
        } else {
            self.push(if began(plan) { "true" } else { "false" });
        }
    }

    /// The cursor to the page before or after this one, where there is such a page; another one is not looked for.
    fn link_cursor(&mut self, plan: &ListPlan, rows: Alias, fact: &PageFact) {
        let against = matches!(fact, PageFact::Start) != plan.window.backward;
        if against && !began(plan) {
            self.push(if self.dialect == Dialect::Postgres { "null::text" } else { "null" });
            return;
        }
        self.push("max(");
        self.cursor(plan.entity, rows, &plan.order);
        // Where rows follow, the page is full.
        let place = if against { 1 } else { plan.window.limit };
        self.push(") filter (where ").table(rows).push(".\"#n\" = ").number(place).push(")");
    }

    fn fact_cursor(&mut self, plan: &ListPlan, rows: Alias, fact: &PageFact) {
        let first = matches!(fact, PageFact::Start) != plan.window.backward;
        self.push("max(");
        self.cursor(plan.entity, rows, &plan.order);
        self.push(") filter (where ").table(rows).push(".\"#n\" = ");
        if first {
            self.push("1)");
            return;
        }
        self.push(match self.dialect {
            Dialect::Postgres => "least(",
            Dialect::Sqlite => "min(",
        });
        self.table(rows).push(".\"#c\", ").number(plan.window.limit).push("))");
    }

    /// The number of rows on all pages.
    fn total(&mut self, plan: &ListPlan, row: Option<Alias>) {
        let counted = self.alias();
        self.push("(select count(*) from ");
        self.source_from(plan, counted);
        self.push(" where ");
        self.source_where(plan, counted, row);
        self.push(")");
    }

    fn parent(&mut self, plan: &ListPlan) {
        let Source::Under { entity, parent, .. } = &plan.source else {
            self.push("true");
            return;
        };
        let row = self.alias();
        let table = &self.catalog.entity(*entity).table;
        self.push("exists (select 1 from ").ident(table).push(" ").table(row).push(" where ");
        self.predicate(*entity, row, parent);
        self.push(")");
    }

    /// `(select … ) rows`: the rows of the page, one more where that is needed.
    fn page_rows(&mut self, plan: &ListPlan, rows: Alias, needs: Needs, row: Option<Alias>) {
        let inner = self.alias();
        self.push("(");
        if needs.more || needs.count || plan.window.backward {
            let numbered = self.alias();
            self.push("select ").table(numbered).push(".*, row_number() over () as \"#n\"");
            if needs.count {
                self.push(", count(*) over () as \"#c\"");
            }
            self.push(" from (");
            self.window_rows(plan, inner, needs, row);
            self.push(") ").table(numbered);
        } else {
            self.window_rows(plan, inner, needs, row);
        }
        self.push(") ").table(rows);
    }

    fn window_rows(&mut self, plan: &ListPlan, inner: Alias, needs: Needs, row: Option<Alias>) {
        let window = &plan.window;
        self.push("select ").table(inner).push(".* from ");
        self.source_from(plan, inner);
        self.push(" where ");
        self.source_where(plan, inner, row);
        self.places(plan, inner);
        let order = directed(&plan.order, window.backward);
        self.order_by(inner, &order);
        self.push(" limit ").number(window.limit + u64::from(needs.more));
        if window.offset > 0 {
            self.push(" offset ").number(window.offset);
        }
    }

    /// ` and <after the place> and <before the place>`
    fn places(&mut self, plan: &ListPlan, inner: Alias) {
        let forward = plan.order.clone();
        let backward = directed(&plan.order, true);
        if let Some(values) = &plan.window.after {
            self.push(" and ");
            self.after(inner, &forward, values);
        }
        if let Some(values) = &plan.window.before {
            self.push(" and ");
            self.after(inner, &backward, values);
        }
        if let Some(key) = &plan.window.after_id {
            self.push(" and ");
            self.after_row(inner, plan.entity, &forward, key, &plan.predicate);
        }
        if let Some(key) = &plan.window.before_id {
            self.push(" and ");
            self.after_row(inner, plan.entity, &backward, key, &plan.predicate);
        }
    }

    fn source_from(&mut self, plan: &ListPlan, inner: Alias) {
        match &plan.source {
            Source::Table => {
                let table = &self.catalog.entity(plan.entity).table;
                self.ident(table).push(" ").table(inner);
            }
            Source::Relation(owner, relation) | Source::Under { entity: owner, relation, .. } => {
                let relation = self.catalog.entity(*owner).relation(*relation);
                self.related_from(relation, inner);
            }
        }
    }

    fn source_where(&mut self, plan: &ListPlan, inner: Alias, row: Option<Alias>) {
        match (&plan.source, row) {
            (Source::Relation(owner, relation), Some(row)) => {
                let relation = self.catalog.entity(*owner).relation(*relation);
                self.related_on(*owner, row, relation, inner);
                self.push(" and ");
            }
            (Source::Under { entity, relation, id, parent }, _) => {
                let owner = self.catalog.entity(*entity);
                let relation = owner.relation(*relation);
                let parent_row = self.alias();
                self.push("exists (select 1 from ")
                    .ident(&owner.table)
                    .push(" ")
                    .table(parent_row)
                    .push(" where ");
                self.predicate(*entity, parent_row, parent);
                self.push(" and ");
                self.related_on(*entity, parent_row, relation, inner);
                self.push(") and ");
                self.under_key(relation, inner, id);
            }
            (Source::Table | Source::Relation(..), _) => {}
        }
        self.predicate(plan.entity, inner, &plan.predicate);
    }

    /// The relation's key compared with the id itself, so that the index on it is used.
    fn under_key(&mut self, relation: &entity::catalog::Relation, inner: Alias, id: &entity::Operand) {
        match &relation.join {
            entity::catalog::Join::Incoming { field } => {
                let field = self.catalog.target(relation).field(*field);
                self.column(inner, &field.column).push(" = ");
                self.operand(id, field.ty, Form::Plain(false)).push(" and ");
            }
            entity::catalog::Join::Through { .. } | entity::catalog::Join::Outgoing { .. } => {}
        }
    }

    /// A text as a value in JSON.
    pub(crate) fn text_literal(&mut self, text: &str) {
        self.literal(text);
        if self.dialect == Dialect::Postgres {
            self.push("::text");
        }
    }
}

fn directed(order: &[OrderTerm], backward: bool) -> Vec<OrderTerm> {
    if backward { order.iter().map(OrderTerm::reversed).collect() } else { order.to_vec() }
}

/// Whether any part is made of the page's rows; a total and what is known already are not.
fn aggregates(plan: &ListPlan) -> bool {
    let ahead = if plan.window.backward { PageFact::HasPrevious } else { PageFact::HasNext };
    let of_rows = |fact: &PageFact| matches!(fact, PageFact::Start | PageFact::End) || *fact == ahead;
    plan.parts.iter().any(|(_, part)| match part {
        PartPlan::Nodes(_) | PartPlan::Edges(_) => true,
        PartPlan::PageInfo(facts) => facts.iter().any(|(_, fact)| of_rows(fact)),
        PartPlan::Fact(fact) => of_rows(fact),
        PartPlan::Total | PartPlan::Constant(_) => false,
    })
}

fn needs(plan: &ListPlan) -> Needs {
    let facts = plan.parts.iter().flat_map(|(_, part)| match part {
        PartPlan::PageInfo(facts) => facts.iter().map(|(_, fact)| fact).collect::<Vec<_>>(),
        PartPlan::Fact(fact) => vec![fact],
        PartPlan::Nodes(_) | PartPlan::Edges(_) | PartPlan::Total | PartPlan::Constant(_) => Vec::new(),
    });
    let mut needs = Needs { more: false, count: false };
    for fact in facts {
        match fact {
            PageFact::HasNext | PageFact::HasPrevious => needs.more = true,
            PageFact::Start | PageFact::End => needs.count = true,
            PageFact::Typename(_) => {}
        }
    }
    needs
}

/// Whether rows may precede the page in the direction of reading: it begins somewhere in the list.
fn began(plan: &ListPlan) -> bool {
    let window = &plan.window;
    if window.backward {
        window.before.is_some() || window.before_id.is_some()
    } else {
        window.after.is_some() || window.after_id.is_some() || window.offset > 0
    }
}
