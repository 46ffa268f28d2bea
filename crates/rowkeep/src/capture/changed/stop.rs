//! Why a tree is not made from that of the snapshot before.

use crate::Error;

/// Why a tree is not made this way.
pub(super) enum Stop {
    /// All rows have to be read.
    ReadAll(Why),
    Error(Error),
}

/// Why all rows have to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// What the database tells of its rows does not come out even.
    Contradiction,
    /// Some of the table before cannot be read, or so much was written in one place that there is no short way.
    NoShortWay,
    /// More would have to be held back than fits.
    TooMuchHeld,
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Error(error.into())
    }
}
