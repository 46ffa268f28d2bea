//! Why a file cannot be read, and the one place in which what reads it may break off.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use parquet::errors::ParquetError;

use crate::file_source::{Damage, Source};
use crate::sqlite::plain_file::open::temporary;
use crate::sqlite::plain_file::table::Refused;
use crate::{EngineError, ErrorKind};

/// Why a file cannot be read on.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is not what it should be there.
    Damaged(Damage),
    /// It is whole, and holds what is not read.
    Unread(String),
    /// Its rows cannot be taken.
    Row(Refused),
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Failed::Row(refused)
    }
}

impl Failed {
    /// Damage at a place.
    pub(super) fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Failed::Damaged(Damage { place: place.into(), what: what.into() })
    }

    /// The error of a file.
    pub(super) fn of(self, file: &Source) -> EngineError {
        let shown = file.path().display();
        match self {
            Failed::Damaged(damage) => file.damaged(&damage),
            Failed::Unread(what) => EngineError::new(ErrorKind::Unsupported, format!("{shown}: {what}")),
            Failed::Row(Refused::Words(what)) => {
                EngineError::new(ErrorKind::DamagedFile, format!("{shown}: {what}"))
            }
            Failed::Row(Refused::Sqlite(error)) => temporary(error),
        }
    }
}

thread_local! {
    /// Whether what is being done may break off without a word.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Has the library read something. It takes much of a file on trust, and panics where that does not hold: that is damage like any
/// other.
pub(super) fn guarded<T>(
    place: impl Fn() -> String,
    read: impl FnOnce() -> parquet::errors::Result<T>,
) -> Result<T, Failed> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                others(panic);
            }
        }));
    });
    IS_GUARDED.set(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(false);
    match read {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(ParquetError::NYI(what))) => {
            Err(Failed::Unread(format!("{} is written in a way that is not read: {what}", place())))
        }
        Ok(Err(ParquetError::General(what) | ParquetError::EOF(what))) => Err(Failed::at(place(), what)),
        Ok(Err(error)) => Err(Failed::at(place(), error.to_string())),
        Err(_) => Err(Failed::at(place(), "its bytes are none that Parquet has there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_is_damage_with_its_place() {
        let place = || "column v".to_owned();
        let words = |failed| match failed {
            Failed::Damaged(damage) => format!("{}: {}", damage.place, damage.what),
            other => format!("{other:?}"),
        };
        let broken = guarded(place, || -> parquet::errors::Result<u8> { Ok([1][std::hint::black_box(2)]) });
        assert_eq!(
            broken.map_err(words),
            Err("column v: its bytes are none that Parquet has there".to_owned())
        );
        let ended: Result<(), _> = guarded(place, || Err(ParquetError::EOF("too short".to_owned())));
        assert_eq!(ended.map_err(words), Err("column v: too short".to_owned()));
        assert_eq!(guarded(place, || Ok(1)).map_err(words), Ok(1));
    }
}
