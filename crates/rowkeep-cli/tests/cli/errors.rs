//! What goes wrong, under every command that can meet it: statuses and texts stand in `errors.txt`, for a person to read.
//!
//! `ROWKEEP_WRITE_ERRORS=1 scripts/test --test cli errors` writes the file anew; the change of it is then what a reviewer reads.

mod book;
mod machine;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use regex_lite::Regex;

use crate::postgres::{Database, servers, unique};
use crate::sandbox::{Sandbox, files_below};
use crate::web::Web;
use book::Book;

const FILE: &str = "errors.txt";

/// Commands for a database, `DB`; those that would change it have been approved of.
const OF_DATABASE: &[&str] = &[
    "backup DB",
    "diff SNAPSHOT DB",
    "restore SNAPSHOT --to DB --yes",
    "restore SNAPSHOT --to DB --with-schema --yes",
    "undo DB --yes",
    "verify SNAPSHOT --against DB",
    "export DB --to - --format ndjson",
    "history t 1 DB",
    "doctor DB",
    "check-data DB --checks checks.toml",
    "assess DB",
    "mask suggest DB",
    "mask check DB --mask mask.toml",
    "migrate DB -- true",
    "around DB -- true",
];

/// Commands for what is in a repository.
const OF_REPOSITORY: &[&str] = &[
    "backup app.db",
    "snapshots",
    "show latest",
    "diff latest app.db",
    "restore latest --to new.db",
    "undo app.db --yes",
    "apply 0123 --yes",
    "plans",
    "verify latest --against app.db",
    "check",
    "repair --yes",
    "delete latest --yes",
    "keep",
    "hold latest",
    "release latest",
    "copy --to other --create",
    "key list",
    "export latest --to - --format ndjson",
    "history t 1",
    "drill",
    "health",
    "assess app.db",
];

/// Commands for a state, `STATE`.
const OF_STATE: &[&str] = &[
    "show STATE",
    "diff STATE app.db",
    "restore STATE --to new.db",
    "restore STATE --to app.db --yes",
    "undo app.db --snapshot STATE --yes",
    "verify STATE --against app.db",
    "delete STATE --yes",
    "hold STATE",
    "release STATE",
    "export STATE --to - --format ndjson",
    "drill --snapshot STATE",
];

/// Commands that choose tables, `TABLE`.
const OF_TABLE: &[&str] = &[
    "backup app.db --tables TABLE",
    "backup app.db --exclude TABLE",
    "diff latest app.db --tables TABLE",
    "restore latest --to app.db --tables TABLE --yes",
    "restore latest --to app.db --keep-tables TABLE --yes",
    "export latest --to - --tables TABLE --format ndjson",
    "history TABLE 1",
    "diff latest app.db --key TABLE:1",
    "restore latest --to app.db --key TABLE:1 --yes",
];

/// Commands for rows that `strict.db` does not take.
const ROWS: [&str; 6] = [
    "restore strict --to strict.db --tables b --yes",
    "restore strict --to strict.db --key b:1 --mode merge --yes",
    "restore strict --to strict.db --key b:1 --mode merge --with-related --yes",
    "restore strict --to strict.db --key b:9 --yes",
    "diff strict strict.db --key b:9",
    "history b 9",
];

/// A database with a table, its snapshot, and what commands name besides.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::bare();
    sandbox.done(&["init", "--no-encryption"]);
    furnish(&sandbox);
    sandbox.done(&["backup", "app.db"]);
    sandbox
}

