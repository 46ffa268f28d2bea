use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rowkeep_format::manifest::{Before, Scope};
use rowkeep_format::summary::REPLAYED;
use rowkeep_format::{SnapshotId, Summary};

use super::plain_rule::{Line, Made, kept, shown, span};
use super::*;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn happens_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

fn id(number: usize) -> SnapshotId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(number as u64).to_be_bytes());
    SnapshotId(id)
}

fn number(id: SnapshotId) -> usize {
    u64::from_be_bytes(id.0[..8].try_into().expect("eight bytes")) as usize
}

fn summary(made: &Made) -> Summary {
    let (scope, masked) = match made.kind {
        "some" => (Scope::SomeTables, false),
        "masked" => (Scope::Full, true),
        _ => (Scope::Full, false),
    };
    let before = (made.kind == "safety").then(|| Before {
        operation: "restore".to_owned(),
        from: match made.undo_of {
            Some(safety) => format!("before {}", id(safety)),
            None => "snapshot 01010101".to_owned(),
        },
        changes: None,
        entered: true,
        dangled: Vec::new(),
    });
    Summary {
        id: id(made.number),
        database: "shop".into(),
        engine: "sqlite".into(),
        source: "shop.db".into(),
        identity: None,
        name: None,
        time: made.time,
        parent: None,
        sequence: Some(made.number as u64),
        scope,
        tags: {
            let tags =
                made.tags.iter().map(|tag| (*tag, "yes")).chain(made.device.map(|name| ("device", name)));
            tags.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        },
        before: before.map(Box::new),
        origin: None,
        masked,
        suspicious_after: made.suspicious_after.map(id),
        all_tables: 1,
        tables: 1,
        rows: 1,
        bytes: 1,
        row_counts: None,
        new_bytes: 1,
        duration_ms: 1,
    }
}

fn decided(made: &[Made], rules: Option<&Rules>, zone: &TimeZone, now: Timestamp) -> Vec<Decision> {
    let doubt = |made: &Made| made.is_doubtful.then(|| "it is wrong".to_owned());
    let subjects: Vec<Subject> =
        made.iter().map(|made| Subject { summary: Arc::new(summary(made)), doubt: doubt(made) }).collect();
    let held = made
        .iter()
        .filter_map(|made| Some((id(made.number), vec![Held { until: made.held_until?, reason: None }])));
    let marks = Marks {
        holds: held.collect(),
        cleared: BTreeSet::new(),
        incomplete: made.iter().filter(|made| made.is_incomplete).map(|made| id(made.number)).collect(),
    };
    decide(&subjects, rules, zone, &marks, now)
}

fn backup(number: usize, time: Timestamp, zone: &TimeZone) -> Made {
    Made {
        number,
        time,
        shown: shown(time, zone),
        kind: "full",
        device: None,
        tags: Vec::new(),
        is_doubtful: false,
        is_incomplete: false,
        held_until: None,
        suspicious_after: None,
        undo_of: None,
    }
}

#[test]
fn what_is_taken_to_go_back_by_follows_the_rule_for_safety_snapshots() {
    let start: Timestamp = "2026-11-02T10:00:00Z".parse().expect("it is a time");
    let minutes = |minutes| start + SignedDuration::from_mins(minutes);
    let day = 24 * 60;
    let tagged = |number: usize, minute: i64, tag: Option<(&str, &str)>| {
        let mut summary = summary(&backup(number, minutes(minute), &TimeZone::UTC));
        summary.tags = tag.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Subject { summary: Arc::new(summary), doubt: None }
    };
    let safety = Made { kind: "safety", ..backup(4, minutes(4), &TimeZone::UTC) };
    let history = [
        tagged(0, 0, None),
        tagged(1, 1, Some(("migration", "before"))),
        tagged(2, 2, Some(("around", "after"))),
        tagged(3, 3, Some(("event", "before-migration"))),
        Subject { summary: Arc::new(summary(&safety)), doubt: None },
        tagged(5, 5, Some(("migration", "done by hand"))),
        tagged(6, 6, None),
    ];
    let kept = |text: &str, now: Timestamp| -> Vec<usize> {
        let stated: StatedRules = toml::from_str(text).expect("they are well formed");
        let rules = stated.rules().expect("they hold");
        let decisions = decide(&history, Some(&rules), &TimeZone::UTC, &Marks::default(), now);
        decisions.iter().filter(|one| one.is_kept()).map(|one| number(one.snapshot)).collect()
    };
    // One of each hour is kept, and for a fortnight all that somebody may want to go back by.
    assert_eq!(kept("hourly = '7 days'", minutes(7)), [1, 2, 3, 4, 6]);
    assert_eq!(kept("hourly = '7 days'", minutes(13 * day)), [1, 2, 3, 4, 6]);
    assert_eq!(kept("hourly = '7 days'", minutes(15 * day)), [6]);
    assert_eq!(kept("hourly = '7 days'\nsafety = 2", minutes(7)), [3, 4, 6]);
}

