//! Rows of one table of a state by their keys, whether the state is live or stored.

use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::RowStream;
use rowkeep_format::{Key, KeyForm, RowBatch, Table, key};

use super::columns::Alignment;
use crate::rows::condition::equality::Equality;
use crate::rows::foreign_keys::Sought;
use crate::state::State;
use crate::state::key_lookup::rows_by_keys;
use crate::state::key_set::{KeyRun, KeySet};
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// A table of a state, with its rows brought to the columns and the key by which it is compared with another.
pub(crate) struct Access<'a> {
    context: &'a Context,
    pub(crate) state: &'a State,
    /// The table as the state has it.
    pub(crate) own: &'a Table,
    alignment: Arc<Alignment>,
    /// The key by which rows are known, over the columns that they are brought to.
    pub(crate) key: Key,
    /// The places of the key's columns in the state's own table, and how many of them name a row.
    own_key: Vec<usize>,
    naming: usize,
    /// Whether rows come in the order of the key, and whether keys look the same here as there.
    is_in_order: bool,
    is_alike: bool,
}

/// Rows that were found by their keys, in key order.
pub(crate) struct KeyedRows {
    /// The rows as the state has them.
    pub(crate) own: Arc<RowBatch>,
    /// The same rows, with the columns that both states are brought to.
    pub(crate) rows: Arc<RowBatch>,
}

impl<'a> Access<'a> {
    /// `own` is the state's table and `common` that whose columns rows are brought to; `key` is over those.
    pub(crate) fn new(
        context: &'a Context,
        state: &'a State,
        own: &'a Table,
        common: &Table,
        key: &Key,
    ) -> Self {
        let alignment = Arc::new(Alignment::new(common, own));
        let own_key = key.columns.iter().filter_map(|part| alignment.place(part.column)).collect::<Vec<_>>();
        let alike = |(part, own_column): (&rowkeep_format::schema::KeyColumn, &usize)| {
            let (common, own) = (&common.columns[part.column], &own.columns[*own_column]);
            state.dialect().look_alike(&common.type_name, &own.type_name)
        };
        Self {
            context,
            state,
            own,
            // Where the key lost columns or is no key of chunks, rows are stored in another order.
            is_in_order: alignment.keeps_order() && *key == common.key,
            is_alike: key.columns.iter().zip(&own_key).all(alike),
            alignment,
            naming: key.naming().count().min(own_key.len()),
            key: key.clone(),
            own_key,
        }
    }

    /// The columns by which a row is looked for.
    pub(crate) fn naming(&self) -> &[usize] {
        &self.own_key[..self.naming]
    }

    /// Whether no two rows of the state have the same key, because it is the one that the state's table has.
    pub(crate) fn has_one_row_of_a_key(&self) -> bool {
        let key = self.own.identified_by();
        key.unique && key.naming().map(|part| &part.column).eq(self.naming())
    }

    /// The rows that have one of these keys.
    pub(crate) async fn by_keys(&self, run: &KeyRun) -> Result<KeyedRows, Error> {
        let stored_keys = match self.state {
            State::Snapshot(_) if !self.is_in_order => self.as_stored_keys(run),
            _ => None,
        };
        let found = match (self.state, stored_keys) {
            (State::Snapshot(stored), _) if self.is_in_order => {
                let own = match stored.entry(&self.own.name) {
                    Some(entry) => {
                        rows_by_keys(self.context, &stored.reader, self.own, entry, &run.encoded).await?
                    }
                    None => RowBatch::new(self.own.columns.len()),
                };
                return Ok(self.brought(own));
            }
            (State::Snapshot(stored), Some(keys)) => {
                let own = match stored.entry(&self.own.name) {
                    Some(entry) => rows_by_keys(self.context, &stored.reader, self.own, entry, &keys).await?,
                    None => RowBatch::new(self.own.columns.len()),
                };
                futures::stream::iter([Ok(own)]).boxed()
            }
            (State::Live(live), _) if self.is_alike => {
                live.view.find(self.own, self.naming(), &self.named_values(run)).await?
            }
            // Under another key there is no way to a row but through all of them.
            _ => {
                let cause = Cause::default();
                let found = self.all(&cause).await?;
                return self.chosen(found, run).await.map_err(|error| cause.of_either(error));
            }
        };
        self.chosen(found, run).await
    }

    /// Hands on the rows whose values in some columns are among those that are sought; the values are those of columns of
    /// another table of the same state.
    ///
    /// A live database is asked for them; of a snapshot only chunks are read that can hold them where the columns are
    /// those of the key, else all.
    pub(crate) async fn by_values(
        &self,
        columns: &[usize],
        of: (&Table, &[usize]),
        equality: &Equality,
        sought: &Sought,
        each: &mut (dyn FnMut(&RowBatch, usize) -> Result<(), Error> + Send),
    ) -> Result<(), Error> {
        if sought.is_empty() {
            return Ok(());
        }
        let pairs = || {
            columns.iter().zip(of.1).map(|(here, there)| (&self.own.columns[*here], &of.0.columns[*there]))
        };
        let dialect = self.state.dialect();
        let is_alike = pairs().all(|(here, there)| dialect.look_alike(&here.type_name, &there.type_name));
        let cause = Cause::default();
        let rows = match self.state {
            State::Live(live) => match live.view.find(self.own, columns, &sought.values).await {
                Ok(found) if is_alike => found,
                // A value may be none of the other column's type, which the database says in its own ways.
                Ok(found) => match found.try_collect::<Vec<_>>().await {
                    Ok(found) => futures::stream::iter(found.into_iter().map(Ok)).boxed(),
                    Err(_) => self.all(&cause).await?,
                },
                Err(_) if !is_alike => self.all(&cause).await?,
                Err(error) => return Err(error.into()),
            },
            State::Snapshot(stored) => {
                let keys = if is_alike { self.as_keys(columns, &sought.values) } else { None };
                match (keys, stored.entry(&self.own.name)) {
                    (Some(keys), Some(entry)) => {
                        let found =
                            rows_by_keys(self.context, &stored.reader, self.own, entry, &keys).await?;
                        futures::stream::iter([Ok(found)]).boxed()
                    }
                    _ => self.all(&cause).await?,
                }
            }
        };
        let among = |batch: &RowBatch, row: usize| {
            equality.bytes(batch, row, columns).is_some_and(|bytes| sought.contains(&bytes))
        };
        let mut rows = rows;
        while let Some(batch) = rows.try_next().await.map_err(|error| cause.of(error))? {
            for row in (0..batch.rows()).filter(|row| among(&batch, *row)) {
                each(&batch, row)?;
            }
        }
        Ok(())
    }

