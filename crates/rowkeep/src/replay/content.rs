//! What a row is while a log is replayed.

use std::sync::Arc;

use rowkeep_engine::dialect::{Dialect, Documents, OwnedValue, Reading};
use rowkeep_format::{RowBatch, Table, Value};

use super::entry::{Record, column};
use super::members::{members, object};
use super::problems::{Flaw, ProblemKind};

/// The values of a row.
pub(super) type Row = Vec<Option<OwnedValue>>;

/// A row: its values; where it is of a document, only its key counts of them.
#[derive(Debug, Clone)]
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
    readings: Vec<Arc<dyn Reading>>,
    /// For each column, whether there are rows with a number, a text, bytes in it.
    kinds: Vec<[bool; 3]>,
}

impl Records {
    pub(super) fn new(table: Table, dialect: &'static dyn Dialect) -> Self {
        let documents = dialect.documents(&table);
        let readings = table.columns.iter().map(|column| dialect.reading(&column.type_name)).collect();
        let kinds = vec![[false; 3]; table.columns.len()];
        Self { table, dialect, documents, readings, kinds }
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
        let mut given = vec![false; self.table.columns.len()];
        self.take_key(&mut content, key);
        for (at, value) in self.values_of(record)? {
            given[at] = true;
            content.values[at] = value;
        }
        for (at, column) in self.table.columns.iter().enumerate().filter(|(_, column)| !column.hidden) {
            if !given[at] && content.values[at].is_none() {
                return Err(Flaw::unreadable(format!("it lacks column {}", column.name)));
            }
        }
        self.refuse_nulls(&content)?;
        Ok(content)
    }

    /// What an update makes of a row. What a document had before by the entry, and does not have after it, goes.
    pub(super) fn updated(
        &self,
        row: &Content,
        record: &Record,
        before: Option<&Record>,
    ) -> Result<Content, Flaw> {
        let mut content = row.clone();
        let Some(own) = &row.document else {
            for (at, value) in self.values_of(record)? {
                content.values[at] = value;
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
        let gone = before.and_then(|before| members(&before.json)).unwrap_or_default();
        let is_gone = |name: &str| {
            let is_in = |list: &[(String, String)]| list.iter().any(|(known, _)| known == name);
            is_in(&gone) && !is_in(&new)
        };
        old.retain(|(name, _)| !is_gone(name));
        for (name, value) in &new {
            match old.iter_mut().find(|(known, _)| known == name) {
                // What JSON has no form for is a text in a text: nobody can tell which of them it is.
                Some((_, there)) if record.is_text && there.starts_with(r#"{"$":"#) => {
                    return Err(Flaw::unreadable(format!("{name}: a text does not tell what it is")));
                }
                Some((_, there)) => there.clone_from(value),
                None => old.push((name.clone(), value.clone())),
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
        let reading = self.dialect.reading("");
        let cell =
            |json: Option<&String>| json.and_then(|json| self.dialect.of_json("", json).ok().flatten());
        for (name, was) in &before {
            let there = cell(own.iter().find(|(known, _)| known == name).map(|(_, value)| value));
            let was = cell(Some(was));
            let canon = |value: &Option<OwnedValue>| {
                value
                    .as_ref()
                    .and_then(|value| reading.canon(value.borrowed()))
                    .map(|canon| canon.into_owned())
            };
            if canon(&there) != canon(&was) {
                differ.push(name.clone());
            }
        }
        differs(differ)
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
            let column = &self.table.columns[at];
            let value = self.dialect.of_json(&column.type_name, &json);
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
        let widened = documents.widened(&self.table, &record.json);
        let as_written = self.dialect.documents(&widened).and_then(|documents| documents.row(&record.json));
        as_written.map(|_| record.json.clone()).ok_or_else(|| Flaw::unreadable("it is no record in JSON"))
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
