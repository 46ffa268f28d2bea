//! How databases are in an emergency, and what to type next.

use std::time::Duration;

use rowkeep::jobs::assess::{AssessOutcome, Assessment, Reach, Step, TableHealth, TableState};
use rowkeep::state::devices::named;
use serde_json::{Value, json};

use super::command_line::command;
use super::table::{Column, render};
use super::units::{bytes, count, counted, duration, plain, zoned_time};
use crate::args::Global;

/// All databases, for programs.
pub(crate) fn json(outcome: &AssessOutcome, global: &Global) -> Value {
    let mut json = json!(outcome);
    for (place, assessed) in outcome.databases.iter().enumerate() {
        let next = assessed.next.iter().map(|step| {
            let command = command(&step.arguments, global);
            json!({ "why": step.why, "command": command })
        });
        json["databases"][place]["next"] = next.collect();
    }
    json
}

/// All databases, for people.
pub(crate) fn told(outcome: &AssessOutcome, global: &Global) -> String {
    let databases = outcome.databases.iter().map(|of| of_database(&of.assessment, &of.next, global));
    databases.collect::<Vec<_>>().join("\n\n")
}

/// What is worst, in words.
fn lack(assessed: &Assessment) -> &'static str {
    let is = |wanted: fn(&TableHealth) -> bool| assessed.tables.iter().any(|table| wanted(&table.state));
    let is_gone = matches!(assessed.reach, Reach::Missing | Reach::Empty | Reach::Unfinished)
        || !assessed.losses.is_empty()
        || is(|state| matches!(state, TableHealth::Fewer | TableHealth::Missing));
    if is_gone {
        "DATA IS MISSING."
    } else if matches!(assessed.reach, Reach::Unreachable(_)) || is(TableHealth::is_lacking) {
        "DATA CANNOT BE READ."
    } else {
        "A GOOD SNAPSHOT IS MISSING."
    }
}

/// That nothing is missing, as far as could be seen.
fn nothing_lacks(assessed: &Assessment) -> String {
    let denied = assessed.tables.iter().filter(|table| table.state == TableHealth::Denied).count() as u64;
    match denied {
        0 => "nothing is missing".to_owned(),
        _ => format!(
            "nothing is missing of what may be read; {} may not be read, and the snapshot does not have {}",
            counted(denied, "table"),
            if denied == 1 { "it" } else { "them" }
        ),
    }
}

