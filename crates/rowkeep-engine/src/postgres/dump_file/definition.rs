//! What the statements of a dump say of tables: columns, keys, references, partitions.

use std::collections::{BTreeMap, HashMap, HashSet};

use rowkeep_format::{Inherits, TableName};

use crate::postgres::quote;
use crate::postgres::schema::cursor::Cursor;

/// What was found in the statements of a dump.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// Tables of every kind, partitioned and foreign ones among them.
    pub(super) tables: BTreeMap<TableName, TableDefinition>,
    /// Partitions and children, with what they are of.
    pub(super) inherits: Vec<Inherits>,
    /// Domains by the name that types have where they are used, with the type that they are made of.
    pub(super) domains: HashMap<String, String>,
    /// Columns of composite types, for tables of such a type.
    pub(super) composites: HashMap<String, Vec<ColumnDefinition>>,
    /// Range types, and those of several ranges, with the type of their bounds.
    pub(super) ranges: HashMap<String, String>,
    /// Other types: enumerations, those with functions of their own.
    pub(super) types: HashSet<String>,
}

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
    not_null: Vec<String>,
    /// Columns of which that is not said of children.
    not_null_alone: Vec<String>,
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

impl Definitions {
    /// Takes what a statement says; others are nothing to it.
    pub(super) fn read(&mut self, statement: &str) {
        // Most statements of a dump are of no concern, and some are long.
        let mut cursor = Cursor::new(opening(statement));
        let of_concern = cursor.takes(&["create"])
            || cursor.sees(&["alter", "table"])
            || cursor.sees(&["alter", "foreign"]);
        let is_routine =
            cursor.sees(&["function"]) || cursor.sees(&["or", "replace"]) || cursor.sees(&["view"]);
        if of_concern && !is_routine {
            self.understand(&mut Cursor::new(statement));
        }
    }

    fn understand(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.takes(&["create"]) {
            let is_foreign = cursor.takes(&["foreign"]);
            cursor.takes(&["unlogged"]);
            if cursor.takes(&["table"]) {
                return self.table(is_foreign, cursor);
            }
            if cursor.takes(&["type"]) {
                return self.composite(cursor);
            }
            if cursor.takes(&["domain"]) {
                let name = type_name(&cursor.qualified()?);
                cursor.takes(&["as"]);
                let base = cursor.until(|cursor| {
                    ["default", "not", "constraint", "collate", "check"]
                        .iter()
                        .any(|word| cursor.sees(&[word]))
                });
                self.domains.insert(name, base.to_owned());
                return Some(());
            }
            if cursor.takes(&["unique", "index"]) {
                return self.index(cursor);
            }
            return None;
        }
        cursor.takes(&["alter"]);
        cursor.takes(&["foreign"]);
        if cursor.takes(&["table"]) {
            cursor.takes(&["only"]);
            let table = cursor.qualified()?;
            return self.alteration(&table, cursor);
        }
        None
    }

    fn table(&mut self, is_foreign: bool, cursor: &mut Cursor<'_>) -> Option<()> {
        cursor.takes(&["if", "not", "exists"]);
        let name = cursor.qualified()?;
        let mut table = TableDefinition::default();
        if cursor.takes(&["of"]) {
            let of = type_name(&cursor.qualified()?);
            table.columns = self.composites.get(&of).cloned().unwrap_or_default();
        }
        for part in cursor.list().unwrap_or_default() {
            table.part(part);
        }
        if cursor.takes(&["inherits"]) {
            for parent in cursor.list()? {
                table.parents.push(Cursor::new(parent).qualified()?);
            }
        }
        table.keeps = match (is_foreign, cursor.sees(&["partition", "by"])) {
            (true, _) => Keeps::Elsewhere,
            (false, true) => Keeps::Partitions,
            (false, false) => Keeps::Rows,
        };
        let of = |parent: &TableName| Inherits { child: name.clone(), parent: parent.clone() };
        self.inherits.extend(table.parents.iter().map(of));
        self.tables.insert(name, table);
        Some(())
    }

