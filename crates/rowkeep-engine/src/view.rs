//! Reading one consistent state of a live database.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, PagesHash, RowBatch, Schema, Table, TableName};

use crate::rows::{among, keys_alone};
use crate::{EngineError, ErrorKind, RowStream};

/// How a consistent state is to be opened.
#[derive(Debug, Clone, Default)]
pub struct ViewOptions {
    /// Whether the DDL is wanted too; it may need tools that reading rows does not.
    pub with_ddl: bool,
}

/// Whether a table of some names is one of those.
type Choice = Arc<dyn Fn(&[&TableName]) -> bool + Send + Sync>;

/// Which tables of a database are meant, so that the others need not be readable. All by default.
#[derive(Clone, Default)]
pub struct Meant {
    choose: Option<Choice>,
    undefined: Vec<TableName>,
    doubtful_keys: Vec<TableName>,
}

impl Meant {
    /// No table: what can be read is looked at, and the rest is not missed.
    pub fn nothing() -> Self {
        Self::these(|_| false)
    }

    /// The tables that a choice takes, by their own names and those of the partitioned tables that they are parts of.
    pub fn these(choose: impl Fn(&[&TableName]) -> bool + Send + Sync + 'static) -> Self {
        Self { choose: Some(Arc::new(choose)), ..Self::default() }
    }

    /// The same; of these tables not even the definitions, for whoever the state is compared with does not have them.
    #[must_use]
    pub fn without_definitions_of(self, undefined: Vec<TableName>) -> Self {
        Self { undefined, ..self }
    }

    /// The same, with tables whose unique keys hold the same twice: where the engine can, it tells their rows apart by their numbers.
    #[must_use]
    pub fn with_doubtful_keys(self, doubtful_keys: Vec<TableName>) -> Self {
        Self { doubtful_keys, ..self }
    }

    /// The tables whose unique keys hold the same twice.
    pub fn doubtful_keys(&self) -> &[TableName] {
        &self.doubtful_keys
    }

    /// Whether all tables are.
    pub fn is_all(&self) -> bool {
        self.choose.is_none() && self.undefined.is_empty()
    }

    /// Whether a table is meant.
    pub fn is(&self, table: &TableName) -> bool {
        self.is_by(&[table])
    }

    /// Whether a table is meant, by its own name, which is the first, or those of the partitioned tables that it is a part of.
    pub fn is_by(&self, names: &[&TableName]) -> bool {
        let is_undefined = names.first().is_some_and(|table| self.is_undefined(table));
        self.choose.as_ref().is_none_or(|choose| choose(names)) && !is_undefined
    }

    /// The tables of which not even the definitions are meant.
    pub fn undefined(&self) -> &[TableName] {
        &self.undefined
    }

    /// Whether not even the definition of a table is meant.
    pub fn is_undefined(&self, table: &TableName) -> bool {
        self.undefined.contains(table)
    }
}

impl fmt::Debug for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meant")
            .field("all", &self.choose.is_none())
            .field("undefined", &self.undefined)
            .finish()
    }
}

/// How far what a view gives belongs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// It is one state that existed.
    State,
    /// Parts of it were read one after another, and others may have written in between: of engines without a transaction that holds
    /// as long as it takes to read.
    Moving,
}

/// The name of the fact among those of [`View::environment`] by which a stored state is known for [`Consistency::Moving`], and
/// what it says then.
pub const CONSISTENCY: (&str, &str) = ("consistency", "moving");

/// The name of the fact among those of [`View::environment`] that says what of a state the file had that it is of, where that was not
/// all.
pub const FILE_PART: &str = "file_part";

impl Consistency {
    /// That of a state whose facts are these.
    pub fn of<'f>(mut facts: impl Iterator<Item = (&'f str, &'f str)>) -> Self {
        if facts.any(|fact| fact == CONSISTENCY) { Self::Moving } else { Self::State }
    }
}

/// One state of a database: its schema and its rows, which every engine can give. Looking rows up and telling what changed is what
/// some can; what follows from rows alone where an engine cannot has a default here.
///
/// What people have to be told of a state has no default, so that no view around another keeps it to itself.
#[async_trait]
pub trait View: Send + Sync {
    /// What the database is made of, at this view's instant.
    fn schema(&self) -> &Schema;

    /// What the database is, whatever it is called.
    fn identity(&self) -> Identity;

    /// Facts about the database and its server worth keeping: version, encoding, size on disk; names in snake case.
    fn environment(&self) -> Vec<(String, String)>;

    /// The roles that the server knows, where the view was opened with its DDL and the engine has roles: owners and privileges
    /// of others cannot be there.
    fn roles(&self) -> Option<&HashSet<String>>;

    /// What the view cannot give the rows of, by name; some of it may be in the schema nevertheless.
    fn unread(&self) -> &[Unread];

