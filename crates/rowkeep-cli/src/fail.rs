//! Errors at the edge: what they say, what to do next, and the exit status.

use std::process::ExitCode;

use crate::out;
use crate::wrap::{width_of_messages, wrapped};
use rowkeep::engine::ErrorKind as Engine;
use rowkeep::format::in_one_line;
use rowkeep::jobs::Verdict;
use rowkeep::repository::{Error as Repo, ErrorKind as Repository};
use rowkeep::units::plain;
use rowkeep::{Error, ErrorKind, RequestError};
use serde_json::json;

pub(crate) const DONE: u8 = 0;
pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const DIFFERENCES: u8 = 3;
pub(crate) const REFUSED: u8 = 4;

/// An error of the command itself rather than of an operation.
#[derive(Debug)]
pub(crate) struct CommandError {
    status: u8,
    message: String,
    hint: Option<String>,
}

impl CommandError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: USAGE, message: message.into(), hint: None }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { status: FAILED, message: message.into(), hint: None }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { status: REFUSED, message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for CommandError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

/// Prints an error with its causes and what to do next, and gives the exit status.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    out::clear();
    let (status, hint) = judge(error);
    if json {
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let object = json!({ "error": error.to_string(), "causes": causes, "hint": hint, "status": status });
        out::json(&object);
    }
    let told = in_one_line(error.as_ref());
    let told = match error.downcast_ref::<Error>() {
        // Where a configuration is wrong is shown in several lines; what databases say stays in one.
        Some(Error::Config { .. }) => told.lines().map(plain).collect::<Vec<_>>().join("\n"),
        _ => plain(&told),
    };
    say(&format!("error: {told}"));
    if let Some(Error::Condition(error)) = error.downcast_ref::<Error>() {
        error.caret().iter().for_each(|line| eprintln!("  {}", plain(line)));
    }
    if let Some(hint) = hint {
        say(&format!("hint: {}", plain(&hint)));
    }
    ExitCode::from(status)
}

/// Prints why one of several databases failed, and what to do about it.
pub(crate) fn say_of(database: &str, error: &Error) {
    say(&format!("error: {}: {}", plain(database), plain(&error.in_one_line())));
    if let Some(hint) = hint(error) {
        say(&format!("hint: {}", plain(&hint)));
    }
}

/// Says something beside the results, where nothing that shows progress stands in its way.
pub(crate) fn say(text: &str) {
    out::clear();
    eprintln!("{}", wrapped(text, width_of_messages()));
}

/// The exit status of a job, with a hint where only hooks after it failed.
pub(crate) fn ended(job: &str, verdict: Verdict, hooks_failed: &[String]) -> u8 {
    if verdict == Verdict::Failed && !hooks_failed.is_empty() {
        say(&format!("hint: the {job} itself is done; do what the hook should have done by hand"));
    }
    status_of(verdict)
}

/// The exit status of a verdict.
pub(crate) fn status_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Done => DONE,
        Verdict::Differences => DIFFERENCES,
        Verdict::Refused => REFUSED,
        Verdict::Failed => FAILED,
    }
}

/// The exit status of an error, and what to do next.
fn judge(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(error) = error.downcast_ref::<CommandError>() {
        return (error.status, error.hint.clone());
    }
    match error.downcast_ref::<Error>() {
        Some(error) => (status(error.kind()), hint(error)),
        None => (FAILED, None),
    }
}

fn status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => USAGE,
        ErrorKind::Damage => DIFFERENCES,
        ErrorKind::Refused => REFUSED,
        ErrorKind::Failed => FAILED,
    }
}

fn hint(error: &Error) -> Option<String> {
    match error {
        Error::Request(error) => request_hint(error),
        Error::Step { source, .. } => hint(source),
        Error::OfOther(error) => hint_of_other(error),
        error => fixed_hint(error).map(str::to_owned),
    }
}

