//! What the statements of a dump say of tables: columns, keys, references, partitions.

use std::collections::{BTreeMap, HashMap, HashSet};

use rowkeep_format::{Inherits, TableName};

use super::table_definition::{
    ColumnDefinition, Keeps, KeyDefinition, ReferenceDefinition, TableDefinition, column,
};
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
        let of = |parent: &TableName| Inherits::new(name.clone(), parent.clone());
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
            self.inherits.push(Inherits::new(child, table.clone()));
            return Some(());
        }
        if cursor.takes(&["inherit"]) {
            let parent = cursor.qualified()?;
            self.inherits.push(Inherits::new(table.clone(), parent.clone()));
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

/// The most tables that a table is a child of, directly or not.
const MOST_PARENTS: usize = 1000;

/// The first words of a statement.
fn opening(statement: &str) -> &str {
    let end = statement.char_indices().nth(64).map_or(statement.len(), |(at, _)| at);
    &statement[..end]
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
