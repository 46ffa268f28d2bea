//! Tables of two databases, compared row by row.

use rowkeep_format::{TableKind, Value};
use rusqlite::Connection;

use super::rows::{Deletes, Inserts, Updates};
use super::shape::Shape;
use super::virtual_tables::{Filling, Virtual};
use crate::EngineError;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::quote::quoted;

/// What rows get for a moment, and what is below it.
const ASIDE: i64 = -(1 << 62);

/// The databases that are compared, as a connection to both names them. Statements are for that which is called `main`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<'s> {
    pub(crate) old: &'s str,
    pub(crate) new: &'s str,
}

/// Statements in the order in which they spare foreign keys and unique indexes.
#[derive(Default)]
pub(super) struct Phases {
    updates: Vec<String>,
    deletes: Vec<String>,
    /// Rows that others follow get values that nobody has, so that two can take each other's.
    aside: Vec<String>,
    followed: Vec<String>,
    /// Of each table.
    inserts: Vec<Vec<String>>,
    last: Vec<String>,
}

impl Phases {
    /// All of them, how many of them are the updates, which come first, and how many there are before those that come last.
    pub(super) fn into_statements(self) -> (Vec<String>, usize, usize) {
        let Self { updates: mut all, deletes, aside, followed, inserts, last } = self;
        let updates = all.len();
        // Rows that are referred to are inserted first.
        let inserts = inserts.into_iter().rev().flatten();
        all.extend(deletes.into_iter().chain(aside).chain(followed).chain(inserts));
        let before_last = all.len();
        all.extend(last);
        (all, updates, before_last)
    }
}

/// A comparison on its way.
pub(super) struct Comparing<'c> {
    pub(super) connection: &'c Connection,
    pub(super) sides: Sides<'c>,
    pub(super) longest: usize,
    pub(super) phases: Phases,
}

