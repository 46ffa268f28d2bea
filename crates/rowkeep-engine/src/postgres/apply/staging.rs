//! Changes on their way into a temporary table of the server.
//!
//! ```text
//! rowkeep_N (n, kind, part, tid, b, a0, a1, ..., rest)
//! ```
//!
//! `b` is the row as it was, as texts; `a0`... is the row as it becomes, in the types of the table's columns. Of a row
//! that goes, `a0`... has the key alone. `tid` is where a row without unique key was found, and `part` in which partition. `rest` has, as texts, those of
//! the widest tables for which a temporary table has no columns left.

use std::pin::pin;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use rowkeep_format::changeset::Change;
use rowkeep_format::{Changes, Counts, RowBatch, TableChanges, Value};

use super::current_tables::CurrentTable;
use crate::postgres::connect::failure::{failed, taking_failed};
use crate::postgres::connect::session::Session;
use crate::postgres::copy_text::encode;
use crate::postgres::quote;
use crate::{ChangeStream, EngineError, ErrorKind};

/// How many bytes go into one `COPY`. The client library tells of an error only at the end of each.
const SEGMENT_BYTES: usize = 64 << 20;

/// From how many rows on the server is asked to look at what it got, to plan by it.
const ANALYZED_ROWS: u64 = 1000;

/// How many columns of a table have one of their own: a table has at most 1,600.
const OWN_COLUMNS: usize = 1590;

/// What a change is, as `kind` says it.
pub(super) mod kind {
    /// A row that comes.
    pub(in super::super) const INSERT: u8 = 0;
    /// A row that gets other values.
    pub(in super::super) const UPDATE: u8 = 1;
    /// A row that goes.
    pub(in super::super) const DELETE: u8 = 2;
    /// An update of a value that has to be unique.
    pub(in super::super) const UNIQUE_UPDATE: u8 = 3;
    /// An update of an identity that no `UPDATE` may set.
    pub(in super::super) const IDENTITY_UPDATE: u8 = 4;
}

/// What was staged of a table.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    /// How many changes.
    pub(super) counts: Counts,
    /// How many of the updates are [`kind::UNIQUE_UPDATE`].
    pub(super) unique_updates: u64,
    /// How many of the updates are [`kind::IDENTITY_UPDATE`].
    pub(super) identity_updates: u64,
    /// Whether each column is changed by some update.
    pub(super) updated: Vec<bool>,
}

/// A temporary table with the changes of one table.
pub(super) struct Stage<'a> {
    /// Its place in the changeset.
    pub(super) at: usize,
    /// What is to be changed.
    pub(super) changes: &'a TableChanges,
    /// The table as it is now.
    pub(super) current: &'a CurrentTable,
}

