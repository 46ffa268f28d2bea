use super::*;

fn time(text: &str) -> Timestamp {
    format!("2026-{text}:00Z").parse().expect("it is a time")
}

fn job(state: JobState, started: &str, ended: &str) -> EndedJob {
    EndedJob { id: "1".to_owned(), state, started: time(started), ended: time(ended) }
}

/// A database whose work of a day may be lost, backed up on each of three days.
fn kept() -> Facts {
    Facts {
        is_configured: true,
        promise: Some(Promise { lose_seconds: 90_000, back_in_seconds: Some(60) }),
        before: Some(job(JobState::Done, "09-30T02:00", "09-30T02:10")),
        backups: ["10-01", "10-02", "10-03"]
            .map(|day| job(JobState::Done, &format!("{day}T02:00"), &format!("{day}T02:10")))
            .to_vec(),
        drills: vec![job(JobState::Done, "10-02T04:00", "10-02T04:01")],
        recovery_ms: Some(30_000),
        ..Facts::default()
    }
}

fn told(facts: Facts, begins: &str) -> (Verdict, String) {
    let told = facts.told("shop".to_owned(), time("10-01T00:00"), time("10-04T00:00"), time(begins));
    (told.verdict, told.reasons.join("; "))
}

#[test]
fn a_promise_is_kept_only_where_all_of_it_is_known() {
    let since = "09-01T00:00";
    assert_eq!(told(kept(), since), (Verdict::Kept, String::new()));
    let (verdict, why) = told(kept(), "10-01T12:00");
    assert!(verdict == Verdict::Unknown && why.contains("begins then"), "{why}");
    let mut missed = kept();
    missed.backups.remove(1);
    let (verdict, why) = told(missed, since);
    assert!(
        verdict == Verdict::NotKept && why.contains("2026-10-01T02:00:00Z to 2026-10-03T02:10:00Z"),
        "{why}"
    );
    let mut failed = kept();
    failed.backups[1].state = JobState::Failed;
    assert_eq!(told(failed.clone(), since).0, Verdict::NotKept);
    // Somebody else had made one.
    failed.snapshots.push(Good { held: time("10-02T02:30"), stored: time("10-02T02:35") });
    assert_eq!(told(failed, since).0, Verdict::Kept);
    let untested = Facts { drills: Vec::new(), recovery_ms: None, ..kept() };
    let (verdict, why) = told(untested, since);
    assert!(verdict == Verdict::Unknown && why.contains("no drill was run"), "{why}");
    assert_eq!(told(Facts { recovery_ms: Some(60_001), ..kept() }, since).0, Verdict::NotKept);
    let (verdict, why) = told(Facts { undrilled: vec!["tablet".to_owned()], ..kept() }, since);
    assert!(verdict == Verdict::Unknown && why.contains("of its devices tablet"), "{why}");
    let unproven = vec![job(JobState::Differences, "10-02T04:00", "10-02T04:01")];
    assert_eq!(told(Facts { drills: unproven, ..kept() }, since).0, Verdict::NotKept);
    let new = Facts { before: None, ..kept() };
    let (verdict, why) = told(new, since);
    assert!(verdict == Verdict::Unknown && why.contains("no backup of before"), "{why}");
    let never = Facts { before: None, backups: Vec::new(), ..kept() };
    assert_eq!(told(never.clone(), since).0, Verdict::NotKept);
    assert_eq!(told(never, "10-02T00:00").0, Verdict::Unknown);
    let gone = Facts { is_configured: false, promise: None, ..kept() };
    assert_eq!(told(gone, since).0, Verdict::Unknown);
}

#[test]
fn a_schedule_is_kept_where_no_gap_is_longer_than_its_own() {
    let since = "09-01T00:00";
    let daily =
        Facts { promise: None, schedule: Some(("daily at 02:00".to_owned(), Some(86_400))), ..kept() };
    assert_eq!(told(daily.clone(), since), (Verdict::Kept, String::new()));
    let mut late = daily.clone();
    late.backups[1] = job(JobState::Done, "10-02T04:05", "10-02T04:10");
    assert_eq!(told(late, since).0, Verdict::NotKept);
    let (verdict, why) = told(Facts { schedule: None, ..daily }, since);
    assert!(verdict == Verdict::NotPromised && why.contains("nothing is promised"), "{why}");
}
