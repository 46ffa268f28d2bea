//! Records as rows.
//!
//! A record that is an object has a column for each of its properties (`cell.rs`), under its name; a name that begins with `$` has one more.
//! Columns stand in the order that properties have in the records. Beside them there may be
//! - `$key`, the key of a record that has it beside it, or deeper than in a property of its own;
//! - `$value`, a record that is no such object: a text, a list, a Date, an object with a property called `$`;
//! - `$order`, the names of the properties of a record that has them in another order than the table, as a list of JSON.

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Table, TableKind, TableName, Value};

use super::cell::{cell, json_of};
use super::key::Key as StoreKey;
use super::properties::properties;
use super::scan::{elements, quoted_text, text};
use super::store::Store;
use super::survey::Shape;
use crate::dialect::OwnedValue;

/// The types that columns are declared with: of keys, of values, and of lists of names.
pub(super) const KEY_TYPE: &str = "key";
pub(super) const VALUE_TYPE: &str = "value";
pub(super) const ORDER_TYPE: &str = "order";

const KEY: &str = "$key";
const VALUE: &str = "$value";
const ORDER: &str = "$order";

/// What a column is called that has a property.
fn column_name(property: &str) -> String {
    let sign = if property.starts_with('$') { "$" } else { "" };
    format!("{sign}{property}")
}