/// What was made of a log is no backup: it takes the place of none, is not the newest, and goes as safety snapshots do.
#[test]
fn replayed_states_stand_beside_backups() {
    let start: Timestamp = "2026-11-02T10:00:00Z".parse().expect("it is a time");
    let made = |number: usize, is_replayed: bool| {
        let time = start + SignedDuration::from_mins(number as i64);
        let mut summary = summary(&backup(number, time, &TimeZone::UTC));
        if is_replayed {
            summary.tags.insert(REPLAYED.to_owned(), start.to_string());
        }
        Subject { summary: Arc::new(summary), doubt: None }
    };
    let history = [made(0, false), made(1, false), made(2, true), made(3, true)];
    let kept = |days: i64| -> Vec<usize> {
        let stated: StatedRules = toml::from_str("last = 1").expect("they are well formed");
        let rules = stated.rules().expect("they hold");
        let now = start + SignedDuration::from_hours(24 * days);
        let decisions = decide(&history, Some(&rules), &TimeZone::UTC, &Marks::default(), now);
        decisions.iter().filter(|one| one.is_kept()).map(|one| number(one.snapshot)).collect()
    };
    assert_eq!(kept(1), [1, 2, 3]);
    assert_eq!(kept(15), [1]);
}

/// Random rules, as they are written and as the plain rule has them.
fn random_rules(numbers: &mut Numbers) -> (StatedRules, Vec<Line>) {
    let mut stated = StatedRules::default();
    let mut lines = Vec::new();
    let count = |numbers: &mut Numbers| 1 + numbers.below(12) as i64;
    if numbers.happens_in(3) {
        let last = count(numbers);
        stated.last = Some(Stated::Number(last));
        lines.push(Line::Last(last as usize));
    }
    for (period, slot) in [
        ("hourly", &mut stated.hourly),
        ("daily", &mut stated.daily),
        ("weekly", &mut stated.weekly),
        ("monthly", &mut stated.monthly),
        ("yearly", &mut stated.yearly),
    ] {
        let number = count(numbers);
        match numbers.below(4) {
            0 => {
                *slot = Some(Stated::Number(number));
                lines.push(Line::EachOfLast(period, number as usize));
            }
            1 => {
                let unit = numbers.one_of(&["h", "d", "w", "m", "y"]);
                *slot = Some(Stated::Text(format!("{number}{unit}")));
                lines.push(Line::EachFor(period, span(unit, number)));
            }
            _ => {}
        }
    }
    if numbers.happens_in(3) {
        let (number, unit) = (count(numbers) * 5, numbers.one_of(&["h", "d"]));
        stated.within = Some(Stated::Text(format!("{number}{unit}")));
        lines.push(Line::For(span(unit, number)));
    }
    if lines.is_empty() {
        stated.days = Some(Stated::Number(9));
        lines.push(Line::For(span("d", 9)));
    }
    if numbers.happens_in(2) {
        stated.tags.insert("release".to_owned(), Stated::Text("forever".to_owned()));
        lines.push(Line::TagFor("release", None));
        stated.tags.insert("nightly".to_owned(), Stated::Text("1m".to_owned()));
        lines.push(Line::TagFor("nightly", Some(span("m", 1))));
    }
    match numbers.below(3) {
        0 => {
            stated.safety = Some(Stated::Number(2));
            lines.push(Line::SafetyLast(2));
        }
        1 => {
            stated.safety = Some(Stated::Text("3 days".to_owned()));
            lines.push(Line::SafetyFor(span("d", 3)));
        }
        _ => lines.push(Line::SafetyFor(span("d", 14))),
    }
    (stated, lines)
}