    fn composite(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let name = type_name(&cursor.qualified()?);
        if cursor.takes(&["as", "range"]) {
            return self.range(name, &cursor.list()?);
        }
        if !cursor.takes(&["as"]) || cursor.sees(&["enum"]) {
            self.types.insert(name);
            return Some(());
        }
        let columns = cursor.list()?.into_iter().filter_map(column).collect();
        self.composites.insert(name, columns);
        Some(())
    }

    fn range(&mut self, name: String, settings: &[&str]) -> Option<()> {
        let setting = |wanted: &str| {
            let values = settings.iter().filter_map(|setting| setting.split_once('='));
            let mut values = values.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            values.next().map(|(_, value)| value.trim().to_owned())
        };
        let of = setting("subtype")?;
        if let Some(several) = setting("multirange_type_name") {
            self.ranges.insert(several, of.clone());
        }
        self.ranges.insert(name, of);
        Some(())
    }

    /// The columns of a composite type; each table is one.
    pub(super) fn columns_of_type(&self, printed: &str) -> Option<Vec<ColumnDefinition>> {
        let of_table = || {
            let mut tables = self.tables.keys();
            tables.find(|table| type_name(table) == printed).map(|table| self.columns(table))
        };
        self.composites.get(printed).cloned().or_else(of_table)
    }

    /// Whether the dump makes a type, or the server has it.
    pub(super) fn knows(&self, printed: &str) -> bool {
        let base = self.base(printed);
        let name = base.trim_end_matches("[]");
        // What is made has its schema before it, but for the types of `pg_catalog`.
        !name.contains('.')
            || self.types.contains(name)
            || self.ranges.contains_key(name)
            || self.composites.contains_key(name)
            || self.tables.keys().any(|table| type_name(table) == name)
    }

    fn index(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let name = cursor.name()?;
        if !cursor.takes(&["on"]) {
            return None;
        }
        cursor.takes(&["only"]);
        let table = cursor.qualified()?;
        cursor.takes(&["using"]);
        cursor.name()?;
        let columns: Option<Vec<String>> = cursor.list()?.into_iter().map(indexed).collect();
        cursor.until(|cursor| cursor.sees(&["where"]));
        if !cursor.is_done() {
            return None;
        }
        let key = KeyDefinition { name, primary: false, columns: columns? };
        self.tables.get_mut(&table)?.keys.push(key);
        Some(())
    }

    fn alteration(&mut self, table: &TableName, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.takes(&["attach", "partition"]) {
            let child = cursor.qualified()?;
            self.inherits.push(Inherits { child, parent: table.clone() });
            return Some(());
        }
        if cursor.takes(&["inherit"]) {
            let parent = cursor.qualified()?;
            self.inherits.push(Inherits { child: table.clone(), parent: parent.clone() });
            return Some(());
        }
        let found = self.tables.get_mut(table)?;
        if cursor.takes(&["alter", "column"]) {
            let column = cursor.name()?;
            if cursor.takes(&["set", "not", "null"]) {
                found.not_null.push(column);
            }
            return Some(());
        }
        if cursor.takes(&["add", "constraint"]) {
            let name = cursor.name()?;
            return found.constraint(name, cursor);
        }
        None
    }

    /// A type, of a domain the one that it is made of.
    pub(super) fn base(&self, type_name: &str) -> String {
        let mut base = type_name.to_owned();
        // Domains over domains are few; a dump that says otherwise comes from no server.
        for _ in 0..32 {
            match self.domains.get(&base) {
                Some(below) => base.clone_from(below),
                None => break,
            }
        }
        base
    }

    /// All columns of a table, those of what it is a child of before its own.
    pub(super) fn columns(&self, name: &TableName) -> Vec<ColumnDefinition> {
        let mut columns = self.columns_below(name, &mut HashMap::new());
        let alone = self.tables.get(name).into_iter().flat_map(|table| &table.not_null_alone);
        for column in alone {
            columns.iter_mut().filter(|known| known.name == *column).for_each(|known| known.not_null = true);
        }
        columns
    }