/// The table of a store whose records look so.
pub(super) fn table(store: &Store, shape: &Shape) -> Table {
    let column = |name: String, type_name: &str, not_null| Column {
        name,
        type_name: type_name.to_owned(),
        not_null,
        hidden: false,
    };
    let in_properties = shape.key_properties(store).unwrap_or_default();
    let (names, has_order) = shape.names(in_properties);
    let mut columns = Vec::new();
    if in_properties.is_empty() {
        columns.push(column(KEY.to_owned(), KEY_TYPE, true));
    }
    columns.extend(names.into_iter().map(|name| {
        let is_key = in_properties.contains(&name);
        column(column_name(&name), VALUE_TYPE, is_key)
    }));
    if shape.has_others() {
        columns.push(column(VALUE.to_owned(), VALUE_TYPE, false));
    }
    if has_order {
        columns.push(column(ORDER.to_owned(), ORDER_TYPE, false));
    }
    let place = |name: &String| columns.iter().position(|column| column.name == column_name(name));
    let parts: Vec<usize> = match in_properties {
        [] => vec![0],
        names => names.iter().filter_map(place).collect(),
    };
    let parts = parts.into_iter().map(|column| KeyColumn { column, form: KeyForm::Native }).collect();
    Table {
        name: TableName::plain(&store.name),
        kind: TableKind::Table,
        key: Key { columns: parts, unique: true },
        columns,
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The table with columns for all that a record has.
pub(super) fn widened(table: &Table, value: &str) -> Table {
    let mut table = table.clone();
    let mut add = |name: String, type_name: &str| {
        if !table.columns.iter().any(|column| column.name == name) {
            let (type_name, not_null, hidden) = (type_name.to_owned(), false, false);
            table.columns.push(Column { name, type_name, not_null, hidden });
        }
    };
    let Some(properties) = properties(value) else {
        add(VALUE.to_owned(), VALUE_TYPE);
        return table;
    };
    properties.iter().for_each(|(name, _)| add(column_name(name), VALUE_TYPE));
    let layout = Layout::of(&table);
    if !properties.iter().filter_map(|(name, _)| layout.column(name)).is_sorted() {
        let type_name = ORDER_TYPE.to_owned();
        if layout.order.is_none() {
            table.columns.push(Column { name: ORDER.to_owned(), type_name, not_null: false, hidden: false });
        }
    }
    table
}

/// Where the columns of a store's table are.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    columns: usize,
    key: Option<usize>,
    value: Option<usize>,
    order: Option<usize>,
    /// Of each property, by its name, the column.
    by_name: Vec<(String, usize)>,
    /// The properties as JSON in the order of their columns.
    in_order: Vec<(String, usize)>,
}

impl Layout {
    /// Those of a table.
    pub(super) fn of(table: &Table) -> Self {
        let place = |name: &str| table.columns.iter().position(|column| column.name == name);
        let property = |(at, column): (usize, &Column)| match column.name.strip_prefix('$') {
            None => Some((column.name.clone(), at)),
            Some(name) if name.starts_with('$') => Some((name.to_owned(), at)),
            Some(_) => None,
        };
        let mut by_name: Vec<(String, usize)> =
            table.columns.iter().enumerate().filter_map(property).collect();
        let in_order = by_name.iter().map(|(name, at)| (quoted_text(name), *at)).collect();
        by_name.sort();
        Self {
            columns: table.columns.len(),
            key: place(KEY),
            value: place(VALUE),
            order: place(ORDER),
            by_name,
            in_order,
        }
    }

    fn column(&self, property: &str) -> Option<usize> {
        let at = self.by_name.binary_search_by(|(name, _)| name.as_str().cmp(property)).ok()?;
        self.by_name.get(at).map(|(_, column)| *column)
    }

    /// The property that a column has.
    pub(super) fn property(&self, column: usize) -> Option<&str> {
        self.by_name.iter().find(|(_, at)| *at == column).map(|(name, _)| name.as_str())
    }

    /// The row of a record; nothing where the table has no place for it.
    pub(super) fn row(&self, key: &StoreKey, value: &str) -> Option<Vec<Option<OwnedValue>>> {
        let mut row = self.row_of_value(value)?;
        if let Some(at) = self.key {
            row[at] = Some(cell(&key.json()));
        }
        Some(row)
    }

    /// The same without the key beside it.
    pub(super) fn row_of_value(&self, value: &str) -> Option<Vec<Option<OwnedValue>>> {
        let mut row = vec![None; self.columns];
        let properties = properties(value).and_then(|properties| {
            properties.into_iter().map(|(name, json)| Some((self.column(&name)?, name, json))).collect()
        });
        let Some(properties): Option<Vec<(usize, String, &str)>> = properties else {
            row[self.value?] = Some(cell(value));
            return Some(row);
        };
        if !properties.is_sorted_by_key(|(column, ..)| *column) {
            let names: Vec<String> = properties.iter().map(|(_, name, _)| quoted_text(name)).collect();
            row[self.order?] = Some(OwnedValue::Text(format!("[{}]", names.join(",")).into_bytes()));
        }
        for (column, _, json) in properties {
            row[column] = Some(cell(json));
        }
        Some(row)
    }

    /// Adds the record of a row, as it stood.
    pub(super) fn put_value(&self, rows: &RowBatch, row: usize, out: &mut String) {
        if let Some(at) = self.value
            && let Some(json) = json_of(rows.value(row, at))
        {
            out.push_str(&json);
            return;
        }
        let order = self.order.and_then(|at| match rows.value(row, at) {
            Value::Text(names) => self.in_other_order(names),
            _ => None,
        });
        out.push('{');
        let mut is_first = true;
        for (name, at) in order.as_ref().unwrap_or(&self.in_order) {
            let Some(json) = json_of(rows.value(row, *at)) else { continue };
            if !is_first {
                out.push(',');
            }
            is_first = false;
            out.push_str(name);
            out.push(':');
            out.push_str(&json);
        }
        out.push('}');
    }

    /// All properties, of which those that are listed come first.
    fn in_other_order(&self, names: &[u8]) -> Option<Vec<(String, usize)>> {
        let listed = elements(std::str::from_utf8(names).ok()?)?;
        let found =
            listed.iter().filter_map(|quoted| Some(((*quoted).to_owned(), self.column(&text(quoted)?)?)));
        let mut order: Vec<(String, usize)> = found.collect();
        let others = self.in_order.iter().filter(|(name, _)| !listed.contains(&name.as_str()));
        order.extend(others.cloned());
        Some(order)
    }

    /// Whether a record is no object of properties, or has an object in several places, which are told by its number within the record.
    pub(super) fn is_whole(&self, rows: &RowBatch, row: usize) -> bool {
        let has = |at: usize| !matches!(rows.value(row, at), Value::Null);
        let refers = |at: usize| match rows.value(row, at) {
            Value::Text(text) => memchr::memmem::find(text, br#""$":"ref""#).is_some(),
            _ => false,
        };
        self.value.is_some_and(has) || self.in_order.iter().any(|(_, at)| refers(*at))
    }

    /// Whether a column has the order of properties.
    pub(super) fn is_order(&self, column: usize) -> bool {
        self.order == Some(column)
    }

    /// The key beside a record; nothing where its records have none.
    pub(super) fn key_json(&self, rows: &RowBatch, row: usize) -> Option<String> {
        json_of(rows.value(row, self.key?)).map(|json| json.into_owned())
    }
}
