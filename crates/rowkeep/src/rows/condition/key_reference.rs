//! Naming one row by its key.

use std::collections::BTreeSet;

use rowkeep_engine::dialect::{Dialect, KeyPart};
use rowkeep_format::{FormatError, RowBatch, Schema, Table, TableName, Value, key};

use crate::Error;
use crate::error::ConditionError;
use crate::quotes::quoted;
use crate::state::table_pattern::{TablePattern, pattern_of};

/// A row by its key, as people write it: `customers:42`, `order_items:7,3`.
///
/// The table is a name as a [`Selection`](crate::state::selection::Selection) takes it; in double quotes it may hold a colon
/// and stars. Values stand in the order of the key's columns; in single quotes they may hold commas, and `x'0aff'` stands
/// for bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReference {
    text: String,
    table: String,
    pattern: String,
    values: Vec<KeyPart>,
    /// The partitioned table that the name means, where the pattern is one of its partitions.
    part_of: Option<TableName>,
}

/// Reads `TABLE:VALUE` or `TABLE:VALUE,VALUE`.
pub fn parse_key(text: &str) -> Result<KeyReference, ConditionError> {
    let fail = |at, message: &str| ConditionError::of("the key", text, at, message);
    let mut table = String::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        match rest.chars().next() {
            None => return Err(fail(at, "expected a colon and the values of the key, as in customers:42")),
            Some(':') => break,
            Some('"') => {
                let (name, length) =
                    quoted(rest, '"').ok_or_else(|| fail(at, "there is no \" that ends this name"))?;
                table.push_str(&name);
                at += length;
            }
            Some(character) => {
                table.push(character);
                at += character.len_utf8();
            }
        }
    }
    if at == 0 {
        return Err(fail(0, "expected a table before the colon"));
    }
    // Quotes around a whole part of the name say that it is no pattern; others only let it hold a colon.
    let pattern = if matches!(TablePattern::new(&text[..at]), TablePattern::Parts { .. }) {
        text[..at].to_owned()
    } else {
        table.clone()
    };
    Ok(KeyReference { text: text.to_owned(), table, pattern, values: values(text, at + 1)?, part_of: None })
}

fn values(text: &str, mut at: usize) -> Result<Vec<KeyPart>, ConditionError> {
    let fail = |at, message: &str| ConditionError::of("the key", text, at, message);
    let mut values = Vec::new();
    loop {
        let rest = &text[at..];
        let is_blob = rest.starts_with("x'") || rest.starts_with("X'");
        let (part, length) = if is_blob || rest.starts_with('\'') {
            let skipped = usize::from(is_blob);
            let (inner, length) = quoted(&rest[skipped..], '\'')
                .ok_or_else(|| fail(at, "there is no ' that ends what begins here"))?;
            let part = if is_blob {
                KeyPart::Blob(
                    hex::decode(&inner)
                        .map_err(|_| fail(at, "expected an even number of hexadecimal digits after x"))?,
                )
            } else {
                KeyPart::Quoted(inner)
            };
            (part, skipped + length)
        } else {
            let length = rest.find(',').unwrap_or(rest.len());
            if length == 0 {
                return Err(fail(at, "expected a value; an empty one is written ''"));
            }
            (KeyPart::Bare(rest[..length].to_owned()), length)
        };
        values.push(part);
        at += length;
        match text[at..].chars().next() {
            None => return Ok(values),
            Some(',') => at += 1,
            Some(_) => return Err(fail(at, "expected a comma or the end")),
        }
    }
}

impl KeyReference {
    /// A key of a table whose values are written as after the colon of [`parse_key`].
    pub fn new(table: &str, key: &str) -> Result<Self, ConditionError> {
        let values = values(key, 0)?;
        let (text, pattern) = (key.to_owned(), table.to_owned());
        Ok(Self { text, table: table.to_owned(), pattern, values, part_of: None })
    }

    /// The name of the table, as it was written.
    pub fn table_name(&self) -> &str {
        &self.table
    }

    /// The tables that the name may mean, as a pattern for a [`Selection`](crate::state::selection::Selection).
    pub fn table_pattern(&self) -> &str {
        &self.pattern
    }