fn furnish(sandbox: &Sandbox) {
    sandbox.sql(
        "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    );
    write(sandbox, "checks.toml", "[[checks]]\ntable = 't'\nmin_rows = 1\n");
    write(sandbox, "mask.toml", "'t.v' = 'hash'\n");
}

fn write(sandbox: &Sandbox, name: &str, text: &str) -> PathBuf {
    let path = sandbox.path(name);
    std::fs::write(&path, text).expect("the file can be written");
    path
}

#[test]
fn what_errors_say_under_every_command() {
    let patterns = [
        (r"[0-9a-f]{32,64}", "ID"),
        (r"\b(snapshot|snapshots|plan|chunk|pack|slot) [0-9a-f]{8}\b", "$1 ID"),
        (r"rowkeep_drill_\d+_[0-9a-f]+", "SCRATCH"),
        (r"rowkeep-drill-[0-9A-Za-z]{6}", "SCRATCH"),
        (r"\.[0-9A-Za-z]{12}\.rowkeep-unfinished", ".UNFINISHED"),
        (r"packs/[0-9a-f]{2}/", "packs/"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?", "TIME"),
        (r"\b\d+(\.\d+)? (ms|s|B|kB|KiB|MiB)\b", "N $2"),
        (r"\b[0-9a-f]{8}\b", "ID"),
        (r"\d+ seconds? ago", "N seconds ago"),
        (r"port \d+", "port PORT"),
        (r"rowkeep_cli_([a-z]+)_\d+_\d+", "$1"),
        (r"in \d+(\.\d+)? (ms|s)\b", "in TIME"),
    ];
    let replacements = patterns.map(|(pattern, name)| (Regex::new(pattern).expect("it is a pattern"), name));
    let mut book = Book { text: String::new(), replacements: replacements.to_vec() };
    databases(&mut book);
    servers_and_roles(&mut book);
    machine::full_disks(&mut book);
    machine::missing_programs(&mut book);
    machine::busy_files(&mut book);
    repositories(&mut book);
    states_and_tables(&mut book);
    files(&mut book);
    configurations(&mut book);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(FILE);
    if std::env::var_os("ROWKEEP_WRITE_ERRORS").is_some() {
        std::fs::write(&path, &book.text).expect("the file can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("the file is there");
    let (mut old, mut new) = (expected.lines(), book.text.lines());
    for line in 1.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) => assert_eq!(old, new, "{FILE}, line {line}"),
        }
    }
}

fn databases(book: &mut Book) {
    let sandbox = sandbox();
    book.chapter(
        &sandbox,
        "A file that is not there",
        OF_DATABASE,
        &[("SNAPSHOT", "latest:app"), ("DB", "none.db")],
    );
    book.chapter(
        &sandbox,
        "A name that is not there",
        OF_DATABASE,
        &[("SNAPSHOT", "latest:app"), ("DB", "shop")],
    );
    book.chapter(&sandbox, "A folder", OF_DATABASE, &[("SNAPSHOT", "latest:app"), ("DB", "./")]);
    write(&sandbox, "letter.txt", &"Dear reader, this is no database. ".repeat(50));
    book.chapter(
        &sandbox,
        "A file that is no database",
        OF_DATABASE,
        &[("SNAPSHOT", "latest:app"), ("DB", "letter.txt")],
    );
    book.chapter(
        &sandbox,
        "A URL of no engine",
        OF_DATABASE,
        &[("SNAPSHOT", "latest:app"), ("DB", "oracle://host/db")],
    );
    sandbox.sql("full.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t (v); INSERT INTO t SELECT value, hex(randomblob(200)) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]')");
    let mut bytes = std::fs::read(sandbox.path("full.db")).expect("it can be read");
    bytes[4096..].fill(0xa5);
    std::fs::write(sandbox.path("hurt.db"), bytes).expect("it can be written");
    book.chapter(&sandbox, "A damaged file", OF_DATABASE, &[("SNAPSHOT", "latest:app"), ("DB", "hurt.db")]);
}

fn servers_and_roles(book: &mut Book) {
    let server = &servers()[0];
    let sandbox = sandbox();
    let shop = server.database("rowkeep_cli_shop");
    shop.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    sandbox.done(&["backup", &shop.url(), "--name", "shop"]);
    let of = |url: &str| [("SNAPSHOT".to_owned(), "shop".to_owned()), ("DB".to_owned(), url.to_owned())];
    let mut chapter = |title: &str, url: &str, put_back: &dyn Fn()| {
        let with = of(url);
        let with: Vec<(&str, &str)> = with.iter().map(|(name, value)| (&**name, &**value)).collect();
        book.chapter_after(&sandbox, title, OF_DATABASE, &with, put_back);
    };
    chapter("A server that does not answer", "postgres://ada@127.0.0.1:1/shop", &|| {});
    let gone = unique("rowkeep_cli_gone");
    let drop_it = || {
        server.psql("postgres", &format!("DROP DATABASE IF EXISTS {gone} WITH (FORCE)"));
    };
    chapter("A database that is not on the server", &server.url_of(&gone), &drop_it);
    drop_it();
    role(
        &shop,
        "CREATE TABLE hidden (id int PRIMARY KEY); INSERT INTO hidden VALUES (1); GRANT SELECT ON t TO ROLE",
    );
    let as_role = shop.url().replacen("postgres@", "rowkeep_cli_reader:right@", 1);
    chapter("A role that may read one of two tables", &as_role, &|| {});
    chapter("A wrong password", &as_role.replacen("right", "wrong", 1), &|| {});
    shop.sql("DROP TABLE hidden; REVOKE ALL ON t FROM rowkeep_cli_reader; DELETE FROM t WHERE id = 2");
    chapter("A role without rights", &as_role, &|| {});
    let connecting = format!("CONNECT ON DATABASE {}", shop.url().rsplit('/').next().expect("a name"));
    shop.sql(&format!("REVOKE {connecting} FROM PUBLIC"));
    chapter("A role that may not connect", &as_role, &|| {});
    shop.sql(&format!("GRANT {connecting} TO PUBLIC; GRANT SELECT ON t TO rowkeep_cli_reader"));
    chapter("A role that may only read", &as_role, &|| {});
    let elsewhere = as_role.replacen(shop.url().rsplit('/').next().expect("a name"), &gone, 1);
    let making = ["restore shop --to DB --yes", "drill --snapshot shop --to-server DB"];
    book.chapter_after(
        &sandbox,
        "A role that may not make databases",
        &making,
        &[("DB", &elsewhere)],
        drop_it,
    );
    shop.sql("DROP OWNED BY rowkeep_cli_reader; DROP ROLE rowkeep_cli_reader");
    shop.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a, v int UNIQUE CHECK (v < 100)); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1, 1), (2, 1, 2)");
    sandbox.done(&["backup", &shop.url(), "--name", "strict"]);
    shop.sql("DELETE FROM b; DELETE FROM a; INSERT INTO b VALUES (3, NULL, 1)");
    let rows = ROWS.map(|command| command.replace("strict.db", "DB"));
    let rows = rows.each_ref().map(String::as_str);
    book.chapter(
        &sandbox,
        "Rows that PostgreSQL does not take, or that are not there",
        &rows,
        &[("DB", &shop.url())],
    );
}

