//! The rows of a table, page by page.

use std::borrow::Cow;

use rowkeep_format::RowBatch;

use super::form::Form;
use super::large::fetch;
use super::table::{Place, ReadTable, moved};
use crate::d1::connect::remote::{Remote, Statement};
use crate::{EngineError, ErrorKind};

/// How pages of values are asked for, if nothing is known of them.
const USUAL: Form = Form { hex_text: false, inline_bytes: 16 * 1024 };

/// The rows of the first page, and of a page at most.
const FIRST_ROWS: usize = 500;
const MOST_ROWS: usize = 20_000;

/// Bytes that a page should have.
const PAGE_BYTES: usize = 2 << 20;

/// The most bytes of the condition where a page begins: it stands in each statement, and D1 takes 100,000.
const CONDITION_BYTES: usize = 48 * 1024;

/// Rows, or why these cannot be asked for in this way.
enum Decoded {
    Rows(RowBatch),
    /// Texts have to come in digits.
    Doubtful,
    /// A key is too long to tell a row by it.
    LongKey,
}

/// A table on its way.
pub(crate) struct Pages<'r> {
    remote: &'r Remote,
    table: Cow<'r, ReadTable>,
    place: Place,
    rows: usize,
    form: Form,
    ended: bool,
}

impl<'r> Pages<'r> {
    /// Begins with the first page.
    pub(crate) fn new(remote: &'r Remote, table: &'r ReadTable) -> Self {
        let table = Cow::Borrowed(table);
        Self { remote, table, place: Place::default(), rows: FIRST_ROWS, form: USUAL, ended: false }
    }

    /// The next rows; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<RowBatch>, EngineError> {
        while !self.ended {
            let batch = match self.page().await {
                Ok(Decoded::Rows(batch)) => batch,
                Ok(Decoded::Doubtful) => {
                    self.form.hex_text = true;
                    continue;
                }
                Ok(Decoded::LongKey) => {
                    self.count();
                    continue;
                }
                // So many rows may be too much for whoever answers, if there is an answer to less.
                Err(error) if self.rows > 1 && is_too_much(&error) => {
                    if error.kind() == ErrorKind::Unreachable
                        && self.remote.read_one(&nothing()).await.is_err()
                    {
                        return Err(error);
                    }
                    self.rows = (self.rows / 8).max(1);
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.ended = batch.rows() < self.rows;
            if batch.is_empty() {
                break;
            }
            self.place.rows += batch.rows() as u64;
            self.place.condition = self.table.after(&batch, batch.rows() - 1);
            if self.place.condition.len() > CONDITION_BYTES {
                self.count();
            }
            let fits = self.rows.saturating_mul(PAGE_BYTES) / batch.bytes().max(1);
            self.rows = fits.clamp(1, self.rows * 4).min(MOST_ROWS);
            return Ok(Some(batch));
        }
        Ok(None)
    }

    /// Goes on by the number of rows: slowly, but however long keys are.
    fn count(&mut self) {
        self.place.condition.clear();
        self.table = Cow::Owned(self.table.counted());
    }

    async fn page(&self) -> Result<Decoded, EngineError> {
        let (parts, statements): (Vec<_>, Vec<_>) =
            self.table.statements(&self.place, Some(self.rows), self.form).into_iter().unzip();
        let answers = self.remote.read(&statements).await?;
        let Some((batch, large)) = self.table.decoded(self.remote, &parts, &answers, self.form)? else {
            return Ok(Decoded::Doubtful);
        };
        if large.is_empty() {
            return Ok(Decoded::Rows(batch));
        }
        if large.iter().any(|value| self.table.is_of_key(value.column)) {
            return Ok(Decoded::LongKey);
        }
        let whole = fetch(self.remote, &self.table, batch, large, self.place.rows).await?;
        whole.map(Decoded::Rows).ok_or_else(|| moved(self.remote))
    }
}

/// What can always be answered.
fn nothing() -> Statement {
    Statement::new("SELECT 1 AS a")
}

fn is_too_much(error: &EngineError) -> bool {
    matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Unstorable)
}
