//! Every setting that a database or a role can carry, at odd values: what is read and written stays the same.

use std::process::Command;

use crate::postgres::{Server, servers};
use crate::sandbox::{Ran, Sandbox};

/// Something of everything whose text, or whose meaning, some setting changes.
const SCHEMA: &str = r#"
    CREATE TYPE state AS ENUM ('new', 'PAID');
    CREATE DOMAIN short AS text CHECK (length(value) < 20);
    CREATE TABLE kinds (
        id int PRIMARY KEY, texts text[], moment timestamptz DEFAULT '2024-02-01 12:00+00', day date DEFAULT '2024-02-01',
        span interval DEFAULT '1 day 02:00', bytes bytea DEFAULT '\x00ff', real4 real, real8 float8, price money DEFAULT 12.5,
        document xml, data jsonb, period tstzrange, "Select" state, brief short, exact numeric DEFAULT 1.50, flag bool);
    CREATE TABLE children (
        parent int REFERENCES kinds, "Name" text COLLATE "C" DEFAULT 'a\b', at timestamptz, PRIMARY KEY (parent, "Name"));
    CREATE TABLE keyless (a text, b float8);
    CREATE TABLE parts (id bigint GENERATED ALWAYS AS IDENTITY, word text, doubled bigint GENERATED ALWAYS AS (id * 2) STORED)
        PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (1000);
    CREATE TABLE public.pg_class (oid int PRIMARY KEY, relname text);
    CREATE TABLE logged (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.logged VALUES (TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON kinds FOR EACH ROW EXECUTE FUNCTION note();
    CREATE VIEW days AS SELECT id, day FROM kinds WHERE moment > '2024-01-01 00:00+00' AND bytes <> '\x07';
    CREATE MATERIALIZED VIEW words AS SELECT day, count(*) FROM days GROUP BY day;
    CREATE INDEX ON kinds USING gin (texts);
    INSERT INTO kinds SELECT n, ARRAY['NULL', NULL, 'a\b', n::text], '2024-03-01 00:00+00'::timestamptz + n * interval '5 h',
        '2024-01-13'::date + n, n * interval '1 month 3 days 04:05:06.7', decode(lpad(to_hex(n), 4, '0'), 'hex'), 1.0 / n,
        0.1 + n / 3.0, n * 1000.25, NULL, jsonb_build_object('n', n),
        tstzrange('2024-03-01 00:00+00', '2024-03-01 00:00+00'::timestamptz + n * interval '1 h'), 'PAID', 'x', n / 7.0, n % 2 = 0
        FROM generate_series(1, 300) n;
    -- Where the server can.
    DO $$ BEGIN EXECUTE 'UPDATE kinds SET document = ''<a>x</a>'''; EXCEPTION WHEN feature_not_supported THEN NULL; END $$;
    INSERT INTO children SELECT n, 'c' || n, '2024-03-01 00:00+00' FROM generate_series(1, 100) n;
    INSERT INTO keyless SELECT 'k' || n % 5, n % 3 / 3.0 FROM generate_series(1, 50) n;
    INSERT INTO parts (word) SELECT 'w' || n FROM generate_series(1, 50) n;
    INSERT INTO public.pg_class VALUES (1, 'shadow');
    REFRESH MATERIALIZED VIEW words;
    SELECT lo_from_bytea(4711, '\x00ff10');
"#;

const EDITS: &str = "
    DELETE FROM children WHERE parent IN (1, 2); DELETE FROM kinds WHERE id IN (1, 2, 200);
    UPDATE kinds SET texts = ARRAY[NULL, 'null'], moment = moment + interval '1 s', bytes = '\\x01', price = 0,
        span = '-1 day +02:03', real4 = real4 + 1, period = NULL WHERE id % 50 = 0;
    INSERT INTO kinds (id) VALUES (1000); DELETE FROM keyless WHERE a = 'k1'; UPDATE parts SET word = 'other' WHERE id = 7;
    DELETE FROM public.pg_class; SELECT lo_put(4711, 0, '\\x07');
";

/// Settings that are not tried, and why. Those that only a server's configuration can have are not asked for: no database or
/// role carries them.
const EXCLUDED: [(&str, &str); 8] = [
    ("transaction_deferrable", "is of one transaction"),
    ("transaction_isolation", "is of one transaction"),
    ("transaction_read_only", "is of one transaction"),
    ("local_preload_libraries", "names a file that the server's owner has to have put there"),
    ("session_preload_libraries", "names a file that the server's owner has to have put there"),
    ("client_connection_check_interval", "is for other systems' sockets at most values"),
    ("role", "is whom one acts as, which is what everything here does"),
    ("session_authorization", "is whom one acts as, which is what everything here does"),
];

/// Settings that have one value on some servers, which were built without what they choose.
const NOT_BUILT_IN: [&str; 1] = ["default_toast_compression"];

/// Values for what has no other that follows from its kind, or none at which a server still works.
fn chosen(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "application_name" => &["odd"],
        "backtrace_functions" => &["elog_start"],
        "client_encoding" => &["LATIN1", "SQL_ASCII"],
        "createrole_self_grant" => &["set, inherit"],
        "DateStyle" => &["German, DMY", "SQL, MDY", "Postgres, YMD"],
        "default_table_access_method" => &["heap_of_others"],
        "default_tablespace" | "temp_tablespaces" => &["rowkeep_settings"],
        "default_text_search_config" => &["pg_catalog.german"],
        "extension_destdir" => &["/nowhere"],
        "dynamic_library_path" => &["$libdir:/nowhere"],
        "extension_control_path" => &["$system:/nowhere"],
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => &["C", "POSIX"],
        "log_connections" => &["all", "on"],
        "restrict_nonsystem_relation_kind" => &["view,foreign-table"],
        "search_path" => &["nowhere", "public, pg_catalog"],
        "TimeZone" => &["Asia/Kathmandu", "America/St_Johns"],
        "timezone_abbreviations" => &["Australia", "India"],
        "wal_consistency_checking" => &["all"],
        // A server ends sessions that take their time to begin, whoever they are of.
        "statement_timeout" | "transaction_timeout" | "idle_session_timeout" => &["2s", "2147483647"],
        "idle_in_transaction_session_timeout" | "lock_timeout" => &["1ms", "2147483647"],
        // What is between says neither more nor less than these.
        "client_min_messages" => &["debug5", "log", "error"],
        "log_min_messages" | "log_min_error_statement" | "trace_recovery_messages" => {
            &["debug5", "log", "panic"]
        }
        // A server plans for seconds if it is to look at every order of more tables.
        "from_collapse_limit" | "join_collapse_limit" => &["1", "10"],
        // Keeps every commit waiting.
        "commit_delay" => &["1000"],
        // No server has room for more.
        "temp_buffers" => &["100", "4096"],
        "temp_file_limit" => &["100MB", "-1"],
        _ => return None,
    })
}

