use std::path::PathBuf;

use anyhow::{Context as _, Result};
use rowkeep::format::manifest::Scope;
use rowkeep::jobs::drill::{DrillOptions, drill, newest_restorable, unreadable};
use rowkeep::report::{Format, Report, keep, render};
use rowkeep::repository::Repository;
use rowkeep::state::snapshots::{self, Snapshot};

use super::check_data::{format_of, more_checks, show, status, write};
use crate::fail::CommandError;
use crate::setup::Session;

/// Try a recovery: restore a snapshot into a scratch database, prove it, check its data, measure, and clean up.
///
/// SQLite is restored to a temporary file; PostgreSQL to a database of its own on the server that --to-server names, or
/// on a throwaway server when PostgreSQL's programs are on this machine. The report is kept in ./rowkeep-reports. Exits
/// with 3 when the drill fails; of a damaged snapshot the report says what is damaged and what can still be restored.
#[derive(Debug, clap::Args)]
pub(crate) struct Drill {
    /// A name from rowkeep.toml, or the name that snapshots have [default: all]
    database: Option<String>,
    /// Drill this snapshot: an id or its beginning, a name, `latest:DATABASE` [default: the newest]
    #[arg(long, conflicts_with_all = ["each", "database"])]
    snapshot: Option<String>,
    /// Drill every snapshot
    #[arg(long)]
    each: bool,
    /// Make PostgreSQL's scratch databases on this server; any of its databases will do
    #[arg(long, value_name = "URL")]
    to_server: Option<String>,
    /// Run the checks of this file too
    #[arg(long, value_name = "FILE")]
    checks: Option<PathBuf>,
    /// Write the report to this file too: .txt, .json, .html, .md, or .xml for JUnit
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// Keep reports in this folder [default: rowkeep-reports beside rowkeep.toml]
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

impl Drill {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let mut wanted = Vec::new();
        for path in &self.report {
            wanted.push((path, format_of(path)?));
        }
        let more = more_checks(self.checks.as_deref())?;
        let repository = session.open().await?;
        let mut reports = Vec::new();
        if let Some(reference) = &self.snapshot {
            let snapshot = snapshots::find(&repository, reference).await?;
            let (kept, _) = snapshots::readable(&repository, Some(&snapshot.manifest.database)).await?;
            let mut options = self.options(session, &snapshot.manifest.database)?;
            options.checks.extend(more);
            reports.push(one(session, &repository, &snapshot, &kept, options).await?);
        } else {
            for database in self.databases(session, &repository).await? {
                let mut options = self.options(session, &database)?;
                options.checks.extend(more.iter().cloned());
                reports.extend(self.of_database(session, &repository, &database, &options).await?);
            }
        }
        let folder = session.reports(self.reports.as_deref());
        for report in &reports {
            keep(report, &folder)
                .with_context(|| format!("cannot keep the report in {}", folder.display()))?;
        }
        for (path, format) in wanted {
            write(path, &render(&reports, format))?;
        }
        show(session, &reports, Format::Terminal);
        Ok(status(&reports))
    }

    async fn databases(&self, session: &Session, repository: &Repository) -> Result<Vec<String>> {
        let configured = &session.config()?.databases;
        if let Some(database) = &self.database {
            if configured.contains_key(database) {
                return Ok(vec![database.clone()]);
            }
            let (kept, _) = snapshots::readable(repository, None).await?;
            return Ok(vec![session.name(database, &kept)?]);
        }
        if !configured.is_empty() {
            return Ok(configured.keys().cloned().collect());
        }
        let (all, _) = snapshots::readable(repository, None).await?;
        let mut names: Vec<String> = all.into_iter().map(|snapshot| snapshot.manifest.database).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(CommandError::usage("there is no snapshot to drill")
                .with_hint("make one with `rowkeep backup DATABASE`")
                .into());
        }
        Ok(names)
    }

    async fn of_database(
        &self,
        session: &Session,
        repository: &Repository,
        database: &str,
        options: &DrillOptions,
    ) -> Result<Vec<Report>> {
        let (kept, damaged) = snapshots::readable(repository, Some(database)).await?;
        let mut reports: Vec<Report> =
            damaged.iter().map(|(id, error)| unreadable(database, &id.to_string(), error)).collect();
        let chosen: Vec<&Snapshot> = match self.each {
            true => kept.iter().filter(|snapshot| snapshot.manifest.scope != Scope::DataOnly).collect(),
            false => newest_restorable(&kept).into_iter().collect(),
        };
        if chosen.is_empty() && reports.is_empty() {
            return Err(CommandError::usage(format!("there is no snapshot of {database} to drill"))
                .with_hint("make one with `rowkeep backup`; `rowkeep snapshots` lists all")
                .into());
        }
        for snapshot in chosen {
            reports.push(one(session, repository, snapshot, &kept, options.clone()).await?);
        }
        Ok(reports)
    }

    fn options(&self, session: &Session, database: &str) -> Result<DrillOptions> {
        let configured = session.config()?.databases.get(database);
        let surroundings = session.surroundings();
        Ok(DrillOptions {
            checks: configured.map(|database| database.checks.clone()).unwrap_or_default(),
            objectives: configured.map(|database| database.objectives).unwrap_or_default(),
            to_server: self.to_server.clone(),
            temporary: surroundings.temporary.clone().unwrap_or_else(std::env::temp_dir),
            surroundings,
            ..DrillOptions::default()
        })
    }
}

/// Drills a snapshot; of all that are kept, those before it are what checks compare with.
async fn one(
    session: &Session,
    repository: &Repository,
    snapshot: &Snapshot,
    kept: &[Snapshot],
    mut options: DrillOptions,
) -> Result<Report> {
    let place = kept.iter().position(|other| other.id == snapshot.id);
    options.is_newest = newest_restorable(kept).is_some_and(|newest| newest.id == snapshot.id);
    options.before = kept[..place.unwrap_or(0)]
        .iter()
        .rfind(|before| before.manifest.scope == Scope::Full)
        .map(|before| before.manifest.clone());
    Ok(drill(&session.context, repository, snapshot, &options).await?)
}
