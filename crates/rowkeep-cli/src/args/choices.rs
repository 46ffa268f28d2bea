//! Choices among few, as they are typed.

use rowkeep::apply::plan::{Mode, OnDangling};
use rowkeep::diff::Prefer;
use rowkeep::jobs::restore::OnChanged;

/// How rows of the database become those of the snapshot.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum ModeChoice {
    /// Make the tables equal: insert, update and delete rows
    #[default]
    Replace,
    /// Insert missing rows and update changed ones; delete nothing
    Update,
    /// Insert missing rows only
    Merge,
}

/// What to do where both sides changed a row.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum PreferChoice {
    /// Change nothing at all
    #[default]
    Neither,
    /// Leave what differs as the database has it
    Database,
    /// Take what differs from the snapshot
    Snapshot,
}

impl From<PreferChoice> for Prefer {
    fn from(choice: PreferChoice) -> Self {
        match choice {
            PreferChoice::Neither => Prefer::Neither,
            PreferChoice::Database => Prefer::Database,
            PreferChoice::Snapshot => Prefer::Snapshot,
        }
    }
}

/// The same of two snapshots.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum SideChoice {
    /// Make no snapshot
    #[default]
    Neither,
    /// Leave what differs as the snapshot has it that changes come into
    Into,
    /// Take what differs from the snapshot whose changes come
    From,
}

impl From<SideChoice> for Prefer {
    fn from(choice: SideChoice) -> Self {
        match choice {
            SideChoice::Neither => Prefer::Neither,
            SideChoice::Into => Prefer::Database,
            SideChoice::From => Prefer::Snapshot,
        }
    }
}

/// What to do where rows were changed since the plan was made.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum ConflictChoice {
    /// Change nothing at all
    #[default]
    Stop,
    /// Make a new plan
    Replan,
    /// Skip those rows
    Skip,
}

/// What to do where rows would refer to rows that are not there.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum DanglingChoice {
    /// Change nothing at all
    #[default]
    Stop,
    /// Also restore the rows that they reference, and what references deleted rows
    Bring,
    /// Skip such rows
    LeaveOut,
}

impl From<ModeChoice> for Mode {
    fn from(choice: ModeChoice) -> Self {
        match choice {
            ModeChoice::Replace => Mode::Replace,
            ModeChoice::Update => Mode::Update,
            ModeChoice::Merge => Mode::Merge,
        }
    }
}

impl From<ConflictChoice> for OnChanged {
    fn from(choice: ConflictChoice) -> Self {
        match choice {
            ConflictChoice::Stop => OnChanged::Stop,
            ConflictChoice::Replan => OnChanged::Replan,
            ConflictChoice::Skip => OnChanged::Skip,
        }
    }
}

impl From<DanglingChoice> for OnDangling {
    fn from(choice: DanglingChoice) -> Self {
        match choice {
            DanglingChoice::Stop => OnDangling::Stop,
            DanglingChoice::Bring => OnDangling::Bring,
            DanglingChoice::LeaveOut => OnDangling::LeaveOut,
        }
    }
}
