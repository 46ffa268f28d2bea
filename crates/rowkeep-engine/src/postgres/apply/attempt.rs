//! One attempt to make all changes, which is undone and made otherwise when the database's demands stand in the way.

use std::collections::{BTreeMap, BTreeSet};

use rowkeep_format::Counts;
use tokio_postgres::error::DbError;

use super::super::failure::{changing_failed, failed};
use super::super::session::{Session, number, text};
use super::super::{settings, sql};
use super::change::affected;
use super::compare::Fit;
use super::live::Live;
use super::references::{self, Reference, Treatment};
use super::stage::{self, Stage, Staged, kind};
use crate::{EngineError, ErrorKind, OnConflict};

/// How often rows that others insert meanwhile are looked at again.
const RACES: usize = 5;

/// All that is to be changed in tables.
pub(super) struct Work<'a> {
    /// The tables, in the order of the changeset.
    pub(super) stages: Vec<Stage<'a>>,
    /// What was staged of each.
    pub(super) staged: Vec<Staged>,
    /// The tables as they are now, in the same order.
    pub(super) live: &'a [Live],
    /// The foreign keys of any of them.
    pub(super) references: &'a [Reference],
    /// What to do with rows that are not as they should be.
    pub(super) on_conflict: OnConflict,
}

/// How the changes have to be made this time.
#[derive(Debug, Default)]
struct Way {
    treatments: BTreeMap<u32, Treatment>,
    /// Tables whose updates of unique values are made by replacing the rows.
    replaced: BTreeSet<usize>,
    races: usize,
}

/// What was done to each table.
pub(super) struct Done {
    /// Rows that were changed.
    pub(super) counts: Vec<Counts>,
    /// What was left alone.
    pub(super) fits: Vec<Fit>,
    /// Whether rows were replaced instead of updated.
    pub(super) replaced: bool,
    treatments: BTreeMap<u32, Treatment>,
}

/// Why an attempt did not succeed.
enum Stopped {
    /// The server refused a statement for this table.
    Refused { at: usize, doing: &'static str, error: tokio_postgres::Error },
    /// An action of a foreign key would disturb rows that are to be changed later.
    Disturbs(u32),
    /// It cannot be helped.
    For(EngineError),
}

impl From<EngineError> for Stopped {
    fn from(error: EngineError) -> Self {
        Stopped::For(error)
    }
}

impl Work<'_> {
    /// Makes all changes; foreign keys that were put aside are checked and restored by [`Done::restore`].
    pub(super) async fn run(&self, session: &Session) -> Result<Done, EngineError> {
        let mut way = Way::default();
        let prepare = "cannot prepare the changes";
        loop {
            session.try_run("SAVEPOINT rowkeep").await.map_err(|error| failed(prepare, error))?;
            let stopped = match self.attempt(session, &way).await {
                Ok(done) => return Ok(done),
                Err(stopped) => stopped,
            };
            if let Stopped::For(error) = stopped {
                return Err(error);
            }
            let undo = "ROLLBACK TO SAVEPOINT rowkeep; RELEASE SAVEPOINT rowkeep";
            session.try_run(undo).await.map_err(|error| failed(prepare, error))?;
            self.find_another_way(session, &mut way, stopped).await?;
        }
    }

    async fn attempt(&self, session: &Session, way: &Way) -> Result<Done, Stopped> {
        for (oid, treatment) in &way.treatments {
            if let Some(reference) = self.reference(*oid) {
                reference.treat(session, *treatment).await?;
            }
        }
        let mut done = Done {
            counts: vec![Counts::default(); self.stages.len()],
            fits: Vec::new(),
            replaced: false,
            treatments: way.treatments.clone(),
        };
        for (stage, staged) in self.stages.iter().zip(&self.staged) {
            done.fits.push(stage.compare(session, staged).await?);
        }
        self.check_conflicts(&done.fits)?;

        let usual = format!("SET CONSTRAINTS ALL DEFERRED; {}", settings::usual());
        session.prepare(&usual).await?;
        let order = references::order(self.live, self.references);
        for at in &order {
            self.delete(session, way, *at, &mut done).await?;
            self.update(session, way, *at, &mut done).await?;
        }
        for at in order.iter().rev() {
            if self.staged[*at].counts.inserted > 0 {
                done.counts[*at].inserted =
                    run(session, *at, "insert into", &self.stages[*at].insert()).await?;
            }
        }
        Ok(done)
    }

    async fn delete(&self, session: &Session, way: &Way, at: usize, done: &mut Done) -> Result<(), Stopped> {
        if self.staged[at].counts.deleted == 0 {
            return Ok(());
        }
        for reference in self.references_to(at, way) {
            if matches!(reference.on_delete, 'c' | 'n' | 'd') {
                self.check_untouched(session, reference, at, &[kind::DELETE], "deleted").await?;
            }
        }
        done.counts[at].deleted = run(session, at, "delete rows of", &self.stages[at].delete()).await?;
        Ok(())
    }

