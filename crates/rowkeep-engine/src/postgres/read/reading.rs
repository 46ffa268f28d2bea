//! What one `COPY ... TO STDOUT` reads.

use rowkeep_format::RowBatch;
use tokio::sync::mpsc;

/// How many batches may wait between the connection and whoever takes them.
pub(crate) const WAITING_BATCHES: usize = 3;

/// Where batches go.
pub(crate) type Sender = mpsc::Sender<RowBatch>;

/// What is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// What it is, for errors.
    pub(crate) what: String,
    /// The statement.
    pub(crate) copy: String,
    /// How many columns it gives.
    pub(crate) columns: usize,
    /// Whether the last column is `bytea` and is to become blobs.
    pub(crate) blobs: bool,
}
