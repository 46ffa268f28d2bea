//! Passwords of databases, tokens of hooks and keys of stores: nothing prints them or keeps them.

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
        run(0, &["drill", "shop", "--to-server", &url]);
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
