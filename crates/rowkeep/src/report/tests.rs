use super::*;

fn found(title: &str, status: Status, detail: &str) -> ReportEntry {
    ReportEntry { title: title.into(), status, detail: detail.into(), samples: Vec::new(), duration_ms: 12 }
}

fn report() -> Report {
    let evil = "</script><b a=\"1\">&'|\n\x1b[2J";
    let mut orphans = found("no orphans", Status::Failed, "2 rows refer to none");
    orphans.samples = vec!["customer = 7 (2 rows)".into()];
    let report = Report {
        version: VERSION,
        kind: ReportKind::Drill,
        database: "shop".into(),
        target: "a temporary SQLite file".into(),
        snapshot: Some(About {
            id: "0123456789abcdef".into(),
            name: None,
            time: "2026-11-21T02:00:00Z".parse().expect("it is a time"),
            device: None,
            time_doubt: None,
        }),
        time: "2026-11-21T10:30:00.123456Z".parse().expect("it is a time"),
        sequence: None,
        duration_ms: 1500,
        status: Status::Passed,
        measures: Some(Measures {
            tables: 2,
            rows: 6000,
            bytes: 1_200_000,
            restore_ms: 500,
            verify_ms: 250,
            checks_ms: 3,
            recovery_ms: 750,
            data_loss_seconds: 30_600,
            is_page_file: false,
        }),
        sections: vec![
            Section {
                title: "Recovery".into(),
                findings: vec![found("restored", Status::Passed, "2 tables")],
            },
            Section {
                title: "Checks".into(),
                findings: vec![orphans, found(evil, Status::Warning, "3 rows")],
            },
        ],
    };
    report.judged()
}

#[test]
fn the_worst_of_all_counts() {
    assert_eq!(report().status, Status::Failed);
    assert_eq!(report().tally(), Tally { passed: 1, warnings: 1, failed: 1 });
    let mut good = report();
    good.sections.pop();
    assert_eq!(good.judged().status, Status::Passed);
}

#[test]
fn on_a_terminal() {
    assert_eq!(
        render(&[report()], ReportFormat::Terminal),
        "shop: drill FAILED\n\
         \x20 snapshot       01234567 of 2026-11-21 02:00:00 UTC\n\
         \x20 recovery time  750 ms (restored in 500 ms, proven in 250 ms)\n\
         \x20 data loss      8 h 30 min: the age of the snapshot\n\
         \x20 restored       2 tables, 6,000 rows, 1.2 MB at 12,000 rows a second\n\
         \x20 target         a temporary SQLite file\n\
         \x20 time           2026-11-21 10:30:00 UTC, 1.5 s\n\
         \n\
         Recovery\n\
         \x20 ok       restored: 2 tables\n\
         \n\
         Checks\n\
         \x20 ERROR    no orphans: 2 rows refer to none\n\
         \x20          - customer = 7 (2 rows)\n\
         \x20 WARNING  </script><b a=\"1\">&'|\\n\\u{1b}[2J: 3 rows\n\
         \n\
         1 passed, 1 warning, 1 error\n"
    );
}

#[test]
fn as_markdown() {
    let text = render(&[report()], ReportFormat::Markdown);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "# shop: drill FAILED");
    assert!(
        lines.contains(&"| ❌ **error** | no orphans | 2 rows refer to none<br>customer = 7 (2 rows) |"),
        "{text}"
    );
    assert!(
        lines.contains(
            &"| ⚠️ warning | &lt;/script&gt;&lt;b a=\"1\"&gt;&amp;'\\|\\\\n\\\\u{1b}\\[2J | 3 rows |"
        ),
        "{text}"
    );
}

