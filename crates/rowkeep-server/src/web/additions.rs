//! Databases and the repository as an administrator adds them: what the API and the pages do alike.

use std::sync::Arc;
use std::time::Duration;

use rowkeep::Context;
use rowkeep::config::{AddedDatabase, Addition, Exported, Subject, Work};
use rowkeep::engine::{DatabaseUrl, secret_of_environment};
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::caller::Unattended;
use rowkeep::jobs::doctor::DoctorRequest;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::jobs::outcome::Examined;
use rowkeep::jobs::request::Request;
use rowkeep::jobs::workspace::Workspace;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::asking::ask;
use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;
use crate::additions::Refused;
use crate::state::jobs::{self, Filter, Job, JobState};
use crate::state::transaction::Transaction;
use crate::state::{audit, marks};

/// How long it is waited for a database that is looked at.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest name of a database that is added.
const LONGEST_NAME: usize = 64;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::DoesNotHold(problem) => Self::unprocessable(problem),
            Refused::Failed(error) => error.into(),
        }
    }
}

/// Lets an administrator through where databases can be added here.
pub(super) async fn may_add(service: &Service, caller: &Caller, action: &'static str) -> Result<(), Problem> {
    caller.must(service, Role::Admin, None, action).await?;
    match is_allowed(service) {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "databases are added in rowkeep.toml alone: it has databases_on_pages = \"off\" under [service]",
        )),
    }
}

/// Whether databases can be added on pages and over the API.
pub(crate) fn is_allowed(service: &Service) -> bool {
    service.queue().workspace().config().service.databases_on_pages
}

/// Fails where no database can be added under a name.
fn check_new(service: &Service, name: &str) -> Result<(), Problem> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_name = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(is_part)
        && name.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if !is_name {
        return Err(Problem::unprocessable(format!(
            "a database is called by 1 to {LONGEST_NAME} letters, digits and . - _"
        )));
    }
    let is_added = service.settings().addition(&Subject::Database(name.to_owned())).is_some();
    match is_added || service.queue().workspace().config().databases.contains_key(name) {
        true => Err(Problem::conflict(format!("there is a database {name} already"))),
        false => Ok(()),
    }
}

/// What an addition says of a database that is given by a URL which can be understood.
fn addition(
    service: &Service,
    name: &str,
    added: &AddedDatabase,
) -> Result<(Addition, Arc<Workspace>), Problem> {
    let addition = Addition::of_database(name, added).map_err(Problem::unprocessable)?;
    let workspace = service.settings().tried(&addition)?;
    workspace.source(name).map_err(|error| Problem::unprocessable(error.in_one_line()))?;
    let url = DatabaseUrl::parse(added.url.expose_secret());
    let url = url.map_err(|error| Problem::unprocessable(error.to_string()))?;
    if let Some(variable) = secret_of_environment(&url, workspace.surroundings()) {
        return Err(Problem::unprocessable(format!(
            "the URL has no secret, and that of the environment ({variable}) is not sent to databases that are added on pages: give \
             the URL its own, or add the database to rowkeep.toml"
        )));
    }
    Ok((addition, workspace))
}

/// Looks at a database that is to be added: what was found, or why it cannot be looked at.
pub(crate) async fn examine(
    service: &Service,
    caller: &Caller,
    name: &str,
    added: &AddedDatabase,
) -> Result<Result<Examined, String>, Problem> {
    may_add(service, caller, "database.create").await?;
    check_new(service, name)?;
    let (_, workspace) = addition(service, name, added)?;
    let cancel = CancellationToken::new();
    let context = service.queue().context(cancel.clone());
    let (database, runtime) = (name.to_owned(), Handle::current());
    // Not all that is waited for can go from thread to thread.
    let looking = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            let request = DoctorRequest { database: Some(database.into()), ..DoctorRequest::default() };
            let outcome = request.run(&context, &workspace, &Unattended).await;
            let outcome = outcome.map_err(|error| error.in_one_line())?;
            outcome.databases.into_iter().next().ok_or_else(|| "nothing was found".to_owned())
        })
    });
    tokio::select! {
        looked = looking => Ok(looked.unwrap_or_else(|_| Err("it broke off by a fault of rowkeep's".to_owned()))),
        () = tokio::time::sleep(PATIENCE) => {
            cancel.cancel();
            Ok(Err(format!("it does not answer within {} seconds", PATIENCE.as_secs())))
        }
    }
}

