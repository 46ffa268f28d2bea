//! A schema as the steps of a restore.

use std::collections::{BTreeSet, HashMap, HashSet};

use rowkeep_format::{Schema, TableName};

use super::validation_hints::ValidationHints;
use crate::postgres::catalog::facts::Storage;
use crate::postgres::catalog::tables::application_tables;
use crate::postgres::copy_text::charset::Charset;
use crate::postgres::schema::classify::{self, Kind, Reference};
use crate::postgres::schema::ddl;
use crate::postgres::schema::script::{Statement, parse};
use crate::postgres::schema::stand_ins;

/// The statements of a restore, by the time at which they run.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Before rows: everything that tables are made of.
    pub(crate) before: Vec<Statement>,
    /// Once a table has its rows: its own indexes, primary key and unique constraints.
    pub(crate) of_tables: HashMap<TableName, Vec<Statement>>,
    /// Once all tables have their rows, in order; references among them.
    pub(crate) after: Vec<Statement>,
    /// Then what is granted, which might otherwise stand in the way of loading.
    pub(crate) privileges: Vec<Statement>,
    /// Then what fills the materialised views.
    pub(crate) refreshes: Vec<Statement>,
    /// Last, event triggers, which would fire for what comes before.
    pub(crate) event_triggers: Vec<Statement>,
    /// What helps the server to check references.
    pub(crate) validation_hints: ValidationHints,
    /// Which versions the extensions had.
    pub(crate) extension_versions: Vec<String>,
    tables: HashSet<TableName>,
    partitions: HashMap<TableName, Vec<TableName>>,
}

impl Plan {
    /// Sorts the statements of a schema.
    pub(crate) fn new(schema: &Schema) -> Self {
        let mut plan = Plan {
            tables: application_tables(schema).map(|table| table.name.clone()).collect(),
            validation_hints: ValidationHints::new(schema),
            ..Plan::default()
        };
        plan.before = prologue(schema);
        for statement in parse(schema.ddl(ddl::BEFORE)) {
            if let Kind::Partition { parent, child } = &statement.kind {
                plan.partitions.entry(parent.clone()).or_default().push(child.clone());
            }
            match statement.kind {
                Kind::Privileges(_) => plan.privileges.push(statement),
                _ => plan.before.push(statement),
            }
        }
        for statement in parse(schema.ddl(ddl::AFTER)) {
            match &statement.kind {
                Kind::Index(table) if plan.tables.contains(table) => {
                    plan.of_tables.entry(table.clone()).or_default().push(statement);
                }
                Kind::Privileges(_) => plan.privileges.push(statement),
                Kind::EventTrigger => plan.event_triggers.push(statement),
                _ => plan.after.push(statement),
            }
        }
        plan.refreshes = parse(schema.ddl(ddl::REFRESH));
        let versions = parse(schema.ddl(ddl::EXTENSIONS)).into_iter();
        plan.extension_versions = versions.map(|statement| statement.sql).collect();
        plan
    }

    /// Makes statements such that a database of another encoding takes them.
    pub(crate) fn write_in(&mut self, charset: &Charset) {
        let of_tables = self.of_tables.values_mut().flatten();
        let last = self.event_triggers.iter_mut().chain(&mut self.refreshes);
        for statement in self.before.iter_mut().chain(&mut self.after).chain(of_tables).chain(last) {
            statement.sql = stand_ins::escaped(&statement.sql, charset);
        }
    }

    /// Leaves out by what the database would connect to other servers.
    pub(crate) fn keep_apart(&mut self) {
        self.before.retain(|statement| !classify::is_user_mapping(&statement.sql));
    }

    /// Does without tablespaces and access methods that the server lacks, and says which.
    pub(crate) fn store_in(&mut self, storage: &Storage) -> Vec<String> {
        let mut lacking = BTreeSet::new();
        let of_tables = self.of_tables.values_mut().flatten();
        for statement in self.before.iter_mut().chain(&mut self.after).chain(of_tables) {
            statement.settings.retain(|(name, value)| {
                let (known, lack) = match name.as_str() {
                    "default_tablespace" => (
                        &storage.tablespaces,
                        "tablespace {} does not exist here: what was in it is in the default one",
                    ),
                    "default_table_access_method" => (
                        &storage.access_methods,
                        "access method {} does not exist here: its tables are stored as a heap",
                    ),
                    _ => return true,
                };
                let is_there = value == "''" || known.contains(value);
                if !is_there {
                    lacking.insert(lack.replace("{}", value));
                }
                is_there
            });
        }
        lacking.into_iter().collect()
    }

