use std::sync::Arc;

use rowkeep_format::TableName;

use crate::moments::AtMoment;

/// Who watches an operation. Called from any thread, often; it must return at once.
pub type Observer = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// What an operation is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Rows are read from a database and stored.
    Backup,
    /// Rows are read from a database and compared.
    Verify,
    /// Rows of two states are compared.
    Diff,
    /// Rows of a database are changed.
    Apply,
    /// Rows are written to a database.
    Restore,
    /// A database is finished: indexes, constraints, triggers.
    Finish,
    /// Rows are written into files.
    Export,
    /// A repository is checked.
    Check,
    /// A snapshot is copied into another repository.
    Copy,
}

/// Something that happened in an operation.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A phase begins; how many rows there will be is a guess for databases and exact for snapshots, 0 when unknown.
    Phase {
        /// Which phase.
        phase: Phase,
        /// Number of tables that people know as theirs, or of objects.
        tables: u64,
        /// Number of rows.
        rows: u64,
    },
    /// A table begins.
    Table(&'a TableName),
    /// That many more rows and bytes were gone through, of this table.
    Advanced {
        /// The table.
        table: &'a TableName,
        /// Rows since the last such event.
        rows: u64,
        /// Bytes since the last such event.
        bytes: u64,
    },
    /// That many more objects of a repository were checked, and bytes of their data.
    Checked {
        /// Objects since the last such event.
        objects: u64,
        /// Bytes since the last such event.
        bytes: u64,
    },
    /// Much memory is not needed any more: whoever looks after that of the process may give it back to the system.
    Freed,
    /// A table is read again from its start, because its rows did not lie in the order they were expected in.
    TableAgain {
        /// The table.
        table: &'a TableName,
        /// Rows that were reported as gone through and will be gone through again.
        rows: u64,
        /// Bytes of them.
        bytes: u64,
    },
    /// A table is done.
    TableDone {
        /// The table.
        table: &'a TableName,
        /// All its rows.
        rows: u64,
    },
    /// A hook is started.
    Hook {
        /// When it runs: `before-restore`.
        moment: &'a str,
        /// Its name.
        hook: &'a str,
    },
    /// A command of a hook printed a line.
    HookLine {
        /// The hook's name.
        hook: &'a str,
        /// The line, without its end.
        line: &'a str,
    },
    /// Until the next phase somebody else works, who may write where progress is shown.
    Pause,
    /// A state was asked for by a time, and this snapshot is meant.
    AtMoment(&'a AtMoment),
    /// Something is not as it should be, and the operation goes on.
    Warning(&'a str),
}
