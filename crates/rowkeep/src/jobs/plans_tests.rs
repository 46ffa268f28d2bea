use rowkeep_format::Counts;

use super::*;
use crate::jobs::outcome::RowsSummary;

/// What is in repositories stays readable, so the form of a plan does not drift unseen.
#[test]
fn the_form_of_a_plan_is_pinned() {
    let plan = KeptPlan {
        version: VERSION,
        time: "2026-11-20T13:29:14Z".parse().expect("it is a time"),
        sequence: None,
        program: "rowkeep 0.1.0".to_owned(),
        database: "shop".to_owned(),
        target: "/srv/shop.db".to_owned(),
        configured: false,
        snapshot: SnapshotId([1; 16]),
        action: Action::Rows {
            summary: RowsSummary {
                operation: "restore".to_owned(),
                from: "snapshot 01010101".to_owned(),
                database: "/srv/shop.db".to_owned(),
                schema: Vec::new(),
                tables: Vec::new(),
                rows: Counts { inserted: 2, updated: 1, deleted: 0 },
                left_out: Vec::new(),
                dangling: Vec::new(),
            },
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
}

const PINNED: &str = concat!(
    r#"{"version":1,"time":"2026-11-20T13:29:14Z","program":"rowkeep 0.1.0","database":"shop","ta"#,
    r#"rget":"/srv/shop.db","configured":false,"snapshot":"01010101010101010101010101010101","act"#,
    r#"ion":{"kind":"rows","summary":{"operation":"restore","from":"snapshot 01010101","database""#,
    r#":"/srv/shop.db","schema":[],"tables":[],"rows":{"inserted":2,"updated":1,"deleted":0},"lef"#,
    r#"t_out":[],"dangling":[]},"changes":"020202020202020202020202020202020202020202020202020202"#,
    r#"0202020202","reversed":false,"some_rows":true,"safety_tables":null},"terms":{"on_conflict""#,
    r#":"skip","fire_triggers":false,"end_connections":false,"also_run":["SELECT 1"],"safety":tru"#,
    r#"e,"verify":true,"hooks":true,"activity":false}}"#,
);
