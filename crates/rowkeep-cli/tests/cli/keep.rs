//! What rules keep, as `rowkeep keep` says it.

use crate::sandbox::Sandbox;
use crate::subjects::on_each;

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x')";

/// The rules that keep each snapshot of the first database, the oldest first; nothing where it is not kept.
fn kept(sandbox: &Sandbox, args: &[&str]) -> Vec<Vec<String>> {
    let outcome = sandbox.json(&[&["keep"], args].concat());
    let snapshots = outcome["databases"][0]["snapshots"].as_array().expect("a list").clone();
    let rules = |one: &serde_json::Value| {
        let decision = &one["decision"];
        let kept = decision["kept"].as_array().expect("a list");
        assert_eq!(kept.is_empty(), decision["unkept_since"].is_string(), "{decision}");
        let name = |kept: &serde_json::Value| {
            let every = kept["every"].as_str().or(kept["rule"].as_str());
            every.expect("a rule").to_owned()
        };
        kept.iter().map(name).collect()
    };
    snapshots.iter().map(rules).collect()
}

#[test]
fn what_somebody_named_is_told_when_it_goes() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", T);
    for (rules, said) in [
        ("hourly = '7 days'", Some("as soon as there is a newer one")),
        ("last = 5", Some("when there are enough newer ones")),
        ("within = '30 days'", Some(" at the earliest")),
        ("within = 'forever'", None),
        ("hourly = 24\n[keep.tags]\nrelease = 'forever'", None),
        ("safety = '7 days'", None),
    ] {
        std::fs::write(sandbox.path("rowkeep.toml"), format!("[keep]\n{rules}\n")).expect("it is written");
        let made = sandbox.done(&["backup", "shop.db", "--name", "before-2.0", "--tag", "release=2.0"]);
        let told = made.err.contains("count snapshot");
        assert!(told == said.is_some() && made.err.contains(said.unwrap_or_default()), "{rules}: {made:?}");
        let unnamed = sandbox.done(&["backup", "shop.db"]);
        assert!(!unnamed.err.contains("count snapshot"), "{unnamed:?}");
    }
    for command in [&["keep", "--explain"][..], &["snapshots"]] {
        assert!(sandbox.done(command).out.contains("  before-2.0 release=2.0  "), "{command:?}");
    }
}

#[test]
fn each_snapshot_is_told_with_what_keeps_it() {
    on_each("rowkeep_cli_keep", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        let none = sandbox.done(&["keep"]);
        assert!(none.out.contains("no snapshots yet"), "{none:?}");
        for tag in ["release=1", "other=2", "other=3"] {
            sandbox.done(&["backup", &url, "--tag", tag]);
        }
        // Without rules everything stays.
        assert_eq!(kept(sandbox, &[]), [["no_rules"], ["no_rules"], ["no_rules"]]);
        assert_eq!(kept(sandbox, &["--keep-last", "1"]), [vec![], vec![], vec!["newest", "last"]]);
        let many = ["--keep-last", "2", "--keep-tag", "release"];
        assert_eq!(kept(sandbox, &many), [vec!["tag"], vec!["last"], vec!["newest", "last"]]);
        let valued = ["--keep-last", "1", "--keep-tag", "other=2:1y"];
        assert_eq!(kept(sandbox, &valued), [vec![], vec!["tag"], vec!["newest", "last"]]);
        let within = ["--keep-within", "30d"];
        assert_eq!(kept(sandbox, &within), [vec!["within"], vec!["within"], vec!["newest", "within"]]);
        let later = [&within[..], &["--at", "2100-01-01"]].concat();
        assert_eq!(kept(sandbox, &later), [vec![], vec![], vec!["newest"]]);
        let forever = ["--keep-last", "unlimited"];
        assert_eq!(kept(sandbox, &forever), [vec!["within"], vec!["within"], vec!["newest", "within"]]);
        // For people: in short, and one by one.
        let short = sandbox.done(&["keep", "--keep-last", "1"]);
        for words in [
            "3 snapshots, 1 kept",
            "rules     last 1, safety 14 days",
            "kept by   newest 1, last 1",
            "not kept  2: ",
        ] {
            assert!(short.out.contains(words), "{words}: {short:?}");
        }
        let explained = sandbox.done(&["keep", "--explain", "--keep-within", "30d"]);
        assert_eq!(explained.out.matches("within 30 days; goes ").count(), 2, "{explained:?}");
        assert!(explained.out.contains("newest, within 30 days\n"), "{explained:?}");
        let explained = sandbox.done(&["keep", "--explain", "--keep-last", "2"]);
        assert_eq!(explained.out.matches("  NOT KEPT since ").count(), 1, "{explained:?}");
        // Nothing was deleted.
        assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(3));
    });
}