impl Stage<'_> {
    /// Makes the temporary table and fills it.
    pub(super) async fn fill(&self, session: &Session, stream: ChangeStream) -> Result<Staged, EngineError> {
        let what = format!("cannot hand the changes of table {} to the server", self.changes.table.name);
        let mut columns: Vec<(String, &str)> = self.current.columns[..self.own_columns()]
            .iter()
            .enumerate()
            .map(|(at, column)| (format!("a{at}"), column.staged_type.as_str()))
            .collect();
        if self.own_columns() < self.current.columns.len() {
            columns.push(("rest".to_owned(), "text[]"));
        }
        let typed = columns.iter().map(|(name, staged_type)| format!(", {name} {staged_type}"));
        let create = format!(
            "CREATE TEMPORARY TABLE rowkeep_{} (n bigint, kind smallint, part oid, tid tid, b text[]{}) ON COMMIT DROP",
            self.at,
            typed.collect::<String>()
        );
        session.try_run(&create).await.map_err(|error| failed(&what, error))?;
        let given: String = columns.iter().map(|(name, _)| format!(", {name}")).collect();
        let copy = format!("COPY pg_temp.rowkeep_{} (n, kind, b{given}) FROM STDIN", self.at);

        let mut staged = Staged {
            counts: Counts::default(),
            unique_updates: 0,
            identity_updates: 0,
            updated: vec![false; self.current.columns.len()],
        };
        send(session, &what, &copy, stream, |changes, out| self.encode(changes, &mut staged, out)).await?;
        if staged.counts.total() >= ANALYZED_ROWS {
            let analyze = format!("ANALYZE pg_temp.rowkeep_{}", self.at);
            session.try_run(&analyze).await.map_err(|error| failed(&what, error))?;
        }
        Ok(staged)
    }

    /// The table, as SQL.
    pub(super) fn target(&self) -> String {
        quote::table(self.changes.changed())
    }

    /// The table as a source of the rows that are meant, as SQL.
    pub(super) fn rows(&self) -> String {
        if self.current.is_whole { self.target() } else { format!("ONLY {}", self.target()) }
    }

    fn own_columns(&self) -> usize {
        self.current.columns.len().min(OWN_COLUMNS)
    }

    /// What a staged row `s` has in a column of the table, as SQL.
    pub(super) fn value(&self, s: &str, column: usize) -> String {
        match column.checked_sub(OWN_COLUMNS) {
            None => format!("{s}.a{column}"),
            Some(at) => format!("(({s}.rest)[{}]::{})", at + 1, self.current.columns[column].staged_type),
        }
    }

    fn encode(&self, changes: &Changes, staged: &mut Staged, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let width = self.current.columns.len();
        if [changes.before(), changes.after()].iter().any(|batch| batch.columns().len() != width) {
            return Err(EngineError::new(
                ErrorKind::Unstorable,
                format!("changes of table {} have other columns than the table", self.changes.table.name),
            ));
        }
        let first = staged.counts.total();
        for (n, change) in (first..).zip(changes.iter()) {
            let kind = self.kind(changes, change, staged);
            out.extend_from_slice(format!("{n}\t{kind}\t").as_bytes());
            match change {
                Change::Insert { .. } => out.extend_from_slice(b"\\N"),
                Change::Update { before, .. } => array(changes.before(), before, &[], out),
                Change::Delete { before } => {
                    array(changes.before(), before, &self.changes.delete_unknown, out);
                }
            }
            let value = |column: usize| {
                let (batch, row, given) = match change {
                    Change::Insert { after } => {
                        (changes.after(), after, !self.changes.insert_defaults.contains(&column))
                    }
                    Change::Update { after, .. } => (changes.after(), after, true),
                    Change::Delete { before } => (changes.before(), before, self.is_key(column)),
                };
                if given { batch.value(row, column) } else { Value::Null }
            };
            for column in 0..self.own_columns() {
                out.push(b'\t');
                encode::value(value(column), out);
            }
            if self.own_columns() < width {
                out.push(b'\t');
                elements((self.own_columns()..width).map(value), out);
            }
            out.push(b'\n');
        }
        staged.counts += Counts::of(changes);
        Ok(())
    }

    fn is_key(&self, column: usize) -> bool {
        let key = &self.changes.table.key;
        key.unique && key.columns.iter().any(|part| part.column == column)
    }

    fn kind(&self, changes: &Changes, change: Change, staged: &mut Staged) -> u8 {
        let (before, after) = match change {
            Change::Insert { .. } => return kind::INSERT,
            Change::Delete { .. } => return kind::DELETE,
            Change::Update { before, after } => (before, after),
        };
        let (mut unique, mut identity) = (false, false);
        for (at, column) in self.current.columns.iter().enumerate() {
            if changes.before().value(before, at) != changes.after().value(after, at) {
                staged.updated[at] = true;
                unique |= column.unique;
                identity |= column.always;
            }
        }
        staged.unique_updates += u64::from(unique && !identity);
        staged.identity_updates += u64::from(identity);
        match (identity, unique) {
            (true, _) => kind::IDENTITY_UPDATE,
            (false, true) => kind::UNIQUE_UPDATE,
            (false, false) => kind::UPDATE,
        }
    }
}

/// Copies all changes of a stream to the server, as rows that `encode` appends.
pub(super) async fn send(
    session: &Session,
    what: &str,
    copy: &str,
    mut stream: ChangeStream,
    mut encode: impl FnMut(&Changes, &mut Vec<u8>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let charset = session.charset();
    let copy = match charset {
        Some(charset) => format!("{copy} WITH (ENCODING '{}')", charset.name),
        None => copy.to_owned(),
    };
    let mut next = stream.next().await.transpose()?;
    while next.is_some() {
        let sink = session
            .client
            .copy_in::<_, Bytes>(copy.as_str())
            .await
            .map_err(|error| taking_failed(what, error))?;
        let mut sink = pin!(sink);
        let mut sent = 0;
        while let Some(changes) = next.take() {
            let mut out = Vec::with_capacity(changes.bytes() * 5 / 4 + 32 * changes.len());
            encode(&changes, &mut out)?;
            if let Some(charset) = charset {
                out = charset.encode(out, what)?;
            }
            sent += out.len();
            sink.send(Bytes::from(out)).await.map_err(|error| taking_failed(what, error))?;
            next = stream.next().await.transpose()?;
            if sent >= SEGMENT_BYTES {
                break;
            }
        }
        sink.finish().await.map_err(|error| taking_failed(what, error))?;
    }
    Ok(())
}

/// A row as an array of texts; columns that are unknown are null.
pub(super) fn array(batch: &RowBatch, row: usize, unknown: &[usize], out: &mut Vec<u8>) {
    let known = |column| if unknown.contains(&column) { Value::Null } else { batch.value(row, column) };
    elements((0..batch.columns().len()).map(known), out);
}

fn elements<'a>(values: impl Iterator<Item = Value<'a>>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        encode::element(value, out);
    }
    out.push(b'}');
}

/// The temporary table of a table of the changeset.
pub(super) fn name(at: usize) -> String {
    format!("pg_temp.rowkeep_{at}")
}

/// A column by its name.
pub(super) fn column(alias: &str, name: &str) -> String {
    format!("{alias}.{}", quote::ident(name))
}
