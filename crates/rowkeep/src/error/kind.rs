//! What callers do next about errors.

/// What a caller does next about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked for cannot be meant: a wrong name, URL or configuration.
    Usage,
    /// Data is damaged.
    Damage,
    /// Access is refused: wrong passphrase, password, permission; or a target that must not be overwritten.
    Refused,
    /// Everything else.
    Failed,
}
