//! The fields of a form in which somebody says how often a database is backed up, and what is kept of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep::config::AddedDatabase;
use rowkeep::retention::{Stated, StatedRules, forecast};
use rowkeep::units::counted;
use secrecy::SecretString;

use super::visitor::Fields;
use crate::web::problem::Problem;

/// What may be lost, as it is offered.
const LOSSES: [(&str, &str); 5] =
    [("15min", "15 minutes"), ("1h", "1 hour"), ("6h", "6 hours"), ("24h", "1 day"), ("7d", "1 week")];

/// How soon it is back, as it is offered.
const BACK: [(&str, &str); 5] =
    [("", "not promised"), ("15min", "15 minutes"), ("1h", "1 hour"), ("4h", "4 hours"), ("24h", "1 day")];

/// What is kept, as it is offered: a name, words, and the newest of so many days, weeks, months and years.
const KEPT: [(&str, &str, [i64; 4]); 4] = [
    ("month", "A month: one of each day", [30, 0, 0, 0]),
    ("year", "A year: 30 days, 12 weeks, 12 months", [30, 12, 12, 0]),
    ("decade", "Ten years: the same, and 10 years", [30, 12, 12, 10]),
    ("all", "Everything, or what rowkeep.toml says of all databases", [0, 0, 0, 0]),
];

/// What stands for rules that are none of those.
const AS_IT_IS: &str = "as-it-is";

/// One of several that can be chosen.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) told: String,
    pub(super) is_chosen: bool,
}

/// What the fields show.
pub(super) struct Choices {
    /// `promise`, `schedule` or `nothing`.
    pub(super) how: &'static str,
    pub(super) losses: Vec<Choice>,
    pub(super) back: Vec<Choice>,
    pub(super) backup: String,
    pub(super) drill: String,
    pub(super) kept: Vec<Choice>,
}

impl Choices {
    /// Those of a database; of one that is new, what is good for most.
    pub(super) fn of(added: Option<&AddedDatabase>, now: Timestamp) -> Self {
        let promise = match added {
            None => Some(("6h".to_owned(), Some("1h".to_owned()))),
            Some(added) => added.promise.clone(),
        };
        let schedule = |work: &str, usual: &str| {
            let known = added.and_then(|added| added.schedule.get(work)).cloned();
            known.unwrap_or_else(|| {
                if added.is_none_or(|added| added.schedule.is_empty()) {
                    usual.to_owned()
                } else {
                    String::new()
                }
            })
        };
        let (lose, back_in) = promise.clone().unwrap_or(("6h".to_owned(), Some("1h".to_owned())));
        Self {
            how: match added {
                Some(added) if promise.is_none() && !added.schedule.is_empty() => "schedule",
                Some(_) if promise.is_none() => "nothing",
                _ => "promise",
            },
            losses: offered(&LOSSES, &lose),
            back: offered(&BACK, back_in.as_deref().unwrap_or_default()),
            backup: schedule("backup", "daily at 02:00"),
            drill: schedule("drill", "weekly on Sunday at 04:00"),
            kept: kept(added.map(|added| &added.keep), now),
        }
    }
}

fn offered(offered: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    let choice = |value: &str, label: &str| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        told: String::new(),
        is_chosen: value == chosen,
    };
    let mut choices: Vec<Choice> = offered.iter().map(|(value, label)| choice(value, label)).collect();
    if !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(choice(chosen, chosen));
    }
    choices
}

/// What can be kept, with what that comes to.
fn kept(now_kept: Option<&StatedRules>, now: Timestamp) -> Vec<Choice> {
    let mut choices: Vec<Choice> = KEPT
        .iter()
        .map(|(value, label, counts)| {
            let stated = rules(counts);
            Choice {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
                told: comes_to(&stated, now),
                is_chosen: now_kept.map_or(*value == "year", |known| *known == stated),
            }
        })
        .collect();
    if let Some(stated) = now_kept.filter(|_| !choices.iter().any(|choice| choice.is_chosen)) {
        let words = stated.rules().map(|rules| rules.to_string()).unwrap_or_default();
        choices.push(Choice {
            value: AS_IT_IS.to_owned(),
            label: format!("As it is: {words}"),
            told: comes_to(stated, now),
            is_chosen: true,
        });
    }
    choices
}

/// What rules keep in the course of the years, in words.
fn comes_to(stated: &StatedRules, now: Timestamp) -> String {
    let Ok(rules) = stated.rules() else { return String::new() };
    let after = |days: u16| forecast(&rules, days, &TimeZone::UTC, now);
    let (year, decade) = (after(365), after(3650));
    format!(
        "{} after a year, {} after ten years; the oldest is {} old then",
        counted(year.kept, "snapshot"),
        decade.kept,
        counted(decade.oldest_days, "day")
    )
}

fn rules([daily, weekly, monthly, yearly]: &[i64; 4]) -> StatedRules {
    let stated = |count: &i64| (*count > 0).then_some(Stated::Number(*count));
    StatedRules {
        daily: stated(daily),
        weekly: stated(weekly),
        monthly: stated(monthly),
        yearly: stated(yearly),
        ..StatedRules::default()
    }
}

/// What was chosen for a database; `before` is what counted for it.
pub(super) fn chosen(
    fields: &Fields,
    url: SecretString,
    before: Option<&AddedDatabase>,
) -> Result<AddedDatabase, Problem> {
    let text =
        |name: &str| fields.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut added = AddedDatabase { url, ..AddedDatabase::default() };
    added.timezone = before.and_then(|before| before.timezone.clone());
    match fields.must("how")? {
        "promise" => added.promise = Some((fields.must("lose")?.to_owned(), text("back_in"))),
        "schedule" => {
            let backup = text("backup").ok_or_else(|| {
                Problem::unprocessable("say when it is backed up: daily at 02:00, every 6 hours, off")
            })?;
            let stated = [("backup", Some(backup)), ("drill", text("drill"))];
            let stated = stated.into_iter().filter_map(|(work, when)| Some((work.to_owned(), when?)));
            added.schedule = stated.collect::<BTreeMap<_, _>>();
        }
        _ => {}
    }
    let keep = fields.must("keep")?;
    added.keep = match (KEPT.iter().find(|(value, ..)| *value == keep), before) {
        (Some((_, _, counts)), _) => rules(counts),
        (None, Some(before)) if keep == AS_IT_IS => before.keep.clone(),
        (None, _) => return Err(Problem::unprocessable("choose what is kept")),
    };
    Ok(added)
}