/// Makes a role that can log in, and runs statements in which it is called `ROLE`.
fn role(database: &Database<'_>, sql: &str) {
    database.sql(&format!(
        "DROP ROLE IF EXISTS rowkeep_cli_reader; CREATE ROLE rowkeep_cli_reader LOGIN PASSWORD 'right'; {}",
        sql.replace("ROLE", "rowkeep_cli_reader")
    ));
}

fn repositories(book: &mut Book) {
    let bare = Sandbox::bare();
    furnish(&bare);
    book.chapter(&bare, "No repository", OF_REPOSITORY, &[]);
    let at = |location: &str| {
        OF_REPOSITORY.iter().map(|command| format!("{command} -r {location}")).collect::<Vec<_>>()
    };
    let chapter = |book: &mut Book, sandbox: &Sandbox, title: &str, location: &str| {
        let commands = at("REPOSITORY");
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        book.chapter(sandbox, title, &commands, &[("REPOSITORY", location)]);
    };
    write(&bare, "photos", "a file where a folder is wanted");
    chapter(book, &bare, "A file in place of a repository", "photos");
    chapter(book, &bare, "A location that is none", "ftp://host/x");
    let missing = Web::answering(&[
        "404 Not Found\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>",
    ]);
    let denied = Web::answering(&[
        "403 Forbidden\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    ]);
    for (title, web) in [("A bucket that is not there", &missing), ("A store that refuses access", &denied)] {
        let options = format!(
            "s3://backups --store-option aws_endpoint={} --store-option aws_allow_http=true --store-option aws_access_key_id=x --store-option aws_secret_access_key=y --store-option aws_region=us-east-1",
            web.url("")
        );
        let commands: Vec<String> =
            OF_REPOSITORY.iter().map(|command| format!("{command} -r {options}")).collect();
        let short: Vec<&str> = commands.iter().map(String::as_str).collect();
        let mut own = Book { text: String::new(), replacements: book.replacements.clone() };
        own.chapter(&bare, title, &short, &[]);
        book.text += &own.text.replace(&options, "s3://backups");
    }
    let sealed = Sandbox::new();
    furnish(&sealed);
    sealed.done(&["backup", "app.db"]);
    write(
        &sealed,
        "other.key",
        &std::fs::read_to_string(sealed.path("rowkeep-repository.key"))
            .expect("it is there")
            .replace(['a', 'b'], "c"),
    );
    let with_wrong: Vec<String> =
        OF_REPOSITORY.iter().map(|command| format!("{command} --key-file other.key")).collect();
    book.chapter(
        &sealed,
        "A wrong key file",
        &with_wrong.iter().map(String::as_str).collect::<Vec<_>>(),
        &[],
    );
    std::fs::remove_file(sealed.path("rowkeep-repository.key")).expect("it is there");
    book.chapter(&sealed, "An encrypted repository without its key file", OF_REPOSITORY, &[]);
    let emptied = Sandbox::bare();
    emptied.done(&["init", "--no-encryption"]);
    furnish(&emptied);
    book.chapter(&emptied, "A repository without snapshots", &OF_REPOSITORY[1..], &[]);
    let gone = sandbox();
    std::fs::remove_dir_all(gone.path("rowkeep-repository")).expect("it is there");
    book.chapter(&gone, "A repository that was there before", OF_REPOSITORY, &[]);
    let newer = sandbox();
    let config = newer.path("rowkeep-repository/config");
    let text = std::fs::read_to_string(&config).expect("it can be read");
    std::fs::write(
        &config,
        text.replace("\"format\":2", "\"format\":99").replace("\"format\": 2", "\"format\": 99"),
    )
    .expect("it can be written");
    book.chapter(&newer, "A repository of a newer program", OF_REPOSITORY, &[]);
    let hurt = sandbox();
    for folder in ["snapshots", "packs"] {
        for file in files_below(&hurt.path("rowkeep-repository").join(folder)) {
            let mut permissions = std::fs::metadata(&file).expect("it is there").permissions();
            permissions.set_mode(0o600);
            std::fs::set_permissions(&file, permissions).expect("it is ours");
            let mut bytes = std::fs::read(&file).expect("it can be read");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&file, bytes).expect("it can be written");
        }
    }
    book.chapter(&hurt, "A repository of which everything is damaged", OF_REPOSITORY, &[]);
    others(book);
}

/// What stands in the way of a copy in the other repository, and of two that are configured.
fn others(book: &mut Book) {
    let sandbox = sandbox();
    for (name, passphrase) in [("sealed", "one"), ("hurt", "two")] {
        write(&sandbox, name, passphrase);
        let at = format!("at-{name}");
        sandbox.done(&["init", "--repository", &at, "--passphrase-file", name]);
    }
    std::fs::write(sandbox.path("at-hurt/config"), "{}").expect("written");
    std::fs::create_dir(sandbox.path("folder")).expect("made");
    write(&sandbox, "folder/file", "of somebody");
    let copies = [
        "copy --to at-sealed",
        "copy --to at-sealed --to-passphrase-file hurt",
        "copy --to at-sealed --to-passphrase-file nothing",
        "copy --to at-hurt --to-passphrase-file hurt",
        "copy --to rowkeep-repository",
        "copy --to nowhere",
        "copy --to folder",
        "copy --to folder --create",
        "copy --to app.db --create",
        "copy --to ftp://example.org/shop",
        "copy --to at-sealed --to-passphrase-file sealed orders",
    ];
    book.chapter(&sandbox, "Another repository that cannot be copied to", &copies, &[]);
    let two = "[[repositories]]\nname = 'here'\nurl = 'rowkeep-repository'\n\
         [[repositories]]\nname = 'offsite'\nurl = 'at-sealed'\n";
    write(&sandbox, "rowkeep.toml", two);
    let commands = [OF_REPOSITORY, &["init"]].concat();
    book.chapter(&sandbox, "Two repositories, one of them without its secret", &commands, &[]);
    write(&sandbox, "rowkeep.toml", &format!("repository = 'rowkeep-repository'\n{two}"));
    book.chapter(&sandbox, "One repository and two", &["backup app.db", "snapshots"], &[]);
}

fn states_and_tables(book: &mut Book) {
    let sandbox = sandbox();
    book.chapter(&sandbox, "A snapshot that is not there", OF_STATE, &[("STATE", "yesterday")]);
    book.chapter(&sandbox, "No snapshot of that database", OF_STATE, &[("STATE", "latest:shop")]);
    book.chapter(&sandbox, "A time before the first snapshot", OF_STATE, &[("STATE", "app@2020-01-01")]);
    book.chapter(&sandbox, "A time that is none", OF_STATE, &[("STATE", "app@2026-13-45")]);
    book.chapter(&sandbox, "A time that is not understood", OF_STATE, &[("STATE", "app@yesterday")]);
    book.chapter(&sandbox, "A time of a database that is not there", OF_STATE, &[("STATE", "shop@-2h")]);
    book.chapter(&sandbox, "A database in place of a snapshot", OF_STATE, &[("STATE", "live")]);
    book.chapter(&sandbox, "A table that is not there", OF_TABLE, &[("TABLE", "orders")]);
    let conditions = [
        "diff latest app.db --where id=",
        "restore latest --to app.db --where nothing=1 --yes",
        "export latest --to - --where v>>1 --format ndjson",
        "restore latest --to app.db --key t --yes",
        "restore latest --to app.db --key t:1,2 --yes",
        "restore latest --to app.db --key t:x --yes",
        "restore latest --to app.db --with-related --yes",
        "restore latest --to new.db --mode merge",
        "restore latest --to app.db --with-schema --tables t --yes",
        "restore latest --to app.db --base latest --with-related --key t:1 --yes",
        "restore latest --to app.db --prefer snapshot --yes",
        "restore latest --to app.db --mask=mask.toml --yes",
        "restore latest --to app.db",
        "delete latest",
        "backup app.db --tables t --exclude t",
        "backup app.db --mask",
        "backup app.db --name latest",
        "export latest --to out.parquet",
        "export latest --to app.db",
        "key remove 00",
        "plans delete 00",
        "apply 00 --yes",
    ];
    sandbox.sql("app.db", "DELETE FROM t WHERE id = 2");
    book.chapter(&sandbox, "What cannot be meant", &conditions, &[]);
    sandbox.sql("strict.db", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a, v INTEGER UNIQUE CHECK (v < 100)); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1, 1), (2, 1, 2)");
    sandbox.done(&["backup", "strict.db", "--name", "strict"]);
    sandbox.sql("strict.db", "DELETE FROM b; DELETE FROM a; INSERT INTO b VALUES (3, NULL, 1)");
    book.chapter(&sandbox, "Rows that SQLite does not take, or that are not there", &ROWS, &[]);
}