    async fn update(&self, session: &Session, way: &Way, at: usize, done: &mut Done) -> Result<(), Stopped> {
        let (stage, staged) = (&self.stages[at], &self.staged[at]);
        if staged.counts.updated == 0 {
            return Ok(());
        }
        let replaces_unique = way.replaced.contains(&at) && staged.unique_updates > 0;
        let mut in_place = vec![kind::UPDATE];
        let mut replaced = Vec::new();
        if staged.identity_updates > 0 {
            replaced.push(kind::IDENTITY_UPDATE);
        }
        if replaces_unique { &mut replaced } else { &mut in_place }.push(kind::UNIQUE_UPDATE);
        let replaces = replaces_unique || staged.identity_updates > 0;

        for reference in self.references_to(at, way) {
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
                (0..staged.updated.len()).any(|at| staged.updated[at] && !stage.live.columns[at].always);
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

    /// Foreign keys that act when a row of the table is deleted or updated.
    fn references_to(&self, at: usize, way: &Way) -> impl Iterator<Item = &Reference> {
        self.references.iter().filter(move |reference| {
            reference.refers_to(&self.live[at])
                && way.treatments.get(&reference.oid) != Some(&Treatment::Drop)
        })
    }

    fn reference(&self, oid: u32) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.oid == oid)
    }

    /// Stops when rows refer to what is to be changed, so that the database would change them too.
    ///
    /// The rows referred to are locked, so that none can come to refer to them any more.
    async fn check_untouched(
        &self,
        session: &Session,
        reference: &Reference,
        at: usize,
        kinds: &[u8],
        how: &str,
    ) -> Result<(), Stopped> {
        let what =
            || format!("cannot look for the rows that refer to table {}", self.stages[at].changes.table.name);
        let mut condition = self.referred_to(reference, at, kinds);
        if kinds == [kind::DELETE] {
            // Those that go in the same statement are gone before anything acts on them.
            condition.push_str(&format!(
                " AND NOT (c.tableoid OPERATOR(pg_catalog.=) {} AND EXISTS (SELECT FROM {} o WHERE {} AND o.kind = {}))",
                self.live[at].oid,
                stage::name(at),
                self.stages[at].matches_row_of(reference, "c", "o"),
                kind::DELETE
            ));
        }
        let from = reference.child_rows();
        let query =
            format!("SELECT c.tableoid, pg_catalog.count(*) FROM {from} c WHERE {condition} GROUP BY 1");
        let touched = session.try_rows(&query).await.map_err(|error| failed(what(), error))?;
        for row in &touched {
            let table: u32 = number(row, 0);
            let named = self.live.iter().position(|live| live.oid == table);
            let unnamed = match named {
                None => text(row, 1).to_owned(),
                Some(child) => {
                    let query = format!(
                        "SELECT pg_catalog.count(*) FROM {from} c WHERE {condition} \
                         AND c.tableoid OPERATOR(pg_catalog.=) {table} \
                         AND NOT EXISTS (SELECT FROM {} o WHERE {} AND o.kind <> {})",
                        stage::name(child),
                        self.stages[child].matches("c", "o"),
                        kind::INSERT
                    );
                    session.value(&what(), &query).await?.unwrap_or_default()
                }
            };
            if unnamed != "0" {
                return Err(Stopped::For(EngineError::new(
                    ErrorKind::Constraint,
                    format!(
                        "rows of table {} that are to be {how} are referred to by {unnamed} rows of table {} ({}), which \
                         are not among the changes",
                        self.stages[at].changes.table.name, reference.child_name, reference.name
                    ),
                )));
            }
        }
        if touched.is_empty() { Ok(()) } else { Err(Stopped::Disturbs(reference.oid)) }
    }

    async fn is_referred_to(
        &self,
        session: &Session,
        reference: &Reference,
        at: usize,
        kinds: &[u8],
    ) -> Result<bool, EngineError> {
        let query = format!(
            "SELECT 1 FROM {} c WHERE {} LIMIT 1",
            reference.child_rows(),
            self.referred_to(reference, at, kinds)
        );
        let what =
            format!("cannot look for the rows that refer to table {}", self.stages[at].changes.table.name);
        Ok(session.value(&what, &query).await?.is_some())
    }