/// What to do next about the repository that snapshots are copied to.
fn hint_of_other(error: &Error) -> Option<String> {
    let told = match error {
        Error::Step { source, .. } => return hint_of_other(source),
        Error::Repository(error) => match error.kind() {
            Repository::Locked => {
                "give its passphrase in ROWKEEP_TO_PASSPHRASE or --to-passphrase-file, or its key file with --to-key-file"
            }
            Repository::Downgrade => {
                "if that is intended, give no --to-passphrase-file or --to-key-file; if not, someone may have replaced the repository"
            }
            Repository::NoBucket => "create the bucket, or give another location with --to",
            Repository::AlreadyThere => "give another location with --to",
            Repository::Occupied => {
                "give another location with --to; if a repository was deleted there, delete what is left of it"
            }
            kind => return repository_hint(kind).map(str::to_owned),
        },
        Error::Request(RequestError::NoRepository { .. }) => {
            "give another location with --to, or --create to create one"
        }
        error => return hint(error),
    };
    Some(told.to_owned())
}

/// What to do next where something cannot be done as it was asked for.
fn request_hint(error: &RequestError) -> Option<String> {
    let say_which = |known: &[String]| format!("name one of them: {}", known.join(", "));
    Some(match error {
        RequestError::NoDatabase => "give a URL or a path, or add databases to rowkeep.toml".to_owned(),
        RequestError::SeveralDatabases { known } => say_which(known),
        RequestError::NotConfigured { .. } => "give the URL or path with --to".to_owned(),
        RequestError::NoSuchDatabase { known, .. } => match known.as_slice() {
            [] => "no databases are configured in rowkeep.toml; give a URL or the path of a file".to_owned(),
            known => format!("rowkeep.toml names {}", known.join(", ")),
        },
        RequestError::NoDump { is_there: true, .. } => {
            "docs/files.md lists the formats; if it is encrypted or packed in another way, unpack it first"
                .to_owned()
        }
        RequestError::OfSeveralFiles => "leave out --time and --name, or import one file".to_owned(),
        RequestError::TablesOfOneState { .. } => "leave out --all, or import one file".to_owned(),
        RequestError::BaseNotWhole { base, .. } => format!("put {base} beside it, whole and unmasked"),
        RequestError::NotSet { .. } => "set it, or change the URL in rowkeep.toml".to_owned(),
        RequestError::OfNamesake { other, .. } => {
            format!("say into which database with --to, such as --to {other}")
        }
        RequestError::NoLive => "give its URL or path, or add it to rowkeep.toml".to_owned(),
        RequestError::SeveralLive { known } => {
            say_which(&known.iter().map(|name| format!("live:{name}")).collect::<Vec<_>>())
        }
        RequestError::NoRepository { .. } => {
            "give another location with --repository, or create one with `rowkeep init`".to_owned()
        }
        RequestError::NotThatRepository { note, .. } => format!(
            "check that its disk is mounted and its location is right; if it was deleted or moved on purpose, delete {}, which remembers it, and run the command again",
            note.display()
        ),
        RequestError::NoMaskRules { .. } => {
            "add rules to rowkeep.toml or a file; `rowkeep mask suggest` suggests some".to_owned()
        }
        RequestError::NoRefresh { database } => {
            format!("add `refresh = {{ from = \"…\" }}` to [databases.{database}] in rowkeep.toml")
        }
        RequestError::NothingToRefreshFrom { database } => {
            format!("back it up first: `rowkeep backup {database}`")
        }
        RequestError::RefreshOfItself { .. } => "change one of the two addresses in rowkeep.toml".to_owned(),
        RequestError::NoSuchRepository { known, .. } => match known.is_empty() {
            true => "only one repository is configured; leave the name out".to_owned(),
            false => say_which(known),
        },
        RequestError::NoLog { database } => {
            format!("describe the table in rowkeep.toml, in [databases.{database}.log]")
        }
        RequestError::NoCommonSnapshot { .. } => "say it with --base".to_owned(),
        RequestError::NeedsBase => {
            "say which earlier snapshot both come from with --base, or restore without --prefer".to_owned()
        }
        RequestError::NotWithBase { .. } => "restore without one of the two".to_owned(),
        RequestError::OnlyForData { .. } => "restore the whole snapshot, without it".to_owned(),
        RequestError::NotWithSchema { .. } => {
            "leave out --with-schema to change rows only, or restore into a new database".to_owned()
        }
        RequestError::NotAcross { .. } => {
            "leave it out, or first restore into a database of the same engine as the snapshot".to_owned()
        }
        RequestError::CalledAlike => "leave it out".to_owned(),
        RequestError::CalledTwice { .. } => "give each table a name of its own".to_owned(),
        RequestError::OccupiedAcross { .. } => {
            "use a new or empty database; rows of SQLite or of a file go into tables of PostgreSQL without --with-schema".to_owned()
        }
        RequestError::MaskedIntoData { .. } => "use a new or empty database".to_owned(),
        RequestError::NobodyToAsk => "review the plan with --dry-run, then pass --yes".to_owned(),
        RequestError::PlanExecuted { .. } => {
            "make another plan with --dry-run; `rowkeep undo` reverts what was done".to_owned()
        }
        RequestError::PlanOfAnother { .. } => "give the database of the plan with --to".to_owned(),
        RequestError::NoSuchPlan { .. } => "`rowkeep plans` lists them".to_owned(),
        RequestError::AmbiguousPlan { .. } => "give more digits of the id".to_owned(),
        RequestError::NotOneKeySlot { .. } => "`rowkeep key list` lists them".to_owned(),
        RequestError::NoPassphrase => {
            "type it on a terminal, or give a file with --new-passphrase-file".to_owned()
        }
        RequestError::OpenedByKeyFile => {
            "add another with `rowkeep key add` and remove this one with `rowkeep key remove`".to_owned()
        }
        RequestError::NothingToCheck => {
            "write [[databases.NAME.checks]] in rowkeep.toml, or give a file with --checks".to_owned()
        }
        RequestError::ChecksAskDatabase { snapshot } => format!(
            "`rowkeep drill --snapshot {snapshot}` restores it and runs them there; `rowkeep check-data DATABASE` runs them on the \
             database as it is"
        ),
        RequestError::NothingArrived { database } => format!(
            "its pages send states, with the module; `rowkeep import FILE --as {database}` takes one from a file"
        ),
        RequestError::NothingToDrill { database: None } => {
            "create one with `rowkeep backup DATABASE`".to_owned()
        }
        RequestError::NothingToDrill { database: Some(_) } => {
            "create one with `rowkeep backup`; `rowkeep snapshots` lists all".to_owned()
        }
        RequestError::NoSnapshots => "create one with `rowkeep backup`".to_owned(),
        RequestError::Held { snapshot, .. } => {
            format!("nothing was deleted; release it first with `rowkeep release {snapshot}`")
        }
        RequestError::NotHeld { .. } => "`rowkeep snapshots` shows which are".to_owned(),
        RequestError::NoneThen { database, .. } => format!("`rowkeep snapshots {database}` lists them"),
        RequestError::NoneSurely { snapshot, .. } => {
            format!("look at it with `rowkeep show {snapshot}`, and name it by its id if it is what you mean")
        }
        RequestError::SeveralInRepository { .. } => "name one after the key".to_owned(),
        RequestError::SeveralRepositories { known } => {
            format!("say which with --repository: {}", known.join(", "))
        }
        RequestError::SameRepository { .. } => "give another location with --to".to_owned(),
        RequestError::Secret(_)
        | RequestError::NoTime { .. }
        | RequestError::NoDump { is_there: false, .. }
        | RequestError::Rules { .. }
        | RequestError::Grace { .. }
        | RequestError::TakenName { .. }
        | RequestError::RelatedToAll
        | RequestError::NoKeySlots => return None,
    })
}

