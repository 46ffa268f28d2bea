//! What cannot be done as it was asked for.

use std::path::PathBuf;

use jiff::Timestamp;

use super::kind::ErrorKind;

/// Why a job cannot be done as it was asked for.
///
/// Options are named as the command line names them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No database was named, and none is configured.
    #[error("no database was given")]
    NoDatabase,
    /// One database is meant, and several are configured.
    #[error("several databases are configured")]
    SeveralDatabases {
        /// Their names.
        known: Vec<String>,
    },
    /// The database of a snapshot is not configured, so nothing says where it is.
    #[error("rowkeep.toml has no database {name}, so there is no target to restore to")]
    NotConfigured {
        /// The name of the database in the repository.
        name: String,
    },
    /// Something was named that is neither a configured database nor a file.
    #[error("no database {name}: no such file, and no such name in rowkeep.toml")]
    NoSuchDatabase {
        /// What was named.
        name: String,
        /// The names that are configured.
        known: Vec<String>,
    },
    /// A file is to be read that is neither a database nor a dump.
    #[error("{}", no_dump(.file, *.is_there))]
    NoDump {
        /// The file.
        file: PathBuf,
        /// Whether it is there at all.
        is_there: bool,
    },
    /// All files of a folder are to be imported, as what only one of them can be.
    #[error("a time or a name for the snapshot is that of one file, and all files of a folder are meant")]
    OfSeveralFiles,
    /// All files of a folder are to be imported, each as a state, and they are the tables of one.
    #[error("{} has {files} files with the rows of one table each, which are the tables of one state", .folder.display())]
    TablesOfOneState {
        /// The folder.
        folder: PathBuf,
        /// How many of its files are such.
        files: usize,
    },
    /// The state that an increment goes on from is only in a snapshot that does not have all of it, or not as it was.
    #[error("{} goes on from the state of snapshot {snapshot}, which {why}: what it makes would look whole, and not be", .file.display())]
    BaseNotWhole {
        /// The increment.
        file: PathBuf,
        /// The snapshot.
        snapshot: String,
        /// Why it cannot be gone on from.
        why: &'static str,
        /// What the full backup is called that would do.
        base: String,
    },
    /// `live` was named, and no database is configured.
    #[error("live is the configured database, but none is configured")]
    NoLive,
    /// `live` was named, and several databases are configured.
    #[error("live could mean several databases")]
    SeveralLive {
        /// Their names.
        known: Vec<String>,
    },
    /// The URL of a configured database cannot be had.
    #[error("the URL of {database} is incomplete: {problem}")]
    NotSet {
        /// The database.
        database: String,
        /// Which variable is not set.
        problem: String,
    },
    /// There is no repository where it is looked for.
    #[error("there is no repository at {location}")]
    NoRepository {
        /// The place.
        location: String,
    },
    /// Another repository, or none, is where one was before, as this machine remembers.
    #[error("{found} at {location}, where {expected} was before")]
    NotThatRepository {
        /// The place.
        location: String,
        /// What is there, in words.
        found: String,
        /// What was there, in words.
        expected: String,
        /// The file that remembers it.
        note: PathBuf,
    },
    /// One repository is meant, and several are configured.
    #[error("several repositories are configured")]
    SeveralRepositories {
        /// Their names.
        known: Vec<String>,
    },
    /// Snapshots are to be copied into the repository that they are in.
    #[error("{location} is the repository that is copied from")]
    SameRepository {
        /// The place.
        location: String,
    },
    /// A file or what was typed gives no usable secret.
    #[error("{0}")]
    Secret(String),
    /// Rows are to be masked, and there is no rule.
    #[error("there are no mask rules for {database}")]
    NoMaskRules {
        /// The database.
        database: String,
    },
    /// A database is to be refreshed, and the configuration does not say from which one.
    #[error("nothing says from which database {database} is refreshed")]
    NoRefresh {
        /// The database.
        database: String,
    },
    /// A log is to be replayed, and the configuration does not say which one.
    #[error("nothing says in which table {database} writes down what it changes")]
    NoLog {
        /// The database.
        database: String,
    },
    /// There is nothing from which a database could be refreshed.
    #[error("there is no snapshot of {database} that holds all of it unmasked")]
    NothingToRefreshFrom {
        /// The database from which it is to be refreshed.
        database: String,
    },
    /// A database is to be refreshed from another one, and both are one.
    #[error("{database} and {from} are one database, {place}: it is not replaced by its own backup")]
    RefreshOfItself {
        /// The database.
        database: String,
        /// That from which it is to be refreshed.
        from: String,
        /// Where it is.
        place: String,
    },
    /// A repository is named that is not one of those that are configured.
    #[error("there is no repository called {name}")]
    NoSuchRepository {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A snapshot or a database is to have a name that means something else.
    #[error("{what} cannot be named {name}: {why}")]
    TakenName {
        /// What is to have the name.
        what: &'static str,
        /// The name.
        name: String,
        /// What it means.
        why: String,
    },
    /// A snapshot is to be restored into the database of its name, which is another than it was taken of.
    #[error("snapshot {snapshot} is of {other}, but {name} in rowkeep.toml is {place}")]
    OfNamesake {
        /// The snapshot.
        snapshot: String,
        /// The name.
        name: String,
        /// The database that the configuration gives the name.
        place: String,
        /// The database that the snapshot was taken of.
        other: String,
    },
    /// Related rows are asked for where no rows are chosen.
    #[error("--with-related needs --key or --where")]
    RelatedToAll,
    /// An option is for databases that hold data.
    #[error("{option} is for a database with data, but this one is new or empty")]
    OnlyForData {
        /// The option.
        option: &'static str,
    },
    /// Nobody knows what two snapshots come from.
    #[error("nothing says which snapshot {from} and {into} both come from")]
    NoCommonSnapshot {
        /// The one whose changes are to come.
        from: String,
        /// The one that they are to come into.
        into: String,
    },
    /// Which side counts was chosen, of no two sides.
    #[error("--prefer is about rows that changed on both sides since a --base, and none is given")]
    NeedsBase,
    /// An option cannot be combined with a base.
    #[error("--base only brings what the snapshot changed itself, so {option} cannot be combined with it")]
    NotWithBase {
        /// The option.
        option: &'static str,
    },
    /// An option is not for a replacement of the whole database.
    #[error("--with-schema replaces the whole database, so {option} cannot be combined with it")]
    NotWithSchema {
        /// The option.
        option: &'static str,
    },
    /// An option is not for a database of another engine.
    #[error("{option} cannot be used across engines")]
    NotAcross {
        /// The option.
        option: &'static str,
    },
    /// Tables are to be found under other names where they have the same.
    #[error("--call is for rows of a file, or of another engine, and a database with data")]
    CalledAlike,
    /// Two tables are said to be one table of the state.
    #[error("--call gives the name {name} to two tables")]
    CalledTwice {
        /// The name in the state.
        name: String,
    },
    /// A snapshot of another engine is to be restored into a database that holds data.
    #[error(
        "{database} holds data, and snapshot {snapshot}, which is of another engine ({engine}), can only become a new \
         database"
    )]
    OccupiedAcross {
        /// The database.
        database: String,
        /// The snapshot.
        snapshot: String,
        /// The snapshot's engine.
        engine: String,
    },
    /// Rows are to be masked on their way into a database that holds data.
    #[error("{database} has data, but rows can only be masked on restore into a new database")]
    MaskedIntoData {
        /// The database.
        database: String,
    },
    /// A plan has to be approved, and nobody can be asked.
    #[error("there is no terminal to ask for confirmation")]
    NobodyToAsk,
    /// A plan was executed before.
    #[error("plan {plan} was already executed at {time}")]
    PlanExecuted {
        /// The plan.
        plan: String,
        /// When that was begun, as RFC 3339 in UTC.
        time: String,
    },
    /// A plan is to be executed on another database than it was made for.
    #[error("plan {plan} is for {database}, not for {other}")]
    PlanOfAnother {
        /// The plan.
        plan: String,
        /// The database that it was made for.
        database: String,
        /// The database that was named.
        other: String,
    },
    /// No plan has that id.
    #[error("no plan {plan}")]
    NoSuchPlan {
        /// What was asked for.
        plan: String,
    },
    /// The beginning of an id means several plans.
    #[error("{plan} matches several plans: {}", .candidates.join(", "))]
    AmbiguousPlan {
        /// What was asked for.
        plan: String,
        /// The ids that it could mean.
        candidates: Vec<String>,
    },
    /// The key slots of a repository that is not encrypted are asked for.
    #[error("the repository is not encrypted, so it has no key slots")]
    NoKeySlots,
    /// The beginning of an id means no key slot, or several.
    #[error("{found} key slots begin with {prefix}")]
    NotOneKeySlot {
        /// What was asked for.
        prefix: String,
        /// How many key slots it could mean.
        found: usize,
    },
    /// A new passphrase is needed, and none was given or typed.
    #[error("no new passphrase was given")]
    NoPassphrase,
    /// The passphrase is to be replaced, and a key file opened the repository.
    #[error("the repository was opened with a key file, which has no passphrase to change")]
    OpenedByKeyFile,
    /// There are no checks of data to run.
    #[error("no checks are configured")]
    NothingToCheck,
    /// Checks are to be run on a snapshot of a database that could be asked itself.
    #[error("snapshot {snapshot} is of a database that runs its checks itself, and a snapshot does not")]
    ChecksAskDatabase {
        /// The snapshot.
        snapshot: String,
    },
    /// No state of a database has arrived whose rows could be checked.
    #[error("no state of {database} has arrived, so there are no rows to check")]
    NothingArrived {
        /// The database.
        database: String,
    },
    /// There is no snapshot to drill.
    #[error("there is no snapshot{} to drill", .database.as_ref().map(|name| format!(" of {name}")).unwrap_or_default())]
    NothingToDrill {
        /// The database, where one was named.
        database: Option<String>,
    },
    /// The repository has no snapshot at all.
    #[error("the repository has no snapshot")]
    NoSnapshots,
    /// A time is asked for that cannot be understood.
    #[error("{text:?} does not say which time is meant: {problem}")]
    NoTime {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A grace period that is no length of time.
    #[error("the grace period: {problem}")]
    Grace {
        /// What is wrong with it.
        problem: String,
    },
    /// A snapshot is to be deleted that somebody holds.
    #[error("snapshot {snapshot} is held{}{}", .until.map(|until| format!(" until {until}")).unwrap_or_default(), .reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Held {
        /// The snapshot.
        snapshot: String,
        /// Why.
        reason: Option<String>,
        /// How long.
        until: Option<Timestamp>,
    },
    /// A snapshot is to be released that nobody holds.
    #[error("snapshot {snapshot} is neither held nor suspicious")]
    NotHeld {
        /// The snapshot.
        snapshot: String,
    },
    /// Rules of what is kept keep nothing, or contradict each other.
    #[error("{problem}")]
    Rules {
        /// What is wrong with them.
        problem: String,
    },
    /// A state is asked for by a time before the first snapshot.
    #[error("there is no snapshot of {database} at or before {moment}; the first is {first}")]
    NoneThen {
        /// The database.
        database: String,
        /// The time, in words.
        moment: String,
        /// The first snapshot with its time, in words.
        first: String,
    },
    /// A state is asked for by a time, and the clock was wrong when those were taken that could be meant.
    #[error("no snapshot of {database} is known to be at or before {moment}: of snapshot {snapshot} {doubt}")]
    NoneSurely {
        /// The database.
        database: String,
        /// The time, in words.
        moment: String,
        /// The snapshot that may be meant.
        snapshot: String,
        /// Why its time cannot be right.
        doubt: String,
    },
    /// One database is meant, and the repository has snapshots of several.
    #[error("the repository has several databases: {}", .known.join(", "))]
    SeveralInRepository {
        /// Their names.
        known: Vec<String>,
    },
}

