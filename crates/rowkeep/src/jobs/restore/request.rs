//! What is to be restored, and how.

use rowkeep_engine::OnConflict;
use serde::{Deserialize, Serialize};

use crate::RequestError;
use crate::apply::plan::{Mode, OnDangling};
use crate::diff::Prefer;
use crate::jobs::DatabaseRef;
use crate::jobs::plans::Terms;
use crate::jobs::rows_wanted::RowsWanted;
use crate::jobs::workspace::Masked;
use crate::restore::in_types::CalledTables;

/// What is to be restored, and how.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::restore::RestoreRequest;
/// use rowkeep::jobs::workspace::{Circumstances, Workspace};
/// use rowkeep::{Config, Context};
///
/// # async fn example() -> Result<(), rowkeep::Error> {
/// let workspace = Workspace::new(Config::default(), Circumstances::default());
/// let request = RestoreRequest {
///     to: Some("restored.db".into()),
///     ..RestoreRequest::of("latest:shop")
/// };
/// let outcome = request.run(&Context::silent(), &workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// The snapshot: an id or its beginning, a name, `latest` or `latest:DATABASE`.
    pub snapshot: String,
    /// The database; where the snapshot was taken when not given.
    #[serde(default)]
    pub to: Option<DatabaseRef>,
    /// How rows of a database that holds data become those of the snapshot.
    #[serde(default)]
    pub mode: Mode,
    /// The snapshot that the database and the one that is restored both come from, where only that is to come which the latter changed
    /// since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What is done with rows that both changed since the base, in different ways.
    #[serde(default)]
    pub prefer: Prefer,
    /// The tables and rows that are meant.
    #[serde(default)]
    pub wanted: RowsWanted,
    /// What tables of a database that holds data are called in the snapshot, where that is of a file or of another engine.
    #[serde(default, skip_serializing_if = "CalledTables::is_empty")]
    pub called: CalledTables,
    /// Whether all of a database that holds data is replaced, schema included.
    #[serde(default)]
    pub with_schema: bool,
    /// Whether only the plan is wanted. It is kept, so that it can be executed later.
    #[serde(default)]
    pub plan_only: bool,
    /// What is done where rows were changed since the plan was made.
    #[serde(default)]
    pub on_changed: OnChanged,
    /// What is done about references that would dangle.
    #[serde(default)]
    pub dangling: OnDangling,
    /// Whether a safety snapshot is taken, by which the restore can be undone.
    #[serde(default = "yes")]
    pub safety: bool,
    /// Whether the database's own triggers act on changed rows.
    #[serde(default)]
    pub fire_triggers: bool,
    /// Whether other connections to the database are ended first.
    #[serde(default)]
    pub end_connections: bool,
    /// SQL that runs in the same transaction.
    #[serde(default)]
    pub also_run: Vec<String>,
    /// Whether and by which rules rows are masked on their way into a new database, or one that is replaced as a whole.
    #[serde(default)]
    pub mask: Option<Masked>,
    /// Whether a new database is not made at all where the server refuses a part of the schema. Else it is made without that, which is
    /// told.
    #[serde(default)]
    pub strict: bool,
    /// Whether a database that was made is read again and compared with the snapshot.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Whether hooks run.
    #[serde(default = "yes")]
    pub hooks: bool,
    /// Whether a row is written into the application's own log.
    #[serde(default = "yes")]
    pub activity: bool,
}

fn yes() -> bool {
    true
}

/// What is done where rows were changed since a plan was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChanged {
    /// Nothing at all is changed.
    #[default]
    Stop,
    /// The plan is made again.
    Replan,
    /// Those rows stay as they are.
    Skip,
}

impl RestoreRequest {
    /// A request to restore a snapshot, with every choice as it is when nobody makes it.
    pub fn of(snapshot: impl Into<String>) -> Self {
        Self {
            snapshot: snapshot.into(),
            to: None,
            mode: Mode::default(),
            base: None,
            prefer: Prefer::default(),
            wanted: RowsWanted::default(),
            called: CalledTables::new(),
            with_schema: false,
            plan_only: false,
            on_changed: OnChanged::default(),
            dangling: OnDangling::default(),
            safety: true,
            fire_triggers: false,
            end_connections: false,
            also_run: Vec::new(),
            mask: None,
            strict: false,
            verify: true,
            hooks: true,
            activity: true,
        }
    }

    /// How its plan is executed.
    pub(super) fn terms(&self) -> Terms {
        Terms {
            on_conflict: match self.on_changed {
                OnChanged::Skip => OnConflict::Skip,
                OnChanged::Stop | OnChanged::Replan => OnConflict::Stop,
            },
            fire_triggers: self.fire_triggers,
            end_connections: self.end_connections,
            also_run: self.also_run.clone(),
            safety: self.safety,
            verify: self.verify,
            hooks: self.hooks,
            activity: self.activity,
        }
    }

    /// Refuses other names for tables where rows keep their engine and their names.
    pub(super) fn refuse_called(&self) -> Result<(), RequestError> {
        if self.called.is_empty() { Ok(()) } else { Err(RequestError::CalledAlike) }
    }

    /// Refuses what can only be meant of a database that holds data.
    pub(super) fn refuse_for_empty(&self) -> Result<(), RequestError> {
        first(&[
            ("--base", self.base.is_some()),
            ("--where", self.wanted.condition.is_some()),
            ("--key", !self.wanted.keys.is_empty()),
            ("--with-related", self.wanted.with_related),
            ("--dry-run", self.plan_only),
            ("--also-run", !self.also_run.is_empty()),
        ])
        .map_or(Ok(()), |option| Err(RequestError::OnlyForData { option }))
    }

    /// Refuses parts: a schema is replaced as a whole, for what depends on what is known to the database alone.
    pub(super) fn refuse_parts(&self) -> Result<(), RequestError> {
        first(&[
            ("--tables", !self.wanted.tables.is_empty()),
            ("--keep-tables", !self.wanted.exclude.is_empty()),
            ("--where", self.wanted.condition.is_some()),
            ("--key", !self.wanted.keys.is_empty()),
            ("--mode", self.mode != Mode::Replace),
            ("--base", self.base.is_some()),
            ("--conflict", self.on_changed != OnChanged::Stop),
            ("--fire-triggers", self.fire_triggers),
            ("--also-run", !self.also_run.is_empty()),
        ])
        .map_or(Ok(()), |option| Err(RequestError::NotWithSchema { option }))
    }

    /// Refuses what has no meaning beside a base, and choices that only one gives a meaning.
    pub(super) fn refuse_beside_base(&self) -> Result<(), RequestError> {
        match &self.base {
            Some(_) if self.wanted.with_related => {
                Err(RequestError::NotWithBase { option: "--with-related" })
            }
            None if !self.prefer.is_neither() => Err(RequestError::NeedsBase),
            _ => Ok(()),
        }
    }

    /// Refuses what cannot be done on the way into another engine.
    pub(super) fn refuse_for_another_engine(&self) -> Result<(), RequestError> {
        first(&[
            ("--base", self.base.is_some()),
            ("--where", self.wanted.condition.is_some()),
            ("--key", !self.wanted.keys.is_empty()),
            ("--also-run", !self.also_run.is_empty()),
            ("--mask", self.mask.is_some()),
        ])
        .map_or(Ok(()), |option| Err(RequestError::NotAcross { option }))
    }
}

/// The first option that is given.
fn first(options: &[(&'static str, bool)]) -> Option<&'static str> {
    options.iter().find(|(_, given)| *given).map(|(option, _)| *option)
}
