use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rowkeep::engine::DatabaseUrl;
use rowkeep::jobs::assess::{Assessment, Reach, State, TableState, assess};
use rowkeep::report::latest_drill;
use serde_json::json;

use crate::args::Global;
use crate::fail::{DIFFERENCES, DONE};
use crate::setup::{Session, Source};
use crate::ui::table::{Column, render};
use crate::ui::units::{bytes, count, counted, duration, local_time, plain};

/// In an emergency: what is there, what is lost, which snapshot is best, how long it takes, and what to type next.
///
/// Changes nothing, and works when the database cannot be reached. Exits with 0 when nothing is lacking against the
/// newest snapshots, and with 3 when something is.
#[derive(Debug, clap::Args)]
pub(crate) struct Assess {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
    /// The folder with the reports of drills [default: rowkeep-reports beside rowkeep.toml]
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

/// Something to type, and why.
struct Step {
    why: String,
    command: String,
}

impl Assess {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let sources = session.sources(self.database.as_deref())?;
        let repository = session.open().await?;
        let folder = session.reports(self.reports.as_deref());
        let (mut lacking, mut results, mut texts) = (false, Vec::new(), Vec::new());
        for source in sources {
            let drill = latest_drill(&folder, &source.name)
                .with_context(|| format!("cannot read the reports in {}", folder.display()))?;
            let engine = source.engine.as_ref();
            let assessed =
                assess(&session.context, &repository, &source.name, engine, drill.as_ref()).await?;
            let steps = next(&assessed, self.database.as_deref(), &source, &session.global);
            lacking |= assessed.lacking;
            let mut result = serde_json::to_value(&assessed).unwrap_or_default();
            let commands = steps.iter().map(|step| json!({ "why": step.why, "command": step.command }));
            result["next"] = commands.collect();
            results.push(result);
            texts.push(told(&assessed, &steps));
        }
        session.result(|| json!({ "lacking": lacking, "databases": results }), || texts.join("\n\n"));
        Ok(if lacking { DIFFERENCES } else { DONE })
    }
}

fn told(assessed: &Assessment, steps: &[Step]) -> String {
    let mut lines = vec![format!("{} ({})", plain(&assessed.database), plain(&assessed.target))];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:14} {}", plain(&value)));
    fact("database", reach(&assessed.reach));
    match &assessed.best {
        None => {
            fact("best snapshot", "NONE: there is no whole snapshot from which it could be made".to_owned())
        }
        Some(best) => {
            let name = best.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
            fact(
                "best snapshot",
                format!(
                    "{}{name} of {}, {}, {}",
                    best.short_id(),
                    local_time(&best.time),
                    counted(best.rows, "row"),
                    bytes(best.bytes)
                ),
            );
        }
    }
    if let Some(seconds) = assessed.data_loss_seconds {
        let age = duration(Duration::from_secs(seconds));
        fact("data loss", format!("what was written in the {age} since then is in no snapshot"));
    }
    if let Some(recovery) = &assessed.recovery {
        let time = duration(Duration::from_millis(recovery.ms));
        let source = match &recovery.drill {
            Some(drill) => format!("measured by the drill of {}", local_time(drill)),
            None => "an estimate from its size; `rowkeep drill` measures it".to_owned(),
        };
        fact("recovery time", format!("{time}, {source}"));
    }
    for damaged in &assessed.damaged {
        let tables = match damaged.tables.as_slice() {
            [] => "none of it can be restored".to_owned(),
            tables => format!("it has lost {}", tables.join(", ")),
        };
        fact("DAMAGED", format!("snapshot {}: {tables}", damaged.id.get(..8).unwrap_or(&damaged.id)));
    }
    for loss in &assessed.losses {
        let after = loss.rows_after.map_or("gone".to_owned(), |rows| format!("{} rows", count(rows)));
        fact(
            "ROWS LOST",
            format!(
                "{} had {} in snapshot {} of {}, and {after} in the next",
                loss.table,
                counted(loss.rows_before, "row"),
                loss.before.get(..8).unwrap_or(&loss.before),
                local_time(&loss.before_time)
            ),
        );
    }
    if assessed.reach == Reach::There || assessed.reach == Reach::Empty {
        lines.push(String::new());
        lines.push(tables(&assessed.tables));
    }
    lines.push(String::new());
    lines.push(match assessed.lacking {
        true => "SOMETHING IS LACKING. What to do next:".to_owned(),
        false => "nothing is lacking".to_owned(),
    });
    for (number, step) in steps.iter().enumerate() {
        lines.push(format!("  {}. {}\n     {}", number + 1, plain(&step.why), plain(&step.command)));
    }
    lines.join("\n")
}

fn reach(reach: &Reach) -> String {
    match reach {
        Reach::There => "it answers".to_owned(),
        Reach::Missing => "MISSING: there is no such database".to_owned(),
        Reach::Empty => "EMPTY: it answers, and there is nothing in it".to_owned(),
        Reach::Unfinished => "UNFINISHED: it holds the remains of a restore that did not end".to_owned(),
        Reach::Unreachable(why) => format!("UNREACHABLE: {why}"),
    }
}