impl RequestError {
    /// What a caller does next about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            RequestError::NoRepository { .. } => ErrorKind::Failed,
            RequestError::OccupiedAcross { .. }
            | RequestError::NotThatRepository { .. }
            | RequestError::NobodyToAsk
            | RequestError::Held { .. }
            | RequestError::OfNamesake { .. }
            | RequestError::BaseNotWhole { .. }
            | RequestError::RefreshOfItself { .. }
            | RequestError::PlanExecuted { .. } => ErrorKind::Refused,
            RequestError::NoDatabase
            | RequestError::SeveralDatabases { .. }
            | RequestError::NotConfigured { .. }
            | RequestError::NoSuchDatabase { .. }
            | RequestError::NotSet { .. }
            | RequestError::NoDump { .. }
            | RequestError::OfSeveralFiles
            | RequestError::TablesOfOneState { .. }
            | RequestError::NoLive
            | RequestError::SameRepository { .. }
            | RequestError::SeveralRepositories { .. }
            | RequestError::SeveralLive { .. }
            | RequestError::Secret(_)
            | RequestError::NoMaskRules { .. }
            | RequestError::NoRefresh { .. }
            | RequestError::NoLog { .. }
            | RequestError::NothingToRefreshFrom { .. }
            | RequestError::NoSuchRepository { .. }
            | RequestError::TakenName { .. }
            | RequestError::RelatedToAll
            | RequestError::OnlyForData { .. }
            | RequestError::NoCommonSnapshot { .. }
            | RequestError::NeedsBase
            | RequestError::NotWithBase { .. }
            | RequestError::NotWithSchema { .. }
            | RequestError::NotAcross { .. }
            | RequestError::CalledAlike
            | RequestError::CalledTwice { .. }
            | RequestError::MaskedIntoData { .. }
            | RequestError::PlanOfAnother { .. }
            | RequestError::NoSuchPlan { .. }
            | RequestError::AmbiguousPlan { .. }
            | RequestError::NoKeySlots
            | RequestError::NotOneKeySlot { .. }
            | RequestError::NoPassphrase
            | RequestError::OpenedByKeyFile
            | RequestError::NothingToCheck
            | RequestError::ChecksAskDatabase { .. }
            | RequestError::NothingArrived { .. }
            | RequestError::NothingToDrill { .. }
            | RequestError::NoSnapshots
            | RequestError::NoTime { .. }
            | RequestError::Rules { .. }
            | RequestError::Grace { .. }
            | RequestError::NotHeld { .. }
            | RequestError::NoneThen { .. }
            | RequestError::NoneSurely { .. }
            | RequestError::SeveralInRepository { .. } => ErrorKind::Usage,
        }
    }
}

fn no_dump(file: &std::path::Path, is_there: bool) -> String {
    match is_there {
        true => {
            let database = rowkeep_engine::database_files();
            format!("{} is neither {database} nor a dump that is read", file.display())
        }
        false => format!("there is no file {}", file.display()),
    }
}
