//! The decision about the snapshots of one database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{SnapshotId, Summary};

use super::rules::{Limit, Rules};
use super::standing::{Standing, by_count, by_length, by_period};
use super::{By, Decision, Kept, Marks};
use crate::state::devices::device;
use crate::state::snapshots::{AFTER, AROUND, BEFORE, EVENT, MIGRATION};

/// A snapshot about which is decided.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The snapshot.
    pub summary: Arc<Summary>,
    /// Why its time cannot be right, where it cannot.
    pub doubt: Option<String>,
}

/// What snapshots compete with: a part of a database is not in the place of all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Safety,
    Backup { scope: u8, masked: bool },
}

impl Kind {
    fn of(summary: &Summary) -> Self {
        let scope = match summary.scope {
            Scope::Full => 0,
            Scope::SomeTables => 1,
            Scope::SchemaOnly => 2,
            Scope::DataOnly => 3,
        };
        match summary.is_aside() {
            true => Kind::Safety,
            false => Kind::Backup { scope, masked: summary.masked },
        }
    }
}

/// What keeps a snapshot, and when the last of what keeps it no more ended.
#[derive(Clone, Default)]
struct Account {
    kept: Vec<Kept>,
    lost: Option<Timestamp>,
}

impl Account {
    fn add(&mut self, by: impl FnOnce() -> By, standing: Standing) {
        match standing {
            Standing::Kept(until) => self.kept.push(Kept { by: by(), until }),
            Standing::Lost(at) => self.lost = self.lost.max(Some(at)),
        }
    }

    fn keep(&mut self, by: By) {
        self.add(|| by, Standing::Kept(None));
    }
}

/// Decides about all snapshots of one database, which stand in the order of their chain.
///
/// Without rules everything is kept. Rules are about backups, each among those of the same kind and device, and about safety snapshots; the
/// two snapshots around a migration, or another command, are both, and the rule for safety snapshots keeps them as well. What nobody could do without is kept whatever they say.
pub fn decide(
    history: &[Subject],
    rules: Option<&Rules>,
    zone: &TimeZone,
    marks: &Marks,
    now: Timestamp,
) -> Vec<Decision> {
    let mut accounts: Vec<Account> = vec![Account::default(); history.len()];
    // Of several devices each has rows of its own, so none is in the place of another.
    let mut groups: BTreeMap<(Kind, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (at, subject) in history.iter().enumerate() {
        let kind = Kind::of(&subject.summary);
        let is_free = match rules {
            None => true,
            Some(rules) => kind != Kind::Safety && !rules.say_of_backups(),
        };
        match &subject.doubt {
            _ if is_free => accounts[at].keep(By::NoRules),
            // It stands in no period, so that it takes the place of none there.
            Some(doubt) => accounts[at].keep(By::WrongTime { doubt: doubt.clone() }),
            None => groups.entry((kind, device(&subject.summary.tags))).or_default().push(at),
        }
    }
    if let Some(rules) = rules {
        for (_, members) in groups.iter().filter(|((kind, _), _)| *kind != Kind::Safety) {
            apply(&Group::new(history, members, zone, now), rules, marks, &mut accounts);
        }
        let is_way_back = |at: &usize| is_way_back(&history[*at].summary);
        let mut ways_back: Vec<usize> = groups.values().flatten().copied().filter(is_way_back).collect();
        ways_back.sort_unstable();
        let by = By::Safety { limit: rules.safety.to_string() };
        let group = Group::new(history, &ways_back, zone, now);
        group.stand(&mut accounts, &by, |group| group.limited(rules.safety));
    }
    mark(history, marks, now, &mut accounts);
    conclude(history, accounts, now)
}

/// Snapshots that compete with each other.
struct Group<'a> {
    history: &'a [Subject],
    /// Where they are in the history.
    members: &'a [usize],
    times: Vec<Timestamp>,
    zone: &'a TimeZone,
    now: Timestamp,
}

impl<'a> Group<'a> {
    fn new(history: &'a [Subject], members: &'a [usize], zone: &'a TimeZone, now: Timestamp) -> Self {
        let times = members.iter().map(|at| history[*at].summary.time).collect();
        Self { history, members, times, zone, now }
    }

    fn limited(&self, limit: Limit) -> Vec<Standing> {
        match limit {
            Limit::Count(count) => by_count(&self.times, count),
            Limit::For(length) => by_length(&self.times, length, self.zone, self.now),
            Limit::Forever => vec![Standing::Kept(None); self.times.len()],
        }
    }

    /// Takes down how all of them stand by something.
    fn stand(&self, accounts: &mut [Account], by: &By, how: impl Fn(&Self) -> Vec<Standing>) {
        for (at, standing) in self.members.iter().zip(how(self)) {
            accounts[*at].add(|| by.clone(), standing);
        }
    }
}

