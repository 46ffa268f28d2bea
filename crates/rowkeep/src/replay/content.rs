//! What a row is while a log is replayed.

use std::sync::Arc;

use rowkeep_engine::dialect::{Canon, Dialect, Documents, Held, OwnedValue, Reading, ValueType};
use rowkeep_format::{RowBatch, Schema, Table, Value};

use super::entry::{Record, column};
use super::log::{ChangeLog, Part};
use super::members::{members, object};
use super::problems::{Flaw, ProblemKind};
use super::removed::Updated;

/// The values of a row.
pub(super) type Row = Vec<Option<OwnedValue>>;

/// A row: its values; where it is of a document, only its key counts of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) values: Row,
    pub(super) document: Option<String>,
    /// Whether its document cannot be taken apart.
    is_whole: bool,
}

/// How records of a log become rows of a table.
pub(super) struct Records {
    pub(super) table: Table,
    pub(super) dialect: &'static dyn Dialect,
    pub(super) documents: Option<Arc<dyn Documents>>,
    /// Of each column.
    pub(super) types: Vec<ValueType>,
    readings: Vec<Arc<dyn Reading>>,
    /// For each column, whether there are rows with a number, a text, bytes in it.
    kinds: Vec<[bool; 3]>,
    /// What documents have in each column.
    held: Vec<Held>,
    /// Whether `after` and `before` have only what an update changed.
    is_partial: [Option<bool>; 2],
}

impl Records {
    pub(super) fn new(table: Table, schema: &Schema, dialect: &'static dyn Dialect, of: &ChangeLog) -> Self {
        let documents = dialect.documents(&table);
        let types = dialect.value_types(schema, &table);
        let readings = types.iter().map(|of| dialect.reading(&of.name)).collect();
        let kinds = vec![[false; 3]; table.columns.len()];
        let held = vec![Held::default(); table.columns.len()];
        let is_partial = [of.is_partial(Part::After), of.is_partial(Part::Before)];
        Self { table, dialect, documents, types, readings, kinds, held, is_partial }
    }

    /// A row of the base.
    pub(super) fn stored(&self, rows: &RowBatch, row: usize) -> Content {
        let values = rows.row(row).map(OwnedValue::of).collect();
        let document = self.documents.as_ref().map(|documents| {
            let mut json = Vec::new();
            documents.put(rows, row, &mut json);
            String::from_utf8_lossy(&json).into_owned()
        });
        let is_whole = self.documents.as_ref().is_some_and(|documents| documents.is_whole(rows, row));
        Content { values, document, is_whole }
    }

    /// Sees which kinds of values the columns have.
    pub(super) fn see(&mut self, rows: &RowBatch) {
        if let Some(documents) = &self.documents {
            for (held, column) in self.held.iter_mut().zip(rows.columns()) {
                (0..column.len()).for_each(|row| documents.see(column.value(row), held));
            }
            return;
        }
        for (kinds, column) in self.kinds.iter_mut().zip(rows.columns()) {
            let known = kinds.iter().filter(|is| **is).count();
            if known < kinds.len() {
                (0..column.len())
                    .filter_map(|row| kind_of(column.value(row)))
                    .for_each(|at| kinds[at] = true);
            }
        }
    }

    /// What an insert makes.
    pub(super) fn inserted(&self, record: &Record, key: Option<&Row>) -> Result<Content, Flaw> {
        let nothing = vec![None; self.table.columns.len()];
        if self.documents.is_some() {
            let document = self.document_of(record)?;
            let mut content = Content { values: nothing, document: Some(document), is_whole: false };
            self.take_key(&mut content, key);
            return Ok(content);
        }
        let mut content = Content { values: nothing, document: None, is_whole: false };
        self.take_key(&mut content, key);
        self.take_row(&mut content, record)?;
        self.refuse_nulls(&content)?;
        Ok(content)
    }

