//! The command `rowkeep`.
#![deny(unsafe_code)]

mod allocator;
mod args;
mod child;
mod commands;
mod fail;
mod out;
mod setup;
mod supervisor;
mod ui;
mod wrap;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser};
use rowkeep::clock::SystemClock;
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::commands::Command;
use crate::setup::Session;

const STATUSES: &str = "Exit status: 0 done, 1 failed, 2 usage, 3 differences or damage found, \
4 locked out or refused.

Environment: ROWKEEP_REPOSITORY, ROWKEEP_PASSPHRASE, ROWKEEP_PASSPHRASE_FILE, ROWKEEP_KEY_FILE, ROWKEEP_CONFIG; for `rowkeep serve` ROWKEEP_STATE; for `rowkeep copy` ROWKEEP_TO_PASSPHRASE, \
ROWKEEP_TO_PASSPHRASE_FILE, ROWKEEP_TO_KEY_FILE; \
ROWKEEP_REPORTS names the folder where reports of drills are kept, in place of rowkeep-reports beside rowkeep.toml; \
ROWKEEP_PG_BIN names folders with PostgreSQL's client programs; where a URL of PostgreSQL says nothing, PGHOST, PGPORT, PGUSER, \
PGPASSWORD, PGDATABASE, PGPASSFILE, PGSERVICE and PGSSLMODE count, as do ~/.pgpass and ~/.pg_service.conf; an object store takes its usual variables \
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT, GOOGLE_SERVICE_ACCOUNT, AZURE_STORAGE_ACCOUNT_NAME, ...).";

/// Backs up databases as rows: compares any two states, puts back exactly what is missing, proves every restore.
#[derive(Debug, Parser)]
#[command(name = "rowkeep", version, after_help = STATUSES, propagate_version = true)]
struct Args {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Threads for work that blocks; each keeps some memory once it was used.
const BLOCKING_THREADS: usize = 16;

/// What a thread may take for a whole job, which a build without optimisations needs more of than the two megabytes that threads have by
/// default. Only what is used is taken from the system.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// For so long threads are waited for at the end.
const PARTING: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let args =
        parse(std::env::args_os()).unwrap_or_else(|error| args::refused::without_secrets(error).exit());
    allocator::restrain(args.command.answers_many());
    ui::log::begin(args.global.verbose);
    if !args.global.quiet && args::refused::hold_password(std::env::args_os()) {
        fail::say(args::refused::VISIBLE_PASSWORD);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("rowkeep: cannot start: {error}");
            return ExitCode::from(fail::FAILED);
        }
    };
    let json = args.global.json;
    let cancel = CancellationToken::new();
    runtime.spawn(stop_on_signal(cancel.clone()));
    let result = runtime.block_on(async {
        let observer = ui::progress::observer(args.global.quiet, SystemClock::shared());
        let session = Session::new(args.global, observer, cancel);
        let tells_of_damage = args.command.tells_of_damage();
        let status = commands::run(args.command, Args::command, &session).await;
        rowkeep::engine::postgres::farewell().await;
        let status = status?;
        session.settle().await;
        if !tells_of_damage {
            session.warn_of_damage().await;
        }
        Ok(status)
    });
    // Threads that still wait for a lost server must not keep us long. The others are joined: to let go of a thread in the moment in
    // which it ends is not safe in every C library.
    runtime.shutdown_timeout(PARTING);
    match result {
        Ok(fail::DONE) if out::is_lost() => ExitCode::from(fail::FAILED),
        Ok(status) => ExitCode::from(status),
        Err(error) => fail::report(&error, json),
    }
}

/// Understands what was typed.
fn parse<A: Into<OsString> + Clone>(typed: impl IntoIterator<Item = A>) -> Result<Args, clap::Error> {
    let matches = Args::command().try_get_matches_from(typed)?;
    let mut args = Args::from_arg_matches(&matches)?;
    args.global.names_config = matches.value_source("config") == Some(ValueSource::CommandLine);
    args.global.names_repository = matches.value_source("repository") == Some(ValueSource::CommandLine);
    // Where it was typed without a value, it is the usual one.
    let usual = std::env::var("ROWKEEP_REPOSITORY").ok().filter(|location| !location.is_empty());
    args.global.repository = args.global.repository.or(usual);
    Ok(args)
}

/// The first signal asks the operation to stop and clean up; a second ends the process at once.
async fn stop_on_signal(cancel: CancellationToken) {
    signal().await;
    cancel.cancel();
    signal().await;
    std::process::exit(i32::from(fail::FAILED));
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_in_no_debug_form_where_it_may_be_secret() {
        const URL: &str = "postgres://u:s3cret@h/shop";
        let lines: [&[&str]; 15] = [
            &["backup", URL],
            &["restore", "latest", "--to", URL],
            &["apply", "1234", "--to", URL],
            &["undo", URL],
            &["diff", URL, URL],
            &["export", URL, "--to", "-"],
            &["verify", "latest", "--against", URL],
            &["check-data", URL],
            &["drill", "--to-server", URL],
            &["assess", URL],
            &["doctor", URL],
            &["mask", "suggest", URL],
            &["around", URL, "--", "true"],
            &["migrate", URL, "--", "true"],
            &["history", "t", "1", URL],
        ];
        for line in lines {
            let store = ["rowkeep", "--store-option", "aws_secret_access_key=s3cret"];
            let args = parse(store.iter().chain(line));
            let args = args.unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert!(!format!("{args:?}").contains("s3cret"), "{args:?}");
        }
    }

    #[test]
    fn the_doctor_is_told_which_repository_is_meant_and_whether_it_was_named() {
        let lines: [(&[&str], Option<&str>, bool); 5] = [
            (&["doctor", "--repository"], None, true),
            (&["doctor", "-r"], None, true),
            (&["doctor", "--repository", "/backups"], Some("/backups"), true),
            (&["-r", "/backups", "doctor", "--json"], Some("/backups"), true),
            (&["doctor", "shop"], None, false),
        ];
        for (line, repository, is_named) in lines {
            let args = parse(["rowkeep"].iter().chain(line)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(args.global.repository.as_deref(), repository, "{line:?}");
            assert_eq!(args.global.names_repository, is_named, "{line:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_repeated_without_what_may_be_secret() {
        const URL: &str = "postgres://u:s3cret@h/shop";
        let lines: [(&[&str], &str); 5] = [
            (&["backup", "shop", URL], "postgres://u@h/shop"),
            (&[URL], "postgres://u@h/shop"),
            (&["restore", "latest", "--mode", URL], "postgres://u@h/shop"),
            (&["snapshots", "--store-option", "aws_secret_access_key:s3cret"], "NAME=VALUE"),
            (&["copy", "--to", "x", "--to-store-option", "aws_secret_access_key:s3cret"], "NAME=VALUE"),
        ];
        for (line, said) in lines {
            let error = parse(["rowkeep"].iter().chain(line)).expect_err("it is wrong");
            let error = args::refused::without_secrets(error);
            let told = format!("{error} {error:?}");
            assert!(told.contains(said) && !told.contains("s3cret"), "{told}");
        }
    }
}
