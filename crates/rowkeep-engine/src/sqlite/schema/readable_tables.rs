//! The schema of a database as rowkeep keeps it, and how to read each table in the order of its key.

use rowkeep_format::schema::{Ddl, KeyColumn};
use rowkeep_format::{Column, ForeignKey, Key, KeyForm, Schema, Table, TableKind, TableName};

use super::ddl::{DATABASE, ENGINE, POST_DATA, PRE_DATA};
use super::identity::identity;
use crate::sqlite::catalog::affinity::Affinity;
use crate::sqlite::catalog::properties::{Properties, SETTINGS_TABLE, settings_table};
use crate::sqlite::catalog::tables::{ByName, Facts, Object, UniqueIndex};
use crate::sqlite::quote::quoted;

/// The order in which a table is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// The table's own order is that of its key.
    Stored,
    /// The key is a unique index's. When the rowids rise along the index, the table's own order is that of the key too;
    /// else its rows have to be sorted. They are never read by way of the index, so that one that has lost entries
    /// loses no rows.
    StoredIfIndexAgrees {
        /// The name of the index.
        index: String,
    },
    /// The rows have to be sorted by us.
    Sorted,
}

/// A table and how it is read.
#[derive(Debug, Clone)]
pub(crate) struct Readable {
    pub(crate) table: Table,
    pub(crate) order: Order,
    /// The clause that asks for the table's own order; nothing when SQL has no name for that order.
    pub(crate) stored_order: String,
}

impl Readable {
    /// Whether it is a table of the database, and not the settings.
    pub(crate) fn is_stored(&self) -> bool {
        self.table.name.name != SETTINGS_TABLE
    }
}

/// All tables that have rows, and the settings.
pub(crate) fn readable_tables(facts: &[Facts], properties: &Properties) -> Vec<Readable> {
    readable_tables_but(facts, properties, &[])
}

/// The same, not in the order of unique keys in the case of `doubtful` tables.
pub(crate) fn readable_tables_but(
    facts: &[Facts],
    properties: &Properties,
    doubtful: &[TableName],
) -> Vec<Readable> {
    let by_name = ByName::of(facts);
    let read = |table: &Facts| {
        let is_doubtful = doubtful.contains(&TableName::plain(&table.name));
        readable(table, &by_name, properties, is_doubtful)
    };
    let mut tables: Vec<_> = facts.iter().map(read).collect();
    tables.push(Readable { table: settings_table(), order: Order::Stored, stored_order: String::new() });
    tables
}

/// The schema, with DDL when it is wanted.
pub(crate) fn schema(tables: &[Readable], ddl: Option<(&Properties, &[Object])>) -> Schema {
    let part = |part: &str, sql: serde_json::Result<String>| Ddl {
        part: part.into(),
        sql: sql.expect("definitions have no map with keys that are not text"),
    };
    let ddl = ddl.map_or_else(Vec::new, |(properties, objects)| {
        let (before, after): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object.kind == "table");
        vec![
            part(DATABASE, serde_json::to_string(properties)),
            part(PRE_DATA, serde_json::to_string(&before)),
            part(POST_DATA, serde_json::to_string(&after)),
        ]
    });
    Schema {
        engine: ENGINE.into(),
        tables: tables.iter().map(|table| table.table.clone()).collect(),
        inherits: Vec::new(),
        ddl,
    }
}

/// The columns of a table as read: the rowid first where nothing else tells it.
struct Stored<'a> {
    facts: &'a Facts,
    columns: Vec<Column>,
    /// Index into `columns` for each declared column; generated ones have none.
    places: Vec<Option<usize>>,
}

impl<'a> Stored<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut columns = Vec::with_capacity(facts.columns.len() + 1);
        if facts.integer_primary_key().is_none() {
            columns.extend(facts.rowid_name().map(|name| Column {
                name: name.into(),
                type_name: "INTEGER".into(),
                not_null: true,
                hidden: true,
            }));
        }
        let mut places = Vec::with_capacity(facts.columns.len());
        for column in &facts.columns {
            places.push((!column.generated).then_some(columns.len()));
            if !column.generated {
                columns.push(Column {
                    name: column.name.clone(),
                    type_name: column.type_name.clone(),
                    not_null: column.not_null,
                    hidden: false,
                });
            }
        }
        Self { facts, columns, places }
    }

    /// The places of the columns of these names, when they are all stored.
    fn places_of(&self, names: &[String]) -> Option<Vec<usize>> {
        let place = |name: &String| {
            let index =
                self.facts.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))?;
            self.places[index]
        };
        names.iter().map(place).collect()
    }

    /// The key that an index makes, when no column of it may be NULL and all are stored.
    fn key_of(&self, index: &UniqueIndex) -> Option<Key> {
        let part = |(column, _, _): &(usize, bool, String)| {
            let never_null =
                self.facts.columns[*column].not_null || self.facts.without_rowid && index.primary;
            let column = self.places[*column].filter(|_| never_null)?;
            Some(KeyColumn { column, form: KeyForm::Native })
        };
        Some(Key { columns: index.columns.iter().map(part).collect::<Option<_>>()?, unique: true })
    }
}

