use rowkeep_format::{RowBatch, Table};

use crate::{EngineError, RowStream};

/// What a file says of its state beside what is in it.
#[derive(Debug, Clone)]
pub struct FileAbout {
    /// When the state was.
    pub time: jiff::Timestamp,
    /// The program that writes it, with its version.
    pub program: String,
    /// What of the state is in it, where not all is as it was.
    pub part: Option<String>,
}

/// Writes a state as the file that the engine's own tools take.
///
/// Whoever writes it shows it the rows of the tables that it [`looks_at`](Self::looks_at) first. A file is [`head`](Self::head), then for each table in [`order`](Self::order) the [`lines`](Self::lines) of its rows and
/// [`end`](Self::end), then [`tail`](Self::tail). Whoever writes it shows it all lines that are written, by [`see`](Self::see).
pub trait OwnFile: Send {
    /// What comes before all rows.
    fn head(&mut self) -> String;

    /// The tables whose rows decide what of others is in the file.
    fn looks_at<'t>(&self, tables: &[&'t Table]) -> Vec<&'t Table>;

    /// Looks at rows of one of these.
    fn look(&mut self, table: &Table, rows: &RowBatch);

    /// The tables in the order in which they come.
    fn order<'t>(&self, tables: &[&'t Table]) -> Vec<&'t Table>;

    /// The lines of rows of a table, in their order in the file: as the last column of each batch, with line ends.
    fn lines(&self, table: &Table, rows: RowStream) -> Result<RowStream, EngineError>;

    /// Sees lines that were written.
    fn see(&mut self, lines: &[u8]);

    /// What comes after the lines of a table, of which there were so many.
    fn end(&mut self, table: &Table, lines: u64) -> String;

    /// What comes after all. Fails where something that was to be in the file was not written, so that nobody takes it.
    fn tail(&mut self) -> Result<String, EngineError>;
}
