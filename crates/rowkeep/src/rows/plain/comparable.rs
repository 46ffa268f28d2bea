//! Two tables of the same rows, kept by different databases, as one table whose values are what plain JSON tells of them.

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Table, TableKind, TableName, Value};

use super::canon::Class;
use super::loss::Losses;
use super::shape::{BigIntegers, Shape};
use super::value::write;

/// How the rows of one of the tables become those of the comparable one.
#[derive(Debug, Clone)]
pub(crate) struct Comparable {
    /// The table that both become.
    pub(crate) table: Table,
    columns: Vec<(usize, Shape, Class)>,
}

/// What both have in common, as the first and the second become it, and the columns that only one of them has.
pub(crate) fn comparable(
    (dialect, one): (&dyn Dialect, &Table),
    (other_dialect, other): (&dyn Dialect, &Table),
) -> (Comparable, Comparable, Vec<String>) {
    let shown = |table: &'_ Table| -> Vec<(usize, String)> {
        let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
        columns.map(|(place, column)| (place, column.name.clone())).collect()
    };
    let place = |table: &Table, name: &str| {
        table.columns.iter().position(|column| !column.hidden && column.name == name)
    };
    let (mut firsts, mut seconds, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (first, name) in shown(one) {
        let Some(second) = place(other, &name) else { continue };
        let shape_of = |dialect: &dyn Dialect, table: &Table, at: usize| {
            Shape::of(dialect, &table.columns[at].type_name, BigIntegers::Text)
        };
        let shapes = (shape_of(dialect, one, first), shape_of(other_dialect, other, second));
        let class = Class::of(&shapes.0, &shapes.1);
        firsts.push((first, shapes.0, class));
        seconds.push((second, shapes.1, class));
        names.push(name);
    }
    let lone = shown(one).into_iter().chain(shown(other)).map(|(_, name)| name);
    let lone: Vec<String> = lone.filter(|name| !names.contains(name)).collect();
    // A database knows better what names its rows than a file.
    let key = [one, other].into_iter().find_map(|table| key(table, &names));
    let column = |name: &String| Column {
        name: name.clone(),
        type_name: "text".to_owned(),
        not_null: false,
        hidden: false,
    };
    let table = Table {
        name: TableName::plain(one.name.to_string()),
        kind: TableKind::Table,
        columns: names.iter().map(column).collect(),
        key: key.unwrap_or_else(|| Key::whole_row(names.len())),
        identity: None,
        foreign_keys: Vec::new(),
    };
    let of = |columns| Comparable { table: table.clone(), columns };
    (of(firsts), of(seconds), lone)
}

/// The key of a table, where all of its columns are among these.
fn key(table: &Table, names: &[String]) -> Option<Key> {
    let own = table.identified_by();
    if !own.unique {
        return None;
    }
    let part = |part: &KeyColumn| {
        let column = &table.columns[part.column];
        let column = names.iter().position(|name| !column.hidden && *name == column.name)?;
        Some(KeyColumn { column, form: KeyForm::Native })
    };
    Some(Key { columns: own.naming().map(part).collect::<Option<_>>()?, unique: true })
}

impl Comparable {
    /// The rows as those of the comparable table, in the order in which they come.
    pub(crate) fn batch(&self, batch: &RowBatch) -> RowBatch {
        let losses = Losses::default();
        let mut out = RowBatch::new(self.columns.len());
        let mut raw = Vec::new();
        for row in 0..batch.rows() {
            let mut values = Vec::with_capacity(self.columns.len());
            for (place, shape, class) in &self.columns {
                raw.clear();
                write(batch.value(row, *place), shape, &losses, &mut raw);
                values.push(class.canonical(&String::from_utf8_lossy(&raw)));
            }
            out.push_row(values.iter().map(|value| match value {
                None => Value::Null,
                Some(text) => Value::Text(text.as_bytes()),
            }));
        }
        out
    }
}
