//! The engine among those that are known.

use std::path::Path;
use std::sync::{Arc, Once};

use rowkeep::async_trait;
use rowkeep::engine::dialect::Dialect;
use rowkeep::engine::{
    DatabaseUrl, Engine, EngineError, Kind, Location, ScratchDatabase, ScratchPlace, ScratchWanted,
    Surroundings, register as register_kind,
};
use rowkeep::format::Schema;

use super::dialect::MemoryDialect;
use super::engine::Memory;
use super::store;
use secrecy::ExposeSecret;

pub(super) const NAME: &str = "memory";
pub(super) const SCHEME: &str = "memory-of-tests://";

struct MemoryKind;

/// Makes the engine known, once.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| register_kind(&MemoryKind).expect("nobody has its name"));
}

/// The name of a database in its URL.
fn name(url: &DatabaseUrl) -> &str {
    match url.location() {
        Location::Url(url) => url.expose_secret().strip_prefix(SCHEME).unwrap_or_default(),
        Location::File(_) => "",
    }
}

impl Kind for MemoryKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &MemoryDialect
    }

    fn schemes(&self) -> &'static [&'static str] {
        &[SCHEME]
    }

    fn parse(&self, text: &str) -> Result<Option<DatabaseUrl>, EngineError> {
        Ok(text.starts_with(SCHEME).then(|| DatabaseUrl::of_url(NAME, text)))
    }

    fn connect(&self, url: &DatabaseUrl, _: &Surroundings) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(Memory::new(name(url))))
    }

    fn name_of(&self, url: &DatabaseUrl) -> Option<String> {
        Some(name(url).to_owned())
    }

    fn beside(&self, url: &DatabaseUrl, suffix: &str) -> String {
        format!("{SCHEME}{}-{suffix}", name(url))
    }

    fn scratch_in(
        &self,
        _: &Path,
        _: &ScratchWanted,
        _: &Surroundings,
    ) -> Result<Box<dyn ScratchPlace>, EngineError> {
        Ok(Box::new(InMemory))
    }
}

struct InMemory;

struct Made(Memory);

#[async_trait]
impl ScratchPlace for InMemory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    async fn make(&self, _: &Schema, _: u64, random: u64) -> Result<Box<dyn ScratchDatabase>, EngineError> {
        Ok(Box::new(Made(Memory::new(&format!("drill-{random:x}")))))
    }
}

#[async_trait]
impl ScratchDatabase for Made {
    fn engine(&self) -> &dyn Engine {
        &self.0
    }

    async fn remove(self: Box<Self>) -> Result<(), EngineError> {
        store::remove(self.0.name());
        Ok(())
    }
}