/// A snapshot that is made now, now and then an odd one.
fn random_snapshot(
    numbers: &mut Numbers,
    number: usize,
    (time, zone): (Timestamp, &TimeZone),
    last_safety: Option<usize>,
) -> Made {
    let mut made = backup(number, time, zone);
    made.device = numbers.one_of(&[None, None, None, Some("desk"), Some("tablet")]);
    match numbers.below(60) {
        0 => made.kind = "some",
        1 => made.kind = "masked",
        2 | 3 => {
            made.kind = "safety";
            made.undo_of = last_safety.filter(|_| numbers.happens_in(2));
        }
        4 => made.is_incomplete = true,
        5 => made.is_doubtful = true,
        6 => made.suspicious_after = number.checked_sub(1),
        7 => made.held_until = Some(None),
        8 => {
            let hours = SignedDuration::from_hours(numbers.below(2000) as i64);
            made.held_until = Some(Some(time + hours));
        }
        9 => made.tags.push("release"),
        10 | 11 => made.tags.push("nightly"),
        _ => {}
    }
    made
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "America/St_Johns",
    "Africa/Casablanca",
];

#[test]
fn simulated_years_keep_exactly_what_the_plain_rule_says() {
    // Ten and more where somebody has the time: all zones come then.
    let times = std::env::var("ROWKEEP_TEST_TIMES").map_or(1, |text| text.parse().expect("a number"));
    for seed in 0..5 * times {
        let mut numbers = Numbers(seed);
        let zone = TimeZone::get(ZONES[seed as usize % ZONES.len()]).expect("it is a zone");
        let (stated, lines) = random_rules(&mut numbers);
        let rules = stated.rules().expect("they are well formed");
        let mut now: Timestamp = "2024-12-28T00:20:00Z".parse().expect("it is a time");
        let (mut present, mut last_safety): (Vec<Made>, Option<usize>) = (Vec::new(), None);
        // Two years of hours, with a hole now and then; what is not kept goes every few days.
        for hour in 0..2 * 365 * 24 {
            now += SignedDuration::from_mins(60);
            if numbers.happens_in(200) {
                now += SignedDuration::from_hours(numbers.below(60) as i64);
            }
            let made = random_snapshot(&mut numbers, hour, (now, &zone), last_safety);
            last_safety = if made.kind == "safety" { Some(hour) } else { last_safety };
            present.push(made);
            if numbers.happens_in(90) {
                let later = now + SignedDuration::from_mins(numbers.below(300) as i64);
                let expected = kept(&present, &lines, &zone, later);
                let decisions = decided(&present, Some(&rules), &zone, later);
                let found: BTreeSet<usize> = decisions
                    .iter()
                    .filter(|decision| decision.is_kept())
                    .map(|decision| number(decision.snapshot))
                    .collect();
                assert_eq!(found, expected, "seed {seed}, hour {hour}: {stated:?}");
                present.retain(|made| expected.contains(&made.number));
                last_safety = last_safety.filter(|safety| expected.contains(safety));
            }
        }
    }
}

