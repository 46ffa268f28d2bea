use super::row_locator::{At, By, RowLocator};
use crate::sqlite::connect::raw_statement::Statement;

/// A statement about one row, prepared for each way in which rows are identified.
pub(super) struct Located<'c> {
    by_key: Statement<'c>,
    by_rowid: Option<Statement<'c>>,
}

impl<'c> Located<'c> {
    /// `prepare` is given the condition for the row.
    pub(super) fn prepare<E>(
        locator: &RowLocator,
        mut prepare: impl FnMut(&str) -> Result<Statement<'c>, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            by_key: prepare(&locator.condition(By::Key))?,
            by_rowid: match locator.needs_rowid() {
                true => Some(prepare(&locator.condition(By::Rowid))?),
                false => None,
            },
        })
    }

    /// That for a row at this place.
    pub(super) fn at(&mut self, at: At<'_>) -> &mut Statement<'c> {
        match (at.by(), &mut self.by_rowid) {
            (By::Rowid, Some(by_rowid)) => by_rowid,
            _ => &mut self.by_key,
        }
    }
}