    /// Takes the values of a whole row; a part of the key may stand beside it.
    fn take_row(&self, content: &mut Content, record: &Record) -> Result<(), Flaw> {
        let mut given: Vec<bool> = self.table.columns.iter().map(|column| column.hidden).collect();
        for part in self.table.identified_by().naming() {
            given[part.column] = content.values[part.column].is_some();
        }
        for (at, value) in self.values_of(record)? {
            given[at] = true;
            content.values[at] = value;
        }
        match given.iter().position(|given| !given) {
            None => Ok(()),
            Some(at) => Err(Flaw::unreadable(format!("it lacks column {}", self.table.columns[at].name))),
        }
    }

    /// What an update makes of a row.
    pub(super) fn updated(
        &self,
        row: &Content,
        record: &Record,
        before: Option<&Record>,
    ) -> Result<Content, Flaw> {
        let mut content = row.clone();
        let Some(own) = &row.document else {
            if self.is_partial[0] == Some(false) {
                self.take_row(&mut content, record)?;
            } else {
                for (at, value) in self.values_of(record)? {
                    content.values[at] = value;
                }
            }
            self.refuse_nulls(&content)?;
            return Ok(content);
        };
        let document = self.document_of(record)?;
        let (Some(mut old), Some(new)) = (members(own), members(&document)) else {
            content.document = Some(document);
            return Ok(content);
        };
        if row.is_whole {
            return Err(Flaw::unreadable("parts of the record that is there refer to each other"));
        }
        let before = before.and_then(|before| members(&before.json));
        let key = self.key_properties();
        let (is_partial, before) = (self.is_partial, before.as_ref());
        let updated = Updated { own: &old, after: &new, before, is_partial, key: &key };
        let removed = updated.removed(|one, other| self.canon(Some(one)) == self.canon(Some(other)))?;
        old.retain(|(name, _)| !removed.contains(name));
        if self.is_partial[0] == Some(false) {
            // Its properties stand in the order that they have now.
            old.retain(|(name, _)| !new.iter().any(|(known, _)| known == name));
        }
        for (name, value) in new {
            match old.iter_mut().find(|(known, _)| *known == name) {
                Some((_, there)) => *there = value,
                None => old.push((name, value)),
            }
        }
        content.document = Some(object(&old));
        Ok(content)
    }

    /// Fails where a row is not what an entry says it was.
    pub(super) fn compare(&self, row: &Content, before: &Record) -> Result<(), Flaw> {
        let mut differ = Vec::new();
        let differs = |of: Vec<String>| match of.is_empty() {
            true => Ok(()),
            false => Err(Flaw(ProblemKind::Differs, Some(of.join(", ")))),
        };
        let Some(own) = &row.document else {
            for (at, value) in self.values_of(before)? {
                if !self.is_same(at, row.values[at].as_ref(), value.as_ref()) {
                    differ.push(self.table.columns[at].name.clone());
                }
            }
            return differs(differ);
        };
        let (Some(own), Some(before)) = (members(own), members(&before.json)) else {
            return if *own == before.json { Ok(()) } else { Err(Flaw::plain(ProblemKind::Differs)) };
        };
        let value = |members: &[(String, String)], name: &str| {
            let found = members.iter().find(|(known, _)| known == name);
            self.canon(found.map(|(_, value)| value.as_str()))
        };
        // What a whole row does not have was not there.
        let all = own.iter().filter(|_| self.is_partial[1] == Some(false)).chain(&before);
        for (name, _) in all {
            if value(&own, name) != value(&before, name) && !differ.contains(name) {
                differ.push(name.clone());
            }
        }
        differs(differ)
    }

