//! Scratch databases: files in a folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use rowkeep_format::Schema;

use super::engine::Sqlite;
use crate::scratch::{ScratchDatabase, ScratchPlace};
use crate::{Engine, EngineError, ErrorKind, Surroundings};

/// A folder in which scratch databases are made.
pub(super) struct InFolder {
    folder: PathBuf,
    surroundings: Surroundings,
    made: AtomicU32,
}

/// One of its files.
struct Made {
    engine: Sqlite,
    file: PathBuf,
}

impl InFolder {
    pub(super) fn new(folder: &Path, surroundings: &Surroundings) -> Self {
        Self { folder: folder.to_owned(), surroundings: surroundings.clone(), made: AtomicU32::new(0) }
    }
}

#[async_trait]
impl ScratchPlace for InFolder {
    fn describe(&self) -> String {
        "a temporary SQLite file".to_owned()
    }

    async fn make(
        &self,
        _schema: &Schema,
        _seconds: u64,
        _random: u64,
    ) -> Result<Box<dyn ScratchDatabase>, EngineError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let file = self.folder.join(format!("drill-{number}.db"));
        Ok(Box::new(Made { engine: Sqlite::new(file.clone(), &self.surroundings), file }))
    }
}

#[async_trait]
impl ScratchDatabase for Made {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    async fn remove(self: Box<Self>) -> Result<(), EngineError> {
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("cannot keep scratch files in {}", self.file.display());
                Err(EngineError::new(ErrorKind::Other, message).with_source(error))
            }
            _ => Ok(()),
        }
    }
}
