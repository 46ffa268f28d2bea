//! Statements that make of one database what another is, which has the same definitions.
//!
//! Their order spares foreign keys, whose actions D1 carries out at once, and unique indexes: updates of what is not unique, then
//! deletes, then updates of unique values in rows that others follow, then inserts. Within each, rows that refer come before those they refer to,
//! but for inserts.

use rowkeep_format::TableKind;
use rusqlite::Connection;

pub(crate) use super::comparing::Sides;
use super::comparing::{Comparing, Phases};
use super::order::Order;
use super::shape::{Shape, shapes};
use super::whole::SEQUENCES;
use crate::sqlite::catalog::tables::{Object, objects};
use crate::sqlite::connect::error::when;
use crate::{EngineError, ErrorKind};

/// The difference.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// In this order.
    pub(crate) statements: Vec<String>,
    /// How many of them are the updates, which come first.
    updates: usize,
    /// How many there are before those that come last.
    before_last: usize,
    /// The triggers that must not act, in the order in which they were created.
    pub(crate) triggers: Vec<Object>,
    /// The tables that are changed; of virtual ones those that keep their text.
    pub(crate) changed: Vec<String>,
    /// What cannot be made the same.
    pub(crate) notes: Vec<String>,
}

impl Difference {
    /// The same with updates behind inserts, so that they refer to rows that are there already; nothing where that is no other order.
    pub(crate) fn with_late_updates(&self) -> Option<Vec<String>> {
        let (updates, rest) = self.statements.split_at_checked(self.updates)?;
        let (middle, last) = rest.split_at_checked(self.before_last.checked_sub(self.updates)?)?;
        if updates.is_empty() || middle.is_empty() {
            return None;
        }
        Some([middle, updates, last].concat())
    }
}

/// Compares two databases of the same definitions; blocks.
pub(crate) fn compare(
    connection: &Connection,
    sides: Sides<'_>,
    longest: usize,
) -> Result<Difference, EngineError> {
    let objects = objects(connection)?;
    let shapes = shapes(connection, &objects)?;
    let mut comparing = Comparing { connection, sides, longest, phases: Phases::default() };
    let mut changed = Vec::new();
    // Those that refer come first.
    for at in Order::of(&shapes).places.into_iter().rev() {
        let shape = &shapes[at];
        if shape.kind == TableKind::Shadow || shape.name == SEQUENCES {
            continue;
        }
        let differs =
            if shape.key.is_empty() { comparing.whole_table(shape)? } else { comparing.table(shape)? };
        if differs {
            changed.push(shape.name.to_ascii_lowercase());
        }
    }
    let (refilled, notes) = comparing.virtual_tables(&objects, &shapes)?;
    if let Some(sequences) = shapes.iter().find(|shape| shape.name == SEQUENCES) {
        // Inserts have changed it.
        let differs = comparing.rows_differ(sequences)?;
        if !changed.is_empty() || differs {
            comparing.rewrite(sequences)?;
        }
        if differs {
            changed.push(SEQUENCES.to_owned());
        }
    }
    // Where rows of other tables follow, their triggers must not act either.
    let followed =
        shapes.iter().any(|shape| shape.acts && changed.contains(&shape.name.to_ascii_lowercase()));
    let is_resting = |object: &Object| {
        let is_of = |shape: &Shape| shape.name.eq_ignore_ascii_case(&object.table);
        object.kind == "trigger"
            && if followed {
                shapes.iter().any(is_of)
            } else {
                changed.contains(&object.table.to_ascii_lowercase())
            }
    };
    let triggers = objects.into_iter().filter(is_resting).collect();
    changed.extend(refilled);
    let (statements, updates, before_last) = comparing.phases.into_statements();
    Ok(Difference { statements, updates, before_last, triggers, changed, notes })
}

