//! The rows of a table as a person would have them, and what a restore is to make of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rowkeep::apply::plan::Mode;
use rowkeep::format::Counts;

/// A row: the number of its key, NULL where there is none; whether the key is written in its other way; its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) id: Option<u8>,
    pub(super) other: bool,
    pub(super) value: u8,
}

/// The rows of a table by their rowids.
#[derive(Debug, Clone)]
pub(super) struct Table(pub(super) BTreeMap<i64, Row>);

/// A kind of table.
pub(super) struct Shape {
    pub(super) create: &'static str,
    /// The columns of the key, as rows are put in.
    pub(super) columns: &'static str,
    /// The key of a row in SQL.
    pub(super) literal: fn(&Row) -> String,
    /// Rowid, key and value of all rows, the key as SQL has it.
    pub(super) select: &'static str,
    /// A key as people write it, not in the way that the row has it.
    pub(super) key: fn(u8) -> String,
    pub(super) has_rowids: bool,
    /// Whether rows have a key that people name.
    pub(super) is_keyed: bool,
    pub(super) takes_null: bool,
    /// Whether a key can be written in two ways that are equal.
    pub(super) has_other: bool,
}

/// A row as it is found. One that is expected has no rowid where any will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) rowid: Option<i64>,
    pub(super) id: String,
    pub(super) value: String,
}

/// Which rows are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meant {
    All,
    /// Those that have this value before or after.
    Value(u8),
    /// Those with these keys.
    Keys(Vec<u8>),
}

/// What is to come of a restore.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) rows: Vec<Told>,
    pub(super) counts: Counts,
    /// A row that nothing but its rowid tells cannot have it.
    pub(super) is_refused: bool,
}

const PLAIN: Shape = Shape {
    create: "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)",
    columns: "id",
    literal: |row| row.id.map_or("NULL".into(), |id| format!("'k{id}'")),
    select: "SELECT rowid, quote(id), v FROM t",
    key: |id| format!("k{id}"),
    has_rowids: true,
    is_keyed: true,
    takes_null: true,
    has_other: false,
};

fn pair(row: &Row) -> String {
    row.id.map_or("'a0',NULL".into(), |id| format!("'a{}',{}", id % 3, id / 3))
}

fn uuid(id: u8) -> String {
    format!("0f000000-0000-4000-8000-0000000000{id:02x}")
}

pub(super) fn sqlite() -> Vec<Shape> {
    vec![
        PLAIN,
        Shape {
            create: "CREATE TABLE t (b INTEGER, a TEXT, v TEXT, PRIMARY KEY (a, b))",
            columns: "a, b",
            literal: pair,
            select: "SELECT rowid, quote(a) || ',' || quote(b), v FROM t",
            key: |id| format!("a{},{}", id % 3, id / 3),
            ..PLAIN
        },
        Shape {
            create: "CREATE TABLE t (id char(36) NOT NULL PRIMARY KEY, v TEXT)",
            literal: |row| format!("'{}'", uuid(row.id.unwrap_or_default())),
            key: uuid,
            takes_null: false,
            ..PLAIN
        },
        Shape {
            create: "CREATE TABLE t (v TEXT, id TEXT COLLATE NOCASE PRIMARY KEY)",
            literal: |row| {
                let name = if row.other { "Key" } else { "kEY" };
                row.id.map_or("NULL".into(), |id| format!("'{name}{id}'"))
            },
            key: |id| format!("KEY{id}"),
            has_other: true,
            ..PLAIN
        },
        Shape {
            create: "CREATE TABLE t (id NOT NULL UNIQUE, v TEXT)",
            literal: |row| format!("{}{}", row.id.unwrap_or_default(), if row.other { ".0" } else { "" }),
            key: |id| format!("{id}.0"),
            takes_null: false,
            has_other: true,
            ..PLAIN
        },
        Shape { create: "CREATE TABLE t (id TEXT, v TEXT)", is_keyed: false, ..PLAIN },
    ]
}

pub(super) fn postgres() -> Vec<Shape> {
    let plain = Shape {
        create: "CREATE TABLE t (id text PRIMARY KEY, v text)",
        select: "SELECT 0, quote_literal(id), v FROM t",
        has_rowids: false,
        takes_null: false,
        ..PLAIN
    };
    vec![
        Shape {
            create: "CREATE TABLE t (b integer, a text, v text, PRIMARY KEY (a, b))",
            columns: "a, b",
            literal: pair,
            select: "SELECT 0, quote_literal(a) || ',' || b, v FROM t",
            key: |id| format!("a{},{}", id % 3, id / 3),
            ..plain
        },
        Shape {
            create: "CREATE TABLE t (id uuid PRIMARY KEY, v text)",
            literal: |row| format!("'{}'", uuid(row.id.unwrap_or_default())),
            select: "SELECT 0, quote_literal(id), v FROM t",
            key: |id| uuid(id).to_uppercase(),
            ..plain
        },
        Shape {
            create: "CREATE TABLE t (id text, v text)",
            select: "SELECT 0, coalesce(quote_literal(id), 'NULL'), v FROM t",
            is_keyed: false,
            takes_null: true,
            ..plain
        },
        Shape {
            create: "CREATE TABLE t (id interval PRIMARY KEY, v text)",
            literal: |row| match (row.id.unwrap_or_default() + 1, row.other) {
                (1, true) => "'1 day'".into(),
                (days, true) => format!("'{days} days'"),
                (days, false) => format!("'{}:00:00'", 24 * u32::from(days)),
            },
            select: "SELECT 0, quote_literal(id), v FROM t",
            key: |id| format!("{}:00", 24 * (u32::from(id) + 1)),
            has_other: true,
            ..plain
        },
        plain,
    ]
}