    /// Whether a reference can be added unchecked and be checked later, which lets several be checked at once.
    ///
    /// Partitioned tables cannot do that.
    pub(crate) fn can_check_later(&self, reference: &Reference) -> bool {
        reference.checked
            && reference.only
            && self.tables.contains(&reference.table)
            && self.tables.contains(&reference.references)
    }

    /// Whether a table has rows that refer to rows that are not loaded.
    pub(crate) fn lacks_rows(&self, reference: &Reference, loaded: &HashSet<TableName>) -> bool {
        let refers = self.leaves(&reference.table).iter().any(|table| loaded.contains(*table));
        let complete = self.leaves(&reference.references).iter().all(|table| loaded.contains(*table));
        refers && !complete
    }

    /// The tables that hold the rows of a table: itself, or its partitions.
    fn leaves<'a>(&'a self, table: &'a TableName) -> Vec<&'a TableName> {
        match self.partitions.get(table) {
            Some(children) => children.iter().flat_map(|child| self.leaves(child)).collect(),
            None => vec![table],
        }
    }
}

/// What makes a new database like the one that `pg_dump` counts on: with a schema `public`, if its source has one.
fn prologue(schema: &Schema) -> Vec<Statement> {
    let mut statements = parse(schema.ddl(ddl::PROLOGUE));
    if statements.is_empty() {
        statements = parse("CREATE SCHEMA IF NOT EXISTS public;");
    }
    // A role that may not do that can still restore what is in other schemas.
    statements.iter_mut().for_each(|statement| statement.kind = Kind::Optional);
    statements
}

#[cfg(test)]
mod tests {
    use rowkeep_format::schema::Ddl;
    use rowkeep_format::{Key, Table, TableKind};

    use super::*;

    fn name(name: &str) -> TableName {
        TableName::qualified("public", name)
    }

    fn plan(before: &str, after: &str) -> Plan {
        let table = |text| Table {
            name: name(text),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(0),
            identity: None,
            foreign_keys: Vec::new(),
        };
        let part = |part: &str, sql: &str| Ddl { part: part.to_owned(), sql: sql.to_owned() };
        Plan::new(&Schema {
            engine: "postgresql".to_owned(),
            tables: ["a", "b", "p1", "p2"].map(table).to_vec(),
            inherits: Vec::new(),
            ddl: vec![part(ddl::BEFORE, before), part(ddl::AFTER, after)],
        })
    }

    #[test]
    fn statements_have_their_time() {
        let plan = plan(
            "CREATE TABLE public.a (); GRANT ALL ON TABLE public.a TO x;",
            "CREATE INDEX i ON public.a USING btree (x); CREATE INDEX j ON public.v USING btree (x); \
             CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); \
             ALTER TABLE ONLY public.a REPLICA IDENTITY FULL;",
        );
        assert_eq!((plan.before.len(), plan.privileges.len(), plan.event_triggers.len()), (2, 1, 1));
        assert_eq!(plan.of_tables[&name("a")].len(), 1);
        assert_eq!(plan.after.len(), 2);
    }

    #[test]
    fn references_to_what_is_not_loaded_are_found() {
        let plan = plan(
            "ALTER TABLE ONLY public.p ATTACH PARTITION public.p1 FOR VALUES IN (1); \
             ALTER TABLE ONLY public.p ATTACH PARTITION public.p2 DEFAULT;",
            "",
        );
        let reference = |table: &str, references: &str| Reference {
            table: name(table),
            constraint: "c".to_owned(),
            references: name(references),
            only: true,
            checked: true,
        };
        let loaded = |names: &[&str]| names.iter().map(|text| name(text)).collect::<HashSet<_>>();
        assert!(plan.lacks_rows(&reference("a", "b"), &loaded(&["a"])));
        assert!(!plan.lacks_rows(&reference("a", "b"), &loaded(&["b"])));
        assert!(!plan.lacks_rows(&reference("a", "p"), &loaded(&["a", "p1", "p2"])));
        assert!(plan.lacks_rows(&reference("a", "p"), &loaded(&["a", "p1"])));
        assert!(plan.lacks_rows(&reference("p", "a"), &loaded(&["p2"])));
        assert!(plan.can_check_later(&reference("a", "b")) && !plan.can_check_later(&reference("a", "p")));
    }
}
