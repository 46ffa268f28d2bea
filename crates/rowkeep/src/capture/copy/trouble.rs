//! On which side a copy fails.

use crate::Error;

/// Whatever stands in the way of a copy.
pub(super) enum Trouble {
    /// What is copied cannot be read.
    Reading(Error),
    /// The copy cannot be written.
    Writing(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Writing(error)
    }
}