    /// Whether a row `c` refers to one that is changed in some ways, and in the columns that it refers to, as SQL.
    fn referred_to(&self, reference: &Reference, at: usize, kinds: &[u8]) -> String {
        let stage = &self.stages[at];
        let kinds: Vec<String> = kinds.iter().map(u8::to_string).collect();
        let mut condition = format!(
            "EXISTS (SELECT FROM ONLY {} t JOIN {} s ON {} WHERE s.kind IN ({}) AND {}",
            sql::table(&stage.changes.table.name),
            stage::name(at),
            stage.matches("t", "s"),
            kinds.join(", "),
            reference.refers("t", "c")
        );
        if kinds.contains(&kind::UPDATE.to_string()) {
            condition.push_str(&format!(" AND ({}) IS NOT TRUE", stage.keeps(reference)));
        }
        condition.push(')');
        condition
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
                    stage.changes.table.name,
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

    /// Decides how the next attempt avoids what stopped this one, or that nothing can.
    async fn find_another_way(
        &self,
        session: &Session,
        way: &mut Way,
        stopped: Stopped,
    ) -> Result<(), EngineError> {
        let (at, doing, error) = match stopped {
            Stopped::For(error) => return Err(error),
            Stopped::Disturbs(oid) => {
                self.reference(oid).map_or(Ok(()), references::check_droppable)?;
                way.treatments.insert(oid, Treatment::Drop);
                return Ok(());
            }
            Stopped::Refused { at, doing, error } => (at, doing, error),
        };
        let table = &self.stages[at].changes.table.name;
        let said = error.as_db_error();
        let helped = match said.map(|said| said.code().code()) {
            Some("23503" | "23001") => match said {
                Some(said) => self.put_aside(session, way, said).await?,
                None => false,
            },
            Some("23505" | "23P01") if doing == "update" => {
                self.staged[at].unique_updates > 0 && way.replaced.insert(at)
            }
            Some("23505") if self.on_conflict == OnConflict::Skip && self.is_key(at, said) => {
                way.races += 1;
                way.races <= RACES
            }
            _ => false,
        };
        if helped {
            return Ok(());
        }
        if said.is_some_and(|said| said.code().code() == "23505")
            && doing != "update"
            && self.is_key(at, said)
        {
            let message =
                format!("rows that are to be inserted into table {table} are there, with other values");
            let words = super::super::failure::words(&error);
            return Err(EngineError::new(ErrorKind::Conflict, message).with_source(words));
        }
        Err(changing_failed(format!("cannot {doing} table {table}"), error))
    }

    /// Whether an error is of the unique key by which rows of a table are told apart.
    fn is_key(&self, at: usize, said: Option<&DbError>) -> bool {
        let table = &self.stages[at].changes.table;
        let names: Vec<&str> =
            table.key.columns.iter().map(|part| table.columns[part.column].name.as_str()).collect();
        // The detail is `Key (a, b)=(1, 2) already exists.`, with names quoted where they need it.
        let detail = said.and_then(DbError::detail).unwrap_or_default().replace('"', "");
        table.key.unique && detail.contains(&format!("({})=(", names.join(", ")))
    }

    /// Puts off a foreign key, or drops it when that was not enough; not when that could not help.
    async fn put_aside(&self, session: &Session, way: &mut Way, said: &DbError) -> Result<bool, EngineError> {
        let Some(oid) = references::named(session, said).await? else { return Ok(false) };
        let Some(reference) = self.reference(oid) else { return Ok(false) };
        let counts = |chosen: &dyn Fn(&Live) -> bool| {
            let mut sum = Counts::default();
            for (staged, _) in self.staged.iter().zip(self.live).filter(|(_, live)| chosen(live)) {
                sum += staged.counts;
            }
            sum
        };
        let children = counts(&|live| reference.is_of(live));
        let parents = counts(&|live| reference.refers_to(live));
        if children.updated + children.deleted + parents.inserted + parents.updated == 0 {
            return Ok(false);
        }
        let next = match way.treatments.get(&oid) {
            None if !reference.deferrable => Treatment::Defer,
            None | Some(Treatment::Defer) => Treatment::Drop,
            Some(Treatment::Drop) => return Ok(false),
        };
        if next == Treatment::Drop {
            references::check_droppable(reference)?;
        }
        way.treatments.insert(oid, next);
        Ok(true)
    }
}

impl Done {
    /// Has all that was put off checked, and makes foreign keys again as they were.
    pub(super) async fn restore(
        &self,
        session: &Session,
        references: &[Reference],
    ) -> Result<(), EngineError> {
        session.try_run("SET CONSTRAINTS ALL IMMEDIATE").await.map_err(|error| {
            changing_failed("the changes do not conform to the database's constraints", error)
        })?;
        for reference in references {
            if let Some(treatment) = self.treatments.get(&reference.oid) {
                reference.restore(session, *treatment).await?;
            }
        }
        Ok(())
    }
}

async fn run(session: &Session, at: usize, doing: &'static str, statement: &str) -> Result<u64, Stopped> {
    affected(session, statement).await.map_err(|error| Stopped::Refused { at, doing, error })
}