/// A setting at a value.
type Setting = (String, String);

/// All settings that a database or a role can carry, each with its values.
fn all(server: &Server) -> Vec<(String, Vec<String>)> {
    let rows = server.psql(
        "postgres",
        "SELECT name, vartype, reset_val, min_val, max_val, array_to_string(enumvals, ' ') FROM pg_settings \
         WHERE context IN ('user', 'superuser') AND name NOT LIKE '%.%' ORDER BY 1",
    );
    let all = rows.lines().filter_map(|row| {
        let fields: Vec<&str> = row.split('|').collect();
        let [name, kind, now, least, most, others] = fields[..] else { panic!("{row}") };
        if EXCLUDED.iter().any(|(excluded, _)| *excluded == name) {
            return None;
        }
        let values = match (chosen(name), kind) {
            (Some(values), _) => values.iter().map(|value| (*value).to_owned()).collect(),
            (None, "bool") => vec![if now == "on" { "off" } else { "on" }.to_owned()],
            (None, "enum") => others.split(' ').filter(|value| *value != now).map(str::to_owned).collect(),
            (None, "integer") => {
                let number = |text: &str| text.parse::<i64>().expect("it is an integer");
                let odd = (number(now) + 7).min(number(most));
                vec![least.to_owned(), most.to_owned(), odd.to_string()]
            }
            (None, "real") => {
                let number = |text: &str| text.parse::<f64>().expect("it is a number");
                let odd = (number(now) + 0.37).min(number(most));
                vec![least.to_owned(), most.to_owned(), odd.to_string()]
            }
            (None, _) => panic!("{name} takes a text: choose one, or exclude it with the reason"),
        };
        Some((name.to_owned(), values))
    });
    all.collect()
}

