//! Check: whether a repository is undamaged, and which snapshots and tables are affected if it is not.

mod findings;
mod progress;
mod request;
mod walk;

use rowkeep_repository::{CheckOptions, CheckReport, Repository, Severity};

use crate::jobs::plans::{self, Action};
use crate::state::snapshots;
use crate::{Context, Error, ErrorKind, Event, Phase};
pub use findings::{Checked, Loss, Problem};
use progress::Progress;
pub use request::{CheckOutcome, CheckRequest};
pub(super) use walk::Walk;

/// Checks a repository: every object is there and opens, every snapshot finds all its chunks; and, as far as asked,
/// every byte of every pack.
pub async fn check(
    context: &Context,
    repository: &Repository,
    options: CheckOptions,
) -> Result<Checked, Error> {
    Ok(check_with_report(context, repository, options).await?.0)
}

/// The same, with what the repository itself reports.
pub(super) async fn check_with_report(
    context: &Context,
    repository: &Repository,
    options: CheckOptions,
) -> Result<(Checked, CheckReport), Error> {
    context.until_cancelled(check_now(context, repository, options)).await
}

async fn check_now(
    context: &Context,
    repository: &Repository,
    options: CheckOptions,
) -> Result<(Checked, CheckReport), Error> {
    context.observe(Event::Phase { phase: Phase::Check, tables: 0, rows: 0 });
    let progress = Progress::new(context);
    // Before the index is loaded: what is there now finds its chunks in it.
    let (snapshots, plans) = (repository.snapshots().await?, repository.plans().await?);
    let report = repository.check(options, &|at| progress.tell(at)).await?;
    let mut checked = summary(&report);
    let reader = report.reader(repository);
    let mut walk = Walk::new(&reader, &report.damaged_chunks);
    for id in snapshots {
        match snapshots::open(repository, id).await {
            Ok(snapshot) => match walk.snapshot(&snapshot).await? {
                Some(loss) if report.incomplete.contains(&snapshot.id) => {
                    checked.notes.push(Problem {
                        object: format!("snapshot {id}"),
                        detail: format!("it stays incomplete, as a repair found: it lacks {}", loss.told()),
                    });
                }
                // Nobody was shown it; the next backup looks at it and deletes it.
                Some(_) if report.uncompleted.contains(&snapshot.id) => {}
                Some(loss) => checked.losses.push(loss),
                None => {}
            },
            // One whose manifest is not understood is not in the report yet.
            Err(error @ Error::Content { .. }) => {
                let problems = match error.kind() {
                    ErrorKind::Damage => &mut checked.damage,
                    _ => &mut checked.notes,
                };
                problems.push(Problem { object: format!("snapshot {id}"), detail: error.to_string() });
            }
            // What is damaged or too new as a whole is in the report already.
            Err(error) if plans::is_deleted(&error) || error.is_of_one_object() => {}
            Err(error) => return Err(error),
        }
    }
    for id in plans {
        let lost = match plans::read(repository, id).await {
            Ok(plan) => match plan.action {
                Action::Rows { changes, .. } => !walk.changes(changes).await?,
                Action::Replace { .. } => false,
            },
            Err(error @ Error::Content { .. }) if error.kind() == ErrorKind::Damage => true,
            Err(error @ Error::Content { .. }) => {
                checked.notes.push(Problem { object: format!("plan {id}"), detail: error.to_string() });
                false
            }
            Err(error) if plans::is_deleted(&error) || error.is_of_one_object() => false,
            Err(error) => return Err(error),
        };
        if lost {
            let detail = "it lacks its changes: it cannot be executed; make the plan again".to_owned();
            checked.damage.push(Problem { object: format!("plan {id}"), detail });
        }
    }
    Ok((checked, report))
}

fn summary(report: &CheckReport) -> Checked {
    let problems = |severity| {
        let of = report.findings.iter().filter(move |finding| finding.severity == severity);
        of.map(|finding| Problem {
            object: finding.object.clone(),
            detail: format!("{}: {}", finding.what, finding.meaning),
        })
        .collect()
    };
    Checked {
        snapshots: report.snapshots,
        packs: report.packs,
        pack_bytes: report.pack_bytes,
        bytes_read: report.bytes_read,
        damage: problems(Severity::Damage),
        notes: problems(Severity::Note),
        losses: Vec::new(),
    }
}