fn of_database(assessed: &Assessment, steps: &[Step], global: &Global) -> String {
    let mut lines = vec![format!("{} ({})", plain(&assessed.database), plain(&assessed.target))];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:14} {}", plain(&value)));
    fact("database", reach(&assessed.reach));
    match &assessed.best {
        None => fact("best snapshot", "NONE: no undamaged snapshot can restore it".to_owned()),
        Some(best) => {
            let name = best.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
            fact(
                "best snapshot",
                format!(
                    "{}{name} of {}, {}, {}",
                    best.short_id(),
                    zoned_time(best.time),
                    counted(best.rows, "row"),
                    bytes(best.bytes)
                ),
            );
        }
    }
    if let Some(doubt) = &assessed.time_doubt {
        fact("DATA LOSS", format!("unknown, as is when the best snapshot was taken: {doubt}"));
    }
    if let Some(seconds) = assessed.data_loss_seconds {
        let age = duration(Duration::from_secs(seconds));
        fact("data loss", format!("anything written in the {age} since then is in no snapshot"));
    }
    for of in &assessed.devices {
        let name = named(of.device.as_deref());
        let best = match &of.best {
            None => "NONE that can restore it".to_owned(),
            Some(best) if of.is_newest => format!("{} of {}", best.short_id(), zoned_time(best.time)),
            Some(best) => format!("{} of {}; NEWER ONES ARE DAMAGED", best.short_id(), zoned_time(best.time)),
        };
        let lost = of.data_loss_seconds.map(|seconds| {
            let age = duration(Duration::from_secs(seconds));
            format!("; anything written on it in the {age} since then is in no snapshot")
        });
        let older = if of.is_older_than_promised { ", MORE THAN MAY BE LOST" } else { "" };
        let drilled = match of.last_drill {
            None => "; NEVER DRILLED".to_owned(),
            Some(time) => format!("; drilled {}", zoned_time(time)),
        };
        fact("device", format!("{name}: best snapshot {best}{}{older}{drilled}", lost.unwrap_or_default()));
    }
    if let Some(recovery) = &assessed.recovery {
        let time = duration(Duration::from_millis(recovery.ms));
        let source = match &recovery.drill {
            Some(drill) => format!("measured by the drill of {}", zoned_time(*drill)),
            None => "estimated from its size; `rowkeep drill` measures it".to_owned(),
        };
        let browser = match assessed.reach {
            Reach::Arrives => "; what a browser takes to load it comes on top",
            _ => "",
        };
        fact("recovery time", format!("{time}, {source}{browser}"));
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
                "{}{} had {} in snapshot {} of {}, and {after} in the next",
                loss.device.as_ref().map(|device| format!("device {device}: ")).unwrap_or_default(),
                loss.table,
                counted(loss.rows_before, "row"),
                loss.before.get(..8).unwrap_or(&loss.before),
                zoned_time(loss.before_time)
            ),
        );
    }
    if matches!(assessed.reach, Reach::There | Reach::Empty | Reach::Arrives) {
        let now = if assessed.reach == Reach::Arrives { "ROWS IN NEWEST" } else { "ROWS NOW" };
        lines.push(String::new());
        lines.push(tables(&assessed.tables, now));
    }
    lines.push(String::new());
    lines.push(match assessed.lacking {
        false if assessed.reach == Reach::Arrives => {
            "nothing is missing of what arrived; what a browser has now, its page alone can tell".to_owned()
        }
        false => nothing_lacks(assessed),
        true => match steps.is_empty() {
            true => format!("{} This repository cannot bring it back; look for another one.", lack(assessed)),
            false => format!("{} What to do next:", lack(assessed)),
        },
    });
    for (number, step) in steps.iter().enumerate() {
        lines.push(format!(
            "  {}. {}\n     {}",
            number + 1,
            plain(&step.why),
            plain(&command(&step.arguments, global))
        ));
    }
    lines.join("\n")
}

fn reach(reach: &Reach) -> String {
    match reach {
        Reach::There => "it can be reached".to_owned(),
        Reach::Missing => "MISSING: there is no such database".to_owned(),
        Reach::Empty => "EMPTY: it can be reached, but there is nothing in it".to_owned(),
        Reach::Unfinished => "UNFINISHED: it holds an incomplete restore".to_owned(),
        Reach::Arrives => "its states arrive from browsers; the newest snapshot stands for it".to_owned(),
        Reach::Unreachable(why) => format!("CANNOT BE READ: {why}"),
    }
}

fn tables(tables: &[TableState], now: &'static str) -> String {
    let columns =
        [Column("TABLE", false), Column(now, true), Column("IN SNAPSHOT", true), Column("STATE", false)];
    let rows = tables.iter().map(|table| {
        let number = |rows: Option<u64>| rows.map_or_else(|| "-".to_owned(), count);
        let state = match &table.state {
            TableHealth::Complete => "complete".to_owned(),
            TableHealth::Fewer => {
                let lacks = table.snapshot_rows.unwrap_or(0).saturating_sub(table.database_rows.unwrap_or(0));
                format!("MISSING {}", counted(lacks, "row"))
            }
            TableHealth::Missing => "MISSING".to_owned(),
            TableHealth::Unreadable(why) => format!("UNREADABLE: {why}"),
            TableHealth::Denied => "may not be read, not in the snapshot".to_owned(),
            TableHealth::New => "not in the snapshot".to_owned(),
        };
        vec![table.table.clone(), number(table.database_rows), number(table.snapshot_rows), state]
    });
    render(&columns, rows)
}