    /// Of [`View::unread`], the tables whose rows a file was made without: it is whole without them.
    fn left_out(&self) -> &[TableName];

    /// What of the state is not known or could not be read, in words for people: of files that others wrote.
    fn notes(&self) -> &[String];

    /// How far the rows belong together. Of a state that is still being read, as far as is known by now: it is asked again when all
    /// has been read.
    fn consistency(&self) -> Consistency;

    /// Where in the database's own history this state lies, such as an LSN.
    fn position(&self) -> Option<String>;

    /// Guesses how many rows and bytes each table has, for progress only.
    fn estimate(&self, table: &TableName) -> Estimate;

    /// How many tables are worth reading at once.
    fn parallelism(&self) -> usize;

    /// Reads all rows of a table in the order of its key (see [`rowkeep_format::key`]).
    ///
    /// May wait for other readings of this view to end. Dropping the stream stops the reading.
    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError>;

    /// Finds the rows whose values in some columns are one of these, without reading the whole table where an index
    /// helps.
    ///
    /// `columns` are indexes into the table's; `values` has one column for each of them. NULL equals NULL here. The rows
    /// come in no particular order, each once, with all columns of the table.
    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        Ok(among(self.rows(table).await?, table, columns, values))
    }

    /// Reads the rows of a table that lie between two others in the order of the key, without these two, if that is cheaper than
    /// reading all. Either is one row with all columns of the table; without it there is no bound on that side.
    async fn rows_between(
        &self,
        _table: &Table,
        _after: Option<&RowBatch>,
        _before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        Ok(None)
    }

    /// Reads all rows of a table in their physical order, if that is cheaper and probably that of its key.
    ///
    /// Nobody promises that order: who needs it looks at every key (as [`rowkeep_format::cut::Cutter`] does), and at the
    /// first row out of order drops the stream, forgets what it gave and begins again with [`View::rows`]. Nothing
    /// where there is no such way or no such probability.
    async fn rows_in_physical_order(&self, _table: &Table) -> Result<Option<RowStream>, EngineError> {
        Ok(None)
    }

    /// What has to be stored of this view for [`View::changed_since`] to tell later what changed after it, such as an
    /// xmin horizon; nothing where the database cannot tell. To others it means nothing.
    fn horizon(&self) -> Option<String> {
        None
    }

    /// Counts the rows of a table, and those among them that may have changed since an earlier horizon.
    ///
    /// All others were in the table then, each value as it is now; what is not there any more is in neither count.
    /// Nothing where the database cannot tell for sure: the horizon may be another database's, or the table may have
    /// been made, renamed or altered since.
    async fn changed_since(
        &self,
        _table: &Table,
        _horizon: &str,
    ) -> Result<Option<ChangeCount>, EngineError> {
        Ok(None)
    }

    /// Asks for many tables at once what [`View::changed_since`] is going to be asked about each, where that takes fewer
    /// questions. It need not find out anything.
    async fn ask_changed_since(&self, _tables: &[&Table], _horizon: &str) {}

    /// Reads, of those of the tables whose writers promise to mark the rows that they change, only what may have changed since an
    /// earlier horizon, which [`View::changed_since`] tells then. Nobody proves such a promise: it is for whoever builds upon
    /// that horizon's snapshot, not for whoever compares.
    async fn read_promised(&self, _tables: &[&Table], _horizon: &str) -> Result<(), EngineError> {
        Ok(())
    }

    /// Reads the rows that [`View::changed_since`] counts as changed, in the order of the table's key.
    ///
    /// No other reading of this view waits for this one once the first of its rows has come.
    async fn rows_changed_since(&self, table: &Table, _horizon: &str) -> Result<RowStream, EngineError> {
        let message = format!("the database does not tell which rows of table {} changed", table.name);
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }

    /// Whether the database keeps tables in pages that [`View::pages_hash`] may tell of.
    fn has_pages(&self) -> bool {
        false
    }

    /// A hash of what the database keeps a table's rows in, to be stored: while it and the table's columns stay the same, so do all
    /// rows. It costs much less than reading them. Nothing where the database has no such thing.
    async fn pages_hash(&self, _table: &Table) -> Result<Option<PagesHash>, EngineError> {
        Ok(None)
    }

    /// Whether all rows are to be read, whatever the database tells of those that stayed as they were.
    fn reads_all(&self) -> bool {
        false
    }

    /// Reads of all rows of a table only the columns of its key, in the order of the key's columns and of the key.
    async fn keys(&self, table: &Table) -> Result<RowStream, EngineError> {
        Ok(keys_alone(self.rows(table).await?, table))
    }
}

/// How much of a table may have changed since an earlier horizon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeCount {
    /// All rows that there are.
    pub rows: u64,
    /// Those of them that may have changed since.
    pub changed: u64,
}

/// How much there is to read, as far as the database knows without reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}