impl Comparing<'_> {
    /// Compares a table row by row, and says whether there is a difference.
    pub(super) fn table(&mut self, shape: &Shape) -> Result<bool, EngineError> {
        let doing = || format!("comparing table {}", shape.name);
        let (connection, longest, phases) = (self.connection, self.longest, &mut self.phases);
        let (mut deletes, mut inserts) =
            (Deletes::new(shape, longest), Inserts::new(&shape.name, &shape.names(), longest));
        let (mut updates, mut followed) = (Updates::new(shape, longest), Updates::new(shape, longest));
        let mut aside = Updates::new(shape, longest);
        let (mut inserted, mut differs, mut put_aside) = (Vec::new(), false, 0_i64);
        let count = shape.columns.len();

        let mut gone = Statement::prepare(connection, &gone(shape, self.sides)).map_err(when(doing()))?;
        while gone.step().map_err(when(doing()))? {
            let key = shape.key.iter().map(|at| gone.value(*at).unwrap_or(Value::Null));
            deletes.add(key, &mut into(&mut phases.deletes))?;
            differs = true;
        }
        let mut both = Statement::prepare(connection, &both(shape, self.sides)).map_err(when(doing()))?;
        while both.step().map_err(when(doing()))? {
            let new = |at: usize| both.value(at).unwrap_or(Value::Null);
            let old = |at: usize| both.value(count + at).unwrap_or(Value::Null);
            if old(shape.key[0]) == Value::Null {
                inserts.add((0..count).map(new), &mut into(&mut inserted))?;
                differs = true;
                continue;
            }
            let columns: Vec<usize> = (0..count).filter(|at| new(*at) != old(*at)).collect();
            if columns.is_empty() {
                continue;
            }
            differs = true;
            let key = shape.key.iter().map(|at| old(*at));
            let values = columns.iter().map(|at| new(*at));
            if !shape.moves(&columns) {
                updates.add(&columns, key, values, &mut into(&mut phases.updates))?;
            } else if shape.acts {
                put_aside += 1;
                let unique = shape.unique_of(&columns);
                let others = unique.iter().map(|_| Value::Integer(ASIDE - put_aside));
                aside.add(&unique, key.clone(), others, &mut into(&mut phases.aside))?;
                followed.add(&columns, key, values, &mut into(&mut phases.followed))?;
            } else {
                deletes.add(key, &mut into(&mut phases.deletes))?;
                inserts.add((0..count).map(new), &mut into(&mut inserted))?;
            }
        }
        deletes.end(&mut into(&mut phases.deletes))?;
        updates.end(&mut into(&mut phases.updates))?;
        followed.end(&mut into(&mut phases.followed))?;
        inserts.end(&mut into(&mut inserted))?;
        if put_aside > 1 {
            aside.end(&mut into(&mut phases.aside))?;
        }
        phases.inserts.push(inserted);
        Ok(differs)
    }

    /// The same of a table whose rows SQL has no name for.
    pub(super) fn whole_table(&mut self, shape: &Shape) -> Result<bool, EngineError> {
        if !self.rows_differ(shape)? {
            return Ok(false);
        }
        self.phases.deletes.push(format!("DELETE FROM main.{}", quoted(&shape.name)));
        let inserted = self.all_rows(shape)?;
        self.phases.inserts.push(inserted);
        Ok(true)
    }

    /// Gives a table all of its rows anew, when all else is done.
    pub(super) fn rewrite(&mut self, shape: &Shape) -> Result<(), EngineError> {
        self.phases.last.push(format!("DELETE FROM main.{}", quoted(&shape.name)));
        let inserted = self.all_rows(shape)?;
        self.phases.last.extend(inserted);
        Ok(())
    }

    /// What virtual tables keep beside cannot be written: they are filled again where that differs. Gives those which are, and
    /// says of which that cannot be.
    pub(super) fn virtual_tables(
        &mut self,
        objects: &[Object],
        shapes: &[Shape],
    ) -> Result<(Vec<String>, Vec<String>), EngineError> {
        let has = |name: &str| shapes.iter().any(|shape| shape.name == name);
        let (mut refilled, mut notes) = (Vec::new(), Vec::new());
        for table in objects.iter().filter_map(|object| Virtual::of(object, has)) {
            // The text itself, where it is kept: how its index is divided is of no matter.
            let content = format!("{}_content", table.name);
            let is_compared = |shape: &&Shape| match has(&content) {
                true => shape.name == content,
                false => table.keeps(&shape.name),
            };
            let kept = shapes.iter().filter(|shape| shape.kind == TableKind::Shadow).filter(is_compared);
            let mut differs = false;
            for shape in kept {
                differs |= self.rows_differ(shape)?;
            }
            if !differs {
                continue;
            }
            if let Some(content) = shapes.iter().find(|shape| shape.name == content) {
                refilled.push(table.name.clone());
                if self.texts(content, &table)? {
                    continue;
                }
            }
            match table.filling {
                Filling::Rows { .. } => {
                    self.phases.last.push(format!("DELETE FROM main.{}", quoted(&table.name)));
                }
                Filling::Rebuild => {}
                Filling::Nothing | Filling::Impossible => {
                    notes.push(format!(
                        "virtual table {} stays as it is: D1 lets nobody write what it keeps, and it cannot be made again",
                        table.name
                    ));
                    continue;
                }
            }
            table.fill(self.connection, self.sides.new, self.longest, &mut into(&mut self.phases.last))?;
        }
        Ok((refilled, notes))
    }

    /// Changes the rows of a full-text table by what its table of texts has become; false where they have other columns.
    fn texts(&mut self, content: &Shape, table: &Virtual) -> Result<bool, EngineError> {
        let doing = || format!("comparing table {}", content.name);
        let columns = table.columns(self.connection)?;
        if content.key != [0] || columns.len() + 1 != content.columns.len() {
            return Ok(false);
        }
        let names: Vec<String> = std::iter::once("rowid".to_owned()).chain(columns).collect();
        let head = names.iter().map(|name| quoted(name)).collect::<Vec<_>>();
        let written = Shape { name: table.name.clone(), columns: names, ..content.clone() };
        let mut deletes = Deletes::new(&written, self.longest);
        let mut inserts = Inserts::new(&table.name, &head, self.longest);
        let (last, mut inserted) = (&mut self.phases.last, Vec::new());
        let mut gone =
            Statement::prepare(self.connection, &gone(content, self.sides)).map_err(when(doing()))?;
        while gone.step().map_err(when(doing()))? {
            deletes.add(std::iter::once(gone.value(0).unwrap_or(Value::Null)), &mut into(last))?;
        }
        let mut both =
            Statement::prepare(self.connection, &both(content, self.sides)).map_err(when(doing()))?;
        let count = content.columns.len();
        while both.step().map_err(when(doing()))? {
            let new = |at: usize| both.value(at).unwrap_or(Value::Null);
            let old = |at: usize| both.value(count + at).unwrap_or(Value::Null);
            if (0..count).all(|at| new(at) == old(at)) {
                continue;
            }
            if old(0) != Value::Null {
                deletes.add(std::iter::once(old(0)), &mut into(last))?;
            }
            inserts.add((0..count).map(new), &mut into(&mut inserted))?;
        }
        deletes.end(&mut into(last))?;
        inserts.end(&mut into(&mut inserted))?;
        last.extend(inserted);
        Ok(true)
    }

    /// All rows of a table as statements that insert them.
    fn all_rows(&self, shape: &Shape) -> Result<Vec<String>, EngineError> {
        let doing = || format!("reading table {}", shape.name);
        let sql = format!(
            "SELECT {} FROM {}.{} NOT INDEXED",
            shape.names().join(", "),
            self.sides.new,
            quoted(&shape.name)
        );
        let mut rows = Statement::prepare(self.connection, &sql).map_err(when(doing()))?;
        let (mut inserts, mut out) = (Inserts::new(&shape.name, &shape.names(), self.longest), Vec::new());
        while rows.step().map_err(when(doing()))? {
            let values = (0..shape.columns.len()).map(|at| rows.value(at).unwrap_or(Value::Null));
            inserts.add(values, &mut into(&mut out))?;
        }
        inserts.end(&mut into(&mut out))?;
        Ok(out)
    }

    /// Whether a table has other rows on both sides, or the same in another order.
    pub(super) fn rows_differ(&self, shape: &Shape) -> Result<bool, EngineError> {
        let compare = || -> rusqlite::Result<bool> {
            let select = |schema: &str| {
                let names = shape.names().join(", ");
                format!("SELECT {names} FROM {schema}.{} NOT INDEXED", quoted(&shape.name))
            };
            let mut new = Statement::prepare(self.connection, &select(self.sides.new))?;
            let mut old = Statement::prepare(self.connection, &select(self.sides.old))?;
            loop {
                match (new.step()?, old.step()?) {
                    (false, false) => return Ok(false),
                    (true, true) if (0..shape.columns.len()).all(|at| new.value(at) == old.value(at)) => {}
                    _ => return Ok(true),
                }
            }
        };
        compare().map_err(when(format!("comparing table {}", shape.name)))
    }
}

