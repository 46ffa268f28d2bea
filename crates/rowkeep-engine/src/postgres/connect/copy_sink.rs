//! What takes the rows of a `COPY` out of a connection.

use std::task::{Context, Poll};

use crate::EngineError;

/// Why rows went no further.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Nobody takes batches any more.
    Unwanted,
    /// They cannot be read.
    Failed(EngineError),
}

/// Takes rows, message by message, and hands them on in batches.
pub(crate) trait CopySink: Send {
    /// Refuses a row for its size, which is known before all of it is there.
    fn check_size(&self, bytes: usize) -> Result<(), EngineError>;

    /// Takes the row that a message holds.
    fn row(&mut self, message: &[u8]) -> Result<(), EngineError>;

    /// Whether what was taken has to be handed on before the next row is taken.
    fn is_full(&self) -> bool;

    /// Hands on what was taken, if that is anything, once there is room for it.
    fn poll_hand_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stopped>>;
}
