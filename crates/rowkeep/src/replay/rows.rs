//! The rows of a table that a log speaks of.

use std::collections::BTreeMap;

use futures::stream::TryStreamExt;
use jiff::Timestamp;
use rowkeep_engine::View;
use rowkeep_engine::dialect::{Dialect, KeyPart, OwnedValue};
use rowkeep_format::{Key, RowBatch, Table, Value, key};

use super::content::{Content, Records, Row};
use super::entry::{Entry, Record};
use super::log::Action;
use super::members::members;
use super::problems::{Flaw, ProblemKind};
use crate::diff::Changeset;
use crate::diff::collect::Composing;
use crate::merge::AlikeView;
use crate::{Context, Error};

/// The rows of a table that entries of a log speak of, as they are in the base and as they become.
pub(super) struct Rows {
    records: Records,
    key: Key,
    /// The column with hidden numbers by which rows are stored, and the next of them.
    numbers: Option<(usize, i64)>,
    by_key: BTreeMap<Vec<u8>, Slot>,
}

#[derive(Default)]
struct Slot {
    before: Option<Content>,
    now: Option<Content>,
    /// When the last entry changed it.
    time: Option<Timestamp>,
}

/// A key, encoded, and the row that has it and nothing else.
type Known = (Vec<u8>, Row);

impl Rows {
    /// Nothing is known yet; nothing where rows of the table have no key by which entries could name them.
    pub(super) fn new(table: &Table, dialect: &'static dyn Dialect) -> Option<Self> {
        let key = table.identified_by().clone();
        let is_named = key.unique && !key.naming().any(|part| table.columns[part.column].hidden);
        let hidden = table.columns.iter().position(|column| column.hidden);
        let numbers = hidden.map(|column| (column, 1));
        let records = Records::new(table.clone(), dialect);
        is_named.then_some(Self { records, key, numbers, by_key: BTreeMap::new() })
    }

    /// Wants the rows that an entry may speak of; none where it names no row.
    pub(super) fn want(&mut self, entry: &Entry) {
        for (known, _) in self.named(entry).into_iter().chain(self.own(entry)) {
            self.by_key.entry(known).or_default();
        }
    }