#[test]
fn as_junit() {
    assert_eq!(
        render(&[report()], ReportFormat::Junit),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite id="0" package="rowkeep" name="drill of shop" timestamp="2026-11-21T10:30:00" hostname="localhost" tests="3" failures="1" errors="0" time="1.500">
    <properties>
      <property name="snapshot" value="01234567 of 2026-11-21 02:00:00 UTC"/>
      <property name="recovery time" value="750 ms (restored in 500 ms, proven in 250 ms)"/>
      <property name="data loss" value="8 h 30 min: the age of the snapshot"/>
      <property name="restored" value="2 tables, 6,000 rows, 1.2 MB at 12,000 rows a second"/>
      <property name="target" value="a temporary SQLite file"/>
      <property name="time" value="2026-11-21 10:30:00 UTC, 1.5 s"/>
    </properties>
    <testcase classname="shop.Recovery" name="restored" time="0.012"/>
    <testcase classname="shop.Checks" name="no orphans" time="0.012">
      <failure message="2 rows refer to none" type="failed">2 rows refer to none; customer = 7 (2 rows)</failure>
    </testcase>
    <testcase classname="shop.Checks" name="&lt;/script&gt;&lt;b a=&quot;1&quot;&gt;&amp;&apos;|\n\u{1b}[2J" time="0.012"/>
    <system-out>warning: &lt;/script&gt;&lt;b a=&quot;1&quot;&gt;&amp;&apos;|\n\u{1b}[2J: 3 rows
</system-out>
    <system-err></system-err>
  </testsuite>
</testsuites>
"#
    );
}

#[test]
fn as_a_page() {
    let page = render(&[report()], ReportFormat::Html);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<title>shop: drill FAILED</title>"), "{page}");
    assert!(
        page.contains("<li class=\"warning\"><span class=\"mark\">!</span><div><b>&lt;/script&gt;&lt;b a=&quot;1&quot;&gt;&amp;&#39;|\\n"),
        "{page}"
    );
    assert!(page.contains("<li><code>customer = 7 (2 rows)</code></li>"), "{page}");
    for foreign in ["http", "src=", "url(", "<script", "@import"] {
        assert!(!page.contains(foreign), "{foreign} leads elsewhere:\n{page}");
    }
    let both = render(&[report(), report()], ReportFormat::Html);
    assert!(both.contains("<h1>0 of 2 passed</h1>"), "{both}");
}

#[test]
fn as_json_and_kept() {
    let json: serde_json::Value =
        serde_json::from_str(&render(&[report()], ReportFormat::Json)).expect("it is JSON");
    assert_eq!(json["passed"], false);
    assert_eq!(json["reports"][0]["sections"][1]["findings"][0]["status"], "failed");

    let folder = tempfile::tempdir().expect("a folder can be made");
    let reports = folder.path().join("reports");
    assert_eq!(kept(&reports).expect("it can be looked for"), []);
    let time = "2026-11-20T10:30:00Z".parse().expect("it is a time");
    let mut older = Report { time, database: "sh/op".into(), ..report() };
    let path = keep(&mut older, &reports).expect("it is kept");
    assert_eq!(
        path.file_name().and_then(|name| name.to_str()),
        Some("drill-sh_op-20261120T103000Z-01234567.json")
    );
    (older.database, older.sequence) = ("shop".into(), None);
    // An older program wrote no numbers, so that times decide.
    for (name, report) in [("1.json", &report()), ("2.json", &older)] {
        let json = serde_json::to_vec(report).expect("a report has a JSON form");
        std::fs::write(reports.join(name), json).expect("it is written");
    }
    std::fs::write(reports.join("other.json"), "{}").expect("it is written");
    assert_eq!(kept(&reports).expect("they are read").len(), 3);
    let newest = || latest(&drills(&reports, "shop").expect("they are read")).cloned();
    assert_eq!(newest(), Some(report()));
    // What is kept last is the newest, though the clock was put back.
    keep(&mut older, &reports).expect("it is kept");
    assert_eq!(newest(), Some(Report { sequence: Some(2), ..older.clone() }));
    assert_eq!(drills(&reports, "other").expect("they are read"), []);
    // Another of the same second takes nothing away.
    let path = keep(&mut older, &reports).expect("it is kept");
    assert_eq!(
        path.file_name().and_then(|name| name.to_str()),
        Some("drill-shop-20261120T103000Z-01234567-2.json")
    );
    assert_eq!(kept(&reports).expect("they are read").len(), 5);
    assert_eq!(std::fs::read_dir(&reports).expect("it is there").count(), 6, "and nothing else is left");
}