#[test]
fn rules_and_time_zones_come_from_the_configuration() {
    let sandbox = Sandbox::new();
    for file in ["shop.db", "log.db"] {
        sandbox.sql(file, T);
    }
    let config = "timezone = 'Europe/London'\n[keep]\nlast = 1\n[databases.shop]\nurl = 'shop.db'\n\
                  [databases.log]\nurl = 'log.db'\ntimezone = 'Asia/Tokyo'\n[databases.log.keep]\nyearly = 'forever'\nsafety = 3";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
    sandbox.done(&["backup"]);
    sandbox.done(&["backup"]);
    let outcome = sandbox.json(&["keep"]);
    let told = |at: usize, field: &str| outcome["databases"][at][field].as_str().map(str::to_owned);
    let named =
        |name: &str| (0..2).find(|at| told(*at, "database").as_deref() == Some(name)).expect("it is there");
    let (shop, log) = (named("shop"), named("log"));
    assert_eq!(told(shop, "rules").as_deref(), Some("last 1, safety 14 days"));
    assert_eq!(told(shop, "timezone").as_deref(), Some("Europe/London"));
    // Rules of a database are in the place of those for all.
    assert_eq!(told(log, "rules").as_deref(), Some("yearly forever, safety 3"));
    assert_eq!(told(log, "timezone").as_deref(), Some("Asia/Tokyo"));
    assert_eq!(kept(&sandbox, &["shop"]), [vec![], vec!["newest", "last"]]);
    let one = sandbox.json(&["keep", "log"]);
    assert_eq!(one["databases"].as_array().map(Vec::len), Some(1));
    let by_path = sandbox.json(&["keep", "./log.db", "shop"]);
    assert_eq!(by_path["databases"].as_array().map(Vec::len), Some(2));
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    sandbox.done(&["backup", "app.db"]);
    for (args, said) in [
        (vec!["--keep-last", "0"], "last = 0 keeps nothing"),
        (vec!["--keep-last", "-3"], "is no number of snapshots"),
        (vec!["--keep-last", "2d"], "for a length of time write within"),
        (vec!["--keep-daily", "often"], "daily: \"often\" is no length of time"),
        (vec!["--keep-within", "30"], "within = 30 needs a unit"),
        (vec!["--keep-within", "0d"], "keeps nothing"),
        (vec!["--keep-within", "2d", "--keep-days", "3"], "days and within say the same"),
        (vec!["--keep-tag", "release"], "do not say how long others are kept"),
        (vec!["--keep-last", "1", "--keep-tag", "release:soon"], "is no length of time"),
        (vec!["--at", "2020-01-01"], "it is over"),
        (vec!["--at", "someday"], "write a day to come"),
        (vec!["stock"], "no database stock; there is only app"),
    ] {
        sandbox.run(&[&["keep"][..], &args].concat()).expect(2).says(&[said]);
    }
    for (config, said) in [
        ("[keep]", "there is no rule in keep"),
        ("[keep]\nminutely = 3", "minutely"),
        ("[keep]\nlast = 0", "last = 0 keeps nothing"),
        (
            "[databases.app]\nurl = 'app.db'\n[databases.app.keep]\nweekly = '3 moons'",
            "database app: weekly: ",
        ),
    ] {
        std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
        sandbox.run(&["keep"]).expect(2).says(&[said]);
    }
}

#[test]
fn the_newest_that_can_be_read_is_kept() {
    let sandbox = Sandbox::bare();
    sandbox.done(&["init", "--no-encryption"]);
    sandbox.sql("app.db", T);
    let ids: Vec<String> = (0..3)
        .map(|_| {
            sandbox.json(&["backup", "app.db"])["snapshots"][0]["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let newest = sandbox.path(&format!("rowkeep-repository/snapshots/{}", ids[2]));
    let mut permissions = std::fs::metadata(&newest).expect("it is there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&newest, permissions).expect("it is ours");
    std::fs::write(&newest, "damaged").expect("it can be written");
    let outcome = sandbox.json_of(3, &["keep", "--keep-last", "1"]);
    let snapshots = &outcome["databases"][0]["snapshots"];
    assert_eq!(snapshots.as_array().map(Vec::len), Some(2), "{outcome}");
    assert_eq!(snapshots[1]["decision"]["kept"][0]["rule"], "newest");
    assert_eq!(outcome["unreadable"][0]["id"], ids[2].as_str());
}
