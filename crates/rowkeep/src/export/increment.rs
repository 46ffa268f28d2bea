//! What changed between two states, as Phone Range Nexus keeps its incremental backups.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::TryStreamExt;
use rowkeep_format::{Change, ContentKeys, Counts, Table, TableChanges};
use serde::Serialize;

use super::documents::{PROGRAM, Written, before, prn_name};
use super::files::Files;
use super::format::{ExportFormat, WriteRows};
use super::objects::{Elements, Member, iso, json, keys, losses, members, time_of};
use super::options::ExportOptions;
use super::sheet::{Sheet, Sink};
use super::source::Source;
use super::tables::file;
use crate::diff::{Changeset, DiffOptions, Difference, Filter, SchemaDifference, diff};
use crate::rows::plain::BigIntegers;
use crate::{Context, Error, State};

/// What an increment says of itself.
#[derive(Serialize)]
struct Metadata<'a> {
    version: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    base_backup: String,
    since_timestamp: String,
    until_timestamp: String,
    /// The columns that name the rows of each table.
    keys: BTreeMap<&'a str, Vec<String>>,
    program: &'a str,
    /// What of the states is in it, where not all is as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
}

/// What was written, at the end, where it is known.
#[derive(Serialize)]
struct Integrity {
    record_count: u64,
}

/// Fails for a format in which changes cannot be told.
pub(super) fn check(format: ExportFormat) -> Result<(), Error> {
    match format {
        ExportFormat::Prn => Ok(()),
        other => Err(Error::Export(format!(
            "{} holds one state, not what changed between two: choose --format prn, or rowkeep diff",
            other.name()
        ))),
    }
}

/// Compares the states. The changes are those that make the second the first, so that they have the columns of the second.
pub(super) async fn compare(
    context: &Context,
    keys: &ContentKeys,
    (old, new): (&State, &State),
    options: &ExportOptions,
) -> Result<Difference, Error> {
    let filter = Filter { rows: options.rows.clone(), settings: false, rowids: false, ..Filter::default() };
    let wanted = DiffOptions { selection: options.selection.clone(), filter, ..DiffOptions::default() };
    let difference = diff(context, keys, new, old, &wanted).await?;
    let is_of_rows = |found: &&SchemaDifference| {
        !matches!(found, SchemaDifference::TableGone(_) | SchemaDifference::TableNew(_))
    };
    let of_rows: Vec<String> =
        difference.schema.iter().filter(is_of_rows).map(|found| reversed(found).to_string()).collect();
    match of_rows.is_empty() {
        true => Ok(difference),
        false => Err(Error::Export(format!(
            "from the first state to the second, {}: an increment would not have the rows that differ by that alone, and what is \
             put together with it would be wrong; export the second state in full",
            of_rows.join("; ")
        ))),
    }
}

/// A difference between schemas, told from the other side.
fn reversed(found: &SchemaDifference) -> SchemaDifference {
    use SchemaDifference::{ColumnChanged, ColumnGone, ColumnNew, KeyChanged, TableGone, TableNew};
    match found.clone() {
        TableGone(table) => TableNew(table),
        TableNew(table) => TableGone(table),
        ColumnGone { table, column } => ColumnNew { table, column },
        ColumnNew { table, column } => ColumnGone { table, column },
        ColumnChanged { table, column, before, after } => {
            ColumnChanged { table, column, before: after, after: before }
        }
        KeyChanged { table, before, after } => KeyChanged { table, before: after, after: before },
    }
}

/// What changed, on its way into a file.
pub(super) struct Increment<'a> {
    pub(super) old: &'a Source<'a>,
    pub(super) new: &'a Source<'a>,
    pub(super) difference: &'a Difference,
    pub(super) options: &'a ExportOptions,
}

/// One list of the rows of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Inserted,
    Updated,
    Deleted,
}

impl Increment<'_> {
    /// The name of the file in a folder.
    pub(super) fn name(&self) -> String {
        prn_name("incremental", self.new)
    }

    /// Writes all changes.
    pub(super) async fn write(&self, files: &mut Files, name: &str) -> Result<Written, Error> {
        let changes = &self.difference.changes;
        let changed: Vec<(usize, &TableChanges)> = changes.tables().iter().enumerate().collect();
        let of_new = |table: &Table| self.new.state.schema().table(&table.name);
        let mut tables: Vec<&Table> =
            changed.iter().filter_map(|(_, changes)| of_new(&changes.table)).collect();
        let is_own = |table: &&Table| table.kind.is_user_table();
        let only = |names: &[(rowkeep_format::TableName, u64)], state: &State| -> Vec<Table> {
            names.iter().filter_map(|(name, _)| state.schema().table(name)).filter(is_own).cloned().collect()
        };
        let begun = only(&self.difference.only_before, self.new.state);
        let ended = only(&self.difference.only_after, self.old.state);
        tables.extend(begun.iter().chain(&ended));
        tables.retain(is_own);
        let members = members(&tables, &self.options.names)?;
        let mut sheet = files.sheet(name)?;
        let mut writing = Writing { increment: self, sheet: &mut sheet, elements: Vec::new(), tables: 0 };
        writing.sheet.write(self.head(&members).as_bytes()).await?;
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for member in &members {
            let place = changed.iter().find(|(_, changes)| changes.table.name == member.table.name);
            let written = match place {
                Some((at, of_table)) => writing.changed(member, *at, of_table, changes).await?,
                None if begun.contains(member.table) => writing.all_inserted(member).await?,
                None => writing.all_deleted(member).await?,
            };
            if written.total() > 0 {
                counts.insert(&member.name, written);
            }
        }
        let notes = losses(&writing.elements).chain(self.notes()).collect();
        let rows = counts.values().map(Counts::total).sum();
        let integrity = json(&Integrity { record_count: rows });
        sheet.write(format!("\n}},\n\"integrity\":{integrity}}}\n").as_bytes()).await?;
        let names = members.iter().filter(|member| counts.contains_key(member.name.as_str()));
        let names = names.map(|member| member.table.name.to_string()).collect();
        Ok(Written { file: file(files.keep(sheet).await?, names, rows), beside: Vec::new(), notes })
    }

    fn head(&self, members: &[Member<'_>]) -> String {
        let base = self.options.base.clone().unwrap_or_else(|| prn_name("full", self.old));
        let metadata = Metadata {
            version: "4.0",
            kind: "incremental_backup",
            base_backup: base,
            since_timestamp: iso(time_of(self.old)),
            until_timestamp: iso(time_of(self.new)),
            keys: keys(members, self.new.state.dialect()),
            program: PROGRAM,
            part: self.options.part(),
        };
        format!("{{\"metadata\":{},\n\"changes\":{{", json(&metadata))
    }

    /// What the file cannot say.
    fn notes(&self) -> impl Iterator<Item = String> {
        self.difference.schema.iter().map(|difference| {
            let difference = reversed(difference);
            format!("{difference}: an increment has rows alone, so that what it makes has the table as its rows are, or empty")
        })
    }
}

