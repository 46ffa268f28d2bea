use rowkeep_format::ids::PackId;

use super::directory::Directory;
use crate::header::Salt;

/// A pack as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackRecord {
    pub(crate) id: PackId,
    /// Bytes of the whole file.
    pub(crate) size: u64,
    pub(crate) salt: Salt,
    pub(crate) directory: Directory,
}