/// A table for a server that has the type.
pub(super) fn citext() -> Shape {
    Shape {
        create: "CREATE TABLE t (v text, id citext PRIMARY KEY)",
        literal: |row| format!("'{}{}'", if row.other { "Key" } else { "kEY" }, row.id.unwrap_or_default()),
        select: "SELECT 0, quote_literal(id), v FROM t",
        key: |id| format!("KEY{id}"),
        has_rowids: false,
        takes_null: false,
        has_other: true,
        ..PLAIN
    }
}

pub(super) fn any_table(shape: &Shape) -> impl Strategy<Value = Table> + use<> {
    let (takes_null, has_other, is_keyed) = (shape.takes_null, shape.has_other, shape.is_keyed);
    let row = (1i64..14, prop::option::weighted(0.85, 0u8..10), any::<bool>(), 0u8..3);
    prop::collection::vec(row, 0..14).prop_map(move |rows| {
        let (mut table, mut ids) = (BTreeMap::new(), BTreeSet::new());
        for (rowid, id, other, value) in rows {
            let id = if takes_null { id } else { Some(id.unwrap_or(9)) };
            let is_free = !table.contains_key(&rowid) && id.is_none_or(|id| !is_keyed || ids.insert(id));
            if is_free {
                // NULL is written in one way only.
                let other = other && has_other && id.is_some();
                table.insert(rowid, Row { id, other, value });
            }
        }
        Table(table)
    })
}

/// What makes a row the same row in two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    Key(u8),
    Rowid(i64),
    /// Its values, and which of those that are the same it is.
    Values(Row, usize),
}

fn identified(shape: &Shape, table: &Table) -> BTreeMap<Identity, (i64, Row)> {
    let mut found = BTreeMap::new();
    for (rowid, row) in &table.0 {
        let identity = match row.id {
            Some(id) if shape.is_keyed => Identity::Key(id),
            _ if shape.has_rowids => Identity::Rowid(*rowid),
            _ => {
                let same = (0..).find(|nth| !found.contains_key(&Identity::Values(*row, *nth)));
                Identity::Values(*row, same.unwrap_or_default())
            }
        };
        found.insert(identity, (*rowid, *row));
    }
    found
}

/// What is to come of restoring the rows of `stored` into a table that has those of `live`.
pub(super) fn expected(shape: &Shape, live: &Table, stored: &Table, mode: Mode, meant: &Meant) -> Expected {
    let (old, new) = (identified(shape, live), identified(shape, stored));
    let is_meant = |identity: &Identity| match meant {
        Meant::All => true,
        Meant::Keys(keys) => matches!(identity, Identity::Key(id) if keys.contains(id)),
        Meant::Value(value) => {
            [&old, &new].iter().any(|rows| rows.get(identity).is_some_and(|(_, row)| row.value == *value))
        }
    };
    let whole = mode == Mode::Replace && *meant == Meant::All;
    let (mut counts, mut outcome) = (Counts::default(), Vec::new());
    for (identity, (rowid, row)) in &old {
        match new.get(identity) {
            Some((new_rowid, new_row)) if mode != Mode::Merge && is_meant(identity) => {
                let moves = whole && shape.has_rowids && new_rowid != rowid;
                counts.updated += u64::from(moves || new_row != row);
                outcome.push((Some(if moves { *new_rowid } else { *rowid }), *new_row));
            }
            None if mode == Mode::Replace && is_meant(identity) => counts.deleted += 1,
            _ => outcome.push((Some(*rowid), *row)),
        }
    }
    let stay: BTreeSet<i64> = outcome.iter().filter_map(|(rowid, _)| *rowid).collect();
    let mut is_refused = false;
    for (identity, (rowid, row)) in new.iter().filter(|(identity, _)| !old.contains_key(identity)) {
        if is_meant(identity) {
            counts.inserted += 1;
            let is_taken = shape.has_rowids && stay.contains(rowid);
            is_refused |= is_taken && matches!(identity, Identity::Rowid(_));
            outcome.push(((!is_taken).then_some(*rowid), *row));
        }
    }
    let told = |(rowid, row): &(Option<i64>, Row)| Told {
        rowid: rowid.filter(|_| shape.has_rowids),
        id: (shape.literal)(row),
        value: format!("v{}", row.value),
    };
    Expected { rows: outcome.iter().map(told).collect(), counts, is_refused }
}
