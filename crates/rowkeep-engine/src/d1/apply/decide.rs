//! What statements make of one copy what another is, and how many steps they take.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::d1::catalog::marker::{NOTHING, unless};
use crate::d1::compose::difference::{Difference, Sides, check_definitions, compare};
use crate::d1::compose::pack::steps;
use crate::d1::connect::room::Room;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// What is done, for messages.
const DOING: &str = "trying the changes on a copy";

/// How each step begins.
const BEGIN: &str = "BEGIN; PRAGMA defer_foreign_keys = on";

/// The copy, and what it is to become.
const SIDES: Sides<'static> = Sides { old: "main", new: "goal" };

/// How often what foreign keys have done is repaired.
const REPAIRS: usize = 4;

/// The least that has to be left beside triggers.
const LEAST_BYTES: usize = 16_000;
const LEAST_STATEMENTS: usize = 16;

/// How many bytes of conditions there are at most.
const MOST_GUARDS: usize = 8_000;

/// What was found.
pub(super) struct Decided {
    /// Those that fail unless all is as it was come first.
    pub(super) statements: Vec<String>,
    /// What stands before the statements of each step, and after them: triggers must not act.
    pub(super) around: (Vec<String>, Vec<String>),
    /// What is left for the statements of each step.
    pub(super) room: Room,
    /// What people have to know.
    pub(super) notes: Vec<String>,
    /// Whether it takes several steps.
    pub(super) are_several: bool,
}

