//! The state of a database, put together from what its dump holds.

use std::collections::{BTreeSet, HashMap};

use rowkeep_format::manifest::{Unread, Why};
use rowkeep_format::schema::Ddl;
use rowkeep_format::{RowBatch, Schema, Table, TableName};

use super::contents::{Contents, Form, ObjectData, TableData};
use super::definition::Definitions;
use super::inserts::named_columns;
use super::large_objects;
use super::loaded::Loaded;
use super::output::Shape;
use super::partial;
use super::sequences;
use super::settings::Printing;
use super::table_definition::Keeps;
use super::tables::table;
use crate::file_source::{Damage, FileOptions, Source};
use crate::postgres::catalog::{large_objects as tables_of_objects, sequences as tables_of_sequences};
use crate::postgres::schema::cursor::Cursor;
use crate::postgres::schema::ddl;
use crate::{EngineError, ErrorKind};

/// The state of a database.
pub(super) struct State {
    pub(super) schema: Schema,
    pub(super) rows: HashMap<TableName, TableRows>,
    /// Rows that are few, by the names of their tables.
    pub(super) settings: HashMap<TableName, RowBatch>,
    pub(super) objects: Vec<ObjectData>,
    pub(super) unread: Vec<Unread>,
    /// Of these, the tables whose rows the dump was made without.
    pub(super) left_out: Vec<TableName>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) notes: Vec<String>,
}

/// Where the rows of a table are, and how they are read.
#[derive(Debug, Clone)]
pub(super) struct TableRows {
    pub(super) data: Vec<TableData>,
    pub(super) shape: Shape,
}

/// Puts the state together.
pub(super) fn state(file: &Source, loaded: Loaded, options: &FileOptions) -> Result<State, EngineError> {
    let Loaded { mut contents, cut, is_whole } = loaded;
    refuse_encoding(file, &contents)?;
    let mut definitions = Definitions::default();
    contents.before.iter().chain(&contents.after).for_each(|statement| definitions.read(statement));
    let mut data: HashMap<TableName, Vec<TableData>> = HashMap::new();
    for part in std::mem::take(&mut contents.data) {
        let below = part.announced.as_ref().filter(|name| definitions.is_below(name, &part.table));
        data.entry(below.unwrap_or(&part.table).clone()).or_default().push(part);
    }
    let is_divided = |name: &&TableName| {
        definitions.tables.get(*name).is_some_and(|table| table.keeps == Keeps::Partitions)
    };
    if let Some((name, parts)) = data.iter().find(|(name, _)| is_divided(name)) {
        let what = "its rows are put into a partitioned table, and nothing says which partition each is of; load the \
                    dump into a server and back that up";
        let begins = parts.first().map_or("", |part| &part.begins);
        let place = format!("table {name} ({begins})");
        return Err(file.damaged(&Damage { place, what: what.to_owned() }));
    }
    let held =
        definitions.tables.iter().filter(|(_, table)| table.keeps == Keeps::Rows).map(|(name, _)| name);
    // What an extension makes, only its rows are in the dump.
    let names: BTreeSet<TableName> = held.chain(data.keys()).cloned().collect();
    let mentioned: BTreeSet<&TableName> = contents.mentioned.iter().chain(data.keys()).collect();
    let of = |name: &TableName, why| Unread { name: name.clone(), why };
    let absent = |name: &&TableName| !mentioned.contains(name) || cut.contains(name);
    let mut unread: Vec<Unread> = names.iter().filter(absent).map(|name| of(name, Why::NotInFile)).collect();
    let is_left_out = |unread: &&Unread| is_whole && !cut.contains(&unread.name);
    let left_out: Vec<TableName> =
        unread.iter().filter(is_left_out).map(|unread| unread.name.clone()).collect();
    let told = partial::told(&contents, &definitions, &names, &left_out, &data.keys().cloned().collect());
    contents.notes.extend(told);
    let elsewhere = definitions.tables.iter().filter(|(_, table)| table.keeps == Keeps::Elsewhere);
    unread.extend(elsewhere.map(|(name, _)| of(name, Why::Foreign)));
    let settings = [tables_of_sequences::table().name, tables_of_objects::data().name];
    unread.extend(settings.iter().filter(|name| cut.contains(name)).map(|name| of(name, Why::NotInFile)));
    unread.sort_unstable();

    let has_extensions = contents.before.iter().any(|sql| sql.starts_with("CREATE EXTENSION"));
    let mut printing = Printing::new(&definitions);
    let mut tables: Vec<Table> = Vec::new();
    let mut rows = HashMap::new();
    for name in &names {
        let parts = data.remove(name).unwrap_or_default();
        let is_child = definitions.tables.get(name).is_some_and(|table| !table.parents.is_empty());
        if is_child && parts.iter().any(|part| part.form == Form::Inserts && named_columns(part).is_none()) {
            contents.notes.push(format!(
                "{name}: its statements name no columns, and its values go where a server that loads them would put them"
            ));
        }
        let table = built(file, &definitions, name, &parts)?;
        let shape = shape(&definitions, &mut printing, name, &table);
        let unknown = table.columns.iter().filter(|column| !definitions.knows(&column.type_name));
        // Those of extensions are made by them.
        for column in unknown.filter(|_| !has_extensions) {
            contents.notes.push(format!(
                "{name}.{}: the dump does not say what {} is; times and bytes in it stay as the server printed them",
                column.name, column.type_name
            ));
        }
        rows.insert(name.clone(), TableRows { data: parts, shape });
        tables.push(table);
    }
    let mut settings = HashMap::new();
    if !contents.sequences.is_empty() {
        let table = tables_of_sequences::table();
        let values = sequences::rows(&contents.sequences);
        let wrong = |what| file.damaged(&Damage { place: "the sequences".to_owned(), what });
        settings.insert(table.name.clone(), values.map_err(wrong)?);
        tables.push(table);
    }
    let mut objects = std::mem::take(&mut contents.object_data);
    if !contents.objects.is_empty() || !objects.is_empty() {
        objects.sort_by_key(|object| object.oid.parse::<u64>().unwrap_or(u64::MAX));
        let table = tables_of_objects::objects();
        settings.insert(table.name.clone(), large_objects::objects(&contents.objects));
        tables.extend([table, tables_of_objects::data()]);
    }
    let mut inherits = definitions.inherits;
    inherits.sort_unstable();
    inherits.dedup();
    let ddl = if options.with_ddl { parts(&contents) } else { Vec::new() };
    let facts = facts(&contents, options);
    let schema = Schema { engine: ddl::ENGINE.to_owned(), tables, inherits, ddl };
    Ok(State { schema, rows, settings, objects, unread, left_out, facts, notes: contents.notes })
}