struct Writing<'a> {
    increment: &'a Increment<'a>,
    sheet: &'a mut Sheet,
    elements: Vec<Arc<Elements>>,
    /// Tables that were begun.
    tables: usize,
}

impl Writing<'_> {
    /// Writes what changed in a table that both states have.
    async fn changed(
        &mut self,
        member: &Member<'_>,
        at: usize,
        of_table: &TableChanges,
        changes: &Changeset,
    ) -> Result<Counts, Error> {
        // The changes make the second state the first.
        let counts = of_table.counts.reversed();
        let lists = [
            (List::Inserted, counts.inserted),
            (List::Updated, counts.updated),
            (List::Deleted, counts.deleted),
        ];
        if counts.total() == 0 {
            return Ok(counts);
        }
        self.begin(member).await?;
        for (number, (list, _)) in lists.into_iter().filter(|(_, count)| *count > 0).enumerate() {
            self.list(number, list).await?;
            let elements = self.elements(list, &of_table.table, self.increment.new)?;
            let mut stream = std::pin::pin!(changes.changes(at));
            while let Some(run) = stream.try_next().await? {
                let wanted: Vec<usize> = run
                    .iter()
                    .filter_map(|change| match (change, list) {
                        (Change::Delete { before }, List::Inserted) => Some(before),
                        (Change::Update { before, .. }, List::Updated) => Some(before),
                        (Change::Insert { after }, List::Deleted) => Some(after),
                        _ => None,
                    })
                    .collect();
                let (new, old) = run.into_rows();
                let (source, rows) = match list {
                    List::Deleted => (self.increment.old, old),
                    _ => (self.increment.new, new),
                };
                let rows = source.masked(&of_table.table.name, rows)?;
                let mut out = Vec::new();
                wanted.into_iter().for_each(|row| elements.add(&rows, row, &mut out));
                self.sheet.write(&out).await?;
            }
            self.sheet.write(b"\n]").await?;
        }
        self.sheet.write(b"}").await?;
        Ok(counts)
    }

    /// Writes a table that only the second state has.
    async fn all_inserted(&mut self, member: &Member<'_>) -> Result<Counts, Error> {
        let inserted = self.all(member, List::Inserted, self.increment.new).await?;
        Ok(Counts { inserted, ..Counts::default() })
    }

    /// Writes that a table has no row any more which only the first state has.
    async fn all_deleted(&mut self, member: &Member<'_>) -> Result<Counts, Error> {
        let deleted = self.all(member, List::Deleted, self.increment.old).await?;
        Ok(Counts { deleted, ..Counts::default() })
    }

    async fn all(&mut self, member: &Member<'_>, list: List, source: &Source<'_>) -> Result<u64, Error> {
        self.begin(member).await?;
        self.list(0, list).await?;
        let writer: Arc<dyn WriteRows> = self.elements(list, member.table, source)?;
        let rows = source.write(member.table, &writer, self.sheet).await?;
        self.sheet.write(b"\n]}").await?;
        Ok(rows)
    }

    async fn begin(&mut self, member: &Member<'_>) -> Result<(), Error> {
        let before = before(self.tables, &member.name);
        self.tables += 1;
        self.sheet.write(format!("{before}{{").as_bytes()).await
    }

    async fn list(&mut self, number: usize, list: List) -> Result<(), Error> {
        let name = match list {
            List::Inserted => "inserted",
            List::Updated => "updated",
            List::Deleted => "deleted",
        };
        self.sheet.write(format!("{}[", before(number, name)).as_bytes()).await
    }

    fn elements(&mut self, list: List, table: &Table, source: &Source<'_>) -> Result<Arc<Elements>, Error> {
        let dialect = source.state.dialect();
        let key = table.identified_by();
        let own = match list {
            List::Deleted if !key.unique || key.naming().any(|part| table.columns[part.column].hidden) => {
                return Err(Error::Export(format!(
                    "rows of {} are gone, and nothing names them, for it has no primary key and no unique columns: export the \
                     state in full, or leave the table out by --exclude",
                    table.name
                )));
            }
            List::Deleted => Elements::keys(dialect, table, BigIntegers::Numbers),
            _ => Elements::whole(dialect, table, BigIntegers::Numbers),
        };
        let own = Arc::new(own);
        self.elements.push(Arc::clone(&own));
        Ok(own)
    }
}
