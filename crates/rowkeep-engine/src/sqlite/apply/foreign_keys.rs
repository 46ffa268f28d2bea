//! Proving that no foreign key is broken that was whole before.
//!
//! Whatever a changed row newly asks for, and whatever another no longer offers, is noted in a temporary table for each
//! foreign key. When all is changed, what is offered is taken out of it again. If a row still asks for what is left, the
//! changes have broken the foreign key; rows that asked in vain before are nobody's concern. So the proof costs
//! what the changes cost, not what the tables do, unless a table that refers to others has no index for that.
//!
//! What triggers and statements do is not known row by row: with them, rows that ask in vain are counted in the
//! whole database before and after.

use std::collections::HashMap;

use rowkeep_format::Value;
use rowkeep_format::manifest::Dangled;
use rusqlite::{Connection, Error};

use super::changed_table::ChangedTable;
use super::row_locator::{At, By};
use crate::apply::dangling_as_before;
use crate::sqlite::catalog::affinity::Affinity;
use crate::sqlite::catalog::tables::{ByName, Facts, Reference};
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind, MayDangle};

/// The foreign keys of a database that changes may break.
pub(super) struct References<'c> {
    connection: &'c Connection,
    keys: Vec<ForeignKey>,
    /// For each table by its place in the changeset: the foreign keys of its rows, and those that refer to its rows.
    of: HashMap<usize, (Vec<usize>, Vec<usize>)>,
    statements: HashMap<(usize, bool, usize, By), Statement<'c>>,
    /// How many rows asked in vain before, for each foreign key.
    before: Option<Vec<i64>>,
}

struct ForeignKey {
    child: String,
    /// The referring columns, and what names a row of the table to people.
    columns: Vec<String>,
    named_by: Vec<String>,
    child_is_indexed: bool,
    parent: String,
    parent_is_there: bool,
    referenced: Vec<String>,
    /// The temporary table of the values that may be asked for in vain, with columns `c0`, `c1`.
    doubtful: String,
    /// What the temporary table's columns are to be, so that they compare as the parent's do.
    types: Vec<String>,
    /// The places of the columns in the changeset's table, where they are in it.
    child_places: Vec<Option<usize>>,
    parent_places: Vec<Option<usize>>,
}