/// Finds statements that make a copy what the other is, by doing them as D1 will. Blocks.
///
/// Foreign keys of D1 act, so that rows may change that no statement names: what differs then is added. They are checked at the end of
/// each step, so several steps are tried one by one.
pub(super) fn decide(before: &Path, after: &Path, room: Room) -> Result<Decided, EngineError> {
    let longest = room.longest;
    let connection = as_d1(before, after).map_err(when(DOING))?;
    check_definitions(&connection, SIDES)?;
    let mut all = compare(&connection, SIDES, room.longest)?;
    let around = around(&all.triggers);
    let room = room.without(around.0.iter().chain(&around.1).map(String::as_str));
    if room.longest < LEAST_BYTES || room.statements < LEAST_STATEMENTS {
        let message = "the triggers of the tables that are changed leave no room in a transaction of D1, as they are taken away and created again in it: drop some, or restore into a new database";
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    if room.longest < longest {
        all = compare(&connection, SIDES, room.longest)?;
    }
    let mut head = vec![NOTHING.to_owned()];
    head.extend(guards(&connection, &all.changed));
    around.0.iter().chain(&all.statements).try_for_each(|sql| run(&connection, sql))?;
    let repairs = repairs(&connection, room.longest)?;
    around.1.iter().try_for_each(|sql| run(&connection, sql))?;
    let late = all.with_late_updates();
    let Difference { statements, notes, .. } = all;
    let mut decided = Decided { statements, around, room, notes, are_several: false };
    if decided.statements.is_empty() && repairs.is_empty() {
        return Ok(decided);
    }
    decided.statements = [head.clone(), decided.statements, repairs].concat();
    if let Some(long) = decided.statements.iter().find(|sql| sql.len() > room.longest) {
        let message = format!(
            "a statement of {} bytes is longer than D1 takes with the triggers of the tables that are changed",
            long.len()
        );
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    decided.are_several = steps(&decided.statements, room).len() > 1;
    if !decided.are_several {
        connection.execute_batch("COMMIT").map_err(when(DOING))?;
        return Ok(decided);
    }
    connection.execute_batch("ROLLBACK").map_err(when(DOING))?;
    drop(connection);
    if holds_in_steps(before, after, &decided)? {
        return Ok(decided);
    }
    if let Some(late) = late {
        decided.statements = [head, late].concat();
        if holds_in_steps(before, after, &decided)? {
            return Ok(decided);
        }
    }
    let message = "the changes are more than D1 does in one transaction, and between several of them rows would refer to rows that are not there: change fewer rows at once, or restore into a new database; over the Worker one transaction takes more";
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

/// Statements for what foreign keys have done, which is found by doing them.
fn repairs(connection: &Connection, longest: usize) -> Result<Vec<String>, EngineError> {
    let mut repairs = Vec::new();
    for _ in 0..REPAIRS {
        let mut more = compare(connection, SIDES, longest)?;
        if more.changed.is_empty() {
            return Ok(repairs);
        }
        more.statements.iter().try_for_each(|sql| run(connection, sql))?;
        repairs.append(&mut more.statements);
    }
    let message = "the changes cannot be made by statements alone, as D1 wants them: foreign keys of its tables do more";
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

/// Whether statements can be done in several steps, each of which leaves foreign keys whole, and come to the same. They are done on a
/// copy of the copy.
fn holds_in_steps(before: &Path, after: &Path, decided: &Decided) -> Result<bool, EngineError> {
    let copy = before.with_file_name("steps.db");
    duplicate(before, &copy)?;
    let connection = as_d1(&copy, after).map_err(when(DOING))?;
    let (first, last) = &decided.around;
    let run_steps = || -> rusqlite::Result<()> {
        for (number, step) in steps(&decided.statements, decided.room).into_iter().enumerate() {
            if number > 0 {
                connection.execute_batch(BEGIN)?;
            }
            first.iter().chain(step).chain(last).try_for_each(|sql| connection.execute_batch(sql))?;
            connection.execute_batch("COMMIT")?;
        }
        Ok(())
    };
    match run_steps() {
        Ok(()) => Ok(compare(&connection, SIDES, decided.room.longest)?.changed.is_empty()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
        Err(error) => Err(when(DOING)(error)),
    }
}

/// Statements that fail unless tables have as many rows as their copies, and the same last rowid: what D1 counts of its changes begins
/// anew when it starts a database anew.
fn guards(connection: &Connection, tables: &[String]) -> Vec<String> {
    let mut left = MOST_GUARDS;
    let guard = |name: &String| {
        let table = quoted(name);
        let is_stored = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name = ?1 COLLATE NOCASE)";
        connection
            .query_row(is_stored, [name], |row| row.get(0))
            .ok()
            .filter(|is_stored: &bool| *is_stored)?;
        let ask = |what: &str| {
            let sql = format!("SELECT {what} FROM main.{table}");
            connection
                .query_row(&sql, [], |row| row.get::<_, i64>(0))
                .map(|found| format!("({sql}) = {found}"))
        };
        let count = ask("count(*)").ok()?;
        Some(unless(&match ask("coalesce(max(rowid), 0)") {
            Ok(last) => format!("{count} AND {last}"),
            Err(_) => count,
        }))
    };
    let guards = tables.iter().filter_map(guard);
    let fits = |sql: &String| {
        left = left.saturating_sub(sql.len());
        left > 0
    };
    guards.take_while(fits).collect()
}

/// Runs a statement of those that are tried.
fn run(connection: &Connection, sql: &str) -> Result<(), EngineError> {
    connection.execute_batch(sql).map_err(|error| {
        let start: String = sql.chars().take(120).collect();
        failure(format!("{DOING}, {start:?}"), &error)
    })
}

/// Copies a file.
pub(super) fn duplicate(from: &Path, to: &Path) -> Result<(), EngineError> {
    std::fs::copy(from, to).map(|_| ()).map_err(|error| {
        let message = format!("copying {} to {}", from.display(), to.display());
        EngineError::new(ErrorKind::Other, message).with_source(error)
    })
}

/// Statements that take triggers away, and that bring them back in their order.
fn around(triggers: &[Object]) -> (Vec<String>, Vec<String>) {
    let gone = triggers.iter().map(|trigger| format!("DROP TRIGGER main.{}", quoted(&trigger.name)));
    let back = triggers.iter().map(|trigger| trigger.sql.clone());
    (gone.collect(), back.collect())
}

/// Opens a copy for changes by the rules of D1 and begins, and what it is to become beside it.
fn as_d1(before: &Path, after: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(before, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute("ATTACH ?1 AS goal", [after.to_string_lossy()])?;
    connection.execute_batch("PRAGMA main.journal_mode = MEMORY; PRAGMA synchronous = OFF")?;
    connection.execute_batch(BEGIN)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decides on what a change makes of a database, with room for 20,000 bytes or for all.
    fn decided(made: &str, change: &str, is_small: bool) -> Result<Decided, EngineError> {
        let folder = tempfile::tempdir().expect("a folder");
        let (before, after) = (folder.path().join("before.db"), folder.path().join("after.db"));
        Connection::open(&before).expect("it opens").execute_batch(made).expect("it is made");
        duplicate(&before, &after).expect("it is copied");
        Connection::open(&after).expect("it opens").execute_batch(change).expect("it is changed");
        let mut room = Room::of_worker();
        if is_small {
            (room.bytes, room.longest) = (20_000, 19_000);
        }
        decide(&before, &after, room)
    }

    const MADE: &str = "
        CREATE TABLE parent (id INTEGER PRIMARY KEY, v TEXT, up INTEGER REFERENCES parent);
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent);
        INSERT INTO parent VALUES (1, 'first', NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO child SELECT i, 1 FROM n;";
    const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO parent SELECT i, hex(zeroblob(100)), NULL FROM n; UPDATE child SET parent = 300;";

    #[test]
    fn several_steps_leave_foreign_keys_whole() {
        let one = decided(MADE, ROWS, false).expect("it is one step");
        assert!(!one.are_several);
        let several = decided(MADE, ROWS, true).expect("what is referred to is inserted first");
        assert!(several.are_several);
        let at = |decided: &Decided, begin: &str| {
            decided.statements.iter().position(|sql| sql.contains(begin)).expect("it is one of them")
        };
        assert!(at(&one, "UPDATE main.\"child\"") < at(&one, "INSERT INTO main.\"parent\""));
        assert!(at(&several, "UPDATE main.\"child\"") > at(&several, "INSERT INTO main.\"parent\""));
        // The first of many rows refers to the last.
        let circle = format!("{ROWS} UPDATE parent SET up = 300 WHERE id = 2");
        assert!(!decided(MADE, &circle, false).expect("it is one step").are_several);
        let error = decided(MADE, &circle, true).err().expect("it is refused");
        assert!(error.to_string().contains("between several of them rows would refer"), "{error}");
    }

    #[test]
    fn what_is_changed_has_to_have_as_many_rows() {
        let Decided { statements, .. } =
            decided(MADE, "UPDATE child SET parent = NULL", false).expect("one step");
        let guards: Vec<&String> = statements.iter().filter(|sql| sql.contains("count(*)")).collect();
        assert_eq!(guards.len(), 1, "{statements:?}");
        assert!(guards[0].contains("= 300 AND"), "{guards:?}");
        let is_let_through = |more: &str| {
            let connection = Connection::open_in_memory().expect("it opens");
            connection.execute_batch(&format!("{MADE} {more}")).expect("it is made");
            connection.execute_batch(guards[0]).is_ok()
        };
        assert!(is_let_through(""));
        assert!(!is_let_through("DELETE FROM child WHERE id = 7"));
        assert!(!is_let_through("UPDATE child SET id = 301 WHERE id = 7"));
    }

    #[test]
    fn triggers_leave_room_or_it_is_refused() {
        let with = |bytes: usize| {
            format!(
                "{MADE} CREATE TRIGGER t AFTER UPDATE ON child BEGIN SELECT '{}'; END;",
                "x".repeat(bytes)
            )
        };
        let change = "UPDATE child SET parent = NULL; INSERT INTO child SELECT id + 1000, 1 FROM child";
        let decided = |bytes| super::tests::decided(&with(bytes), change, true);
        let little = decided(2_000).expect("there is room");
        assert!(
            little.room.longest < 18_000
                && little.statements.iter().all(|sql| sql.len() <= little.room.longest)
        );
        let error = decided(6_000).err().expect("there is no room");
        assert!(error.to_string().contains("leave no room"), "{error}");
    }
}
