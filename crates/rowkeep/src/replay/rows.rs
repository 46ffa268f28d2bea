//! The rows of a table that a log speaks of.

use std::collections::BTreeMap;

use futures::stream::TryStreamExt;
use rowkeep_engine::View;
use rowkeep_engine::dialect::{Dialect, KeyPart, OwnedValue, ValueType};
use rowkeep_format::{Key, RowBatch, Schema, Table, Value, key};

use super::content::{Content, Records, Row};
use super::entry::{Entry, Record};
use super::log::{Action, ChangeLog};
use super::members::members;
use super::problems::{Flaw, ProblemKind};
use crate::diff::Changeset;
use crate::diff::collect::Composing;
use crate::merge::AlikeView;
use crate::{Context, Error};

/// As many entries of one row and one moment are tried in all orders.
const MOST_IN_A_CHAIN: usize = 6;

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
}

/// A key, encoded, and the row that has it and nothing else.
type Known = (Vec<u8>, Row);

impl Rows {
    /// Nothing is known yet; nothing where rows of the table have no key by which entries could name them.
    pub(super) fn new(
        table: &Table,
        schema: &Schema,
        dialect: &'static dyn Dialect,
        of: &ChangeLog,
    ) -> Option<Self> {
        let key = table.identified_by().clone();
        let is_named = key.unique && !key.naming().any(|part| table.columns[part.column].hidden);
        let hidden = table.columns.iter().position(|column| column.hidden);
        let numbers = hidden.map(|column| (column, 1));
        let records = Records::new(table.clone(), schema, dialect, of);
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
            self.records.see(&batch);
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
    pub(super) fn apply(&mut self, entry: &Entry) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if let Err(flaw) = self.done(entry, &mut flaws) {
            flaws.push(flaw);
        }
        flaws
    }

    /// The one order in which each of several entries of a row finds the row as it says that it was, or all orders that make the same of
    /// it; nothing where there is none.
    pub(super) fn chain(&self, entries: &[&Entry]) -> Option<Vec<usize>> {
        let known: Vec<Known> = entries.iter().map(|entry| self.meant_row(entry)).collect::<Option<_>>()?;
        let there = known.iter().find_map(|(encoded, _)| self.by_key.get(encoded)?.now.as_ref());
        let mut found = Vec::new();
        if entries.len() <= MOST_IN_A_CHAIN {
            self.chains(there, entries, &known, &mut Vec::new(), &mut found);
        }
        let (first, became) = found.pop()?;
        found.iter().all(|(_, other)| *other == became).then_some(first)
    }

    /// Adds all such orders that begin with these entries, with what becomes of the row.
    fn chains(
        &self,
        there: Option<&Content>,
        entries: &[&Entry],
        known: &[Known],
        begun: &mut Vec<usize>,
        found: &mut Vec<(Vec<usize>, Option<Content>)>,
    ) {
        if begun.len() == entries.len() {
            found.push((begun.clone(), there.cloned()));
        }
        for at in (0..entries.len()).filter(|at| !begun.contains(at)).collect::<Vec<_>>() {
            let mut flaws = Vec::new();
            let Ok(made) = self.made(there, entries[at], &known[at].1, &mut flaws) else { continue };
            if flaws.is_empty() {
                begun.push(at);
                self.chains(made.as_ref(), entries, known, begun, found);
                begun.pop();
            }
        }
    }

    /// The keys of the row that an entry speaks of: the one that is there, or all that it may mean.
    pub(super) fn meant_keys(&self, entry: &Entry) -> Vec<Vec<u8>> {
        let keys = self.meant_rows(entry);
        match keys.iter().find(|known| self.is_there(known)) {
            Some((encoded, _)) => vec![encoded.clone()],
            None => keys.into_iter().map(|(encoded, _)| encoded).collect(),
        }
    }

    fn meant_rows(&self, entry: &Entry) -> Vec<Known> {
        match (entry.action, self.named(entry), self.own(entry)) {
            // What comes has its own key; what is changed is known by the one that it had.
            (Action::Insert, _, Some(own)) => vec![own],
            (_, named, Some(own)) if named.is_empty() => vec![own],
            (_, named, _) => named,
        }
    }

    /// A key that could be a number or a text is what there is.
    fn meant_row(&self, entry: &Entry) -> Option<Known> {
        let keys = self.meant_rows(entry);
        keys.iter().find(|known| self.is_there(known)).or(keys.first()).cloned()
    }

    fn is_there(&self, (encoded, _): &Known) -> bool {
        self.by_key.get(encoded).is_some_and(|slot| slot.now.is_some())
    }

    fn done(&mut self, entry: &Entry, flaws: &mut Vec<Flaw>) -> Result<(), Flaw> {
        let (encoded, named) = self.meant_row(entry).ok_or(Flaw::plain(ProblemKind::NoKey))?;
        let there = self.by_key.get(&encoded).and_then(|slot| slot.now.clone());
        let made = self.made(there.as_ref(), entry, &named, flaws)?;
        self.by_key.entry(encoded.clone()).or_default().now = None;
        let Some(mut made) = made else { return Ok(()) };
        if entry.action == Action::Insert
            && let Some((column, next)) = &mut self.numbers
        {
            let number = there.and_then(|there| there.values[*column].clone()).unwrap_or_else(|| {
                let number = *next;
                *next = next.saturating_add(1);
                OwnedValue::Integer(number)
            });
            made.values[*column] = Some(number);
        }
        self.put(encoded, made)
    }

    /// What an entry makes of a row; nothing where it deletes it.
    fn made(
        &self,
        there: Option<&Content>,
        entry: &Entry,
        named: &Row,
        flaws: &mut Vec<Flaw>,
    ) -> Result<Option<Content>, Flaw> {
        if entry.action == Action::Insert {
            flaws.extend(there.map(|_| Flaw::plain(ProblemKind::Exists)));
            return self.records.inserted(record(entry)?, Some(named)).map(Some);
        }
        let there = there.ok_or(Flaw::plain(ProblemKind::Missing))?;
        flaws.extend(entry.before.as_ref().and_then(|before| self.records.compare(there, before).err()));
        if entry.action == Action::Delete {
            return Ok(None);
        }
        self.records.updated(there, record(entry)?, entry.before.as_ref()).map(Some)
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
        let Records { table, dialect, documents, types, .. } = &self.records;
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
        let declared = &types[*only].name;
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
        let Records { table, dialect, types, .. } = &self.records;
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
        let value = |(column, json): (&usize, &String)| dialect.of_json(&types[*column], json).ok().flatten();
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
            row[part.column] = self.records.dialect.of_json(&ValueType::plain(""), json).ok()?;
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