/// Takes statements into a list.
fn into(list: &mut Vec<String>) -> impl FnMut(String) -> Result<(), EngineError> + '_ {
    move |sql| {
        list.push(sql);
        Ok(())
    }
}

/// The rows of the old table that the new one does not have.
fn gone(shape: &Shape, Sides { old, new }: Sides<'_>) -> String {
    format!(
        "SELECT {} FROM {old}.{table} AS o WHERE NOT EXISTS (SELECT 1 FROM {new}.{table} AS n WHERE {})",
        listed(shape, 'o'),
        same_key(shape, 'n', 'o'),
        table = quoted(&shape.name)
    )
}

/// The rows of the new table, each with that of the old one.
fn both(shape: &Shape, Sides { old, new }: Sides<'_>) -> String {
    format!(
        "SELECT {}, {} FROM {new}.{table} AS n LEFT JOIN {old}.{table} AS o ON {}",
        listed(shape, 'n'),
        listed(shape, 'o'),
        same_key(shape, 'o', 'n'),
        table = quoted(&shape.name)
    )
}

fn listed(shape: &Shape, of: char) -> String {
    shape.names().iter().map(|name| format!("{of}.{name}")).collect::<Vec<_>>().join(", ")
}

fn same_key(shape: &Shape, sought: char, given: char) -> String {
    let equal = |name: &String| format!("{sought}.{name} = {given}.{name}");
    shape.key_names().iter().map(equal).collect::<Vec<_>>().join(" AND ")
}