/// Whether a snapshot was taken or made to go back by: before a restore or an undo, of a log, around a migration or another command, or when an
/// application announced one.
fn is_way_back(summary: &Summary) -> bool {
    let is_around = |tag: &&str| summary.tags.get(*tag).is_some_and(|when| when == BEFORE || when == AFTER);
    summary.is_aside() || summary.tags.contains_key(EVENT) || [MIGRATION, AROUND].iter().any(is_around)
}

/// Applies the rules for backups to those of one kind.
fn apply(group: &Group<'_>, rules: &Rules, marks: &Marks, accounts: &mut [Account]) {
    let Group { history, members, zone, now, .. } = group;
    let id = |at: &usize| history[*at].summary.id;
    let whole: Vec<usize> =
        members.iter().copied().filter(|at| !marks.incomplete.contains(&id(at))).collect();
    // Where none is whole, the newest is the best there is.
    let readable = if whole.is_empty() { *members } else { &whole };
    let newest = Group::new(history, readable, zone, *now);
    newest.stand(accounts, &By::Newest, |group| by_count(&group.times, 1));
    match rules.last {
        Some(Limit::Count(count)) => {
            group.stand(accounts, &By::Last { count }, |group| by_count(&group.times, count));
        }
        Some(limit) => all_within(group, limit, accounts),
        None => {}
    }
    let zoned: Vec<Zoned> = group.times.iter().map(|time| time.to_zoned((*zone).clone())).collect();
    for (every, limit) in &rules.periods {
        let keys: Vec<_> = zoned.iter().map(|time| every.of(time)).collect();
        let standing = by_period(&group.times, &keys, *limit, zone, *now);
        for ((at, key), standing) in members.iter().zip(&keys).zip(standing) {
            let by = || By::Period { every: *every, period: every.told(key, zone) };
            accounts[*at].add(by, standing);
        }
    }
    if let Some(limit) = rules.within {
        all_within(group, limit, accounts);
    }
    for (tag, limit) in &rules.tags {
        let has_it = |at: &usize| has_tag(&history[*at].summary, tag);
        let tagged: Vec<usize> = members.iter().copied().filter(has_it).collect();
        let tagged = Group::new(history, &tagged, zone, *now);
        tagged.stand(accounts, &By::Tag { tag: tag.clone() }, |group| group.limited(*limit));
    }
}

fn all_within(group: &Group<'_>, limit: Limit, accounts: &mut [Account]) {
    let by = By::Within { length: limit.to_string() };
    group.stand(accounts, &by, |group| group.limited(limit));
}

/// Whether a snapshot has a tag: by its name, or by its name and value.
fn has_tag(summary: &Summary, tag: &str) -> bool {
    let named = match tag.split_once('=') {
        Some((name, value)) => summary.tags.get(name).is_some_and(|own| own == value),
        None => false,
    };
    named || summary.tags.contains_key(tag)
}

/// Takes down what keeps snapshots whatever the rules say.
fn mark(history: &[Subject], marks: &Marks, now: Timestamp, accounts: &mut [Account]) {
    let places: HashMap<SnapshotId, usize> =
        history.iter().enumerate().map(|(at, subject)| (subject.summary.id, at)).collect();
    for (at, subject) in history.iter().enumerate() {
        let id = subject.summary.id;
        for held in marks.holds.get(&id).into_iter().flatten() {
            let standing = match held.until {
                Some(until) if until <= now => Standing::Lost(until),
                until => Standing::Kept(until),
            };
            accounts[at].add(|| By::Held { reason: held.reason.clone() }, standing);
        }
        if let Some(before) = subject.summary.suspicious_after.filter(|_| !marks.cleared.contains(&id)) {
            accounts[at].keep(By::Suspicious);
            if let Some(before) = places.get(&before) {
                accounts[*before].keep(By::BeforeSuspicious { suspicious: id });
            }
        }
    }
}

/// The safety snapshot of which a later one tells that what followed it was taken back.
fn taken_back(summary: &Summary) -> Option<SnapshotId> {
    let from = &summary.before.as_ref()?.from;
    SnapshotId::from_hex(from.strip_prefix("before ")?).ok()
}

fn conclude(history: &[Subject], accounts: Vec<Account>, now: Timestamp) -> Vec<Decision> {
    // When each snapshot goes that is kept.
    let mut going: HashMap<SnapshotId, Option<Timestamp>> = HashMap::new();
    let mut decisions = Vec::with_capacity(history.len());
    for (Subject { summary, .. }, Account { mut kept, lost }) in history.iter().zip(accounts) {
        if let Some(safety) = taken_back(summary)
            && let Some(until) = going.get(&safety)
        {
            kept.push(Kept { by: By::UndoOf { safety }, until: *until });
        }
        let goes = kept.iter().try_fold(now, |goes, kept| kept.until.map(|until| goes.max(until)));
        let goes = goes.filter(|_| !kept.is_empty());
        if !kept.is_empty() {
            going.insert(summary.id, goes);
        }
        let since = lost.map_or(summary.time, |lost| lost.max(summary.time));
        let unkept_since = kept.is_empty().then(|| since.min(now));
        decisions.push(Decision { snapshot: summary.id, kept, unkept_since, goes });
    }
    decisions
}
