//! A table as the statements of a dump say it: columns, keys, references.

use rowkeep_format::TableName;

use crate::postgres::schema::cursor::Cursor;

/// What a relation that is made by `CREATE TABLE` keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Rows.
    #[default]
    Rows,
    /// None of its own: they are in its partitions.
    Partitions,
    /// None here: they are on another server.
    Elsewhere,
}

/// A table as its statements say it.
#[derive(Debug, Default)]
pub(super) struct TableDefinition {
    pub(super) keeps: Keeps,
    /// Its own columns; those of what it is a child of come before them.
    pub(super) columns: Vec<ColumnDefinition>,
    pub(super) parents: Vec<TableName>,
    pub(super) keys: Vec<KeyDefinition>,
    pub(super) references: Vec<ReferenceDefinition>,
    /// Columns that a constraint of the table says are never null.
    pub(super) not_null: Vec<String>,
    /// Columns of which that is not said of children.
    pub(super) not_null_alone: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ColumnDefinition {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) not_null: bool,
    pub(super) generated: bool,
}

/// An index that tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyDefinition {
    /// The index's name.
    pub(super) name: String,
    pub(super) primary: bool,
    pub(super) columns: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReferenceDefinition {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) references: TableName,
    pub(super) referenced_columns: Vec<String>,
}

impl TableDefinition {
    /// A column or a constraint between the parentheses of `CREATE TABLE`.
    pub(super) fn part(&mut self, part: &str) {
        let mut cursor = Cursor::new(part);
        let name =
            if cursor.takes(&["constraint"]) { cursor.name().unwrap_or_default() } else { String::new() };
        let is_constraint = !name.is_empty()
            || [
                &["check"][..],
                &["primary", "key"],
                &["unique"],
                &["foreign", "key"],
                &["exclude", "using"],
                &["not", "null"],
            ]
            .iter()
            .any(|words| cursor.sees(words));
        if is_constraint {
            self.constraint(name, &mut cursor);
            return;
        }
        let Some(mut column) = column(part) else { return };
        if column.not_null && is_alone(part) {
            column.not_null = false;
            self.not_null_alone.push(column.name.clone());
        }
        let mut rest = Cursor::new(part);
        let named = |cursor: &Cursor<'_>| cursor.sees(&["primary", "key"]) || cursor.sees(&["unique"]);
        rest.until(named);
        let primary = rest.sees(&["primary", "key"]);
        if primary || rest.sees(&["unique"]) {
            self.keys.push(KeyDefinition {
                name: String::new(),
                primary,
                columns: vec![column.name.clone()],
            });
        }
        match self.columns.iter_mut().find(|known| known.name == column.name) {
            // Of a table of a type: what is said of a column that the type has.
            Some(known) => known.not_null |= column.not_null,
            None => self.columns.push(column),
        }
    }

    pub(super) fn constraint(&mut self, name: String, cursor: &mut Cursor<'_>) -> Option<()> {
        let primary = cursor.takes(&["primary", "key"]);
        if primary || cursor.takes(&["unique"]) {
            cursor.takes(&["nulls", "not", "distinct"]);
            let columns = cursor.list()?.into_iter().map(|part| Cursor::new(part).name());
            let columns = columns.collect::<Option<Vec<String>>>()?;
            cursor.until(|cursor| cursor.sees(&["deferrable"]));
            if primary || !cursor.sees(&["deferrable"]) {
                self.keys.push(KeyDefinition { name, primary, columns });
            }
        } else if cursor.takes(&["not", "null"]) {
            let column = cursor.name()?;
            let rest = cursor.until(|_| false);
            if is_alone(rest) {
                self.not_null_alone.push(column);
            } else if !rest.to_ascii_lowercase().contains("not valid") {
                self.not_null.push(column);
            }
        } else if cursor.takes(&["foreign", "key"]) {
            let columns = cursor.names()?;
            if !cursor.takes(&["references"]) {
                return None;
            }
            let references = cursor.qualified()?;
            let referenced_columns = cursor.names()?;
            if !cursor.until(|_| false).to_ascii_lowercase().contains("not enforced") {
                self.references.push(ReferenceDefinition { name, columns, references, referenced_columns });
            }
        }
        Some(())
    }
}

/// Whether a constraint that a column is never null is not one of children.
fn is_alone(constraint: &str) -> bool {
    let mut cursor = Cursor::new(constraint);
    cursor.until(|cursor| cursor.sees(&["no", "inherit"]));
    cursor.sees(&["no", "inherit"])
}

/// A column's line: its name, its type as the server prints it, and what follows.
pub(super) fn column(text: &str) -> Option<ColumnDefinition> {
    let mut cursor = Cursor::new(text);
    let name = cursor.name()?;
    cursor.takes(&["with", "options"]);
    let ends = [
        "collate",
        "compression",
        "constraint",
        "default",
        "generated",
        "not",
        "null",
        "options",
        "primary",
        "storage",
        "unique",
        "references",
        "check",
    ];
    // The name of a type may be one of these words, behind its schema.
    let is_end = |cursor: &Cursor<'_>| ends.iter().any(|word| cursor.sees(&[word]));
    let begins = cursor.clone();
    if !is_end(&cursor) {
        cursor.qualified();
    }
    cursor.until(is_end);
    let type_name = cursor.since(&begins).to_owned();
    let mut column = ColumnDefinition { name, type_name, ..ColumnDefinition::default() };
    while !cursor.is_done() {
        if cursor.takes(&["not", "null"]) {
            column.not_null = true;
        } else if cursor.takes(&["generated", "always", "as"]) {
            // An identity is a value like others.
            column.generated = !cursor.sees(&["identity"]);
        } else if !cursor.skip() {
            break;
        }
    }
    Some(column)
}
