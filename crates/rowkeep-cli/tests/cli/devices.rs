//! Databases on several devices, whose states arrive under one name: each is looked at by itself.

use serde_json::Value;

use crate::arrived::{FIRST, SECOND, configure, drill, found, import};
use crate::sandbox::{Sandbox, files_below};

/// What one device's application does not have is not checked there, and on the others.
#[test]
fn a_check_of_what_one_device_lacks_is_run_on_the_others() {
    let sandbox = Sandbox::new();
    let check = |column: &str| {
        format!("[[databases.prn.checks]]\ntable = 'phone_numbers'\nunique = '{column}'\nlevel = 'warning'\n")
    };
    configure(&sandbox, &check("photo"));
    import(&sandbox, "desk", FIRST, &["--tag", "device=desk"]);
    let others = files_below(&sandbox.path("rowkeep-repository/packs"));
    let some =
        ["export", "desk", "--format", "own", "--tables", "phone_numbers", "--where", "id < 3", "-o", "-"];
    import(&sandbox, "tablet", &sandbox.done(&some).out, &["--tag", "device=tablet"]);
    let ran = sandbox.json_of(3, &["check-data", "prn"]);
    let reports = ran["reports"].as_array().expect("they are listed");
    let about = |report: &Value| report["snapshot"]["device"].clone();
    assert_eq!((about(&reports[0]), about(&reports[1])), ("desk".into(), "tablet".into()), "{ran:#}");
    assert_eq!(found(&reports[0], "phone_numbers (photo)")["status"], "passed");
    let lacks = found(&reports[1], "phone_numbers (photo)");
    let words = "NOT RUN: no column phone_numbers.photo; there are ";
    assert!(lacks["detail"].as_str().is_some_and(|detail| detail.starts_with(words)), "{lacks:#}");
    assert_eq!(lacks["status"], "failed", "{lacks:#}");
    // What none of them has is misspelt.
    configure(&sandbox, &check("foto"));
    sandbox.run(&["check-data", "prn"]).expect(2).says(&["no column phone_numbers.foto"]);
    // A state that cannot be read is one device's alone.
    configure(&sandbox, &check("number"));
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    for pack in packs.iter().filter(|pack| !others.contains(pack)) {
        let mut bytes = std::fs::read(pack).expect("it is read");
        bytes.iter_mut().for_each(|byte| *byte ^= 1);
        std::fs::write(pack, bytes).expect("it is written");
    }
    let ran = sandbox.json_of(3, &["check-data", "prn"]);
    assert_eq!(found(&ran["reports"][0], "phone_numbers (number)")["status"], "passed");
    let lacks = found(&ran["reports"][1], "phone_numbers (number)");
    assert!(lacks["detail"].as_str().is_some_and(|detail| detail.starts_with("NOT RUN: ")), "{lacks:#}");
    let target = ran["reports"][1]["target"].as_str().expect("it says of what");
    assert!(target.ends_with("on device tablet"), "{target}");
}

/// What holds of one device is not said of another that was never drilled, or whose newest state is old.
#[test]
fn devices_of_which_nothing_is_known_are_named() {
    let sandbox = Sandbox::new();
    configure(&sandbox, "promise = { lose = '400000h', back_in = '1h' }\n");
    import(&sandbox, "desk", FIRST, &["--tag", "device=desk"]);
    drill(&sandbox, 0);
    assert!(!sandbox.done(&["health"]).out.contains("never drilled"));
    let long_ago = ["--tag", "device=tablet", "--time", "1970-01-05T02:00:00Z"];
    import(&sandbox, "tablet", SECOND, &long_ago);
    let told = sandbox.json_of(3, &["health"]);
    let database = &told["databases"][0];
    assert_eq!((&database["standing"], &database["last_drill"]["passed"]), (&"at_risk".into(), &true.into()));
    let of = |place: usize, what: &str| database["devices"][place][what].clone();
    assert_eq!((of(0, "drilled"), of(1, "drilled")), (true.into(), false.into()), "{told:#}");
    let older = "is_older_than_promised";
    assert_eq!((of(0, older), of(1, older)), (false.into(), true.into()), "{told:#}");
    let told = sandbox.run(&["health"]).expect(3).out;
    assert!(told.contains("prn: devices of which no state was ever drilled: tablet"), "{told}");
    assert!(told.contains("that may be lost: tablet ("), "{told}");
    let told = sandbox.done(&["assess", "prn"]).out;
    let line = |name: &str| told.lines().find(|line| line.contains(&format!("{name}: best"))).expect(name);
    assert!(line("tablet").contains("MORE THAN MAY BE LOST; NEVER DRILLED"), "{told}");
    assert!(line("desk").contains("; drilled ") && !line("desk").contains("MORE THAN"), "{told}");
    drill(&sandbox, 0);
    assert!(!sandbox.run(&["health"]).expect(0).out.contains("never drilled"));
}