fn fixed_hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Engine(error) => engine_hint(error.kind())?,
        Error::Repository(Repo::WrongPassphrase) => {
            "check the passphrase; any other passphrase or key file of this repository opens it too"
        }
        Error::Repository(Repo::WrongKeyFile) => {
            "name another one with --key-file; a passphrase of this repository opens it too"
        }
        Error::Repository(Repo::Denied { action: "delete", .. }) => {
            "use a role that may delete; where the bucket retains objects, wait until that is over"
        }
        Error::Repository(error) => repository_hint(error.kind())?,
        Error::Content { source: rowkeep::format::FormatError::NewerVersion { .. }, .. } => {
            "a newer rowkeep wrote it; install that version"
        }
        Error::Content { .. } => {
            "`rowkeep check --read-data` lists all damage and which snapshots are complete; `rowkeep repair` heals what it can"
        }
        Error::Table { .. } => "this attempt stored nothing; back up the rest with --exclude",
        Error::ReadBack { .. } => {
            "do not rely on this snapshot; check the disk and memory of this machine, then back up again"
        }
        Error::NoSuchSnapshot { .. } => "`rowkeep snapshots` lists them",
        Error::AmbiguousSnapshot { .. } => "give more digits of the id",
        Error::NotReady { .. } => "`rowkeep doctor` shows all findings",
        Error::KeyGone { .. } => "leave out the table with --exclude, or restore it with its schema",
        Error::NoneToMask { .. } => {
            "nothing was stored or restored; correct the rule, or take it out: what is gone need not be masked, and `rowkeep mask check` looks at all rules"
        }
        Error::Unruled { .. } => {
            "nothing was stored or restored; `rowkeep mask suggest` suggests rules, and the rule keep leaves a column as it is"
        }
        Error::TooManyRelated { .. } => "choose fewer rows, or restore whole tables",
        Error::ChangedInBoth { .. } => {
            "nothing was changed; --dry-run lists these rows, --prefer database leaves what differs as it is, --prefer snapshot takes it from the snapshot"
        }
        Error::NotMergeable { .. } => {
            "nothing was changed; leave the table out, or take a later snapshot as the base"
        }
        Error::LogNotWhole { .. } => {
            "begin with another snapshot (--base), or take the log from a state that still has its entries (--log)"
        }
        Error::NoCommonKey { .. } => "leave the table out with --keep-tables, or restore without --base",
        Error::Dangling { is_choice: true, .. } => {
            "nothing was changed; --dangling bring also restores the missing rows, --dangling leave-out skips the rows that need them"
        }
        Error::Dangling { is_choice: false, .. } => {
            "nothing was changed; restore from another snapshot, or skip these rows with --dangling leave-out"
        }
        Error::Lacks { .. } => "`rowkeep show` shows what a snapshot holds; `rowkeep snapshots` lists them",
        Error::TablesGone { .. } => {
            "--with-schema replaces the whole database with its tables; --keep-tables skips these"
        }
        Error::TablesUnknown { .. } => {
            "nothing was changed; --call TABLE=NAME says which table of the database is called NAME there, --tables and --keep-tables choose others"
        }
        Error::AmbiguousDatabase { .. } => {
            "say which one by its URL or path, such as latest:/path/to/app.db; `rowkeep snapshots` shows them"
        }
        Error::OfAnother { .. } => {
            "nothing was changed; name the database that was restored, or, if this is that one, moved or upgraded since, pass --snapshot with --moved"
        }
        Error::Doubtful { .. } => {
            "nothing was changed; look at it with `rowkeep show` and `rowkeep diff`, and if it is what you mean, name it with --snapshot"
        }
        Error::Superseded { .. } => {
            "nothing was changed; to return to an earlier state, restore the snapshot that has it (`rowkeep snapshots`), and to undo what was done before, name its safety snapshot with --snapshot"
        }
        Error::NothingToUndo { .. } => "`rowkeep snapshots` lists the safety snapshots",
        Error::Hook { .. } => {
            "nothing was changed; fix the hook in rowkeep.toml, or skip hooks with --no-hooks"
        }
        Error::Activity { .. } => {
            "nothing was changed; fix [databases.NAME.activity] in rowkeep.toml, or pass --no-activity"
        }
        Error::Exists(_) => "overwrite it with --force, or choose another name",
        Error::Request(_)
        | Error::Step { .. }
        | Error::OfOther(_)
        | Error::File { .. }
        | Error::Write { .. }
        | Error::Export(_)
        | Error::Unknown { .. }
        | Error::Condition(_)
        | Error::KeyReference { .. }
        | Error::Mask(_)
        | Error::NothingSelected
        | Error::Config { .. }
        | Error::Secret(_)
        | Error::Cancelled => {
            return None;
        }
    })
}

