//! Choices among few, as they are typed.

use rowkeep::apply::plan::{Mode, OnDangling};
use rowkeep::jobs::restore::OnChanged;

/// How rows of the database become those of the snapshot.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum ModeChoice {
    /// Make the tables equal: rows that the snapshot lacks go
    #[default]
    Replace,
    /// Update what is there and add what is missing; delete nothing
    Update,
    /// Add what is missing; change nothing that is there
    Merge,
}

/// What to do where rows were changed since the plan was made.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum ConflictChoice {
    /// Change nothing at all
    #[default]
    Stop,
    /// Make the plan again
    Replan,
    /// Leave those rows as they are
    Skip,
}

/// What to do where rows would refer to rows that are not there.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum DanglingChoice {
    /// Change nothing at all
    #[default]
    Stop,
    /// Restore the rows that they refer to as well, and what refers to rows that go
    Bring,
    /// Leave such rows as they are
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
