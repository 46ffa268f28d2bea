//! What the values, names and statements of an engine mean wherever its rows are: in a database, in a snapshot, in a file.

mod canon;
mod content;
mod documents;
mod form;
mod own_file;
mod owned;
mod reading;
pub mod time;
mod value_type;
mod words;
mod written;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rowkeep_format::{Schema, Table, TableName, Value};

pub use canon::Canon;
pub use content::Content;
pub use documents::{Documents, Held};
pub use form::Form;
pub use own_file::{FileAbout, OwnFile};
pub use owned::OwnedValue;
pub use reading::Reading;
pub use value_type::ValueType;
pub use words::{Case, Like, Names, Sequences};
pub use written::{KeyPart, Written};

use crate::sql_text::{Program, SqlText, SqlValue};
use crate::{Definition, EngineError, ErrorKind};

/// What the values, names and statements of an engine mean. Types are given as the database declares them.
///
/// Several engines may have one dialect.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// What it is called: as the engine that it is of.
    fn name(&self) -> &'static str;

    /// How names are found.
    fn names(&self) -> Names;

    /// How the values of a column are read when they are compared with literals, or with values that are converted to it.
    fn reading(&self, declared: &str) -> Arc<dyn Reading>;

    /// How the values of two columns are read when they are compared with each other; nothing where they cannot be.
    fn readings(&self, left: &str, right: &str) -> Option<(Arc<dyn Reading>, Arc<dyn Reading>)>;

    /// Whether a column may stand alone in a condition.
    fn is_condition(&self, declared: &str) -> bool;

    /// Whether a value is true by itself; nothing where that is unknown.
    fn truth(&self, value: Value<'_>) -> Option<bool>;

    /// A value as the text that LIKE sees; nothing for NULL.
    fn text<'v>(&self, value: Value<'v>) -> Option<Cow<'v, [u8]>>;

    /// How LIKE reads its patterns.
    fn like(&self) -> Like;

    /// What a database stores where a value of a key is written so. The error says what was expected.
    fn key_value(&self, declared: &str, written: &KeyPart) -> Result<OwnedValue, &'static str>;

    /// Whether a text stays one as a value of a key without quotes, whatever the column.
    fn is_text_bare(&self, text: &[u8]) -> bool;

    /// Whether equal values of two columns look the same.
    fn look_alike(&self, a: &str, b: &str) -> bool;

    /// Whether a value equals only values that look the same, in a column of this type and in those alike.
    fn is_exact(&self, declared: &str, value: Value<'_>) -> bool;

    /// What the values of a column are to a mask.
    fn content(&self, declared: &str) -> Content;

    /// The most characters that a column of text takes, where there is such a limit.
    fn longest(&self, _declared: &str) -> Option<usize> {
        None
    }

    /// Whether a value stands for none, as NULL does: a mask leaves it so.
    fn is_none(&self, value: Value<'_>) -> bool {
        value == Value::Null
    }

    /// What a column holds where a mask puts this text into it; nothing where it cannot hold it.
    fn masked_as(&self, declared: &str, text: &str) -> Option<OwnedValue>;

    /// What the values of a table's columns are, with what the schema says of types of its own.
    fn value_types(&self, _schema: &Schema, table: &Table) -> Vec<ValueType> {
        table.columns.iter().map(|column| ValueType::plain(&column.type_name)).collect()
    }

    /// What a column has where JSON has this value; nothing for NULL. The error says why that is not certain.
    fn of_json(&self, _of: &ValueType, _json: &str) -> Result<Option<OwnedValue>, &'static str> {
        Err("nothing is known of JSON there")
    }

    /// Whether a column takes an integer, as far as its type tells.
    fn takes_integer(&self, _declared: &str, _integer: i64) -> bool {
        true
    }

    /// What the values of a column are, as far as the database itself says.
    fn form(&self, declared: &str) -> Form;

    /// The same, to whoever keeps rows as objects of JSON by what is declared.
    fn json_form(&self, declared: &str) -> Form {
        self.form(declared)
    }

    /// The same, to applications that know columns by the types that they declare.
    fn application_form(&self, declared: &str) -> Form {
        self.form(declared)
    }

    /// The documents that the rows of a table are of, where the database keeps such.
    fn documents(&self, _table: &Table) -> Option<Arc<dyn Documents>> {
        None
    }

    /// Where the values of sequences are kept, where the engine has any.
    fn sequences(&self) -> Option<Sequences> {
        None
    }

    /// Whether rows may refer to none although a foreign key is declared.
    fn may_have_orphans(&self) -> bool;

    /// A name as an identifier, quoted whatever it is.
    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A text as a literal.
    fn text_literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// The text that `CAST(... AS text)` gives of a truth value; nothing where truth values are the numbers 1 and 0.
    fn truth_text(&self, _truth: bool) -> Option<&'static str> {
        None
    }

    /// The name of a table with its schema, as an identifier.
    fn table(&self, name: &TableName) -> String {
        match &name.schema {
            Some(schema) => format!("{}.{}", self.identifier(schema), self.identifier(&name.name)),
            None => self.identifier(&name.name),
        }
    }

    /// What a schema is made of, without what differs between databases of one schema.
    fn definitions(&self, schema: &Schema) -> Vec<Definition> {
        schema.ddl.iter().map(|part| Definition::object(part.sql.clone())).collect()
    }

    /// Whether a program loads scripts of its databases.
    fn is_loaded_by(&self, _program: Program) -> bool {
        false
    }

    /// The statement that inserts one row, with names and values quoted. `table` is a name as people write it.
    fn insert(&self, _table: &str, _values: &[(&str, SqlValue)]) -> Result<String, EngineError> {
        Err(self.no_sql())
    }

    /// A query that gives no row, and fails where a table or one of its columns is not there.
    fn probe(&self, _table: &str, _columns: &[&str]) -> Result<String, EngineError> {
        Err(self.no_sql())
    }

    /// What writes a database as a script for a program, or for the engine's own; with its DDL, or rows alone.
    fn script(
        &self,
        _schema: &Schema,
        _with_ddl: bool,
        _program: Option<Program>,
    ) -> Result<Box<dyn SqlText>, EngineError> {
        Err(self.no_sql())
    }

    /// What writes tables of a state as the file that the engine's own tools take.
    fn own_file(
        &self,
        _schema: &Schema,
        _tables: &[&Table],
        _about: &FileAbout,
    ) -> Result<Box<dyn OwnFile>, EngineError> {
        let message =
            format!("a database of {} has no such file of its own: choose another format", self.name());
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }

    /// Says that there are no statements of it.
    fn no_sql(&self) -> EngineError {
        EngineError::new(ErrorKind::Unsupported, format!("no SQL is known for a database of {}", self.name()))
    }
}