fn engine_hint(kind: Engine) -> Option<&'static str> {
    Some(match kind {
        Engine::NotFound => "check its name and place",
        Engine::InvalidUrl => {
            "write postgres://user@host/database, d1://ACCOUNT/DATABASE, or the path of an SQLite file"
        }
        Engine::Unreachable => "check that the server is running and reachable from this machine",
        Engine::Authentication => {
            "check user and password: those of the URL, else PGUSER and PGPASSWORD, the service file, ~/.pgpass"
        }
        Engine::PermissionDenied => "grant it to the user that the URL names, or name another user",
        Engine::NotADatabase => {
            "rowkeep reads plain SQLite files; decrypt an encrypted one with the tool that encrypted it"
        }
        Engine::DamagedFile => {
            "nothing was imported; `rowkeep inspect` lists what is wrong, and `rowkeep import --salvage` takes the tables that are whole"
        }
        Engine::Damaged => {
            "try `sqlite3 FILE .recover`, or restore the newest snapshot: `rowkeep restore latest --to NEW`"
        }
        Engine::Busy => {
            "try again when the others are done; restore, undo and migrate terminate other connections with --end-connections"
        }
        Engine::FileBusy => "try again when the other program is done",
        Engine::DiskFull => "free some space and run the command again",
        Engine::NotEmpty => "use a new or empty database",
        Engine::ToolMissing => {
            "install PostgreSQL's programs of that version, or set ROWKEEP_PG_BIN to their folder"
        }
        Engine::Conflict => {
            "nothing was changed; run the command again to make a new plan, or skip such rows (restore --conflict skip, undo --skip-conflicts)"
        }
        Engine::Constraint => {
            "nothing was changed: the tables do not take these rows now; if other rows are in their way, --mode replace removes those, and --with-schema brings back the tables as they were"
        }
        Engine::Dangling => {
            "nothing was changed; --with-related also restores the rows that these reference, --with-schema the tables as they were"
        }
        Engine::Misfit => {
            "nothing was changed; correct the value where it comes from, or leave its table out with --keep-tables"
        }
        Engine::Statement => "nothing was changed; fix the statement",
        Engine::OutcomeUnknown => {
            "compare the database with the newest snapshots (`rowkeep snapshots`, `rowkeep diff`) before you change it again; `rowkeep undo` reverts what was done"
        }
        Engine::Unsupported | Engine::Unstorable | Engine::Stopped | Engine::Other => return None,
    })
}

