//! What is to be changed, what was done, and why an attempt to do it stopped.

use std::collections::BTreeMap;

use rowkeep_format::Counts;

use super::compare::Fit;
use super::current_tables::CurrentTable;
use super::foreign_keys::{Reference, Treatment};
use super::staging::{Stage, Staged};
use super::unchecked::Unchecked;
use crate::postgres::connect::failure::changing_failed;
use crate::postgres::connect::session::Session;
use crate::{EngineError, MayDangle, OnConflict};

/// What a change is refused with that breaks what the database demands of rows.
pub(super) const VIOLATED: &str = "the changes do not conform to the database's constraints";

/// All that is to be changed in tables.
pub(super) struct Work<'a> {
    /// The tables, in the order of the changeset.
    pub(super) stages: Vec<Stage<'a>>,
    /// What was staged of each.
    pub(super) staged: Vec<Staged>,
    /// The tables as they are now, in the same order.
    pub(super) current: &'a [CurrentTable],
    /// The foreign keys of any of them.
    pub(super) references: &'a [Reference],
    /// What to do with rows that are not as they should be.
    pub(super) on_conflict: OnConflict,
    /// Which references may dangle at the end.
    pub(super) may_dangle: &'a MayDangle,
}

/// What was done to each table.
pub(super) struct Done {
    /// Rows that were changed.
    pub(super) counts: Vec<Counts>,
    /// What was left alone.
    pub(super) fits: Vec<Fit>,
    /// Whether rows were replaced instead of updated.
    pub(super) replaced: bool,
    /// Foreign keys that were put aside, and how.
    pub(super) treatments: BTreeMap<u32, Treatment>,
    /// Those of them that are not checked meanwhile.
    pub(super) unchecked: BTreeMap<u32, Unchecked>,
}

/// Why an attempt did not succeed.
pub(super) enum Stopped {
    /// The server refused a statement for this table.
    Refused { at: usize, doing: &'static str, error: tokio_postgres::Error },
    /// The server found a constraint violated when it checked what was put off.
    Violated(tokio_postgres::Error),
    /// An action of a foreign key would disturb rows that are to be changed later.
    Disturbs(u32),
    /// Rows that are not among the changes refer by a foreign key to what they take away.
    Refers(u32, EngineError),
    /// It cannot be helped.
    For(EngineError),
}

impl From<EngineError> for Stopped {
    fn from(error: EngineError) -> Self {
        Stopped::For(error)
    }
}

impl Work<'_> {
    /// The foreign key with a number, if it concerns any of the tables.
    pub(super) fn reference(&self, oid: u32) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.oid == oid)
    }
}

impl Done {
    /// Has all that was put off checked, and makes foreign keys again as they were; says what dangles.
    pub(super) async fn restore(
        &self,
        session: &Session,
        references: &[Reference],
        may_dangle: &MayDangle,
    ) -> Result<Vec<String>, EngineError> {
        let mut notes = Vec::new();
        session
            .try_run("SET CONSTRAINTS ALL IMMEDIATE")
            .await
            .map_err(|error| changing_failed(VIOLATED, error))?;
        for reference in references {
            if let Some(treatment) = self.treatments.get(&reference.oid) {
                reference.restore(session, *treatment).await?;
            }
            if let Some(unchecked) = self.unchecked.get(&reference.oid) {
                notes.extend(reference.check_again(session, unchecked, may_dangle).await?);
            }
        }
        Ok(notes)
    }
}