    /// The tables of a schema that may hold the row: the only one that is meant, or all partitions of it.
    pub fn tables<'s>(&self, schema: &'s Schema) -> Result<Vec<&'s Table>, Error> {
        let only = only_table(schema, &self.pattern, &self.table, &self.text);
        if !matches!(only, Err(Error::Unknown { .. })) {
            return only.map(|table| vec![table]);
        }
        let pattern = TablePattern::new(&self.pattern);
        let mut found = schema.partitions().into_iter().filter(|(parent, _)| pattern.matches(parent));
        match (found.next(), found.next()) {
            (Some((_, partitions)), None) => Ok(partitions),
            (None, _) => only.map(|table| vec![table]),
            (Some((one, _)), Some((other, _))) => Err(Error::KeyReference {
                reference: self.text.clone(),
                problem: format!("{} may be {one} or {other}", self.table),
            }),
        }
    }

    /// The same key in the partitions of the partitioned tables that the name means in some schemas.
    pub(crate) fn in_partitions(&self, schemas: &[&Schema]) -> Vec<Self> {
        let pattern = TablePattern::new(&self.pattern);
        let partitions = schemas.iter().flat_map(|schema| schema.partitions());
        let meant: BTreeSet<(&TableName, &TableName)> = partitions
            .filter(|(parent, _)| pattern.matches(parent))
            .flat_map(|(parent, tables)| tables.into_iter().map(move |table| (parent, &table.name)))
            .collect();
        let of = |(parent, table): (&TableName, &TableName)| Self {
            pattern: pattern_of(table),
            part_of: Some(parent.clone()),
            ..self.clone()
        };
        meant.into_iter().map(of).collect()
    }

    /// Reads the values as those of what identifies a table's rows, in the dialect of its engine.
    ///
    /// Fails when that is nothing but the whole row, when there are more or fewer values than its key has columns, and for
    /// a value that its column's type cannot hold.
    pub fn bind(&self, table: &Table, dialect: &dyn Dialect) -> Result<BoundKey, Error> {
        let fail = |problem: String| Error::KeyReference { reference: self.text.clone(), problem };
        let key = table.identified_by();
        if !key.unique {
            return Err(fail(format!("table {} has no unique key; choose rows by a condition", table.name)));
        }
        let columns: Vec<usize> = key.naming().map(|part| part.column).collect();
        if columns.len() != self.values.len() {
            let names: Vec<&str> =
                columns.iter().map(|column| table.columns[*column].name.as_str()).collect();
            let values = if columns.len() == 1 { "value" } else { "values" };
            return Err(fail(format!(
                "the key of table {} is ({}), so it takes {} {values}, not {}",
                table.name,
                names.join(", "),
                columns.len(),
                self.values.len()
            )));
        }
        // What only stands in for a NULL is none of the values that people give.
        let mut values = RowBatch::new(key.columns.len());
        for (place, (column, part)) in columns.iter().zip(&self.values).enumerate() {
            let column = &table.columns[*column];
            let value = dialect.key_value(&column.type_name, part).map_err(|expected| {
                fail(format!("column {} of table {} takes {expected}", column.name, table.name))
            })?;
            values.columns_mut()[place].push(value.borrowed());
        }
        values.columns_mut()[columns.len()..].iter_mut().for_each(|column| column.push(Value::Null));
        values.end_row();
        let mut encoded = Vec::new();
        key::encode_values(key, values.row(0), &mut encoded).map_err(|error| match error {
            FormatError::KeyForm { column, expected } => {
                let column = &table.columns[column];
                fail(format!("column {} of table {} takes {expected}", column.name, table.name))
            }
            other => fail(other.to_string()),
        })?;
        let columns = key.columns.iter().map(|part| part.column).collect();
        let (text, part_of) = (self.text.clone(), self.part_of.clone());
        Ok(BoundKey { text, part_of, key: key.clone(), columns, values, encoded })
    }
}

/// The only table of a schema that a name means, as it stands before the colon of [`parse_key`].
pub fn table_named<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, Error> {
    only_table(schema, name, name, name)
}

/// The only table that a pattern means, which was written like this in such a text.
fn only_table<'s>(schema: &'s Schema, pattern: &str, name: &str, text: &str) -> Result<&'s Table, Error> {
    let pattern = TablePattern::new(pattern);
    let mut meant: Vec<&Table> = schema.tables.iter().filter(|table| pattern.matches(&table.name)).collect();
    if meant.len() > 1 {
        // A whole name in the default schema is meant before the same name elsewhere.
        let default: Vec<&Table> =
            meant.iter().copied().filter(|table| table.name.to_string() == name).collect();
        if default.len() == 1 {
            meant = default;
        }
    }
    match meant.as_slice() {
        [table] => Ok(table),
        [] => Err(Error::Unknown {
            what: "table",
            name: name.to_owned(),
            candidates: names(schema.tables.iter().filter(|table| table.kind.is_user_table())),
        }),
        many => Err(Error::KeyReference {
            reference: text.to_owned(),
            problem: format!("{name} may be {}", names(many.iter().copied()).join(" or ")),
        }),
    }
}

fn names<'t>(tables: impl Iterator<Item = &'t Table>) -> Vec<String> {
    tables.map(|table| table.name.to_string()).collect()
}

/// The key of one row of one table.
#[derive(Debug, Clone)]
pub struct BoundKey {
    text: String,
    part_of: Option<TableName>,
    key: rowkeep_format::Key,
    columns: Vec<usize>,
    values: RowBatch,
    encoded: Vec<u8>,
}

impl BoundKey {
    /// The key as somebody wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The partitioned table in which the row is looked for, where this is one of several partitions that may have it.
    pub fn part_of(&self) -> Option<&TableName> {
        self.part_of.as_ref()
    }

    /// The key's columns, as indexes into the table's.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// One row of the values, with one column for each of [`columns`](Self::columns); NULL where people name none.
    pub fn values(&self) -> &RowBatch {
        &self.values
    }

    /// The key as [`rowkeep_format::key`] encodes it.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Whether a row of the table is the one.
    ///
    /// # Panics
    /// When the row is not in the batch, or the batch has fewer columns than the table.
    pub fn matches(&self, batch: &RowBatch, row: usize) -> bool {
        let mut encoded = Vec::with_capacity(self.encoded.len());
        key::encode(&self.key, batch, row, &mut encoded).is_ok() && encoded == self.encoded
    }
}
