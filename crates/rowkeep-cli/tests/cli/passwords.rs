//! Passwords of databases, tokens of hooks and keys of stores: nothing prints them or keeps them.

use crate::drill::alone_on_the_servers;
use crate::postgres::servers;
use crate::sandbox::{Ran, Sandbox, files_below, filled};
use crate::web::Web;

const SECRET: &str = "s3cret";

/// Fails where a secret is shown.
fn shows_none(args: &[&str], ran: &Ran) {
    for shown in [&ran.out, &ran.err] {
        let line = shown.lines().find(|line| line.contains(SECRET));
        assert_eq!(line, None, "{args:?}");
    }
}

#[test]
fn mistakes_are_told_without_passwords() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    sandbox.done(&["backup", "app.db"]);
    const URL: &str = "postgres://u:s3cret@localhost:1/shop";
    let wrong: [&[&str]; 22] = [
        &["backup", "app.db", URL],
        &["backup", URL],
        &["backup", "mysql://u:s3cret@h/shop"],
        &["backup", "postgres:u:s3cret@h/shop"],
        &["backup", "host=h dbname=shop password=s3cret"],
        &["backup", "postgres://u:s3@s3cret@h/shop"],
        &["restore", URL],
        &["restore", "latest:postgres://u:s3cret@h/shop"],
        &["restore", "host=h password=s3cret"],
        &["show", URL],
        &["delete", URL],
        &["verify", URL, "--against", URL],
        &["diff", URL, "latest"],
        &["history", "t", "1", URL],
        &["drill", URL],
        &["apply", URL],
        &["plans", "--delete", URL],
        &["key", "remove", URL],
        &["snapshots", "--repository", "s3://KEY:s3cret@bucket/a"],
        &["snapshots", "--repository", "https://u:s3cret@h/a"],
        &["snapshots", "--store-option", "aws_secret_access_key:s3cret"],
        &["snapshots", "--store-option", "aws_secret_acces_key=s3cret"],
    ];
    for args in wrong {
        let ran = sandbox.run(args);
        assert!(ran.err.contains("error:"), "{args:?}: {ran:?}");
        shows_none(args, &ran);
        let json: Vec<&str> = args.iter().copied().chain(["--json", "-vvv"]).collect();
        shows_none(&json, &sandbox.run(&json));
    }
}

#[test]
fn commands_print_and_keep_no_secret() {
    for server in servers() {
        let database = server.database("passwords");
        database.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
        // The servers trust whoever connects, so this password is as good as any.
        let url = database.url().replacen('@', ":s3cret@", 1);
        let web = Web::answering(&["200 OK"]);
        let sandbox = Sandbox::bare();
        let config = format!(
            "[databases.shop]\nurl = '{url}'\nchecks = [{{ table = 't', min_rows = 1 }}]\n\
             [[hooks]]\nwhen = ['after-backup', 'before-restore', 'after-undo']\nurl = '{}'\n\
             headers = {{ authorization = 'Bearer s3cret' }}\n\
             [[hooks]]\nwhen = 'after-migrate'\nrun = ': s3cret'\n",
            web.url("s3cret")
        );
        std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
        let run = |status: i32, args: &[&str]| {
            for more in [["-vvv"].as_slice(), &["--json", "-vvv"]] {
                let args = [args, more].concat();
                let ran = sandbox.run(&args);
                shows_none(&args, &ran);
                assert_eq!(ran.status, status, "{args:?}: {}", ran.err.lines().last().unwrap_or_default());
            }
        };
        sandbox.done(&["init", "--no-encryption"]);
        run(0, &["doctor", &url]);
        run(0, &["backup", &url]);
        run(0, &["backup", "shop"]);
        run(0, &["show", "latest"]);
        run(0, &["check-data", "shop"]);
        run(0, &["mask", "suggest", &url]);
        run(0, &["export", &url, "--to", "-", "--format", "ndjson"]);
        run(0, &["verify", "latest", "--against", &url]);
        let alone = alone_on_the_servers();
        run(0, &["drill", "shop", "--to-server", &url]);
        drop(alone);
        run(0, &["around", &url, "--", "true"]);
        run(0, &["migrate", "shop", "--", "true"]);
        database.sql("DELETE FROM t WHERE id = 2");
        run(3, &["diff", "latest", &url]);
        run(3, &["assess", &url]);
        run(3, &["assess", "shop"]);
        run(0, &["restore", "latest", "--to", &url, "--dry-run"]);
        run(0, &["restore", "latest", "--to", &url, "--yes"]);
        run(0, &["undo", &url, "--dry-run"]);
        run(0, &["plans"]);
        run(0, &["snapshots"]);
        run(0, &["history", "t", "1", "shop"]);
        assert!(!web.received().is_empty());
        for request in web.received() {
            assert!(!request.body.contains(SECRET), "{}", request.body);
        }
        for file in files_below(&sandbox.path("rowkeep-repository")) {
            let bytes = std::fs::read(&file).expect("it can be read");
            assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "{file:?}");
        }
        let reports = files_below(&sandbox.path("rowkeep-reports"));
        assert!(!reports.is_empty());
        for file in reports {
            let report = std::fs::read_to_string(&file).expect("it can be read");
            assert!(!report.contains(SECRET), "{}", file.display());
        }
    }
}

/// What PostgreSQL's own programs go by is what a URL need not say; a password in a URL is one that others see.
#[test]
fn what_libpq_goes_by_counts() {
    for server in servers() {
        let database = server.database("rowkeep_cli_libpq");
        database.sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
        let url = database.url();
        let (place, name) = url.rsplit_once('/').expect("the URL names a database");
        let (user, place) = place.trim_start_matches("postgres://").split_once('@').expect("it names a user");
        let (host, port) = place.rsplit_once(':').expect("it names a port");
        let sandbox = Sandbox::new();
        let home = sandbox.path("home");
        std::fs::create_dir(&home).expect("the folder is made");
        let service = format!("[shop]\nhost={host}\nport={port}\nuser={user}\ndbname={name}\n");
        std::fs::write(home.join(".pg_service.conf"), service).expect("the file is written");
        let backup = |url: &str, variables: &[(&str, &str)]| {
            let mut command = sandbox.command(&["backup", url]);
            command.env("HOME", &home).envs(variables.iter().copied());
            Ran::of(&command.output().expect("the command can be run"))
        };
        let all = [("PGHOST", host), ("PGPORT", port), ("PGUSER", user), ("PGDATABASE", name)];
        for (url, variables) in [
            ("postgres://", &all[..]),
            (&format!("postgres:///{name}"), &all[..3]),
            (&format!("postgres://{host}/{name}"), &[("PGPORT", port), ("PGUSER", user)]),
            ("postgres://?service=shop", &[]),
            ("postgres://", &[("PGSERVICE", "shop"), ("PGPORT", "1")]),
            // What the URL says counts.
            (
                database.url().as_str(),
                &[("PGHOST", "192.0.2.1"), ("PGPORT", "1"), ("PGUSER", "nobody"), ("PGDATABASE", "none")],
            ),
        ] {
            let ran = backup(url, variables).expect(0);
            assert!(ran.out.contains(&format!("of {name}: 1 table, 1 row")), "{url}: {ran:#?}");
            assert!(!ran.err.contains("visible"), "{ran:#?}");
        }
        let with_password = database.url().replacen('@', ":s3cret@", 1);
        backup(&with_password, &[]).expect(0).says(&["warning: the password in the URL is visible"]);
        backup("postgres://?service=none", &[]).expect(2).says(&["service none is not in"]);
    }
}
