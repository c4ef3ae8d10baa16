//! How each database says values and objects in JSON: the one table of dialect differences of reads.

use entity::catalog::Field;
use entity::value::DECIMAL_SCALE;
use entity::{FieldType, IdKind, Scalar};
use migration::Dialect;

use super::text::Sql;
use crate::engine::request::{Bucket, EmbeddedPart};

/// Pairs an object builder takes: PostgreSQL takes 100 arguments.
const PAIRS: usize = 50;

impl Sql<'_> {
    /// A JSON object; `part` writes the value of the pair at a position.
    pub(crate) fn object(&mut self, keys: &[&str], part: &mut dyn FnMut(&mut Self, usize)) {
        match self.dialect {
            Dialect::Postgres if keys.len() > PAIRS => self.wide_object(keys, part),
            Dialect::Postgres => self.pairs("json_build_object(", keys, 0, part),
            Dialect::Sqlite => self.pairs("json_object(", keys, 0, part),
        }
    }

    fn pairs(&mut self, function: &str, keys: &[&str], from: usize, part: &mut dyn FnMut(&mut Self, usize)) {
        self.push(function);
        for (index, key) in keys.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.literal(key).push(", ");
            part(self, from + index);
        }
        self.push(")");
    }

    /// More pairs than the builder takes: objects of some of them, their texts joined.
    fn wide_object(&mut self, keys: &[&str], part: &mut dyn FnMut(&mut Self, usize)) {
        self.push("(");
        let chunks = keys.chunks(PAIRS);
        let last = chunks.len().saturating_sub(1);
        for (index, chunk) in chunks.enumerate() {
            // Every text but the first loses its opening brace, every one but the last its closing one.
            let from = index * PAIRS;
            if index == 0 {
                self.push("left(").pairs("json_build_object(", chunk, from, part);
                self.push("::text, -1)");
            } else if index == last {
                self.push(" || ',' || substr(").pairs("json_build_object(", chunk, from, part);
                self.push("::text, 2)");
            } else {
                self.push(" || ',' || left(substr(").pairs("json_build_object(", chunk, from, part);
                self.push("::text, 2), -1)");
            }
        }
        self.push(")::json");
    }

    /// All rows of the FROM clause as a JSON array of what `item` writes; `[]` for none.
    pub(crate) fn array(
        &mut self,
        filter: Option<&str>,
        order: Option<&str>,
        item: &mut dyn FnMut(&mut Self),
    ) {
        match self.dialect {
            Dialect::Postgres => self.push("coalesce(json_agg("),
            Dialect::Sqlite => self.push("json_group_array("),
        };
        match self.dialect {
            Dialect::Postgres => item(self),
            Dialect::Sqlite => {
                self.push("json(");
                item(self);
                self.push(")");
            }
        }
        if let Some(order) = order {
            self.push(" order by ").push(order);
        }
        self.push(")");
        if let Some(filter) = filter {
            self.push(" filter (where ").push(filter).push(")");
        }
        if self.dialect == Dialect::Postgres {
            self.push(", '[]'::json)");
        }
    }

    /// A sub-select that gives JSON, as a value inside an object.
    pub(crate) fn nested(&mut self, write: &mut dyn FnMut(&mut Self)) {
        // SQLite forgets that a text is JSON when it passes a sub-select.
        let wrap = self.dialect == Dialect::Sqlite;
        self.push(if wrap { "json((" } else { "(" });
        write(self);
        self.push(if wrap { "))" } else { ")" });
    }

    /// JSON as text, for the column of the answer.
    pub(crate) fn as_text(&mut self, write: &mut dyn FnMut(&mut Self)) {
        let cast = self.dialect == Dialect::Postgres;
        self.push("(");
        write(self);
        self.push(if cast { ")::text" } else { ")" });
    }

    /// A column's value in JSON. `column` writes the column, and may be called more than once.
    pub(crate) fn json_value(&mut self, ty: FieldType, list: bool, column: &mut dyn FnMut(&mut Self)) {
        if matches!(ty, FieldType::Scalar(Scalar::Float)) {
            self.floats = true;
        }
        if list || matches!(ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json)) {
            if self.dialect == Dialect::Sqlite {
                self.push("json(");
                column(self);
                self.push(")");
            } else {
                column(self);
            }
            return;
        }
        let FieldType::Scalar(scalar) = ty else { return column(self) };
        match self.dialect {
            Dialect::Postgres => self.postgres_value(scalar, column),
            Dialect::Sqlite => self.sqlite_value(scalar, column),
        }
    }

    fn postgres_value(&mut self, scalar: Scalar, column: &mut dyn FnMut(&mut Self)) {
        match scalar {
            Scalar::Id(IdKind::Serial) | Scalar::BigInt => {
                column(self);
                self.push("::text");
            }
            Scalar::Decimal => {
                self.push("trim_scale(");
                column(self);
                self.push(")::text");
            }
            // The session's time zone is UTC and its style ISO: `2026-01-31 12:00:00.5+00`.
            Scalar::DateTime => {
                self.push("replace(replace(");
                column(self);
                self.push("::text, ' ', 'T'), '+00', 'Z')");
            }
            Scalar::Id(IdKind::Uuid7 | IdKind::Client)
            | Scalar::String
            | Scalar::Int
            | Scalar::Float
            | Scalar::Boolean
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Json
            | Scalar::Email
            | Scalar::Url => column(self),
        }
    }

    fn sqlite_value(&mut self, scalar: Scalar, column: &mut dyn FnMut(&mut Self)) {
        match scalar {
            Scalar::Id(IdKind::Serial) | Scalar::BigInt => {
                self.push("cast(");
                column(self);
                self.push(" as text)");
            }
            Scalar::Boolean => {
                self.push("json(case ");
                column(self);
                self.push(" when 1 then 'true' when 0 then 'false' end)");
            }
            Scalar::Decimal => self.sqlite_decimal(column),
            Scalar::DateTime => {
                column(self);
                self.push(" || 'Z'");
            }
            // `quote` gives as many digits as it takes to say the double; the answer's assembly makes them the fewest.
            Scalar::Float => {
                self.push("json(case when ");
                column(self);
                self.push(" is not null then quote(");
                column(self);
                self.push(") end)");
            }
            Scalar::Id(IdKind::Uuid7 | IdKind::Client)
            | Scalar::String
            | Scalar::Int
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Json
            | Scalar::Email
            | Scalar::Url => column(self),
        }
    }

    /// Millionths as a decimal text without trailing zeros.
    fn sqlite_decimal(&mut self, column: &mut dyn FnMut(&mut Self)) {
        let unit = 10_u64.pow(DECIMAL_SCALE);
        self.push("iif(");
        column(self);
        self.push(" < 0, '-', '') || (abs(");
        column(self);
        self.push(") / ").number(unit).push(") || rtrim(rtrim(printf('.%06d', abs(");
        column(self);
        self.push(") % ").number(unit).push("), '0'), '.')");
    }

    /// A column's value as the text a cursor holds, null for null.
    pub(crate) fn cursor_value(&mut self, field: &Field, column: &mut dyn FnMut(&mut Self)) {
        let FieldType::Scalar(scalar) = field.ty else { return column(self) };
        match (self.dialect, scalar) {
            (
                Dialect::Postgres,
                Scalar::Int
                | Scalar::Float
                | Scalar::Boolean
                | Scalar::Date
                | Scalar::Uuid
                | Scalar::Id(IdKind::Uuid7),
            ) => {
                column(self);
                self.push("::text");
            }
            (Dialect::Postgres, scalar) => self.postgres_value(scalar, column),
            (Dialect::Sqlite, Scalar::Int) => {
                self.push("cast(");
                column(self);
                self.push(" as text)");
            }
            (Dialect::Sqlite, Scalar::Float) => {
                self.push("iif(");
                column(self);
                self.push(" is null, null, quote(");
                column(self);
                self.push("))");
            }
            (Dialect::Sqlite, Scalar::Boolean) => {
                self.push("case ");
                column(self);
                self.push(" when 1 then 'true' when 0 then 'false' end");
            }
            (Dialect::Sqlite, scalar) => self.sqlite_value(scalar, column),
        }
    }

    /// A JSON array of texts, in hexadecimal.
    pub(crate) fn hex_array(&mut self, mark: &str, count: usize, item: &mut dyn FnMut(&mut Self, usize)) {
        match self.dialect {
            Dialect::Postgres => self.push("encode(convert_to(json_build_array("),
            Dialect::Sqlite => self.push("lower(hex(json_array("),
        };
        self.literal(mark);
        if self.dialect == Dialect::Postgres {
            self.push("::text");
        }
        for index in 0..count {
            self.push(", ");
            item(self, index);
        }
        match self.dialect {
            Dialect::Postgres => self.push(")::text, 'UTF8'), 'hex')"),
            Dialect::Sqlite => self.push(")))"),
        };
    }

    /// Parts of an embedded value, or of each in a list of them.
    pub(crate) fn embedded(
        &mut self,
        name: &str,
        list: bool,
        parts: &[EmbeddedPart],
        column: &mut dyn FnMut(&mut Self),
    ) {
        if list {
            let alias = self.alias();
            match self.dialect {
                Dialect::Postgres => {
                    self.push("(case when jsonb_typeof(");
                    column(self);
                    self.push(") = 'array' then (select coalesce(json_agg(");
                    self.embedded_object(name, parts, &mut |sql| {
                        sql.table(alias).push(".\"value\"");
                    });
                    self.push(" order by ")
                        .table(alias)
                        .push(".\"ordinality\"), '[]'::json) from jsonb_array_elements(");
                    column(self);
                    self.push(") with ordinality ").table(alias).push("(\"value\", \"ordinality\")) end)");
                }
                Dialect::Sqlite => {
                    self.push("json((case when ");
                    column(self);
                    self.push(" is not null then (select json_group_array(json(");
                    self.embedded_object(name, parts, &mut |sql| {
                        sql.table(alias).push(".\"value\"");
                    });
                    self.push(") order by ").table(alias).push(".\"id\") from json_each(");
                    column(self);
                    self.push(") ").table(alias).push(") end))");
                }
            }
            return;
        }
        let wrap = self.dialect == Dialect::Sqlite;
        self.push(if wrap { "json(case when " } else { "(case when " });
        column(self);
        self.push(" is not null then ");
        self.embedded_object(name, parts, column);
        self.push(" end)");
    }

    fn embedded_object(&mut self, name: &str, parts: &[EmbeddedPart], column: &mut dyn FnMut(&mut Self)) {
        let keys: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
        let Some(embedded) = self.catalog.embedded.iter().find(|embedded| embedded.name == name) else {
            return;
        };
        self.object(&keys, &mut |sql, index| {
            let Some(part) = parts.get(index) else { return };
            let Some(field) = embedded.fields.iter().find(|field| field.name == part.name) else {
                sql.literal(name);
                return;
            };
            let mut member = |sql: &mut Self| {
                sql.push("(");
                column(sql);
                sql.push(" -> ").literal(&part.name).push(")");
            };
            match (&part.parts, field.ty) {
                (Some(parts), FieldType::Embedded(id)) => {
                    let inner = sql.catalog.embedded_type(id).name.clone();
                    let mut inner_column = |sql: &mut Self| match sql.dialect {
                        Dialect::Postgres => {
                            sql.push("nullif(");
                            member(sql);
                            sql.push(", 'null'::jsonb)");
                        }
                        Dialect::Sqlite => {
                            sql.push("nullif(");
                            member(sql);
                            sql.push(", 'null')");
                        }
                    };
                    sql.embedded(&inner, field.list, parts, &mut inner_column);
                }
                _ if sql.dialect == Dialect::Sqlite => {
                    sql.push("json(");
                    member(sql);
                    sql.push(")");
                }
                _ => member(sql),
            }
        });
    }

    /// A time or date cut to a unit.
    pub(crate) fn bucket(&mut self, scalar: Scalar, bucket: Bucket, column: &mut dyn FnMut(&mut Self)) {
        let unit = bucket.name().to_lowercase();
        match (self.dialect, scalar) {
            (Dialect::Postgres, Scalar::Date) => {
                self.push("date_trunc(").literal(&unit).push(", ");
                column(self);
                self.push("::timestamp)::date");
            }
            (Dialect::Postgres, _) => {
                self.push("date_trunc(").literal(&unit).push(", ");
                column(self);
                self.push(", 'UTC')");
            }
            (Dialect::Sqlite, scalar) => {
                self.sqlite_bucket(bucket, column);
                if scalar != Scalar::Date && bucket != Bucket::Hour {
                    self.push(" || 'T00:00:00'");
                }
            }
        }
    }

    fn sqlite_bucket(&mut self, bucket: Bucket, column: &mut dyn FnMut(&mut Self)) {
        let mut cut = |sql: &mut Self, length: u64| {
            sql.push("substr(");
            column(sql);
            sql.push(", 1, ").number(length).push(")");
        };
        match bucket {
            Bucket::Year => {
                cut(self, 4);
                self.push(" || '-01-01'");
            }
            Bucket::Quarter => {
                cut(self, 4);
                self.push(" || printf('-%02d-01', ((cast(substr(");
                cut(self, 7);
                self.push(", 6, 2) as integer) - 1) / 3) * 3 + 1)");
            }
            Bucket::Month => {
                cut(self, 7);
                self.push(" || '-01'");
            }
            Bucket::Week => {
                self.push("date(");
                cut(self, 10);
                self.push(", 'weekday 0', '-6 days')");
            }
            Bucket::Day => cut(self, 10),
            Bucket::Hour => {
                cut(self, 13);
                self.push(" || ':00:00'");
            }
        }
    }
}
