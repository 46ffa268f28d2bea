//! What is kept, said once more: plainly and slowly, each rule by itself, from nothing but the times that clocks showed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

/// A snapshot as the plain rule sees it; the later ones stand after it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) number: usize,
    pub(super) time: Timestamp,
    /// What clocks there showed of each period.
    pub(super) shown: BTreeMap<&'static str, String>,
    pub(super) kind: &'static str,
    pub(super) device: Option<&'static str>,
    pub(super) tags: Vec<&'static str>,
    pub(super) is_doubtful: bool,
    pub(super) is_incomplete: bool,
    pub(super) held_until: Option<Option<Timestamp>>,
    /// The one before it, of which much is gone, at which nobody looked.
    pub(super) suspicious_after: Option<usize>,
    /// The safety snapshot whose operation was taken back after it.
    pub(super) undo_of: Option<usize>,
}

impl Made {
    /// What it competes with: safety snapshots with all of them, others with those of their kind and device.
    pub(super) fn competes(&self) -> (&'static str, Option<&'static str>) {
        (self.kind, self.device.filter(|_| self.kind != "safety"))
    }
}

/// A rule of one line.
#[derive(Debug, Clone)]
pub(super) enum Line {
    Last(usize),
    /// The newest of each of the last so many periods, by how a clock there shows them.
    EachOfLast(&'static str, usize),
    /// The newest of each period while it is not so old.
    EachFor(&'static str, Span),
    For(Span),
    TagFor(&'static str, Option<Span>),
    SafetyFor(Span),
    SafetyLast(usize),
}

/// How clocks show each period that a moment is in.
pub(super) fn shown(time: Timestamp, zone: &TimeZone) -> BTreeMap<&'static str, String> {
    let formats = [
        ("hourly", "%Y-%m-%d %H %z"),
        ("daily", "%Y-%m-%d"),
        ("weekly", "%G-%V"),
        ("monthly", "%Y-%m"),
        ("yearly", "%Y"),
    ];
    let local = time.to_zoned(zone.clone());
    formats.into_iter().map(|(period, format)| (period, local.strftime(format).to_string())).collect()
}

fn is_young(time: Timestamp, span: Span, zone: &TimeZone, now: Timestamp) -> bool {
    time.to_zoned(zone.clone()).checked_add(span).map_or(true, |end| now < end.timestamp())
}

/// The numbers of the snapshots that are kept.
pub(super) fn kept(made: &[Made], lines: &[Line], zone: &TimeZone, now: Timestamp) -> BTreeSet<usize> {
    let says_of_backups = lines
        .iter()
        .any(|line| matches!(line, Line::Last(_) | Line::EachOfLast(..) | Line::EachFor(..) | Line::For(_)));
    let mut kept = BTreeSet::new();
    if lines.is_empty() {
        return made.iter().map(|made| made.number).collect();
    }
    let kinds: BTreeSet<_> = made.iter().map(Made::competes).collect();
    for (kind, device) in kinds {
        let competes = |made: &&Made| made.competes() == (kind, device) && !made.is_doubtful;
        let of: Vec<&Made> = made.iter().filter(competes).collect();
        let newest_first: Vec<&Made> = of.iter().rev().copied().collect();
        if kind == "safety" {
            for line in lines {
                match line {
                    Line::SafetyLast(count) => {
                        kept.extend(newest_first.iter().take(*count).map(|one| one.number))
                    }
                    Line::SafetyFor(span) => {
                        kept.extend(
                            of.iter()
                                .filter(|one| is_young(one.time, *span, zone, now))
                                .map(|one| one.number),
                        );
                    }
                    _ => {}
                }
            }
            continue;
        }
        if !says_of_backups {
            kept.extend(of.iter().map(|one| one.number));
            continue;
        }
        let newest_whole = newest_first.iter().find(|one| !one.is_incomplete).or(newest_first.first());
        kept.extend(newest_whole.map(|one| one.number));
        for line in lines {
            match line {
                Line::Last(count) => kept.extend(newest_first.iter().take(*count).map(|one| one.number)),
                Line::EachOfLast(period, count) => {
                    let mut seen: BTreeSet<&str> = BTreeSet::new();
                    for one in &newest_first {
                        if seen.insert(&one.shown[period]) && seen.len() <= *count {
                            kept.insert(one.number);
                        }
                    }
                }
                Line::EachFor(period, span) => {
                    let newest: BTreeMap<&str, &Made> =
                        of.iter().map(|one| (one.shown[period].as_str(), *one)).collect();
                    let young = newest.values().filter(|one| is_young(one.time, *span, zone, now));
                    kept.extend(young.map(|one| one.number));
                }
                Line::For(span) => {
                    kept.extend(
                        of.iter().filter(|one| is_young(one.time, *span, zone, now)).map(|one| one.number),
                    );
                }
                Line::TagFor(tag, span) => kept.extend(
                    of.iter()
                        .filter(|one| one.tags.contains(tag))
                        .filter(|one| span.is_none_or(|span| is_young(one.time, span, zone, now)))
                        .map(|one| one.number),
                ),
                Line::SafetyFor(_) | Line::SafetyLast(_) => {}
            }
        }
    }
    for one in made {
        let is_held = one.held_until.is_some_and(|until| until.is_none_or(|until| now < until));
        if one.is_doubtful || is_held {
            kept.insert(one.number);
        }
        if let Some(before) = one.suspicious_after {
            kept.insert(one.number);
            if made.iter().any(|made| made.number == before) {
                kept.insert(before);
            }
        }
    }
    for one in made {
        if one.undo_of.is_some_and(|safety| kept.contains(&safety)) {
            kept.insert(one.number);
        }
    }
    kept
}

/// A span of one unit.
pub(super) fn span(unit: &str, number: i64) -> Span {
    match unit {
        "h" => number.hours(),
        "d" => number.days(),
        "w" => number.weeks(),
        "m" => number.months(),
        _ => number.years(),
    }
}
