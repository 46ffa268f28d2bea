//! The engine: what it does itself, and what it leaves to what stands for every engine.

use std::sync::Arc;

use rowkeep::async_trait;
use rowkeep::engine::{
    Applied, ApplyOptions, ChangeSource, Consistency, Contents, CreateOptions, Engine, EngineError,
    ErrorKind, Examination, Finding, Level, Pushed, PushedState, QueryRows, Target, View, ViewOptions,
};
use rowkeep::format::{Identity, RowBatch, Schema};
use rusqlite::Batch;
use rusqlite::fallible_iterator::FallibleIterator as _;

use super::kind::{NAME, SCHEME};
use super::rows::{failed, push, read};
use super::schema::schema;
use super::store::{self, Database};
use super::{apply, target};

/// A database in memory.
pub(super) struct Memory {
    name: String,
}

impl Memory {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn database(&self) -> Result<Database, EngineError> {
        let missing = || EngineError::new(ErrorKind::NotFound, format!("there is no database {}", self.name));
        store::get(&self.name).ok_or_else(missing)
    }
}

#[async_trait]
impl Engine for Memory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        format!("{SCHEME}{}", self.name)
    }

    fn place(&self) -> String {
        self.describe()
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        self.database()?;
        Ok(Identity::at(self.place()))
    }

    async fn examine(&self) -> Result<Examination, EngineError> {
        let database = self.database()?;
        let tables = schema(&store::lock(&database), false).tables.len();
        let found = Finding { what: "look".to_owned(), level: Level::Ok, detail: "it is there".to_owned() };
        Ok(Examination { facts: vec![("tables".to_owned(), tables.to_string())], findings: vec![found] })
    }

    /// Reads one table after the other, between which others may write.
    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        let database = self.database()?;
        let schema = schema(&store::lock(&database), options.with_ddl);
        let state = PushedState {
            identity: Identity::at(self.place()),
            environment: vec![("tables".to_owned(), schema.tables.len().to_string())],
            schema: schema.clone(),
            notes: Vec::new(),
            consistency: Consistency::Moving,
        };
        let mut pushed = Pushed::new(state, None);
        for table in &schema.tables {
            read(&store::lock(&database), table, &mut |rows| pushed.push(&table.name, rows))?;
        }
        Ok(Arc::new(pushed.finish()))
    }

    async fn contents(&self) -> Result<Contents, EngineError> {
        let Some(database) = store::get(&self.name) else { return Ok(Contents::Missing) };
        let tables = schema(&store::lock(&database), false).tables;
        Ok(match tables.is_empty() {
            true => Contents::Empty,
            false => Contents::Occupied(tables.iter().map(|table| table.name.to_string()).collect()),
        })
    }

    async fn create(&self, schema: &Schema, options: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        if let Contents::Occupied(names) = self.contents().await? {
            let message = format!("{} holds {}", self.describe(), names.join(", "));
            return Err(EngineError::new(ErrorKind::NotEmpty, message));
        }
        self.replace(schema, options).await
    }

    async fn replace(
        &self,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Arc<dyn Target>, EngineError> {
        Ok(Arc::new(target::InMaking::begin(&self.name, schema, options)?))
    }

    async fn apply(
        &self,
        changes: Arc<dyn ChangeSource>,
        options: &ApplyOptions,
    ) -> Result<Applied, EngineError> {
        apply::apply(&self.name, &self.database()?, changes.as_ref(), options).await
    }

    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, EngineError> {
        let database = self.database()?;
        let database = store::lock(&database);
        let wrong = |error: rusqlite::Error| failed(ErrorKind::Statement, &error);
        let other = || EngineError::new(ErrorKind::Statement, "that is not one statement that reads");
        let mut batch = Batch::new(&database, sql);
        let mut statement = batch.next().map_err(wrong)?.ok_or_else(other)?;
        let columns = statement.column_count();
        if !statement.readonly() || columns == 0 || batch.next().map_err(wrong)?.is_some() {
            return Err(other());
        }
        let names = statement.column_names().map(str::to_owned).collect();
        let (mut rows, mut out, mut more) =
            (statement.query([]).map_err(wrong)?, RowBatch::new(columns), false);
        while let Some(row) = rows.next().map_err(wrong)? {
            if out.rows() == limit {
                more = true;
                break;
            }
            push(row, columns, &mut out);
        }
        Ok(QueryRows { columns: names, rows: out, more })
    }
}
