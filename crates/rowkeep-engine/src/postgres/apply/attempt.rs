//! One attempt to make all changes, which is undone and made otherwise when the database's demands stand in the way.

use std::collections::BTreeMap;

use rowkeep_format::Counts;

use super::compare::Fit;
use super::foreign_keys::{self, Treatment};
use super::row_statements::affected;
use super::staging::kind;
use super::strategy::Strategy;
use super::work::{Done, Stopped, Work};
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::settings;
use crate::{EngineError, ErrorKind, OnConflict};

impl Work<'_> {
    /// Makes all changes; foreign keys that were put aside are checked and restored by [`Done::restore`].
    pub(super) async fn run(&self, session: &Session) -> Result<Done, EngineError> {
        let mut strategy = Strategy::default();
        let prepare = "cannot prepare the changes";
        loop {
            session.try_run("SAVEPOINT rowkeep").await.map_err(|error| failed(prepare, error))?;
            let stopped = match self.attempt(session, &strategy).await {
                Ok(done) => return Ok(done),
                Err(stopped) => stopped,
            };
            if let Stopped::For(error) = stopped {
                return Err(error);
            }
            let undo = "ROLLBACK TO SAVEPOINT rowkeep; RELEASE SAVEPOINT rowkeep";
            session.try_run(undo).await.map_err(|error| failed(prepare, error))?;
            self.find_another_strategy(session, &mut strategy, stopped).await?;
        }
    }

    async fn attempt(&self, session: &Session, strategy: &Strategy) -> Result<Done, Stopped> {
        let mut unchecked = BTreeMap::new();
        for (oid, treatment) in &strategy.treatments {
            if let Some(reference) = self.reference(*oid) {
                reference.treat(session, *treatment).await?;
                if *treatment == Treatment::Uncheck {
                    unchecked.insert(*oid, reference.uncheck(session).await?);
                }
            }
        }
        let mut done = Done {
            unchecked,
            counts: vec![Counts::default(); self.stages.len()],
            fits: Vec::new(),
            replaced: false,
            treatments: strategy.treatments.clone(),
        };
        for (stage, staged) in self.stages.iter().zip(&self.staged) {
            done.fits.push(stage.compare(session, staged).await?);
        }
        self.check_conflicts(&done.fits)?;

        let usual = format!("SET CONSTRAINTS ALL DEFERRED; {}", settings::usual());
        session.prepare(&usual).await?;
        let order = foreign_keys::order(self.current, self.references);
        for at in &order {
            self.delete(session, strategy, *at, &mut done).await?;
            self.update(session, strategy, *at, &mut done).await?;
        }
        for at in order.iter().rev() {
            if self.staged[*at].counts.inserted > 0 {
                done.counts[*at].inserted =
                    run(session, *at, "insert into", &self.stages[*at].insert()).await?;
            }
        }
        if !self.may_dangle.is_nothing() {
            // What dangles has to be known while there is another way.
            session.try_run("SET CONSTRAINTS ALL IMMEDIATE").await.map_err(Stopped::Violated)?;
        }
        Ok(done)
    }

    async fn delete(
        &self,
        session: &Session,
        strategy: &Strategy,
        at: usize,
        done: &mut Done,
    ) -> Result<(), Stopped> {
        if self.staged[at].counts.deleted == 0 {
            return Ok(());
        }
        for reference in self.references_to(at, strategy) {
            if matches!(reference.on_delete, 'c' | 'n' | 'd') {
                self.check_untouched(session, reference, at, &[kind::DELETE], "deleted").await?;
            }
        }
        done.counts[at].deleted = run(session, at, "delete rows of", &self.stages[at].delete()).await?;
        Ok(())
    }

    async fn update(
        &self,
        session: &Session,
        strategy: &Strategy,
        at: usize,
        done: &mut Done,
    ) -> Result<(), Stopped> {
        let (stage, staged) = (&self.stages[at], &self.staged[at]);
        if staged.counts.updated == 0 {
            return Ok(());
        }
        let replaces_unique = strategy.replaced.contains(&at) && staged.unique_updates > 0;
        let mut in_place = vec![kind::UPDATE];
        let mut replaced = Vec::new();
        if staged.identity_updates > 0 {
            replaced.push(kind::IDENTITY_UPDATE);
        }
        if replaces_unique { &mut replaced } else { &mut in_place }.push(kind::UNIQUE_UPDATE);
        let replaces = replaces_unique || staged.identity_updates > 0;

        for reference in self.references_to(at, strategy) {
            let columns = &stage.changes.table.columns;
            let changed = columns
                .iter()
                .zip(&staged.updated)
                .any(|(column, updated)| *updated && reference.parent_columns.contains(&column.name));
            if changed && matches!(reference.on_update, 'c' | 'n' | 'd') {
                self.check_untouched(session, reference, at, &in_place, "updated").await?;
            }
            if replaces
                && reference.on_delete != 'a'
                && self.is_referred_to(session, reference, at, &replaced).await?
            {
                return Err(Stopped::Disturbs(reference.oid));
            }
        }
        if staged.updated.iter().any(|updated| *updated) {
            let settable =
                (0..staged.updated.len()).any(|at| staged.updated[at] && !stage.current.columns[at].always);
            if settable {
                let statement = stage.update(staged, &in_place);
                done.counts[at].updated += run(session, at, "update", &statement).await?;
            }
        }
        if replaces {
            done.replaced = true;
            done.counts[at].updated += run(session, at, "update", &stage.replace(&replaced)).await?;
        }
        Ok(())
    }

    fn check_conflicts(&self, fits: &[Fit]) -> Result<(), EngineError> {
        if self.on_conflict == OnConflict::Skip {
            return Ok(());
        }
        let found: Vec<String> = fits
            .iter()
            .zip(&self.stages)
            .filter(|(fit, _)| fit.conflicts > 0)
            .map(|(fit, stage)| {
                let more = if fit.conflicts > fit.named.len() as u64 { "; ..." } else { "" };
                let rows = if fit.conflicts == 1 { "row" } else { "rows" };
                format!(
                    "{} {rows} of table {} ({}{more})",
                    fit.conflicts,
                    stage.changes.changed(),
                    fit.named.join("; ")
                )
            })
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(EngineError::new(
            ErrorKind::Conflict,
            format!("not as the changes say they were: {}", found.join(", ")),
        ))
    }
}

async fn run(session: &Session, at: usize, doing: &'static str, statement: &str) -> Result<u64, Stopped> {
    affected(session, statement).await.map_err(|error| Stopped::Refused { at, doing, error })
}
