//! Rows of one table of a state by their keys, whether the state is live or stored.

use std::sync::Arc;

use futures::stream::TryStreamExt;
use rowkeep_engine::RowStream;
use rowkeep_format::{Key, RowBatch, Table, key};

use super::align::Alignment;
use crate::condition::equality::look_alike;
use crate::keys::KeyRun;
use crate::lookup::rows_by_keys;
use crate::rows::{Cause, rows};
use crate::state::State;
use crate::{Context, Error};

/// A table of a state, with its rows brought to the columns and the key by which it is compared with another.
pub(crate) struct Access<'a> {
    context: &'a Context,
    state: &'a State,
    /// The table as the state has it.
    own: &'a Table,
    alignment: Arc<Alignment>,
    /// The key by which rows are known, over the columns that they are brought to.
    key: Key,
    /// The places of the key's columns in the state's own table.
    own_key: Vec<usize>,
    /// Whether rows come in the order of the key, and whether keys look the same here as there.
    is_in_order: bool,
    is_alike: bool,
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
            look_alike(own, &common.columns[part.column], &own.columns[*own_column])
        };
        Self {
            context,
            state,
            own,
            // Where the key lost columns, the rows go in another order than the one that they are stored in.
            is_in_order: alignment.keeps_order() && key.columns.len() == common.key.columns.len(),
            is_alike: key.columns.iter().zip(&own_key).all(alike),
            alignment,
            key: key.clone(),
            own_key,
        }
    }

    /// The rows that have one of these keys, in key order, with the columns that both states are brought to.
    pub(crate) async fn by_keys(&self, run: &KeyRun) -> Result<Arc<RowBatch>, Error> {
        let found = match self.state {
            State::Snapshot(stored) if self.is_in_order => {
                let own = match stored.entry(&self.own.name) {
                    Some(entry) => {
                        rows_by_keys(self.context, &stored.reader, self.own, entry, &run.encoded).await?
                    }
                    None => RowBatch::new(self.own.columns.len()),
                };
                return Ok(self.alignment.map(Arc::new(own)));
            }
            State::Live(live) if self.is_alike => {
                live.view.find(self.own, &self.own_key, &run.values).await?
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

    /// All rows as the state has them, in no order that counts here.
    async fn all(&self, cause: &Cause) -> Result<RowStream, Error> {
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
    async fn chosen(&self, mut found: RowStream, run: &KeyRun) -> Result<Arc<RowBatch>, Error> {
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
        Ok(self.alignment.map(Arc::new(sorted)))
    }

    pub(crate) fn unstorable(&self) -> impl FnOnce(rowkeep_format::FormatError) -> Error + use<> {
        let table = self.own.name.to_string();
        move |source| Error::Table { table, source }
    }
}
