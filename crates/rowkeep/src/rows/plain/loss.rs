//! What a value loses on its way into plain JSON.

use std::sync::atomic::{AtomicU16, Ordering};

use serde::{Deserialize, Serialize};

/// What values of a column lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u16)]
pub enum Loss {
    /// Digits of a second beyond the third.
    Microseconds = 1,
    /// NaN and infinities, which are no numbers of JSON.
    NotFinite = 2,
    /// Times without end, which are no times there.
    InfiniteTime = 4,
    /// `null` of JSON, which is not told apart from NULL.
    JsonNull = 8,
    /// Bytes that are no UTF-8.
    NotUtf8 = 16,
    /// That an integer is one.
    BigInteger = 32,
    /// The numbers of the elements of an array.
    ArrayBounds = 64,
}

impl Loss {
    const ALL: [Loss; 7] = [
        Loss::Microseconds,
        Loss::NotFinite,
        Loss::InfiniteTime,
        Loss::JsonNull,
        Loss::NotUtf8,
        Loss::BigInteger,
        Loss::ArrayBounds,
    ];

    /// What happened to a column, in words.
    pub fn told(self, column: &str) -> String {
        match self {
            Loss::Microseconds => format!("microseconds of {column} are cut to milliseconds"),
            Loss::NotFinite => format!("NaN and infinities of {column} become null"),
            Loss::InfiniteTime => format!("infinite times of {column} become null"),
            Loss::JsonNull => format!("null in the JSON of {column} cannot be told from NULL"),
            Loss::NotUtf8 => format!("bytes of {column} that are not UTF-8 become U+FFFD"),
            Loss::BigInteger => format!("integers of {column} beyond 2^53 become text"),
            Loss::ArrayBounds => format!("arrays of {column} with bounds of their own become text"),
        }
    }
}

/// The losses of one column.
#[derive(Debug, Default)]
pub(super) struct Losses(AtomicU16);

impl Losses {
    pub(super) fn note(&self, loss: Loss) {
        self.0.fetch_or(loss as u16, Ordering::Relaxed);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Loss> {
        let noted = self.0.load(Ordering::Relaxed);
        Loss::ALL.into_iter().filter(move |loss| noted & *loss as u16 != 0)
    }
}
