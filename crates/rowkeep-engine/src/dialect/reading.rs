use std::fmt;

use rowkeep_format::Value;

use super::canon::Canon;
use super::written::Written;

/// How the values of a column are read before they are compared.
pub trait Reading: fmt::Debug + Send + Sync {
    /// A value as it compares; nothing for NULL.
    fn canon<'v>(&self, value: Value<'v>) -> Option<Canon<'v>>;

    /// A literal as it compares with values of the column; nothing for NULL. The error says what was expected.
    fn literal(&self, written: &Written) -> Result<Option<Canon<'static>>, &'static str>;

    /// Whether the order of values is known, beside their equality.
    fn has_order(&self) -> bool {
        true
    }
}
