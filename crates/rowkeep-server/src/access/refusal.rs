//! Why somebody is not let in.

use crate::Error;

/// Why somebody is not let in.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// He shows nothing that is valid.
    Unknown,
    /// He was wrong too often.
    TooMany,
    /// What he sends may come from another site's page, which his browser would send as well.
    Forged,
    /// He has to choose a password first.
    MustChoosePassword,
    /// It cannot be found out.
    Failed(Error),
}