/// Refuses databases of other definitions.
pub(crate) fn check_definitions(
    connection: &Connection,
    Sides { old, new }: Sides<'_>,
) -> Result<(), EngineError> {
    let of = |schema: &str| format!("SELECT type, name, tbl_name, sql FROM {schema}.sqlite_schema");
    let (new, old) = (of(new), of(old));
    let sql = format!("SELECT EXISTS ({new} EXCEPT {old}) OR EXISTS ({old} EXCEPT {new})");
    let differ = connection.query_row(&sql, [], |row| row.get::<_, bool>(0));
    if !differ.map_err(when("comparing definitions"))? {
        return Ok(());
    }
    let message =
        "statements that change definitions cannot be a part of changes to D1: run them by themselves";
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

#[cfg(test)]
mod tests {
    use rusqlite::limits::Limit;

    use super::*;

    /// What is done to the goal, of which statements are to make the same.
    const CHANGES: &str = "
        UPDATE goal.wide SET c0 = 'z'; UPDATE goal.wide SET c99 = 'y' WHERE rowid = 2; DELETE FROM goal.wide WHERE rowid = 3;
        INSERT INTO goal.wide (rowid, c5) VALUES (8, 1), (9, 2);
        UPDATE goal.keyed SET v = 'new' WHERE b = 2; UPDATE goal.keyed SET a = 'A' WHERE b = 1;
        UPDATE goal.swapped SET u = CASE u WHEN 1 THEN 2 ELSE 1 END || 'x'; UPDATE goal.swapped SET u = rtrim(u, 'x') + 0;
        UPDATE goal.parent SET code = code || '2'; UPDATE goal.parent SET code = CASE id WHEN 1 THEN 'two' ELSE 'one' END;
        UPDATE goal.child SET parent = CASE id WHEN 10 THEN 'one' ELSE 'two' END;
        DELETE FROM goal.hidden; INSERT INTO goal.hidden VALUES (1, 2, 3), (1, 2, 3);";

    #[test]
    fn statements_make_one_what_the_other_is() {
        let connection = Connection::open_in_memory().expect("it opens");
        let wide: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
        let made = |schema: &str| {
            format!(
                "CREATE TABLE {schema}.wide ({});
                 INSERT INTO {schema}.wide (c0) VALUES (1), (2), (3);
                 CREATE TABLE {schema}.keyed (a TEXT COLLATE NOCASE, b, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
                 INSERT INTO {schema}.keyed VALUES ('a', 1, 'one'), ('b', 2, 'two');
                 CREATE TABLE {schema}.swapped (id INTEGER PRIMARY KEY, u INTEGER UNIQUE);
                 INSERT INTO {schema}.swapped VALUES (1, 1), (2, 2);
                 CREATE TABLE {schema}.parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
                 INSERT INTO {schema}.parent VALUES (1, 'one'), (2, 'two');
                 CREATE TABLE {schema}.child (id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent (code) ON UPDATE CASCADE);
                 INSERT INTO {schema}.child VALUES (10, 'one'), (20, 'two');
                 CREATE TABLE {schema}.hidden (rowid, oid, _rowid_); INSERT INTO {schema}.hidden VALUES (1, 2, 3);",
                wide.join(", ")
            )
        };
        connection
            .execute_batch(&format!(
                "ATTACH ':memory:' AS goal; PRAGMA foreign_keys = off; {} {}",
                made("main"),
                made("goal")
            ))
            .expect("they are made");
        connection.execute_batch(CHANGES).expect("it is changed");
        let limit = |columns| connection.set_limit(Limit::SQLITE_LIMIT_COLUMN, columns).expect("it is set");
        connection
            .execute_batch("PRAGMA foreign_keys = on; BEGIN; PRAGMA defer_foreign_keys = on")
            .expect("it begins");
        let sides = Sides { old: "main", new: "goal" };
        check_definitions(&connection, sides).expect("they are the same");
        // Rows of `child` follow their parents, and have to come back.
        for left in [5, 1, 0] {
            let difference = compare(&connection, sides, 2_000).expect("they are compared");
            assert_eq!(difference.changed.len(), left, "{:?}", difference.changed);
            // As D1 has it.
            limit(100);
            for sql in &difference.statements {
                assert!(sql.len() <= 2_000, "{sql}");
                connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
            }
            limit(2_000);
        }
        connection.execute_batch("COMMIT").expect("foreign keys hold");
    }
}