fn files(book: &mut Book) {
    let sandbox = sandbox();
    let dump = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);\nINSERT INTO t VALUES (1, 'a');\n";
    write(&sandbox, "dump.sql", dump);
    let with = |file| [("SNAPSHOT", "latest:app"), ("DB", file)];
    book.chapter(&sandbox, "A dump", OF_DATABASE, &with("dump.sql"));
    write(&sandbox, "cut.sql", &dump[..dump.len() - 9]);
    book.chapter(&sandbox, "A dump that is cut off", OF_DATABASE, &with("cut.sql"));
    write(&sandbox, "sealed.sql", "age-encryption.org/v1\n-> X25519 abc\n");
    book.chapter(&sandbox, "A dump that is encrypted", &OF_DATABASE[..3], &with("sealed.sql"));
    write(&sandbox, "letter.txt", "Dear all,\n");
    write(
        &sandbox,
        "old.sql",
        "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'LATIN1';\nCREATE TABLE public.t (a integer);\n--\n-- PostgreSQL database dump complete\n--\n",
    );
    let commands = [
        "import cut.sql",
        "import cut.sql --salvage",
        "import sealed.sql",
        "import letter.txt",
        "import old.sql",
        "import gone.sql",
        "import dump.sql --time yesterday",
        "import dump.sql --database shop",
        "import --all gone",
        "import --all . --time 2024-01-01",
        "inspect cut.sql",
        "inspect letter.txt",
        "restore cut.sql --to new.db",
        "restore dump.sql --to dump.sql --yes",
    ];
    book.chapter(&sandbox, "Files that others wrote", &commands, &[]);
}