    /// The columns of a table as its children have them. What was found is kept, for a parent may be reached in many ways, and
    /// a dump that says that a table is its own parent comes from no server.
    fn columns_below(
        &self,
        name: &TableName,
        found: &mut HashMap<TableName, Vec<ColumnDefinition>>,
    ) -> Vec<ColumnDefinition> {
        let Some(table) = self.tables.get(name) else { return Vec::new() };
        if let Some(columns) = found.get(name) {
            return columns.clone();
        }
        found.insert(name.clone(), Vec::new());
        let mut inherited: Vec<ColumnDefinition> = Vec::new();
        for parent in &table.parents {
            if found.len() < MOST_PARENTS {
                inherited.extend(self.columns_below(parent, found));
            }
        }
        let mut columns: Vec<ColumnDefinition> = Vec::new();
        for column in inherited.into_iter().chain(table.columns.iter().cloned()) {
            match columns.iter_mut().find(|known| known.name == column.name) {
                // Of one name they are one column, with what either says.
                Some(known) => {
                    known.not_null |= column.not_null;
                    known.generated = column.generated;
                }
                None => columns.push(column),
            }
        }
        let primary = table.keys.iter().filter(|key| key.primary).flat_map(|key| &key.columns);
        for column in primary.chain(&table.not_null) {
            columns.iter_mut().filter(|known| known.name == *column).for_each(|known| known.not_null = true);
        }
        found.insert(name.clone(), columns.clone());
        columns
    }

    /// Whether a table is a partition of another, or of one of its partitions.
    pub(super) fn is_below(&self, name: &TableName, root: &TableName) -> bool {
        let mut at = name;
        // A partition is of one table only.
        for _ in 0..64 {
            let Some(found) = self.inherits.iter().find(|one| one.child == *at) else { return false };
            at = &found.parent;
            if at == root {
                return true;
            }
        }
        false
    }

    /// The references of a table, those of what it is a partition of among them.
    pub(super) fn references(&self, name: &TableName) -> Vec<ReferenceDefinition> {
        let mut found = self.tables.get(name).map(|table| table.references.clone()).unwrap_or_default();
        let mut below = vec![name];
        for _ in 0..64 {
            let parents = self.inherits.iter().filter(|one| below.contains(&&one.child));
            below = parents.map(|one| &one.parent).collect();
            let partitioned = below.iter().filter_map(|parent| self.tables.get(*parent));
            for table in partitioned.filter(|table| table.keeps == Keeps::Partitions) {
                let others =
                    table.references.iter().filter(|one| !found.iter().any(|known| known.name == one.name));
                let others: Vec<ReferenceDefinition> = others.cloned().collect();
                found.extend(others);
            }
            if below.is_empty() {
                break;
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }
}

impl TableDefinition {
    /// A column or a constraint between the parentheses of `CREATE TABLE`.
    fn part(&mut self, part: &str) {
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

    fn constraint(&mut self, name: String, cursor: &mut Cursor<'_>) -> Option<()> {
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

/// The most tables that a table is a child of, directly or not.
const MOST_PARENTS: usize = 1000;

/// Whether a constraint that a column is never null is not one of children.
fn is_alone(constraint: &str) -> bool {
    let mut cursor = Cursor::new(constraint);
    cursor.until(|cursor| cursor.sees(&["no", "inherit"]));
    cursor.sees(&["no", "inherit"])
}

/// The first words of a statement.
fn opening(statement: &str) -> &str {
    let end = statement.char_indices().nth(64).map_or(statement.len(), |(at, _)| at);
    &statement[..end]
}

/// A column's line: its name, its type as the server prints it, and what follows.
fn column(text: &str) -> Option<ColumnDefinition> {
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

/// The column of an index; nothing for an expression.
fn indexed(text: &str) -> Option<String> {
    let mut cursor = Cursor::new(text);
    if cursor.sees_symbol('(') {
        return None;
    }
    let name = cursor.name()?;
    // A function is called.
    (!cursor.sees_symbol('(') && !cursor.sees_symbol('.')).then_some(name)
}

/// A type as the server prints it where it is used.
fn type_name(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", quote::printed(schema), quote::printed(&name.name)),
        None => quote::printed(&name.name),
    }
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