/// What is claimed of each snapshot of a history of which nothing was deleted.
#[test]
fn every_explanation_is_true() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let second = SignedDuration::from_secs(1);
    for seed in 100..124 {
        let mut numbers = Numbers(seed);
        let zone = TimeZone::get(ZONES[seed as usize % ZONES.len()]).expect("it is a zone");
        let (stated, lines) = random_rules(&mut numbers);
        let rules = stated.rules().expect("they are well formed");
        let mut now: Timestamp = "2026-03-20T00:20:00Z".parse().expect("it is a time");
        let (mut made, mut last_safety): (Vec<Made>, Option<usize>) = (Vec::new(), None);
        for number in 0..220 {
            now += SignedDuration::from_mins(20 + numbers.below(400) as i64);
            let one = random_snapshot(&mut numbers, number, (now, &zone), last_safety);
            last_safety = if one.kind == "safety" { Some(number) } else { last_safety };
            made.push(one);
        }
        now += SignedDuration::from_hours(numbers.below(100) as i64);
        let there_at = |time: Timestamp| -> Vec<Made> {
            made.iter().filter(|made| made.time <= time).cloned().collect()
        };
        for (decision, one) in decided(&made, Some(&rules), &zone, now).iter().zip(&made) {
            let about = || format!("seed {seed}, {decision:?}, {stated:?}");
            if let Some(since) = decision.unkept_since {
                // Just before, it was kept, and at no time from then on.
                if since > one.time {
                    let before = since - second;
                    assert!(
                        kept(&there_at(before), &lines, &zone, before).contains(&one.number),
                        "{}",
                        about()
                    );
                }
                let later = made.iter().map(|made| made.time).filter(|time| *time > since);
                for time in [since, now].into_iter().chain(later.step_by(29)) {
                    let there = there_at(time);
                    assert!(!kept(&there, &lines, &zone, time).contains(&one.number), "{time}: {}", about());
                }
            }
            match decision.goes {
                Some(goes) => {
                    // `since` is where a hold ends, and its snapshot may be made suspicious by none.
                    let just = goes - second;
                    assert!(kept(&made, &lines, &zone, just.max(now)).contains(&one.number), "{}", about());
                    assert!(!kept(&made, &lines, &zone, goes).contains(&one.number), "{}", about());
                }
                None if decision.is_kept() => {
                    let far = now + SignedDuration::from_hours(24 * 365 * 30);
                    assert!(kept(&made, &lines, &zone, far).contains(&one.number), "{}", about());
                }
                None => {}
            }
            for why in &decision.kept {
                *seen.entry(why.by.told().split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
                is_true(&why.by, why.until, one, &made, &zone, now).unwrap_or_else(|untrue| {
                    panic!("{untrue}: {why:?}: {}", about());
                });
            }
        }
    }
    for rule in [
        "newest", "last", "hourly", "daily", "weekly", "monthly", "yearly", "within", "tag", "safety", "held",
    ] {
        assert!(seen.get(rule).is_some_and(|times| *times > 10), "{rule} is hardly tried: {seen:?}");
    }
    for rule in ["suspicious", "before", "wrong", "undo"] {
        assert!(seen.contains_key(rule), "{rule} is not tried: {seen:?}");
    }
}

/// Whether a claim is true by itself, whatever else keeps the snapshot.
fn is_true(
    by: &By,
    until: Option<Timestamp>,
    one: &Made,
    all: &[Made],
    zone: &TimeZone,
    now: Timestamp,
) -> Result<(), &'static str> {
    let claim = |is: bool, what: &'static str| if is { Ok(()) } else { Err(what) };
    let later: Vec<&Made> = all
        .iter()
        .filter(|made| made.number > one.number && made.competes() == one.competes() && !made.is_doubtful)
        .collect();
    claim(until.is_none_or(|until| until > now), "it ended before now")?;
    match by {
        By::NoRules => Err("there are rules"),
        By::Newest => claim(later.iter().all(|made| made.is_incomplete), "there is a later one"),
        By::Last { count } => claim((later.len() as u64) < *count, "there are more later ones"),
        By::Period { every, period } => {
            // The words alone name the period: the snapshot lies in it, and no later one does.
            let shown = |made: &Made| {
                let local = made.time.to_zoned(zone.clone());
                match every {
                    Period::Hourly => local.strftime("%Y-%m-%d %H:00%:z").to_string(),
                    Period::Daily => local.strftime("%Y-%m-%d").to_string(),
                    Period::Weekly => local.strftime("%G-W%V").to_string(),
                    Period::Monthly => local.strftime("%Y-%m").to_string(),
                    Period::Yearly => local.strftime("%Y").to_string(),
                }
            };
            claim(shown(one).starts_with(period.as_str()), "it is not in that period")?;
            claim(later.iter().all(|made| !shown(made).starts_with(period.as_str())), "a later one is in it")
        }
        By::Within { .. } => claim(until.is_some(), "it does not end"),
        By::Tag { tag } => claim(one.tags.contains(&tag.as_str()), "it has no such tag"),
        By::Safety { .. } => claim(one.kind == "safety", "it is no safety snapshot"),
        By::Held { .. } => claim(one.held_until == Some(until), "it is not held so"),
        By::Suspicious => claim(one.suspicious_after.is_some(), "it is not suspicious"),
        By::BeforeSuspicious { suspicious } => {
            let after = all.iter().find(|made| made.number == number(*suspicious));
            let is_before = after.is_some_and(|after| after.suspicious_after == Some(one.number));
            claim(is_before, "that is not suspicious, or not after it")
        }
        By::UndoOf { safety } => claim(one.undo_of == Some(number(*safety)), "it is not of that undo"),
        By::WrongTime { .. } => claim(one.is_doubtful, "its time is right"),
    }
}

