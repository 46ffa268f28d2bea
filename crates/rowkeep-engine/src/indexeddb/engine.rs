//! A database in browsers, by the name that it has there.

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::{Identity, Schema};

use super::schema::NAME;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, CreateOptions, Engine, EngineError, ErrorKind,
    Examination, Finding, Level, QueryRows, Target, View, ViewOptions,
};

/// A database whose states arrive.
#[derive(Debug, Clone)]
pub(super) struct IndexedDb {
    /// What it is called in its browsers.
    pub(super) name: String,
}

impl IndexedDb {
    fn out_of_reach(&self) -> EngineError {
        let message = format!(
            "{} is in browsers, which nobody reaches from outside: its pages send its states and restore them, with the module",
            self.describe()
        );
        EngineError::new(ErrorKind::Unsupported, message)
    }
}

#[async_trait]
impl Engine for IndexedDb {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        format!("{NAME}:{}", self.name)
    }

    fn place(&self) -> String {
        self.describe()
    }

    fn arrives(&self) -> bool {
        true
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        Ok(Identity::at(self.place()))
    }

    async fn examine(&self) -> Result<Examination, EngineError> {
        let found = Finding::new("wait for states", Level::Ok, "pages send them, with the module");
        Ok(Examination { facts: vec![("database".to_owned(), self.name.clone())], findings: vec![found] })
    }

    async fn open(&self, _: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        Err(self.out_of_reach())
    }

    async fn contents(&self) -> Result<Contents, EngineError> {
        Err(self.out_of_reach())
    }

    fn check_changeable(&self) -> Result<(), EngineError> {
        Err(self.out_of_reach())
    }

    async fn create(&self, _: &Schema, _: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        Err(self.out_of_reach())
    }

    async fn replace(&self, _: &Schema, _: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        Err(self.out_of_reach())
    }

    async fn check_replaceable(&self) -> Result<(), EngineError> {
        Err(self.out_of_reach())
    }

    async fn apply(&self, _: Arc<dyn ChangeSource>, _: &ApplyOptions) -> Result<Applied, EngineError> {
        Err(self.out_of_reach())
    }

    async fn query(&self, _: &str, _: usize) -> Result<QueryRows, EngineError> {
        Err(self.out_of_reach())
    }
}
