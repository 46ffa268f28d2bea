use crate::{EngineError, ErrorKind};

/// Runs something where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(EngineError::new(ErrorKind::Other, "a thread that uses SQLite ended unexpectedly")
            .with_source(error))
    })
}