    /// The values of keys by which rows are looked for.
    fn named_values(&self, run: &KeyRun) -> RowBatch {
        let columns = run.values.columns()[..self.naming].to_vec();
        RowBatch::from_columns(columns, run.values.rows()).expect("every column has a value for each key")
    }

    /// The keys in whose order chunks stand, where they follow from what identifies the rows; in order.
    fn as_stored_keys(&self, run: &KeyRun) -> Option<Vec<Vec<u8>>> {
        let is_exact = |form: KeyForm| form == KeyForm::Equal || !form.is_of_identity();
        if !self.is_alike || !self.key.naming().all(|part| is_exact(part.form)) {
            return None;
        }
        self.as_keys(self.naming(), &self.named_values(run))
    }

    /// Values of columns as keys of the state's own table, in order; nothing where they do not tell keys.
    fn as_keys(&self, columns: &[usize], values: &RowBatch) -> Option<Vec<Vec<u8>>> {
        let key = &self.own.key;
        if !key.unique || key.columns.len() != columns.len() {
            return None;
        }
        let mut keys = Vec::with_capacity(values.rows());
        for row in 0..values.rows() {
            let mut encoded = Vec::new();
            for part in &key.columns {
                let place = columns.iter().position(|column| *column == part.column)?;
                let value = values.value(row, place);
                let folds = |form| matches!(form, KeyForm::NoCase | KeyForm::RightTrimmed);
                let mut identity = self.own.identity.iter().flat_map(|identity| &identity.columns);
                if identity.any(|other| other.column == part.column && folds(other.form))
                    || !self.state.dialect().is_exact(&self.own.columns[part.column].type_name, value)
                {
                    return None;
                }
                key::encode_value(part.form, value, &mut encoded).ok()?;
            }
            keys.push(encoded);
        }
        keys.sort();
        keys.dedup();
        Some(keys)
    }

    /// Adds the key of a row of the state to a set; returns whether it is new.
    pub(crate) fn add_key(&self, batch: &RowBatch, row: usize, to: &mut KeySet) -> Result<bool, Error> {
        let encoded = self.key_of(batch, row)?;
        Ok(to.insert(&encoded, self.own_key.iter().map(|column| batch.value(row, *column))))
    }

    /// The key of a row of the state.
    pub(crate) fn key_of(&self, batch: &RowBatch, row: usize) -> Result<Vec<u8>, Error> {
        let mut encoded = Vec::new();
        let values = self.own_key.iter().map(|column| batch.value(row, *column));
        key::encode_values(&self.key, values, &mut encoded).map_err(self.unstorable())?;
        Ok(encoded)
    }

    /// Rows of the state with the columns that both states are brought to.
    pub(crate) fn aligned(&self, own: Arc<RowBatch>) -> Arc<RowBatch> {
        self.alignment.map(own)
    }

    /// All rows as the state has them, in no order that counts here.
    pub(crate) async fn all(&self, cause: &Cause) -> Result<RowStream, Error> {
        Ok(match self.state {
            State::Live(live) => live.view.rows(self.own).await?,
            State::Snapshot(stored) => match stored.entry(&self.own.name) {
                Some(entry) => rows(self.context, &stored.reader, entry, cause),
                None => Box::pin(futures::stream::empty()),
            },
        })
    }

    /// Of the rows that were found those that have one of the keys exactly, in key order: databases also find what is
    /// equal but not the same.
    async fn chosen(&self, mut found: RowStream, run: &KeyRun) -> Result<KeyedRows, Error> {
        let mut own = RowBatch::new(self.own.columns.len());
        let mut places = Vec::new();
        while let Some(batch) = found.try_next().await? {
            let batch = Arc::new(batch);
            let rows = self.alignment.map(Arc::clone(&batch));
            for row in 0..rows.rows() {
                let mut encoded = Vec::new();
                key::encode(&self.key, &rows, row, &mut encoded).map_err(self.unstorable())?;
                if run.contains(&encoded) {
                    places.push((encoded, own.rows()));
                    own.extend(&batch, row..row + 1);
                }
            }
        }
        places.sort();
        let mut sorted = RowBatch::new(self.own.columns.len());
        places.iter().for_each(|(_, place)| sorted.extend(&own, *place..*place + 1));
        Ok(self.brought(sorted))
    }

    /// Rows of the state with the columns that both states are brought to.
    fn brought(&self, own: RowBatch) -> KeyedRows {
        let own = Arc::new(own);
        KeyedRows { rows: self.alignment.map(Arc::clone(&own)), own }
    }

    pub(crate) fn unstorable(&self) -> impl FnOnce(rowkeep_format::FormatError) -> Error + use<> {
        let table = self.own.name.to_string();
        move |source| Error::Table { table, source }
    }
}