    /// What the value of a property compares as.
    fn canon(&self, json: Option<&str>) -> Option<Canon<'static>> {
        let value = self.dialect.of_json(&ValueType::plain(""), json?).ok().flatten()?;
        self.dialect.reading("").canon(value.borrowed()).map(Canon::into_owned)
    }

    fn is_same(&self, at: usize, there: Option<&OwnedValue>, was: Option<&OwnedValue>) -> bool {
        let canon = |value: Option<&OwnedValue>| {
            let canon = value.and_then(|value| self.readings[at].canon(value.borrowed()));
            canon.map(|canon| canon.into_owned())
        };
        there == was || canon(there) == canon(was)
    }

    /// The values that a record has, each with its column.
    pub(super) fn values_of(&self, record: &Record) -> Result<Vec<(usize, Option<OwnedValue>)>, Flaw> {
        let no_object = || Flaw::unreadable("it is no object of JSON");
        let value = |(name, json): (String, String)| {
            let at = column(&self.table, self.dialect, &name)
                .ok_or_else(|| Flaw::unreadable(format!("the table has no column {name}")))?;
            let value = self.dialect.of_json(&self.types[at], &json);
            let value = value.map_err(|why| Flaw::unreadable(format!("column {name}: {why}")))?;
            let kind = value.as_ref().and_then(|value| kind_of(value.borrowed()));
            if let Some(kind) = kind
                && self.kinds[at].contains(&true)
                && !self.kinds[at][kind]
            {
                let why = format!("column {name}: no row of the base has a value of that kind");
                return Err(Flaw::unreadable(why));
            }
            Ok((at, value))
        };
        members(&record.json).ok_or_else(no_object)?.into_iter().map(value).collect()
    }

    fn document_of(&self, record: &Record) -> Result<String, Flaw> {
        let Some(documents) = &self.documents else { return Ok(record.json.clone()) };
        let is_of_text = record.is_text && record.json.contains(r#""$":"#);
        if !documents.stands_alone(&record.json) || is_of_text {
            return Err(Flaw::unreadable("it refers to what stands elsewhere"));
        }
        let json =
            if record.is_text { self.of_text(&**documents, &record.json)? } else { record.json.clone() };
        let widened = documents.widened(&self.table, &json);
        let as_written = self.dialect.documents(&widened).and_then(|documents| documents.row(&json));
        as_written.map(|_| json).ok_or_else(|| Flaw::unreadable("it is no record in JSON"))
    }

    /// The document of which a text has this JSON.
    fn of_text(&self, documents: &dyn Documents, json: &str) -> Result<String, Flaw> {
        let Some(mut own) = members(json) else {
            return documents.of_text(json, Held::default()).map_err(Flaw::unreadable);
        };
        for (name, value) in &mut own {
            let column = (0..self.held.len()).find(|at| documents.property(*at).as_ref() == Some(name));
            let held = column.map_or(Held::default(), |at| self.held[at]);
            *value =
                documents.of_text(value, held).map_err(|why| Flaw::unreadable(format!("{name}: {why}")))?;
        }
        Ok(object(&own))
    }

    /// The properties that the key is of.
    fn key_properties(&self) -> Vec<String> {
        let property = |column| self.documents.as_ref()?.property(column);
        self.table.identified_by().naming().filter_map(|part| property(part.column)).collect()
    }

    /// Gives a row the key that its entry says, where the record itself does not.
    fn take_key(&self, content: &mut Content, key: Option<&Row>) {
        let Some(key) = key else { return };
        for part in self.table.identified_by().naming() {
            content.values[part.column].clone_from(&key[part.column]);
        }
        let Some(documents) = &self.documents else { return };
        let Some(own) = content.document.as_deref().and_then(members) else { return };
        let mut given = Vec::new();
        for part in self.table.identified_by().naming() {
            let Some(name) = documents.property(part.column) else { continue };
            if !own.iter().any(|(known, _)| *known == name) {
                let mut json = Vec::new();
                let value = key[part.column].as_ref().map_or(Value::Null, OwnedValue::borrowed);
                documents.put_value(value, &mut json);
                given.push((name, String::from_utf8_lossy(&json).into_owned()));
            }
        }
        if !given.is_empty() {
            given.extend(own);
            content.document = Some(object(&given));
        }
    }

    fn refuse_nulls(&self, content: &Content) -> Result<(), Flaw> {
        let columns = self.table.columns.iter().zip(&content.values);
        let mut refused =
            columns.filter(|(column, value)| column.not_null && !column.hidden && value.is_none());
        match refused.next() {
            None => Ok(()),
            Some((column, _)) => {
                Err(Flaw::unreadable(format!("column {} refuses NULL, which it would have", column.name)))
            }
        }
    }
}

/// Numbers, texts, bytes.
fn kind_of(value: Value<'_>) -> Option<usize> {
    match value {
        Value::Null => None,
        Value::Integer(_) | Value::Real(_) => Some(0),
        Value::Text(_) => Some(1),
        Value::Blob(_) => Some(2),
    }
}