fn tables(tables: &[TableState]) -> String {
    let columns = [
        Column("TABLE", false),
        Column("ROWS NOW", true),
        Column("IN SNAPSHOT", true),
        Column("STATE", false),
    ];
    let rows = tables.iter().map(|table| {
        let number = |rows: Option<u64>| rows.map_or_else(|| "-".to_owned(), count);
        let state = match &table.state {
            State::Complete => "complete".to_owned(),
            State::Fewer => {
                let lacks = table.snapshot_rows.unwrap_or(0).saturating_sub(table.database_rows.unwrap_or(0));
                format!("LACKS {}", counted(lacks, "row"))
            }
            State::Missing => "MISSING".to_owned(),
            State::Unreadable(why) => format!("UNREADABLE: {why}"),
            State::New => "not in the snapshot".to_owned(),
        };
        vec![table.table.clone(), number(table.database_rows), number(table.snapshot_rows), state]
    });
    render(&columns, rows)
}

/// What to type next, exactly.
fn next(assessed: &Assessment, typed: Option<&str>, source: &Source, global: &Global) -> Vec<Step> {
    let line = |words: &[&str]| command(words, global);
    let database = typed.unwrap_or(&source.name);
    let mut steps = Vec::new();
    let mut step = |why: &str, command: String| steps.push(Step { why: why.to_owned(), command });
    if !assessed.lacking {
        return steps;
    }
    if matches!(assessed.reach, Reach::Unreachable(_)) {
        step("See why it cannot be reached; it may be whole.", line(&["doctor", database]));
    }
    if matches!(assessed.reach, Reach::There)
        && !assessed.damaged.iter().any(|damaged| damaged.time.is_none())
    {
        step(
            "Keep the present state before anything is changed.",
            line(&["backup", database, "--name", "as-found"]),
        );
    }
    let target = source.engine.describe();
    let to = |suffix: &str| beside(&target, suffix);
    if let Some(best) = &assessed.best {
        let lacking: Vec<&str> = assessed
            .tables
            .iter()
            .filter(|table| table.state.is_lacking() && table.snapshot_rows.is_some())
            .map(|table| table.table.as_str())
            .collect();
        let is_nothing_lost = lacking.is_empty() && assessed.reach == Reach::There;
        if !is_nothing_lost {
            step(
                "Restore the best snapshot beside the database, proven by hash; nothing is overwritten.",
                line(&["restore", best.short_id(), "--to", &to("restored")]),
            );
        }
        if assessed.reach == Reach::There && !lacking.is_empty() && lacking.len() < assessed.tables.len() {
            step(
                "Or only the tables that lack rows.",
                line(&["restore", best.short_id(), "--to", &to("tables"), "--tables", &lacking.join(",")]),
            );
        }
    }
    if let Some(best) = assessed.best.as_ref().filter(|_| assessed.reach == Reach::There) {
        let fewer: Vec<&str> = assessed
            .tables
            .iter()
            .filter(|table| table.state == State::Fewer)
            .map(|table| table.table.as_str())
            .collect();
        if !fewer.is_empty() {
            let tables = fewer.join(",");
            let merge =
                ["restore", best.short_id(), "--to", database, "--mode", "merge", "--tables", &tables];
            step(
                "Or put the missing rows back into the database itself, all else left as it is; without --dry-run it is done.",
                line(&[&merge[..], &["--dry-run"]].concat()),
            );
        }
    }
    let mut before: Vec<&str> = assessed.losses.iter().map(|loss| loss.before.as_str()).collect();
    before.sort_unstable();
    before.dedup();
    for id in before {
        let tables: Vec<&str> =
            assessed.losses.iter().filter(|loss| loss.before == id).map(|loss| loss.table.as_str()).collect();
        let short = id.get(..8).unwrap_or(id);
        step(
            "If these rows were not meant to go: the tables as they were before.",
            line(&["restore", short, "--to", &to(&format!("before-{short}")), "--tables", &tables.join(",")]),
        );
    }
    if !assessed.damaged.is_empty() {
        step("Find out how far the damage goes.", line(&["check", "--read-data"]));
    }
    steps
}

/// The name of a new database beside another.
fn beside(target: &str, suffix: &str) -> String {
    match DatabaseUrl::parse(target) {
        Ok(DatabaseUrl::Postgres(url)) => format!("{url}_{}", suffix.replace('-', "_")),
        _ => {
            let path = Path::new(target);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
            let name = format!("{stem}-{suffix}{}", extension.unwrap_or_default());
            path.with_file_name(name).display().to_string()
        }
    }
}

/// A command line as a shell takes it, with what was typed everywhere.
fn command(words: &[&str], global: &Global) -> String {
    let mut all: Vec<String> = vec!["rowkeep".to_owned()];
    all.extend(words.iter().map(|word| quoted(word)));
    let paths = [("--config", &global.config), ("--key-file", &global.key_file)];
    if let Some(repository) = &global.repository {
        all.extend(["--repository".to_owned(), quoted(repository)]);
    }
    for (option, path) in paths {
        if let Some(path) = path {
            all.extend([option.to_owned(), quoted(&path.to_string_lossy())]);
        }
    }
    all.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_databases_are_named_beside_the_old() {
        assert_eq!(beside("data/app.db", "restored"), "data/app-restored.db");
        assert_eq!(beside("app", "before-12"), "app-before-12");
        assert_eq!(beside("postgres://u@h:5433/app", "before-12"), "postgres://u@h:5433/app_before_12");
    }

    #[test]
    fn what_is_to_be_typed_means_what_it_says() {
        assert_eq!(quoted("postgres://u@h/app"), "postgres://u@h/app");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