fn configurations(book: &mut Book) {
    let all = [
        "backup",
        "doctor",
        "check-data",
        "drill",
        "assess",
        "mask suggest",
        "mask check",
        "diff latest live",
        "undo --yes",
        "migrate shop -- true",
    ];
    let empty = sandbox();
    book.chapter(&empty, "No configuration", &all, &[]);
    write(&empty, "rowkeep.toml", "[databases.shop]\nurl = 'app.db'\nurll = 'x'\n");
    book.chapter(&empty, "A mistake in rowkeep.toml", &all, &[]);
    write(&empty, "rowkeep.toml", "databases.shop.url = '${SHOP_URL}'\n");
    book.chapter(&empty, "A variable that is not set", &all, &[]);
    write(&empty, "rowkeep.toml", "databases.shop.url = 'app.db'\ndatabases.log.url = 'gone.db'\n");
    book.chapter(&empty, "Two databases, one of them gone", &all, &[]);
    write(
        &empty,
        "rowkeep.toml",
        "databases.shop.url = 'app.db'\n[[hooks]]\nwhen = ['before-backup', 'before-restore', 'before-undo', 'before-migrate']\nrun = 'false'\n",
    );
    empty.sql("app.db", "DELETE FROM t WHERE id = 2");
    let hooked = [
        "backup",
        "restore latest --yes",
        "restore latest --to shop --yes",
        "undo --yes",
        "migrate shop -- true",
    ];
    book.chapter(&empty, "A hook that fails", &hooked, &[]);
}