fn readable(facts: &Facts, all: &ByName<'_>, properties: &Properties, is_doubtful: bool) -> Readable {
    let stored = Stored::of(facts);
    let by_number = is_doubtful && stored.columns.first().is_some_and(|column| column.hidden);
    let (key, order, stored_order) = key_and_order(&stored, properties, by_number);
    let foreign_keys = facts.references.iter().filter_map(|reference| {
        let parent = all.get(&reference.table);
        let referenced_columns = match (reference.referenced.is_empty(), parent) {
            (true, Some(parent)) => parent.primary_key(),
            _ => reference.referenced.clone(),
        };
        Some(ForeignKey {
            name: None,
            columns: stored.places_of(&reference.columns)?,
            references: TableName::plain(parent.map_or(&reference.table, |parent| &parent.name)),
            referenced_columns,
        })
    });
    let kind = kind(facts);
    let rowid = stored.columns.iter().position(|column| column.hidden);
    let identity = match kind {
        TableKind::Table if !by_number => identity(facts, &stored.places, rowid, &key),
        // What SQLite and its extensions keep goes as they number it.
        _ => None,
    };
    let table = Table {
        name: TableName::plain(&facts.name),
        kind,
        foreign_keys: foreign_keys.collect(),
        key,
        identity,
        columns: stored.columns,
    };
    Readable { table, order, stored_order }
}

fn kind(facts: &Facts) -> TableKind {
    if facts.name.to_ascii_lowercase().starts_with("sqlite_") {
        TableKind::Settings
    } else if facts.shadow {
        TableKind::Shadow
    } else {
        TableKind::Table
    }
}

fn key_and_order(stored: &Stored<'_>, properties: &Properties, by_number: bool) -> (Key, Order, String) {
    let facts = stored.facts;
    let one = |column| Key { columns: vec![KeyColumn { column, form: KeyForm::Native }], unique: true };
    if let Some(place) = facts.integer_primary_key().and_then(|column| stored.places[column]) {
        return (one(place), Order::Stored, format!("ORDER BY {}", quoted(&stored.columns[place].name)));
    }
    let by_rowid = facts.rowid_name().map_or_else(String::new, |name| format!("ORDER BY {name}"));
    let unique = facts.unique.iter().filter(|_| !by_number);
    let found = unique.filter_map(|index| Some((index, stored.key_of(index)?))).next();
    let Some((index, key)) = found else {
        let key = facts.rowid_name().map_or_else(|| Key::whole_row(stored.columns.len()), |_| one(0));
        let order = if key.unique { Order::Stored } else { Order::Sorted };
        return (key, order, by_rowid);
    };
    let bytewise = is_bytewise(facts, index, properties);
    if facts.without_rowid {
        let order = if bytewise && index.primary { Order::Stored } else { Order::Sorted };
        let by_key =
            facts.unique.iter().find(|index| index.primary).map_or_else(String::new, order_by(facts));
        return (key, order, by_key);
    }
    let order = if bytewise && facts.rowid_name().is_some() {
        Order::StoredIfIndexAgrees { index: index.name.clone() }
    } else {
        Order::Sorted
    };
    (key, order, by_rowid)
}

/// Whether an index sorts as encoded keys do.
///
/// Not when text is compared otherwise than by bytes, nor when it is UTF-16; nor where an integer and a real that are equal
/// may stand in a column before the last: SQLite goes on to the next column then, an encoded key does not.
fn is_bytewise(facts: &Facts, index: &UniqueIndex, properties: &Properties) -> bool {
    let last = index.columns.len() - 1;
    let ascending = |(number, (column, descending, collation)): (usize, &(usize, bool, String))| {
        let numbers_are_of_one_kind = facts.columns[*column].affinity != Affinity::Blob || number == last;
        !descending && collation.eq_ignore_ascii_case("BINARY") && numbers_are_of_one_kind
    };
    properties.utf16().is_none() && index.columns.iter().enumerate().all(ascending)
}

/// The clause that asks for the order of an index.
fn order_by(facts: &Facts) -> impl Fn(&UniqueIndex) -> String + '_ {
    |index| {
        let part = |(column, descending, collation): &(usize, bool, String)| {
            let direction = if *descending { " DESC" } else { "" };
            format!("{} COLLATE {}{direction}", quoted(&facts.columns[*column].name), quoted(collation))
        };
        format!("ORDER BY {}", index.columns.iter().map(part).collect::<Vec<_>>().join(", "))
    }
}
