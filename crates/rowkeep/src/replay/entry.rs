//! One entry of a log.

use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_engine::dialect::{Dialect, Documents, OwnedValue};
use rowkeep_format::{KeyForm, RowBatch, Table, Value, key};

use super::log::{Action, ChangeLog};
use crate::Error;
use crate::rows::times;

/// What an entry says of a row.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) time: Timestamp,
    /// What tells which of two entries of one moment was first; nothing where its key does not.
    pub(super) order: Option<Vec<u8>>,
    /// Its own key, for people.
    pub(super) called: String,
    pub(super) action: Action,
    /// What the table is called in the log.
    pub(super) of: String,
    /// The key as it stands in the log.
    pub(super) key: Option<OwnedValue>,
    pub(super) after: Option<Record>,
    pub(super) before: Option<Record>,
}

/// A row, or a part of one, in an entry.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) json: String,
    /// Whether it stood in a text, in which some values of documents are others.
    pub(super) is_text: bool,
}

/// How the entries of a log are read.
pub(super) struct Entries<'a> {
    log: &'a ChangeLog,
    table: &'a Table,
    dialect: &'static dyn Dialect,
    documents: Option<Arc<dyn Documents>>,
    time: usize,
    of: usize,
    key: usize,
    action: usize,
    after: usize,
    before: Option<usize>,
}

impl<'a> Entries<'a> {
    /// Finds the columns; one that is not there is an error.
    pub(super) fn new(
        log: &'a ChangeLog,
        table: &'a Table,
        dialect: &'static dyn Dialect,
    ) -> Result<Self, Error> {
        let place = |name: &String| {
            let found = column(table, dialect, name);
            found.ok_or_else(|| Error::Unknown {
                what: "column",
                name: format!("{}.{name}", table.name),
                candidates: table.columns.iter().map(|column| column.name.clone()).collect(),
            })
        };
        Ok(Self {
            log,
            table,
            dialect,
            documents: dialect.documents(table),
            time: place(&log.time)?,
            of: place(&log.of)?,
            key: place(&log.key)?,
            action: place(&log.action)?,
            after: place(&log.after)?,
            before: log.before.as_ref().map(place).transpose()?,
        })
    }

    /// When an entry was written; nothing where it does not say.
    pub(super) fn time(&self, rows: &RowBatch, row: usize) -> Option<Timestamp> {
        times::read(&self.text(rows.value(row, self.time))?)
    }

    /// Its key, in words.
    pub(super) fn called(&self, rows: &RowBatch, row: usize) -> String {
        let key = self.table.identified_by().telling(rows, row);
        let texts = key.map(|part| self.text(rows.value(row, part.column)).unwrap_or_default());
        texts.collect::<Vec<_>>().join(",")
    }

    /// Its key, where that tells which of two entries was first: where it is a number, by itself or beside the time.
    fn order(&self, rows: &RowBatch, row: usize) -> Option<Vec<u8>> {
        let key = self.table.identified_by();
        let mut parts = key.naming().filter(|part| part.column != self.time);
        let (Some(only), None) = (parts.next(), parts.next()) else { return None };
        let is_number = matches!(only.form, KeyForm::Integer | KeyForm::Decimal)
            || matches!(rows.value(row, only.column), Value::Integer(_) | Value::Real(_));
        let mut encoded = Vec::new();
        key::encode(key, rows, row, &mut encoded).ok().filter(|()| is_number)?;
        Some(encoded)
    }

    /// What it says; nothing where it is about no row.
    pub(super) fn entry(&self, rows: &RowBatch, row: usize, time: Timestamp) -> Option<Entry> {
        let action = self.log.action_of(&self.text(rows.value(row, self.action))?)?;
        let record = |column: usize| self.record(rows.value(row, column));
        Some(Entry {
            time,
            order: self.order(rows, row),
            called: self.called(rows, row),
            action,
            of: self.text(rows.value(row, self.of)).unwrap_or_default(),
            key: OwnedValue::of(rows.value(row, self.key))
                .filter(|key| !self.dialect.is_none(key.borrowed())),
            after: record(self.after),
            before: self.before.and_then(record),
        })
    }

    fn text(&self, value: Value<'_>) -> Option<String> {
        let text = self.dialect.text(value)?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    fn record(&self, value: Value<'_>) -> Option<Record> {
        if self.dialect.is_none(value) {
            return None;
        }
        let Some(documents) = &self.documents else {
            let json = self.text(value)?.trim().to_owned();
            return (json != "null").then_some(Record { json, is_text: true });
        };
        let mut json = Vec::new();
        documents.put_value(value, &mut json);
        let json = String::from_utf8(json).ok()?;
        Some(match serde_json::from_str::<String>(&json) {
            Ok(json) => Record { json, is_text: true },
            Err(_) => Record { json, is_text: false },
        })
    }
}

/// The column of a name, as the engine finds names.
pub(super) fn column(table: &Table, dialect: &dyn Dialect, name: &str) -> Option<usize> {
    let own = || table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
    let exact = own().find(|(_, column)| column.name == name);
    let alike = || own().find(|(_, column)| column.name.eq_ignore_ascii_case(name));
    exact.or_else(|| if dialect.names().fold { alike() } else { None }).map(|(at, _)| at)
}