fn repository_hint(kind: Repository) -> Option<&'static str> {
    Some(match kind {
        Repository::NotARepository => {
            "give another location with --repository, or create one with `rowkeep init`"
        }
        Repository::AlreadyThere => "give another location with --repository, or use the existing repository",
        Repository::Occupied => {
            "give another location with --repository; if a repository was deleted there, delete what is left of it"
        }
        Repository::NewerFormat => "a newer rowkeep wrote it; install that version",
        Repository::Locked => {
            "give the passphrase in ROWKEEP_PASSPHRASE or --passphrase-file, or the key file with --key-file"
        }
        Repository::Downgrade => {
            "if that is intended, give no passphrase or key file; if not, someone may have replaced the repository"
        }
        Repository::LastKeySlot => "add another with `rowkeep key add` first",
        Repository::Damaged | Repository::Missing => {
            "`rowkeep check --read-data` lists all damage and which snapshots are complete; `rowkeep repair` heals what it can"
        }
        Repository::Full => "free some space and run the command again; it continues from what is stored",
        Repository::Denied => "check the credentials and their permissions",
        Repository::NoBucket => "create the bucket, or give another location with --repository",
        Repository::Pruned => {
            "run the command again; if it takes longer than the grace period of `rowkeep prune`, lengthen that with --grace"
        }
        Repository::Unfit => {
            "nothing was deleted; `rowkeep doctor --repository` tries the store again and says what to do"
        }
        Repository::Folder => "check the folder, its permissions and its disk, and run the command again",
        Repository::Store => {
            "check the connection and run the command again; it continues from what is stored"
        }
        Repository::NotFound | Repository::Usage => return None,
    })
}