/// A superuser of the test's own, the database that is tried, and how it came to be.
struct Trial<'a> {
    server: &'a Server,
    sandbox: Sandbox,
    role: String,
    base: String,
    tried: String,
    copy: String,
    expected: Vec<String>,
}

impl<'a> Trial<'a> {
    fn new(server: &'a Server) -> Self {
        let id = std::process::id();
        let [role, base, tried, copy] =
            ["role", "base", "tried", "copy"].map(|what| format!("rowkeep_set_{what}_{id}"));
        let mut trial =
            Self { server, sandbox: Sandbox::new(), role, base, tried, copy, expected: Vec::new() };
        let (role, base) = (&trial.role, &trial.base);
        trial.drop();
        server.psql("postgres", &format!("CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{role}'"));
        server.psql("postgres", &format!("CREATE DATABASE {base} TEMPLATE template0"));
        server.psql(base, "CREATE ACCESS METHOD heap_of_others TYPE TABLE HANDLER heap_tableam_handler");
        server.psql(base, SCHEMA);
        // Shared by whoever tries this on the server at the same time.
        let exists = "SELECT 1 FROM pg_tablespace WHERE spcname = 'rowkeep_settings'";
        if server.psql("postgres", exists).is_empty() {
            let mut psql = server.program("psql");
            psql.args([
                "-X",
                "-q",
                "-d",
                &server.url_of("postgres"),
                "-c",
                "SET allow_in_place_tablespaces = on",
            ]);
            psql.args(["-c", "CREATE TABLESPACE rowkeep_settings LOCATION ''"]);
            assert!(psql.status().expect("psql can be run").success());
        }
        trial.expected = trial.answers(&[], "").expect("nothing is unusual");
        trial
    }

    fn url(&self, database: &str) -> String {
        let place = self.server.url_of(database);
        let (_, place) = place.split_once('@').expect("the URL names a user");
        format!("postgres://{0}:{0}@{place}", self.role)
    }

    fn psql(&self, sql: &str) {
        self.server.psql("postgres", sql);
    }

