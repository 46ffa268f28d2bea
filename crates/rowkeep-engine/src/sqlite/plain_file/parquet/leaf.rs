//! The values of one column of a row group, batch by batch, with the levels that say of which row and list each is.
//!
//! A value has a definition level, how far it is there, and a repetition level, which of the lists around it goes on with it
//! (`Encodings.md` and `README.md` of the format, "Nested Encoding").

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::Result as ParquetResult;

use super::failed::{Failed, guarded};
use super::value::Stored;

/// So many rows are read of a column at once.
const ROWS: usize = 512;

/// One column of a row group.
pub(super) struct Leaf {
    /// Where it is, for people.
    place: String,
    highest_definition: i16,
    is_repeated: bool,
    values: Box<dyn Values>,
    batch: Levels,
    /// The next level, and the next value, of the batch.
    at: usize,
    value: usize,
}

/// The levels of a batch; none where all are zero.
#[derive(Default)]
struct Levels {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// How many there are, written down or not.
    count: usize,
}

impl Leaf {
    pub(super) fn new(place: String, reader: ColumnReader, definition: i16, repetition: i16) -> Self {
        let values: Box<dyn Values> = match reader {
            ColumnReader::BoolColumnReader(reader) => Batch::of(reader),
            ColumnReader::Int32ColumnReader(reader) => Batch::of(reader),
            ColumnReader::Int64ColumnReader(reader) => Batch::of(reader),
            ColumnReader::Int96ColumnReader(reader) => Batch::of(reader),
            ColumnReader::FloatColumnReader(reader) => Batch::of(reader),
            ColumnReader::DoubleColumnReader(reader) => Batch::of(reader),
            ColumnReader::ByteArrayColumnReader(reader) => Batch::of(reader),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Batch::of(reader),
        };
        let batch = Levels::default();
        Self {
            place,
            highest_definition: definition,
            is_repeated: repetition > 0,
            values,
            batch,
            at: 0,
            value: 0,
        }
    }

    /// What is wrong with what was read last.
    pub(super) fn wrong(&self, what: impl Into<String>) -> Failed {
        Failed::at(self.place.clone(), what)
    }

    /// How far the next value is there.
    pub(super) fn definition(&mut self) -> Result<i16, Failed> {
        match self.has_more()? {
            true => Ok(self.level()),
            false => Err(self.wrong("it has fewer values than the row group has rows")),
        }
    }

    /// Takes the next value; nothing where it is not there.
    pub(super) fn take(&mut self) -> Result<Option<Stored>, Failed> {
        if self.definition()? < self.highest_definition {
            self.at += 1;
            return Ok(None);
        }
        let value = self.values.get(self.value);
        self.at += 1;
        self.value += 1;
        value.map(Some).ok_or_else(|| self.wrong("it has fewer values than its levels say"))
    }

    /// Whether the list of a repetition level goes on with the next value.
    pub(super) fn goes_on(&self, repetition: i16) -> Result<bool, Failed> {
        match self.repetition() {
            Some(next) if next > repetition => Err(self.misplaced()),
            next => Ok(next == Some(repetition)),
        }
    }

    /// Makes sure that the next value is of another row.
    pub(super) fn end_row(&self) -> Result<(), Failed> {
        match self.repetition() {
            None | Some(0) => Ok(()),
            Some(_) => Err(self.misplaced()),
        }
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Failed> {
        match self.has_more()? {
            true => Err(self.wrong("it has more values than the row group has rows")),
            false => Ok(()),
        }
    }

    fn misplaced(&self) -> Failed {
        self.wrong("its levels do not fit those of the columns beside it")
    }

    /// The definition level of the next value of the batch.
    fn level(&self) -> i16 {
        // Where there are no levels, every value is there.
        self.batch.definitions.get(self.at).copied().unwrap_or(self.highest_definition)
    }

    /// The repetition level of the next value; nothing at the end of a batch, which ends with a row.
    fn repetition(&self) -> Option<i16> {
        let is_there = self.at < self.batch.count;
        is_there.then(|| self.batch.repetitions.get(self.at).copied().unwrap_or(0))
    }

    fn has_more(&mut self) -> Result<bool, Failed> {
        if self.at == self.batch.count {
            let (values, batch) = (&mut self.values, &mut self.batch);
            let place = || self.place.clone();
            guarded(place, || values.read(batch))?;
            (self.at, self.value) = (0, 0);
            let has_levels = |levels: &[i16], expected: bool| !expected || levels.len() == self.batch.count;
            let are_told = has_levels(&self.batch.definitions, self.highest_definition > 0)
                && has_levels(&self.batch.repetitions, self.is_repeated);
            let is_new_row = self.batch.repetitions.first().is_none_or(|first| *first == 0);
            if !are_told || !is_new_row {
                return Err(self.misplaced());
            }
        }
        Ok(self.at < self.batch.count)
    }
}

/// Values of one type.
trait Values {
    /// Reads the next batch in the place of the last.
    fn read(&mut self, levels: &mut Levels) -> ParquetResult<()>;

    /// One of those that are there.
    fn get(&self, at: usize) -> Option<Stored>;
}

/// The batch of a column of a type.
struct Batch<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl<T: DataType> Batch<T>
where
    Stored: for<'v> From<&'v T::T>,
{
    fn of(reader: ColumnReaderImpl<T>) -> Box<dyn Values> {
        Box::new(Self { reader, values: Vec::new() })
    }
}

impl<T: DataType> Values for Batch<T>
where
    Stored: for<'v> From<&'v T::T>,
{
    fn read(&mut self, levels: &mut Levels) -> ParquetResult<()> {
        let Levels { definitions, repetitions, count } = levels;
        definitions.clear();
        repetitions.clear();
        self.values.clear();
        *count = 0;
        let read = self.reader.read_records(ROWS, Some(definitions), Some(repetitions), &mut self.values)?;
        *count = read.2;
        Ok(())
    }

    fn get(&self, at: usize) -> Option<Stored> {
        self.values.get(at).map(Stored::from)
    }
}
