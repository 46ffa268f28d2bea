use rowkeep_format::Counts;

use rowkeep_engine::MayDangle;

use super::*;
use crate::diff::{Conflicts, Prefer};
use crate::jobs::outcome::RowsSummary;

/// What is in repositories stays readable, so the form of a plan does not drift unseen.
#[test]
fn the_form_of_a_plan_is_pinned() {
    let plan = KeptPlan {
        version: VERSION,
        time: "2026-11-20T13:29:14Z".parse().expect("it is a time"),
        sequence: Some(3),
        program: "rowkeep 0.1.0".to_owned(),
        database: "shop".to_owned(),
        target: "/srv/shop.db".to_owned(),
        configured: false,
        snapshot: SnapshotId([1; 16]),
        action: Action::Rows {
            summary: Box::new(RowsSummary {
                operation: "restore".to_owned(),
                from: "snapshot 01010101".to_owned(),
                database: "/srv/shop.db".to_owned(),
                schema: Vec::new(),
                unread: Vec::new(),
                unmatched: Vec::new(),
                conflicts: Conflicts::default(),
                prefer: Prefer::Neither,
                tables: Vec::new(),
                rows: Counts { inserted: 2, updated: 1, deleted: 0 },
                left_out: Vec::new(),
                cautions: Vec::new(),
                dangling: Vec::new(),
                dangled: Vec::new(),
                may_dangle: MayDangle::Nothing,
            }),
            changes: ChunkId([2; 32]),
            reversed: false,
            some_rows: true,
            safety_tables: None,
        },
        terms: Terms {
            on_conflict: OnConflict::Skip,
            fire_triggers: false,
            end_connections: false,
            also_run: vec!["SELECT 1".to_owned()],
            safety: true,
            verify: true,
            hooks: true,
            activity: false,
        },
    };
    let json = serde_json::to_string(&plan).expect("it is written");
    assert_eq!(json, PINNED);
    let read: KeptPlan = serde_json::from_str(&json).expect("it is read");
    assert_eq!(read, plan);
    let older: KeptPlan = serde_json::from_str(&json.replace(r#""sequence":3,"#, "")).expect("it is read");
    assert_eq!(older, KeptPlan { sequence: None, ..plan });
}

const PINNED: &str = concat!(
    r#"{"version":1,"time":"2026-11-20T13:29:14Z","sequence":3,"program":"rowkeep 0.1.0","databas"#,
    r#"e":"shop","target":"/srv/shop.db","configured":false,"snapshot":"0101010101010101010101010"#,
    r#"1010101","action":{"kind":"rows","summary":{"operation":"restore","from":"snapshot 0101010"#,
    r#"1","database":"/srv/shop.db","schema":[],"tables":[],"rows":{"inserted":2,"updated":1,"del"#,
    r#"eted":0},"left_out":[],"dangling":[]},"changes":"02020202020202020202020202020202020202020"#,
    r#"20202020202020202020202","reversed":false,"some_rows":true,"safety_tables":null},"terms":{"#,
    r#""on_conflict":"skip","fire_triggers":false,"end_connections":false,"also_run":["SELECT 1"]"#,
    r#","safety":true,"verify":true,"hooks":true,"activity":false}}"#,
);