    /// Everything that the database holds, as a session without odd settings sees it.
    fn dump(&self, database: &str) -> String {
        let mut pg_dump: Command = self.server.program("pg_dump");
        let output =
            pg_dump.args(["-d", &self.server.url_of(database)]).output().expect("pg_dump can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let dump = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines: Vec<&str> = dump.lines().filter(|line| !line.contains("restrict ")).collect();
        // Rows have no order.
        lines.sort_unstable();
        lines.join("\n")
    }

    /// What all commands answer and leave while `holder` has these settings.
    fn answers(&self, settings: &[Setting], holder: &str) -> Result<Vec<String>, String> {
        let Self { base, tried, copy, .. } = self;
        for database in [tried, copy] {
            self.psql(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        }
        self.psql(&format!("CREATE DATABASE {tried} TEMPLATE {base}"));
        let set = |on: bool| {
            let value = |(name, value): &Setting| match name.as_str() {
                // Lists, whose parts are not one value.
                "search_path" | "temp_tablespaces" => format!("ALTER {holder} SET {name} = {value}"),
                _ => format!("ALTER {holder} SET {name} = '{}'", value.replace('\'', "''")),
            };
            match (settings, on) {
                ([], _) => {}
                (settings, true) => self.psql(&settings.iter().map(value).collect::<Vec<_>>().join("; ")),
                (_, false) => self.psql(&format!("ALTER {holder} RESET ALL")),
            }
        };
        let run = |arguments: &[&str]| {
            let ran: Ran = self.sandbox.run(arguments);
            match ran.status {
                0 => Ok(ran.out),
                _ => Err(format!("{arguments:?}: {ran:#?}")),
            }
        };
        let undisturbed = |work: &dyn Fn() -> String| {
            set(false);
            let done = work();
            set(true);
            done
        };
        let (url, copied) = (self.url(tried), self.url(copy));
        let mut answers = Vec::new();
        set(true);
        let mut answer = || -> Result<(), String> {
            let backed_up = run(&["backup", &url, "--name", "odd", "--json"])?;
            let exports =
                ["ndjson", "sql"].map(|format| run(&["export", "odd", "--to", "-", "--format", format]));
            for export in exports {
                answers.push(export?);
            }
            answers.push(run(&[
                "export",
                "odd",
                "--to",
                "-",
                "--format",
                "csv",
                "--tables",
                "kinds",
                "--where",
                "day >= '2024-02-01'",
            ])?);
            answers.push(undisturbed(&|| {
                self.server.psql(tried, EDITS);
                String::new()
            }));
            run(&["restore", "odd", "--to", &url, "--yes"])?;
            run(&["verify", "odd", "--against", &url])?;
            answers.push(undisturbed(&|| self.dump(tried)));
            run(&["undo", &url, "--yes"])?;
            answers.push(undisturbed(&|| self.dump(tried)));
            undisturbed(&|| {
                self.server.psql(tried, "ALTER TABLE kinds ADD COLUMN more int; DROP VIEW days CASCADE")
            });
            run(&["restore", "odd", "--to", &url, "--with-schema", "--yes"])?;
            answers.push(undisturbed(&|| self.dump(tried)));
            run(&["restore", "odd", "--to", &copied, "--yes"])?;
            answers.push(undisturbed(&|| self.dump(copy)));
            let _ = backed_up;
            Ok(())
        };
        let answered = answer();
        set(false);
        self.sandbox.run(&["delete", "odd", "--yes"]);
        answered.map(|()| answers)
    }

    /// Why some settings are not without effect.
    fn difference(&self, settings: &[Setting], holder: &str) -> Option<String> {
        let answers = match self.answers(settings, holder) {
            Ok(answers) => answers,
            Err(why) => return Some(why),
        };
        let (at, answer) = answers.iter().enumerate().find(|(at, answer)| **answer != self.expected[*at])?;
        let differs = |(one, other): &(&str, &str)| one != other;
        let lines = answer.lines().zip(self.expected[at].lines()).find(differs);
        Some(format!("answer {at} differs: {lines:?}"))
    }

    /// The settings that are not without effect, by halves: each alone if they have it alone.
    fn guilty(&self, settings: &[Setting], holder: &str) -> String {
        match settings {
            [(name, value)] => {
                format!("{name} = {value}: {}", self.difference(settings, holder).unwrap_or_default())
            }
            _ => {
                let (first, second) = settings.split_at(settings.len() / 2);
                let halves = [first, second].map(|half| (half, self.difference(half, holder)));
                let found =
                    halves.iter().filter(|(_, why)| why.is_some()).map(|(half, _)| self.guilty(half, holder));
                let found: Vec<String> = found.collect();
                match found.is_empty() {
                    true => format!("together: {settings:?}"),
                    false => found.join("\n"),
                }
            }
        }
    }

    /// Which of some settings the server takes.
    fn taken(&self, settings: &[Setting]) -> Vec<bool> {
        let set = |(name, value): &Setting| {
            let value = match name.as_str() {
                "search_path" | "temp_tablespaces" => value.clone(),
                _ => format!("'{}'", value.replace('\'', "''")),
            };
            format!(
                "BEGIN EXECUTE $set$ALTER ROLE {} SET {name} = {value}$set$; RAISE INFO 'taken'; \
                 EXCEPTION WHEN OTHERS THEN RAISE INFO 'refused'; END;",
                self.role
            )
        };
        let all: String = settings.iter().map(set).collect();
        let mut psql = self.server.program("psql");
        // In the database that has the access method.
        let database = self.server.url_of(&self.base);
        let ran =
            psql.args(["-X", "-q", "-d", &database, "-c", &format!("DO $do$ BEGIN {all} END $do$")]).output();
        let told = Ran::of(&ran.expect("psql can be run"));
        let taken: Vec<bool> = told
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("INFO:  "))
            .map(|said| said == "taken")
            .collect();
        assert_eq!(taken.len(), settings.len(), "{told:?}");
        taken
    }

    fn drop(&self) {
        for database in [&self.tried, &self.copy, &self.base] {
            self.psql(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        }
        self.psql(&format!("DROP ROLE IF EXISTS {}", self.role));
    }
}

fn no_setting_changes_what_is_read_or_written(server: &Server) {
    let trial = Trial::new(server);
    let all = all(server);
    assert!(all.len() > 150, "{} settings", all.len());
    let values = |(name, values): &(String, Vec<String>)| {
        values.iter().map(|value| (name.clone(), value.clone())).collect::<Vec<Setting>>()
    };
    let settings: Vec<Setting> = all.iter().flat_map(values).collect();
    let mut takes = trial.taken(&settings).into_iter();
    let taken = all.iter().map(|setting| {
        let taken = values(setting).into_iter().filter(|_| takes.next() == Some(true));
        let taken: Vec<Setting> = taken.collect();
        let name = &setting.0;
        assert!(
            !taken.is_empty() || NOT_BUILT_IN.contains(&name.as_str()),
            "the server takes no value of {name}"
        );
        taken
    });
    let taken: Vec<Vec<Setting>> = taken.filter(|taken| !taken.is_empty()).collect();
    trial.psql(&format!("ALTER ROLE {} RESET ALL", trial.role));
    let rounds = taken.iter().map(Vec::len).max().unwrap_or_default();
    for round in 0..rounds {
        // Every setting in the first round, then those that have further values.
        let settings: Vec<Setting> = taken.iter().filter_map(|values| values.get(round).cloned()).collect();
        let holder = match round % 2 {
            0 => format!("ROLE {}", trial.role),
            _ => format!("DATABASE {}", trial.tried),
        };
        if let Some(why) = trial.difference(&settings, &holder) {
            panic!("{}\nin all: {why}", trial.guilty(&settings, &holder));
        }
    }
    trial.drop();
}

#[test]
fn no_setting_changes_anything_on_the_first_server() {
    no_setting_changes_what_is_read_or_written(&servers()[0]);
}

#[test]
fn no_setting_changes_anything_on_the_second_server() {
    no_setting_changes_what_is_read_or_written(&servers()[1]);
}

/// Variables that PostgreSQL's programs and servers go by are for what the URL does not say, and not for databases of drills.
#[test]
fn variables_do_not_lead_drills_elsewhere() {
    for server in servers() {
        let database = server.database("rowkeep_set_drill");
        database.sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz DEFAULT '2024-01-01 00:00+00'); INSERT INTO t VALUES (1)");
        let sandbox = Sandbox::new();
        sandbox.done(&["backup", &database.url(), "--name", "first"]);
        let url = database.url();
        let (_, name) = url.rsplit_once('/').expect("the URL names a database");
        let (own, beside) = (&["drill", name][..], &["drill", name, "--to-server", &url][..]);
        for arguments in [own, beside] {
            let mut command = sandbox.command(arguments);
            command.envs([
                ("PGPORT", "1"),
                ("PGHOST", "192.0.2.1"),
                ("PGUSER", "nobody"),
                ("PGDATABASE", "none"),
            ]);
            command.envs([
                ("PGTZ", "Asia/Kathmandu"),
                ("PGDATESTYLE", "German"),
                ("PGCLIENTENCODING", "LATIN1"),
            ]);
            command.envs([("PGOPTIONS", "-c search_path=nowhere"), ("PGSSLMODE", "prefer")]);
            Ran::of(&command.output().expect("the command can be run")).expect(0);
        }
    }
}