#[test]
fn each_device_is_looked_at_by_itself() {
    let sandbox = Sandbox::new();
    configure(
        &sandbox,
        "keep = { last = 1 }\n[[databases.prn.checks]]\ntable = 'phone_numbers'\nrows_within_percent = 0\n",
    );
    import(&sandbox, "desk", FIRST, &["--tag", "device=desk"]);
    import(&sandbox, "tablet", SECOND, &["--tag", "device=tablet"]);
    import(&sandbox, "later", SECOND, &["--tag", "device=tablet", "--time", "2026-11-05T02:00:00Z"]);
    let ran = sandbox.json_of(3, &["check-data", "prn"]);
    let about: Vec<(&Value, &Value)> = ran["reports"]
        .as_array()
        .expect("they are listed")
        .iter()
        .map(|report| (&report["snapshot"]["name"], &report["sections"][0]["findings"][0]["detail"]))
        .collect();
    assert_eq!(
        about,
        [
            (&"desk".into(), &"3 rows, but there is no snapshot to compare with".into()),
            (&"later".into(), &"3 rows, and 3 in the snapshot (+0.0 %)".into())
        ]
    );
    let drilled = drill(&sandbox, 3);
    let names: Vec<&Value> = drilled["reports"]
        .as_array()
        .expect("they are listed")
        .iter()
        .map(|one| &one["snapshot"]["name"])
        .collect();
    assert_eq!(names, ["desk", "later"]);
    // One that passed hides none that did not.
    assert_eq!(sandbox.json_of(3, &["health"])["databases"][0]["last_drill"]["passed"], false);
    let explained = sandbox.done(&["keep", "--explain"]).out;
    let line =
        |name: &str| explained.lines().find(|line| line.contains(&format!("  {name} device="))).expect(name);
    assert!(explained.contains("last 1, safety 14 days; of each device by itself"), "{explained}");
    assert!(line("desk").contains("newest") && line("later").contains("newest"), "{explained}");
    assert!(line("tablet").contains("NOT KEPT"), "{explained}");
    let assessed = sandbox.json(&["assess", "prn"]);
    let devices = &assessed["databases"][0]["devices"];
    assert_eq!(
        (&devices[0]["device"], &devices[0]["best"]["name"], &devices[1]["best"]["name"]),
        (&"desk".into(), &"desk".into(), &"later".into()),
        "{assessed:#}"
    );
    let told = sandbox.done(&["assess", "prn"]).out;
    assert!(
        told.contains("desk: best snapshot") && told.contains("Where device desk has lost data"),
        "{told}"
    );
    let listed = sandbox.json(&["snapshots", "prn", "--device", "desk"]);
    assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(1), "{listed}");
    let kept = sandbox.json(&["keep", "prn", "--device", "tablet"]);
    assert_eq!(kept["databases"][0]["snapshots"].as_array().map(Vec::len), Some(2), "{kept}");
    sandbox.run(&["keep", "--device", "phone"]).expect(2).says(&["no device phone; there are desk, tablet"]);
    sandbox.done(&["prune", "--yes"]);
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(2));
}