/// A table with its columns in the order in which the dump gives their values.
fn built(
    file: &Source,
    definitions: &Definitions,
    name: &TableName,
    parts: &[TableData],
) -> Result<Table, EngineError> {
    let is_nameless = |part: &TableData| part.form == Form::Inserts && named_columns(part).is_none();
    if !definitions.tables.contains_key(name) && parts.iter().any(is_nameless) {
        let message = format!(
            "{}: the columns of {name} are not known: the dump does not define it, and its INSERTs name none; make it with \
             pg_dump --column-inserts, or without --data-only",
            file.path().display()
        );
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    let order = parts.iter().find_map(|part| part.columns.clone().or_else(|| named_columns(part)));
    let table = table(definitions, name, order.as_deref());
    let copied = parts.iter().filter(|part| part.form == Form::Copy);
    for part in copied {
        let given = part.columns.as_ref().map_or(table.columns.len(), Vec::len);
        let is_alike = part.columns.as_ref().is_none_or(|columns| {
            columns.iter().zip(&table.columns).all(|(given, column)| *given == column.name)
        });
        if given != table.columns.len() || !is_alike {
            let what = "the columns of its rows are not those that it is made with".to_owned();
            let place = format!("table {name} ({})", part.begins);
            return Err(file.damaged(&Damage { place, what }));
        }
    }
    Ok(table)
}

fn shape(definitions: &Definitions, printing: &mut Printing<'_>, name: &TableName, table: &Table) -> Shape {
    let place = |column: &str| table.columns.iter().position(|known| known.name == column);
    let named =
        definitions.columns(name).into_iter().map(|column| (column.name.clone(), place(&column.name)));
    let printed = table.columns.iter().map(|column| printing.of(&column.type_name));
    Shape { columns: table.columns.len(), named: named.collect(), printed: printed.collect() }
}

/// Text in another encoding would not be what a live database gives.
fn refuse_encoding(file: &Source, contents: &Contents) -> Result<(), EngineError> {
    match contents.encoding.as_deref() {
        None | Some("UTF8" | "SQL_ASCII") => Ok(()),
        Some(encoding) => {
            let message = format!(
                "{} is in encoding {encoding}, and dumps in UTF8 are read: make it with pg_dump --encoding=UTF8",
                file.path().display()
            );
            Err(EngineError::new(ErrorKind::Unsupported, message))
        }
    }
}

/// The DDL as a live database gives it.
fn parts(contents: &Contents) -> Vec<Ddl> {
    let joined = |statements: &[String]| -> String {
        statements.iter().map(|statement| format!("{}\n\n", statement.trim())).collect()
    };
    let has_statements = !contents.before.is_empty() || !contents.after.is_empty();
    let parts = [
        (ddl::DATABASE, database_options(contents.create.as_deref())),
        (ddl::BEFORE, joined(&contents.before)),
        (ddl::AFTER, joined(&contents.after)),
        (ddl::REFRESH, joined(&contents.refresh)),
    ];
    let parts = parts.into_iter().filter(|(_, sql)| has_statements && !sql.is_empty());
    parts.map(|(part, sql)| Ddl { part: part.to_owned(), sql }).collect()
}

/// How the database is made: encoding and locale, where the dump says so.
fn database_options(create: Option<&str>) -> String {
    let unknown = || "ENCODING = 'UTF8'".to_owned();
    let Some(create) = create else { return unknown() };
    let mut cursor = Cursor::new(create);
    cursor.until(|cursor| cursor.sees(&["encoding"]) || cursor.sees(&["locale_provider"]));
    let mut options = cursor.until(|cursor| cursor.sees(&["tablespace"])).to_owned();
    if options.is_empty() {
        return unknown();
    }
    // What older programs and newer ones call both kinds of locale at once.
    if let Some((before, after)) = options.split_once(" LOCALE = ") {
        let end = after[1..].find('\'').map_or(after.len(), |end| end + 2);
        let locale = &after[..end];
        options = format!("{before} LC_COLLATE = {locale} LC_CTYPE = {locale}{}", &after[end..]);
    }
    options
}

fn facts(contents: &Contents, options: &FileOptions) -> Vec<(String, String)> {
    let mut facts = options.facts.clone();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value
            && !facts.iter().any(|(known, _)| known == name)
        {
            facts.push((name.to_owned(), value));
        }
    };
    add("server_version", contents.server.clone());
    add("written_by", contents.program.as_ref().map(|program| format!("pg_dump {program}")));
    add("database", contents.name.clone());
    add("encoding", contents.encoding.clone());
    facts
}
