//! How the rows of a table are read, as statements.

use super::reading::Reading;
use super::xmin_horizon::XminHorizon;
use crate::postgres::catalog::relation::Relation;
use crate::postgres::quote;

/// In which order a table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// That of its key, where the server can.
    Key,
    /// From the first page to the last.
    Physical,
}

impl Relation {
    /// From now on rows are only copied out of it, as it has them.
    pub(crate) fn avoid_queries(&mut self) {
        self.is_queried = false;
        self.order_by = None;
        self.is_in_physical_order = false;
    }

    /// How its rows are read.
    pub(crate) fn reading(&self, order: Order) -> Reading {
        let table = quote::table(&self.table.name);
        let columns = quote::idents(self.table.columns.iter().map(|column| column.name.as_str()));
        let order_by = self.order_by.as_ref().filter(|_| order == Order::Key);
        let plain = order_by.is_none() && self.condition.is_none() && !columns.is_empty();
        let copy = if plain {
            format!("COPY {table} ({columns}) TO STDOUT")
        } else {
            let condition = self.condition.as_deref().unwrap_or_default();
            let order = order_by.map(|order| format!("ORDER BY {order}")).unwrap_or_default();
            format!("COPY (SELECT {columns} FROM ONLY {table} {condition} {order}) TO STDOUT")
        };
        self.reading_by(copy)
    }

    /// How what a statement copies out of it is read.
    pub(crate) fn reading_by(&self, copy: String) -> Reading {
        Reading {
            what: format!("table {}", self.table.name),
            copy,
            columns: self.table.columns.len(),
            blobs: false,
        }
    }

    /// Whether its own row versions tell what changed: they are those that are read, and none is lost in a crash.
    pub(crate) fn has_row_versions(&self) -> bool {
        self.condition.is_none() && !self.unlogged && self.is_queried
    }

    /// The statement that copies out the rows that may have changed since a horizon.
    pub(crate) fn copy_of_changed_rows(&self, horizon: &XminHorizon) -> String {
        let columns = quote::idents(self.table.columns.iter().map(|column| column.name.as_str()));
        let table = quote::table(&self.table.name);
        format!("COPY (SELECT {columns} FROM ONLY {table} t WHERE NOT {}) TO STDOUT", horizon.is_older("t"))
    }

    /// The statement that copies out the columns of the key, in its order if the server can give that.
    pub(crate) fn copy_of_keys(&self) -> String {
        let key = self.table.key.columns.iter().map(|part| self.table.columns[part.column].name.as_str());
        let (columns, table) = (quote::idents(key), quote::table(&self.table.name));
        let condition = self.condition.as_deref().unwrap_or_default();
        let order = self.order_by.as_ref().map(|order| format!("ORDER BY {order}")).unwrap_or_default();
        format!("COPY (SELECT {columns} FROM ONLY {table} {condition} {order}) TO STDOUT")
    }
}