/// What one device sends takes the place of nothing that another sent.
#[test]
fn each_device_keeps_what_the_rules_say() {
    let start: Timestamp = "2026-11-02T10:00:00Z".parse().expect("it is a time");
    let devices = ["desk", "desk", "tablet", "tablet", "tablet", "tablet"];
    let of = |(number, device): (usize, &'static str)| Made {
        device: Some(device),
        ..backup(number, start + SignedDuration::from_hours(number as i64), &TimeZone::UTC)
    };
    let made: Vec<Made> = devices.into_iter().enumerate().map(of).collect();
    let stated = StatedRules { last: Some(Stated::Number(2)), ..StatedRules::default() };
    let rules = stated.rules().expect("they are well formed");
    let later = start + SignedDuration::from_hours(24 * 365);
    let decisions = decided(&made, Some(&rules), &TimeZone::UTC, later);
    let kept: Vec<bool> = decisions.iter().map(Decision::is_kept).collect();
    assert_eq!(kept, [true, true, false, false, true, true]);
    let newest = decisions.iter().filter(|one| one.kept.iter().any(|kept| kept.by == By::Newest));
    assert_eq!(newest.map(|one| number(one.snapshot)).collect::<Vec<_>>(), [1, 5]);
    let named = summary(&made[1]);
    let one = StatedRules { last: Some(Stated::Number(1)), ..StatedRules::default() };
    let going = going(&named, &one.rules().expect("they are well formed"), &TimeZone::UTC);
    assert_eq!(going, Some(Going::WithTheNext), "the next of its own device is in its place");
}

#[test]
fn without_rules_everything_is_kept() {
    let start: Timestamp = "2020-01-01T00:00:00Z".parse().expect("it is a time");
    let mut made: Vec<Made> = (0..5)
        .map(|number| backup(number, start + SignedDuration::from_hours(number as i64), &TimeZone::UTC))
        .collect();
    made[1].kind = "safety";
    made[2].is_doubtful = true;
    let now = "2030-01-01T00:00:00Z".parse().expect("it is a time");
    let all = decided(&made, None, &TimeZone::UTC, now);
    assert!(all.iter().all(|one| one.kept[0].by == By::NoRules && one.goes.is_none()));
    // A rule for safety snapshots alone leaves backups alone.
    let safety = StatedRules { safety: Some(Stated::Text("7d".to_owned())), ..StatedRules::default() };
    let rules = safety.rules().expect("it is well formed");
    let kept: Vec<bool> =
        decided(&made, Some(&rules), &TimeZone::UTC, now).iter().map(Decision::is_kept).collect();
    assert_eq!(kept, [true, false, true, true, true]);
}

#[test]
fn daily_snapshots_across_daylight_saving() {
    let london = TimeZone::get("Europe/London").expect("it is a zone");
    let start: Timestamp = "2026-10-24T00:30:00Z".parse().expect("it is a time");
    let made: Vec<Made> =
        (0..72).map(|hour| backup(hour, start + SignedDuration::from_hours(hour as i64), &london)).collect();
    let daily = StatedRules { daily: Some(Stated::Number(9)), ..StatedRules::default() };
    let now = start + SignedDuration::from_hours(72);
    let decisions = decided(&made, Some(&daily.rules().expect("it is well formed")), &london, now);
    let told: Vec<String> = decisions
        .iter()
        .filter(|decision| decision.is_kept())
        .map(|one| {
            let words: Vec<String> = one.kept.iter().map(|kept| kept.by.told()).collect();
            format!("{} {}", made[number(one.snapshot)].time, words.join(", "))
        })
        .collect();
    // The last before midnight there, which is an hour later in UTC from the 25th on.
    let expected = [
        "2026-10-24T22:30:00Z daily 2026-10-24",
        "2026-10-25T23:30:00Z daily 2026-10-25",
        "2026-10-26T23:30:00Z newest, daily 2026-10-26",
    ];
    assert_eq!(told, expected);
}