impl<'c> References<'c> {
    /// `all` when more may change than the subjects.
    pub(super) fn of(
        connection: &'c Connection,
        facts: &[Facts],
        changed_tables: &[ChangedTable<'_>],
        all: bool,
    ) -> Result<Self, EngineError> {
        let mut of: HashMap<usize, (Vec<usize>, Vec<usize>)> = HashMap::new();
        let mut keys: Vec<ForeignKey> = Vec::new();
        let tables = changed_tables.iter().map(|changed| (changed.table().name.name.as_str(), changed));
        let (tables, by_name) = (tables.collect::<HashMap<_, _>>(), ByName::of(facts));
        let changed = |name: &str| tables.get(name).copied();
        for child in facts {
            for reference in &child.references {
                let parent = by_name.get(&reference.table);
                let (here, there) = (changed(&child.name), parent.and_then(|parent| changed(&parent.name)));
                if here.is_none() && there.is_none() && !all {
                    continue;
                }
                let number = keys.len();
                let Some(key) = ForeignKey::of(connection, child, reference, parent, number, here, there)
                    .map_err(when(format!("the foreign keys of table {}", child.name)))?
                else {
                    continue;
                };
                if let Some(here) = here {
                    of.entry(here.index).or_default().0.push(number);
                }
                if let Some(there) = there {
                    of.entry(there.index).or_default().1.push(number);
                }
                key.create(connection).map_err(when(format!("the foreign keys of table {}", child.name)))?;
                keys.push(key);
            }
        }
        let before = match all {
            true => Some(keys.iter().map(|key| key.count(connection)).collect::<Result<_, _>>()?),
            false => None,
        };
        Ok(Self { connection, keys, of, statements: HashMap::new(), before })
    }

    /// A row is about to go, or to get other values but in columns that stay.
    pub(super) fn gone(
        &mut self,
        changed: &ChangedTable<'_>,
        at: At<'_>,
        stays: impl Fn(usize) -> bool,
    ) -> Result<(), EngineError> {
        self.note(changed, at, true, stays)
    }

    /// A row has come, or got other values but in columns that stay.
    pub(super) fn asked(
        &mut self,
        changed: &ChangedTable<'_>,
        at: At<'_>,
        stays: impl Fn(usize) -> bool,
    ) -> Result<(), EngineError> {
        self.note(changed, at, false, stays)
    }

    fn note(
        &mut self,
        changed: &ChangedTable<'_>,
        at: At<'_>,
        gone: bool,
        stays: impl Fn(usize) -> bool,
    ) -> Result<(), EngineError> {
        let Some((here, there)) = self.of.get(&changed.index) else { return Ok(()) };
        for number in if gone { there } else { here } {
            let key = &self.keys[*number];
            let (columns, places) = match gone {
                true => (&key.referenced, &key.parent_places),
                false => (&key.columns, &key.child_places),
            };
            if places.iter().all(|place| place.is_some_and(&stays)) {
                continue;
            }
            let table = changed.table();
            let doing = || format!("noting what rows of table {} refer to", table.name);
            let kept = (*number, gone, changed.index, at.by());
            if !self.statements.contains_key(&kept) {
                let names: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
                let given = names.iter().map(|name| format!("{name} IS NOT NULL")).collect::<Vec<_>>();
                let sql = format!(
                    "INSERT OR IGNORE INTO temp.{} SELECT {} FROM main.{} WHERE {} AND {}",
                    key.doubtful,
                    names.join(", "),
                    quoted(&table.name.name),
                    changed.locator.condition(at.by()),
                    given.join(" AND ")
                );
                let statement = Statement::prepare(self.connection, &sql).map_err(when(doing()))?;
                self.statements.insert(kept, statement);
            }
            if let Some(statement) = self.statements.get_mut(&kept) {
                let values: Vec<Value<'_>> = changed.locator.values(at);
                statement.run(values.into_iter(), changed.utf16, |_| true).map_err(when(doing()))?;
            }
        }
        Ok(())
    }

    /// Fails when a foreign key is broken that was whole, but for what may dangle; says what does then.
    pub(super) fn prove(
        &mut self,
        connection: &Connection,
        may_dangle: &MayDangle,
    ) -> Result<Vec<String>, EngineError> {
        self.statements.clear();
        let (mut broken, mut dangling) = (Vec::new(), Vec::new());
        for (number, key) in self.keys.iter().enumerate() {
            let found = match &self.before {
                Some(before) if key.count(connection)? <= before[number] => None,
                Some(_) => key.example(connection, false)?,
                None => key.example(connection, true)?,
            };
            let Some((rows, example)) = found else { continue };
            if u64::try_from(rows).is_ok_and(|rows| rows <= may_dangle.rows(|dangled| key.is_of(dangled))) {
                dangling.push(key.dangling_words(rows));
            } else {
                broken.push(key.words(rows, &example));
            }
        }
        if broken.is_empty() {
            Ok(dangling)
        } else {
            Err(EngineError::new(ErrorKind::Dangling, broken.join("; ")))
        }
    }
}

impl ForeignKey {
    fn of(
        connection: &Connection,
        child: &Facts,
        reference: &Reference,
        parent: Option<&Facts>,
        number: usize,
        here: Option<&ChangedTable<'_>>,
        there: Option<&ChangedTable<'_>>,
    ) -> rusqlite::Result<Option<Self>> {
        let referenced = match parent {
            Some(parent) if reference.referenced.is_empty() => parent.primary_key(),
            _ => reference.referenced.clone(),
        };
        // SQLite calls this a mismatch, and refuses to change such tables where it enforces foreign keys.
        let columns = if parent.is_some() { referenced.len() } else { reference.columns.len() };
        if columns != reference.columns.len() {
            return Ok(None);
        }
        let place = |changed: Option<&ChangedTable<'_>>, name: &String| {
            let columns = &changed?.table().columns;
            columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
        };
        let first_columns =
            "SELECT x.name FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
                             WHERE NOT i.partial AND x.seqno = 0";
        let mut statement = connection.prepare(first_columns)?;
        let indexed = statement.query_map([&child.name], |row| row.get::<_, Option<String>>(0))?;
        let mut indexed = indexed.collect::<rusqlite::Result<Vec<_>>>()?;
        indexed.push(child.integer_primary_key().map(|column| child.columns[column].name.clone()));
        let is = |name: &String| indexed.iter().flatten().any(|indexed| indexed.eq_ignore_ascii_case(name));
        Ok(Some(Self {
            child_is_indexed: reference.columns.iter().any(is),
            child_places: reference.columns.iter().map(|name| place(here, name)).collect(),
            parent_places: referenced.iter().map(|name| place(there, name)).collect(),
            types: match parent {
                Some(parent) => referenced.iter().map(|name| type_of(parent, name)).collect(),
                None => vec![String::new(); columns],
            },
            child: child.name.clone(),
            named_by: child.named_by(),
            columns: reference.columns.clone(),
            parent: parent.map_or(&reference.table, |parent| &parent.name).clone(),
            parent_is_there: parent.is_some(),
            referenced,
            doubtful: format!("rowkeep_doubtful_{number}"),
        }))
    }

    fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        let columns = self.types.iter().enumerate().map(|(number, of)| format!("c{number} {of}"));
        let names = (0..self.types.len()).map(|number| format!("c{number}")).collect::<Vec<_>>().join(", ");
        let columns = columns.collect::<Vec<_>>().join(", ");
        connection
            .execute_batch(&format!("CREATE TEMP TABLE {} ({columns}, UNIQUE ({names}))", self.doubtful))
    }

    /// That `row` of the parent is what is asked for in `asking`.
    fn offered(&self, asking: &[String]) -> String {
        let pairs = self.referenced.iter().zip(asking);
        let pairs = pairs.map(|(column, asking)| format!("p.{} = {asking}", quoted(column)));
        let parent = quoted(&self.parent);
        let all = pairs.collect::<Vec<_>>().join(" AND ");
        if self.parent_is_there {
            format!("EXISTS (SELECT 1 FROM main.{parent} AS p WHERE {all})")
        } else {
            "false".into()
        }
    }

    /// All rows that ask in vain.
    fn in_vain(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|column| format!("c.{}", quoted(column))).collect();
        let given = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect::<Vec<_>>();
        let offered = self.offered(&columns);
        format!("main.{} AS c WHERE {} AND NOT {offered}", quoted(&self.child), given.join(" AND "))
    }

    fn count(&self, connection: &Connection) -> Result<i64, EngineError> {
        let sql = format!("SELECT count(*) FROM {}", self.in_vain());
        match connection.query_row(&sql, [], |row| row.get(0)) {
            // A statement has dropped the table or the column.
            Err(Error::SqlInputError { .. }) => Ok(0),
            counted => counted.map_err(when(format!("the foreign keys of table {}", self.child))),
        }
    }

    /// How many rows ask in vain, of the doubtful ones or of all, and the first of them.
    fn example(&self, connection: &Connection, doubtful: bool) -> Result<Option<(i64, String)>, EngineError> {
        let named = |error: Error| failure(format!("the foreign keys of table {}", self.child), &error);
        let from = if doubtful {
            let asking: Vec<_> =
                (0..self.types.len()).map(|number| format!("{}.c{number}", self.doubtful)).collect();
            let sql = format!("DELETE FROM temp.{} WHERE {}", self.doubtful, self.offered(&asking));
            connection.execute_batch(&sql).map_err(named)?;
            let sql = format!("SELECT count(*) FROM temp.{}", self.doubtful);
            if connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map_err(named)? == 0 {
                return Ok(None);
            }
            let pairs = self.columns.iter().enumerate();
            let pairs = pairs.map(|(number, column)| format!("d.c{number} = c.{}", quoted(column)));
            let (child, doubtful) =
                (format!("main.{} AS c", quoted(&self.child)), format!("temp.{} AS d", self.doubtful));
            let (first, second) = if self.child_is_indexed { (doubtful, child) } else { (child, doubtful) };
            format!("{first} CROSS JOIN {second} ON {}", pairs.collect::<Vec<_>>().join(" AND "))
        } else {
            self.in_vain()
        };
        let named_by = self.named_by.iter().map(|name| format!("quote(c.{})", quoted(name)));
        let sql =
            format!("SELECT count(*), {} FROM {from}", [named_by.collect::<Vec<_>>().join(", ")].concat());
        let row = connection.query_row(&sql, [], |row| {
            let words = self.named_by.iter().enumerate().map(|(number, name)| {
                let value: Option<String> = row.get(number + 1)?;
                Ok(format!("{name} = {}", value.unwrap_or_else(|| "NULL".into())))
            });
            Ok((row.get(0)?, words.collect::<rusqlite::Result<Vec<_>>>()?.join(", ")))
        });
        let (rows, example) = row.map_err(named)?;
        Ok((rows > 0).then_some((rows, example)))
    }

    fn is_of(&self, dangled: &Dangled) -> bool {
        let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
        is(&dangled.table.name, &self.child)
            && is(&dangled.references.name, &self.parent)
            && dangled.columns.len() == self.columns.len()
            && dangled.columns.iter().zip(&self.columns).all(|(name, other)| is(name, other))
    }

    fn dangling_words(&self, rows: i64) -> String {
        dangling_as_before(rows.unsigned_abs(), &self.child, &self.parent)
    }

    fn words(&self, rows: i64, example: &str) -> String {
        let referenced = match self.referenced.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.referenced.join(", ")),
        };
        let others = match rows {
            1 => String::new(),
            rows => format!(" and {} others", rows - 1),
        };
        format!(
            "the row {example} of table {}{others} would refer to rows of table {} that are not there, against \
             FOREIGN KEY ({}) REFERENCES {}{referenced}",
            self.child,
            self.parent,
            self.columns.join(", "),
            self.parent,
        )
    }
}

/// The type of a column that compares as a column of a parent does.
fn type_of(parent: &Facts, name: &str) -> String {
    let found = parent.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let affinity = match found.map(|column| parent.columns[column].affinity) {
        // Not INTEGER, which alone would be the rowid.
        Some(Affinity::Integer) => "INT",
        Some(Affinity::Text) => "TEXT",
        Some(Affinity::Real) => "REAL",
        Some(Affinity::Numeric) => "NUMERIC",
        Some(Affinity::Blob) | None => "",
    };
    // What is referred to has a unique index in the column's own order of text.
    let parts = parent.unique.iter().flat_map(|index| &index.columns);
    let collation = parts.into_iter().find(|(column, _, _)| Some(*column) == found);
    match collation {
        Some((_, _, collation)) => format!("{affinity} COLLATE {}", quoted(collation)),
        None => affinity.into(),
    }
}
