//! Shape -> what the database should have of it, as far as the shape alone tells: no text as the database prints it.

use entity::catalog::{OnDelete, Using};
use entity::name::identifier;

use super::{CheckFacts, ColumnFacts, Facts, ForeignKeyFacts, IndexFacts, IndexPart, KeyFacts, TableFacts};
use crate::ddl::column::sql_type;
use crate::ddl::create_index;
use crate::dialect::Dialect;
use crate::shape::{Column, ColumnType, ForeignKey, Index, Shape, Table};

/// What a database with this shape has.
#[must_use]
pub fn expect(shape: &Shape, dialect: Dialect) -> Facts {
    let tables = shape.tables.iter().map(|it| (it.name.clone(), table(it, dialect)));
    Facts { tables: tables.collect(), ..Facts::empty(dialect) }
}

fn table(table: &Table, dialect: Dialect) -> TableFacts {
    let mut found = TableFacts {
        columns: table.columns.iter().map(|it| (it.name.clone(), column(it, dialect))).collect(),
        primary_key: KeyFacts {
            name: (dialect == Dialect::Postgres).then(|| key_name(&table.name)),
            columns: table.primary_key.clone(),
        },
        foreign_keys: table.foreign_keys.iter().map(|it| foreign_key(it, dialect)).collect(),
        indexes: table.indexes.iter().filter_map(|it| index(&table.name, it, dialect)).collect(),
        checks: table
            .checks
            .iter()
            .map(|it| (it.name.clone(), CheckFacts { validated: true, definition: None }))
            .collect(),
        ..TableFacts::default()
    };
    if dialect == Dialect::Sqlite {
        found.options.insert("STRICT".to_owned());
        found.options.extend(table.join.then(|| "WITHOUT ROWID".to_owned()));
        if !table.checks.is_empty() {
            found.triggers = check_triggers(&table.name).into_iter().map(|name| (name, None)).collect();
        }
    }
    found
}

/// The name of a primary key on PostgreSQL.
pub(crate) fn key_name(table: &str) -> String {
    identifier(&[table, "pkey"])
}

/// The names of the triggers that hold a table's checks on SQLite.
pub(crate) fn check_triggers(table: &str) -> [String; 2] {
    ["insert", "update"].map(|event| format!("{table}_check_{event}"))
}

fn column(column: &Column, dialect: Dialect) -> ColumnFacts {
    let ty = match (dialect, &column.ty) {
        // As it is printed, whatever it is called when it is made.
        (Dialect::Postgres, ColumnType::DateTime) => "timestamp(6) with time zone",
        (_, ty) => sql_type(dialect, ty),
    };
    let text = dialect == Dialect::Postgres && column.ty == ColumnType::Text;
    ColumnFacts {
        ty: ty.to_owned(),
        nullable: !column.required,
        defaulted: column.default.is_some(),
        default: None,
        collation: text.then(|| "C".to_owned()),
        filled: (column.ty == ColumnType::Serial).then(|| "identity".to_owned()),
    }
}

fn foreign_key(key: &ForeignKey, dialect: Dialect) -> (String, ForeignKeyFacts) {
    let on_delete = match key.on_delete {
        OnDelete::Restrict => "NO ACTION",
        OnDelete::Cascade => "CASCADE",
        OnDelete::SetNull => "SET NULL",
    };
    let facts = ForeignKeyFacts {
        columns: vec![key.column.clone()],
        target: key.target.clone(),
        target_columns: vec![key.target_column.clone()],
        on_delete: on_delete.to_owned(),
        validated: true,
        definition: None,
    };
    (foreign_key_name(key, dialect).to_owned(), facts)
}

/// The name a foreign key has among facts.
pub(crate) fn foreign_key_name(key: &ForeignKey, dialect: Dialect) -> &str {
    match dialect {
        Dialect::Postgres => &key.name,
        Dialect::Sqlite => &key.column,
    }
}

/// None where this database keeps no such index.
fn index(table: &str, index: &Index, dialect: Dialect) -> Option<(String, IndexFacts)> {
    create_index(dialect, table, index)?;
    let (method, class) = match (dialect, index.using) {
        (Dialect::Sqlite, _) | (Dialect::Postgres, Using::Btree) => ("btree", None),
        (Dialect::Postgres, Using::Hash) => ("hash", None),
        (Dialect::Postgres, Using::Brin) => ("brin", None),
        (Dialect::Postgres, Using::Gin) => ("gin", None),
        (Dialect::Postgres, Using::Trigram) => ("gin", Some("gin_trgm_ops")),
    };
    let parts = index.columns.iter().map(|(name, down)| IndexPart {
        what: name.clone(),
        expression: false,
        descending: *down && method == "btree",
        class: class.map(str::to_owned),
    });
    let facts = IndexFacts {
        unique: index.unique,
        valid: true,
        method: method.to_owned(),
        parts: parts.collect(),
        partial: index.condition.is_some(),
        condition: None,
        definition: None,
    };
    Some((index.name.clone(), facts))
}
