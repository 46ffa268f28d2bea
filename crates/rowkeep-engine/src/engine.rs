//! A database of some kind, as its engine presents it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep_format::{Identity, RowBatch, Schema, Table};

use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, Conversion, Converted, CreateOptions, EngineError,
    Examination, Finding, Meant, QueryRows, Target, Unrecorded, View, ViewOptions,
};

/// A database that rowkeep can protect, by its URL. Nothing is opened before it is asked for.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The engine's name as manifests keep it: `postgresql`, `sqlite`.
    fn name(&self) -> &'static str;

    /// The database in words that show no secret: its URL without password, or its path.
    fn describe(&self) -> String;

    /// Where the database is, as its identity has it: its URL without user and secrets, or the whole path of its file.
    fn place(&self) -> String;

    /// What the database is, whatever it is called. Fails when it cannot be asked, and where it is missing.
    async fn identity(&self) -> Result<Identity, EngineError>;

    /// Looks at the database without changing it and says what would stand in the way of a backup.
    ///
    /// Fails only when it cannot even connect; everything found after that is a [`Finding`](crate::Finding).
    async fn examine(&self) -> Result<Examination, EngineError>;

    /// Opens one consistent state of the database; everything read through the view is of one instant.
    ///
    /// Writers are not held up. Dropping the view releases all that it holds.
    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError>;

    /// As [`examine`](Self::examine), where only some tables have to be readable.
    async fn examine_of(&self, _meant: &Meant) -> Result<Examination, EngineError> {
        self.examine().await
    }

    /// Reads the rows of the tables that are meant, each at most once, and says what of them a restore would meet: what does not conform
    /// to the constraints that the database has, what is too large, and what is computed in a way that is not found again.
    async fn examine_rows(&self, _meant: &Meant) -> Result<Vec<Finding>, EngineError> {
        Ok(Vec::new())
    }

    /// Looks at the server of the database, which need not be there, and says what of a schema a restore would do without.
    /// `server_version` is that of the server which the schema is of.
    async fn examine_for(
        &self,
        _schema: &Schema,
        _server_version: Option<&str>,
    ) -> Result<Vec<Finding>, EngineError> {
        Ok(Vec::new())
    }

    /// As [`open`](Self::open), where only some tables have to be readable. What is not meant and cannot be read is among
    /// [`View::unread`]; all else is in the view as ever.
    async fn open_of(&self, options: &ViewOptions, _meant: &Meant) -> Result<Arc<dyn View>, EngineError> {
        self.open(options).await
    }

    /// Whether the database is there and has something in it.
    async fn contents(&self) -> Result<Contents, EngineError>;

    /// Begins to make the database from nothing: creates it where it is missing, refuses it where it is not empty, and
    /// creates everything of the schema that has to be there before rows.
    ///
    /// Until [`Target::finish`] the database is not to be used; a target that is abandoned or dropped, or whose
    /// process is killed, leaves nothing that would stop the next attempt. When this fails or is asked to stop, the database
    /// is as it was.
    async fn create(&self, schema: &Schema, options: &CreateOptions) -> Result<Arc<dyn Target>, EngineError>;

    /// Begins to make the database again in place of what it holds, schema included.
    ///
    /// What is there stays as it is until [`Target::finish`] puts the new in its place at once; until then others go on
    /// or are held up, as the engine can. A target that is abandoned or dropped, or whose process is killed, leaves the
    /// database as it was. A database that is missing is made.
    async fn replace(&self, schema: &Schema, options: &CreateOptions)
    -> Result<Arc<dyn Target>, EngineError>;

    /// When its state was, where that is not now: that of a file that somebody else wrote. A time without a zone is in this one.
    fn state_time(&self, _zone: &TimeZone) -> Option<Timestamp> {
        None
    }

    /// Whether its states arrive by themselves, so that none can be fetched.
    fn arrives(&self) -> bool {
        false
    }

    /// Refuses, before anything is done, what can only be read: a file that somebody else wrote.
    fn check_changeable(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Whether the database makes the rows of a table by itself, out of those of others, so that it does not always have those that
    /// were backed up.
    fn makes_by_itself(&self, _table: &Table) -> bool {
        false
    }

    /// Refuses, before anything is done, a database that is reached in a way in which [`replace`](Self::replace) cannot work.
    async fn check_replaceable(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Changes rows in one transaction: all of the changeset or nothing, also when the process is killed.
    ///
    /// A row that is to be updated or deleted must be as the changeset says it was, and one that is to be inserted
    /// must not be there; a row that already is as it is to become is left alone. Foreign keys hold at the end, or
    /// nothing is changed. Referential actions (`ON DELETE CASCADE`) do not reach rows that the changeset does not
    /// name. Sequences and counters end up past the highest value that was put in.
    ///
    /// Writers of other rows are held up as little as that allows. An error means that nothing was changed, except
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown). Where a database has no transaction that is large enough,
    /// [`cautions`](Self::cautions) says so beforehand, and [`is_half_changed`](Self::is_half_changed) when it was cut off.
    async fn apply(
        &self,
        changes: Arc<dyn ChangeSource>,
        options: &ApplyOptions,
    ) -> Result<Applied, EngineError>;

    /// What people have to know before changes are made, in their words. Nothing is changed.
    async fn cautions(&self, _changes: &dyn ChangeSource) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }

    /// Whether a change was cut off of which a part was made. The same change ends it, and so does what takes it back.
    async fn is_half_changed(&self) -> Result<bool, EngineError> {
        Ok(false)
    }

    /// Whether [`convert`](Self::convert) can take rows of that engine.
    fn converts(&self, _from: &str) -> bool {
        false
    }

    /// Converts rows of another engine, or of a file, into the types of the columns of a table that is there. Nothing is changed.
    ///
    /// What the types would cut or round does not fit. A value that tells less than the database holds (times to the
    /// millisecond, numbers without idle zeros) becomes the one in the row of its key, where that is what it tells of.
    async fn convert(&self, _conversion: &Conversion, _rows: &RowBatch) -> Result<Converted, EngineError> {
        let message = format!("rows of other engines cannot become rows of {}", self.describe());
        Err(EngineError::new(crate::ErrorKind::Unsupported, message))
    }

    /// What neither rows nor definitions tell of the database, so that a statement which failed half-way leaves it changed
    /// though two snapshots are equal.
    async fn unrecorded(&self) -> Result<Vec<Unrecorded>, EngineError> {
        Ok(Vec::new())
    }

    /// Takes such a change back, all of it or nothing.
    async fn take_back(&self, changed: &Unrecorded) -> Result<(), EngineError> {
        let message = format!("cannot take back that {} {}", changed.what, changed.told);
        Err(EngineError::new(crate::ErrorKind::Unsupported, message))
    }

    /// Runs one statement that only reads, in a transaction that cannot write, and returns its first rows.
    ///
    /// Dropping the future ends the statement.
    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, EngineError>;
}