    /// Reads the rows of the base that are wanted.
    pub(super) async fn read(&mut self, base: &AlikeView) -> Result<(), Error> {
        let table = self.records.table.clone();
        let mut rows = base.rows(&table).await?;
        let mut encoded = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            if self.records.documents.is_none() {
                self.records.see(&batch);
            }
            for row in 0..batch.rows() {
                if let Some((column, next)) = &mut self.numbers
                    && let Value::Integer(number) = batch.value(row, *column)
                {
                    *next = (*next).max(number.saturating_add(1));
                }
                encoded.clear();
                let failed = |source| Error::Table { table: table.name.to_string(), source };
                key::encode(&self.key, &batch, row, &mut encoded).map_err(failed)?;
                if let Some(slot) = self.by_key.get_mut(&encoded) {
                    let content = self.records.stored(&batch, row);
                    (slot.before, slot.now) = (Some(content.clone()), Some(content));
                }
            }
        }
        Ok(())
    }

    /// Does what an entry says, as far as it can be done; gives what does not fit.
    pub(super) fn apply(&mut self, entry: &Entry, is_ordered: bool) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if let Err(flaw) = self.done(entry, is_ordered, &mut flaws) {
            flaws.push(flaw);
        }
        flaws
    }

    fn done(&mut self, entry: &Entry, is_ordered: bool, flaws: &mut Vec<Flaw>) -> Result<(), Flaw> {
        let keys = match (entry.action, self.named(entry), self.own(entry)) {
            // What comes has its own key; what is changed is known by the one that it had.
            (Action::Insert, _, Some(own)) => vec![own],
            (_, named, Some(own)) if named.is_empty() => vec![own],
            (_, named, _) => named,
        };
        let first = keys.first().ok_or(Flaw::plain(ProblemKind::NoKey))?;
        let is_there = |known: &&Known| self.by_key.get(&known.0).is_some_and(|slot| slot.now.is_some());
        // A key that could be a number or a text is what there is.
        let (encoded, named) = keys.iter().find(is_there).unwrap_or(first).clone();
        let slot = self.by_key.entry(encoded.clone()).or_default();
        if !is_ordered && slot.time == Some(entry.time) {
            flaws.push(Flaw::plain(ProblemKind::Unordered));
        }
        slot.time = Some(entry.time);
        let there = slot.now.clone();
        if entry.action == Action::Insert {
            if there.is_some() {
                flaws.push(Flaw::plain(ProblemKind::Exists));
            }
            let mut made = self.records.inserted(record(entry)?, Some(&named))?;
            if let Some((column, next)) = &mut self.numbers {
                let number = match there.and_then(|there| there.values[*column].clone()) {
                    Some(number) => number,
                    None => {
                        let number = *next;
                        *next = next.saturating_add(1);
                        OwnedValue::Integer(number)
                    }
                };
                made.values[*column] = Some(number);
            }
            return self.put(encoded, made);
        }
        let there = there.ok_or(Flaw::plain(ProblemKind::Missing))?;
        if let Some(before) = &entry.before
            && let Err(flaw) = self.records.compare(&there, before)
        {
            flaws.push(flaw);
        }
        if entry.action == Action::Delete {
            self.by_key.entry(encoded).or_default().now = None;
            return Ok(());
        }
        let made = self.records.updated(&there, record(entry)?, entry.before.as_ref())?;
        self.by_key.entry(encoded.clone()).or_default().now = None;
        self.put(encoded, made)
    }

    /// Puts a row where its key says, which an update may have changed.
    fn put(&mut self, named: Vec<u8>, made: Content) -> Result<(), Flaw> {
        let own = match &made.document {
            Some(document) => self.key_of_document(document, &made.values),
            None => Some(made.values.clone()),
        };
        let encoded = own.and_then(|row| encode(&self.key, &row)).unwrap_or(named);
        let slot = self.by_key.entry(encoded).or_default();
        let is_taken = slot.now.is_some();
        slot.now = Some(made);
        if is_taken { Err(Flaw::plain(ProblemKind::Exists)) } else { Ok(()) }
    }

    /// The key of the row that an entry has.
    fn own(&self, entry: &Entry) -> Option<Known> {
        let row = self.key_of_record(entry.after.as_ref().or(entry.before.as_ref())?)?;
        Some((encode(&self.key, &row)?, row))
    }

    /// The keys that an entry may mean by what it says.
    fn named(&self, entry: &Entry) -> Vec<Known> {
        let rows = entry.key.as_ref().map(|key| self.meant(key)).unwrap_or_default();
        rows.into_iter().filter_map(|row| Some((encode(&self.key, &row)?, row))).collect()
    }

    /// The keys that a value of the log may be.
    fn meant(&self, key: &OwnedValue) -> Vec<Row> {
        let Records { table, dialect, documents, .. } = &self.records;
        let columns: Vec<usize> = self.key.naming().map(|part| part.column).collect();
        let row = |values: Vec<OwnedValue>| {
            let mut row = vec![None; table.columns.len()];
            columns.iter().zip(values).for_each(|(column, value)| row[*column] = Some(value));
            row
        };
        let text = dialect.text(key.borrowed()).map(|text| String::from_utf8_lossy(&text).into_owned());
        let text = text.unwrap_or_default();
        let [only] = columns.as_slice() else {
            let json = match documents {
                Some(documents) => {
                    let mut json = Vec::new();
                    documents.put_value(key.borrowed(), &mut json);
                    String::from_utf8_lossy(&json).into_owned()
                }
                None => text,
            };
            return self.composite(&json, &columns).map(row).into_iter().collect();
        };
        let declared = &table.columns[*only].type_name;
        let parts = match key {
            OwnedValue::Blob(bytes) => vec![KeyPart::Blob(bytes.clone())],
            _ => vec![KeyPart::Quoted(text.clone()), KeyPart::Bare(text)],
        };
        let mut values: Vec<OwnedValue> = documents.is_some().then(|| key.clone()).into_iter().collect();
        values.extend(parts.iter().filter_map(|part| dialect.key_value(declared, part).ok()));
        values.into_iter().map(|value| row(vec![value])).collect()
    }

    /// The values of a key of several columns: an object by their names, or a list in their order.
    fn composite(&self, json: &str, columns: &[usize]) -> Option<Vec<OwnedValue>> {
        let Records { table, dialect, .. } = &self.records;
        let given: Vec<String> = match members(json) {
            Some(given) => {
                let find = |column: &usize| {
                    let name = &table.columns[*column].name;
                    given.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
                };
                columns.iter().map(find).collect::<Option<_>>()?
            }
            None => {
                let elements: Vec<&serde_json::value::RawValue> = serde_json::from_str(json).ok()?;
                elements.into_iter().map(|element| element.get().to_owned()).collect()
            }
        };
        let value = |(column, json): (&usize, &String)| {
            dialect.of_json(&table.columns[*column].type_name, json).ok().flatten()
        };
        let is_whole = given.len() == columns.len();
        columns.iter().zip(&given).map(value).collect::<Option<Vec<_>>>().filter(|_| is_whole)
    }

    /// The key of a record, where it has all of it.
    fn key_of_record(&self, record: &Record) -> Option<Row> {
        let nothing = vec![None; self.records.table.columns.len()];
        if self.records.documents.is_some() {
            return self.key_of_document(&record.json, &nothing).filter(|row| self.has_key(row));
        }
        let mut row = nothing;
        for (at, value) in self.records.values_of(record).ok()? {
            row[at] = value;
        }
        self.has_key(&row).then_some(row)
    }

    fn has_key(&self, row: &Row) -> bool {
        self.key.naming().all(|part| row[part.column].is_some())
    }

    /// The columns of the key of a document, beside which these stand.
    fn key_of_document(&self, document: &str, beside: &Row) -> Option<Row> {
        let documents = self.records.documents.as_ref()?;
        let mut row = beside.clone();
        let own = members(document);
        for part in self.key.naming() {
            let Some(name) = documents.property(part.column) else { continue };
            let (_, json) = own.as_ref()?.iter().find(|(known, _)| *known == name)?;
            row[part.column] = self.records.dialect.of_json("", json).ok()?;
        }
        Some(row)
    }

    /// Adds what became of the rows to the changes, and gives the table with all columns that they need.
    pub(super) async fn finish(self, context: &Context, changes: &mut Changeset) -> Result<Table, Error> {
        let Self { records: Records { mut table, dialect, documents, .. }, key, by_key, .. } = self;
        if let Some(documents) = &documents {
            for document in by_key.values().filter_map(|slot| slot.now.as_ref()?.document.as_ref()) {
                table = documents.widened(&table, document);
            }
        }
        let documents = dialect.documents(&table);
        let columns = table.columns.len();
        let own = Table { key, identity: None, ..table.clone() };
        let mut out = Composing::new(context, changes, own.clone());
        let batch = |mut values: Row| {
            values.resize(columns, None);
            let mut batch = RowBatch::new(columns);
            batch.push_row(
                values.iter().map(|value| value.as_ref().map_or(Value::Null, OwnedValue::borrowed)),
            );
            batch
        };
        for slot in by_key.into_values() {
            let before = slot.before.map(|content| batch(content.values));
            let now = match (slot.now, &documents) {
                (None, _) => None,
                (Some(Content { values, document: Some(document), .. }), Some(documents)) => {
                    let mut row = documents.row(&document).unwrap_or_else(|| vec![None; columns]);
                    for part in own.key.naming() {
                        row[part.column] = row[part.column].take().or(values[part.column].clone());
                    }
                    Some(batch(row))
                }
                (Some(Content { values, .. }), _) => Some(batch(values)),
            };
            out.push(|changes| match (&before, &now) {
                (None, Some(after)) => changes.insert(after, 0),
                (Some(before), None) => changes.delete(before, 0),
                (Some(before), Some(after)) if before != after => changes.update(before, 0, after, 0),
                _ => {}
            })
            .await?;
        }
        out.finish(changes).await?;
        Ok(table)
    }
}

fn record(entry: &Entry) -> Result<&Record, Flaw> {
    entry.after.as_ref().ok_or_else(|| Flaw::unreadable("it says nothing of the row"))
}

/// The key of a row; nothing where it has a value of another form than the key's.
fn encode(key: &Key, row: &Row) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    let values = key.columns.iter().map(|part| row[part.column].as_ref());
    let values = values.map(|value| value.map_or(Value::Null, OwnedValue::borrowed));
    key::encode_values(key, values, &mut encoded).ok()?;
    Some(encoded)
}