/// Adds a database, and asks for its first backup and its first drill; these jobs.
pub(crate) async fn add_database(
    service: &Service,
    caller: &Caller,
    name: &str,
    added: &AddedDatabase,
) -> Result<(Job, Job), Problem> {
    may_add(service, caller, "database.create").await?;
    check_new(service, name)?;
    let (addition, _) = addition(service, name, added)?;
    let (queue, now) = (service.queue(), service.queue().now());
    let deed = caller.deed("database.create", name.to_owned(), "done");
    let of = name.to_owned();
    let also = move |state: &Transaction<'_>| {
        // Its first backup is asked for here, so that no schedule has to.
        for work in [Work::Backup, Work::Drill] {
            marks::set(state, work.name(), &of, now)?;
        }
        audit::note(state, now, &deed)
    };
    service.settings().add(queue, addition, caller.0.name.clone(), also).await?;
    let database = || Some(name.into());
    let backup = Request::Backup(BackupRequest { database: database(), ..BackupRequest::default() });
    let drill = Request::Drill(DrillRequest { database: database(), ..DrillRequest::default() });
    // Of one database one thing is done after the other.
    let backup = ask(service, caller, "backup.create", backup, Some(name.to_owned()), None).await?;
    let drill = ask(service, caller, "drill.create", drill, Some(name.to_owned()), None).await?;
    Ok((backup, drill))
}

/// What was said of a database that was added here. Fails where it is in `rowkeep.toml`, or nowhere.
pub(crate) fn added(service: &Service, name: &str) -> Result<AddedDatabase, Problem> {
    let addition = service.settings().addition(&Subject::Database(name.to_owned()));
    if let Some(added) = addition.as_ref().and_then(AddedDatabase::of) {
        return Ok(added);
    }
    match service.queue().workspace().config().databases.contains_key(name) {
        true => Err(Problem::conflict(format!("{name} is in rowkeep.toml, and is changed there"))),
        false => Err(Problem::not_found(format!("no database {name}"))),
    }
}

/// Changes what was said of a database that was added.
pub(crate) async fn change_database(
    service: &Service,
    caller: &Caller,
    name: &str,
    changed: &AddedDatabase,
) -> Result<(), Problem> {
    may_add(service, caller, "database.change").await?;
    added(service, name)?;
    let (addition, _) = addition(service, name, changed)?;
    let now = service.queue().now();
    let deed = caller.deed("database.change", name.to_owned(), "done");
    let also = move |state: &Transaction<'_>| audit::note(state, now, &deed);
    service.settings().add(service.queue(), addition, caller.0.name.clone(), also).await?;
    Ok(())
}

/// Takes a database back that was added. Its snapshots stay; what waits to be done for it is not done any more.
pub(crate) async fn remove_database(service: &Service, caller: &Caller, name: &str) -> Result<(), Problem> {
    caller.must(service, Role::Admin, None, "database.remove").await?;
    let (queue, subject) = (service.queue(), Subject::Database(name.to_owned()));
    let is_kept = service.settings().shown().iter().any(|shown| shown.subject == subject.name());
    if !is_kept {
        added(service, name)?;
    }
    let now = queue.now();
    let deed = caller.deed("database.remove", format!("{name}, whose snapshots stay"), "done");
    let also = move |state: &Transaction<'_>| audit::note(state, now, &deed);
    if !service.settings().remove(queue, &subject, also).await? {
        return Err(Problem::not_found(format!("no database {name}")));
    }
    if queue.workspace().config().databases.contains_key(name) {
        // It goes on as rowkeep.toml has it.
        return Ok(());
    }
    let filter = Filter {
        state: Some(JobState::Waiting),
        kind: None,
        database: Some(name.to_owned()),
        before: None,
        limit: 500,
    };
    let waiting = queue.state().transaction(move |state| jobs::list(state, &filter)).await?;
    for job in waiting {
        queue.stop(&job.id, caller.deed("job.stop", job.id.clone(), "done")).await?;
    }
    Ok(())
}

/// Reads `rowkeep.toml` again.
pub(crate) async fn reload(service: &Service, caller: &Caller) -> Result<(), Problem> {
    caller.must(service, Role::Admin, None, "configuration.reload").await?;
    let reloaded = service.settings().reload(service.queue()).await;
    let outcome = if reloaded.is_ok() { "done" } else { "failed" };
    caller.note(service, "configuration.reload", "rowkeep.toml".to_owned(), outcome).await?;
    reloaded.map_err(|problem| {
        Problem::unprocessable(format!("{problem}; the configuration before goes on"))
            .with_command("rowkeep config check")
    })
}

/// What was changed here, to be put into `rowkeep.toml`; a variable stands for each secret.
pub(crate) async fn export(service: &Service, caller: &Caller) -> Result<Exported, Problem> {
    caller.must(service, Role::Admin, None, "configuration.export").await?;
    let exported = Exported::of(&service.settings().additions(), false);
    exported.map_err(|problem| Problem::from(crate::Error::Content(problem)))
}

/// What jobs run in that nobody watches.
pub(super) fn context(service: &Service) -> Context {
    service.queue().context(CancellationToken::new())
}
