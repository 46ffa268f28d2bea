//! Random databases of PostgreSQL: what its own dump brings back of them, a restore brings back at least as well, and it tells
//! what is not exact.

mod grammar;

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::postgres::{Database, Server, servers};
use crate::sandbox::{Ran, Sandbox};

/// Schemas that are tried on each server where nobody asks for more (`ROWKEEP_RANDOM_SCHEMAS`).
const SCHEMAS: u64 = 3;

/// Somebody who owns things, and has rights; and somebody who owns a whole database, and is no superuser.
const ROLE: &str = "rowkeep_somebody";
const OWNER: &str = "rowkeep_owner";

/// Makes them, where they are not there yet.
const ROLES: &str = "DO $$ BEGIN CREATE ROLE rowkeep_somebody; CREATE ROLE rowkeep_owner LOGIN PASSWORD 'secret'; \
    GRANT rowkeep_somebody TO rowkeep_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$";

pub(crate) fn asked(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |number| number.parse().expect("a number"))
}

/// What a database has: each object by what the server's dump calls it, with its definition, owner and rights; and the rows.
type Objects = BTreeMap<String, String>;

fn objects(database: &Database<'_>) -> Objects {
    let mut found = Objects::new();
    let mut current = None;
    for line in database.schema().lines() {
        if let Some(name) = line.strip_prefix("-- Name: ") {
            current = Some(name.to_owned());
            found.insert(name.to_owned(), String::new());
        } else if let Some(of) = current.as_ref().filter(|_| !line.is_empty() && line != "--") {
            // What is set before an object says nothing about it.
            let is_set =
                line.starts_with("SET default_t") || line.starts_with("-- PostgreSQL database dump complete");
            if !is_set {
                *found.get_mut(of).expect("it is there") += &format!("{line}\n");
            }
        }
    }
    let tables = database.sql(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema' ORDER BY 1",
    );
    for table in tables.lines() {
        let rows = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '' ORDER BY t::text COLLATE \"C\")), '') FROM ONLY {table} t"
        );
        found.insert(format!("rows of {table}"), database.sql(&rows));
    }
    let large =
        "SELECT loid, md5(string_agg(data, '' ORDER BY pageno)) FROM pg_largeobject GROUP BY 1 ORDER BY 1";
    found.insert("large objects".to_owned(), database.sql(large));
    found
}

/// Makes a database of another by the server's own dump and psql; says whether that dump can be made at all.
fn by_their_own(server: &Server, from: &str, to: &str) -> bool {
    let mut dump = server.program("pg_dump");
    let mut dump = dump
        .args(["-d", from])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("pg_dump can be run");
    let script = dump.stdout.take().expect("it is piped");
    let mut psql = server.program("psql");
    psql.args(["-X", "-q", "-d", to]).stdin(script).stdout(Stdio::null()).stderr(Stdio::null());
    psql.status().expect("psql can be run");
    dump.wait().expect("it ends").success()
}

/// What is worse than by the server's own dump, or not exact and not told.
fn faults(original: &Objects, theirs: &Objects, ours: &Objects, told: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, definition) in original {
        let (there, by_them) = (ours.get(name), theirs.get(name));
        if there == Some(definition) {
            continue;
        }
        // What is a part of a table is told by the statement that makes it.
        let is_told =
            told.contains(bare(name)) || definition.lines().next().is_some_and(|line| told.contains(line));
        // A constraint is no better where it is there because rows are not.
        let rows = original.keys().find(|rows| rows.starts_with("rows of ") && rows.ends_with(table(name)));
        let has_fewer = rows.is_some_and(|rows| {
            theirs.get(rows) != original.get(rows) && ours.get(rows) == original.get(rows)
        });
        if by_them == Some(definition) && !(is_told && has_fewer) {
            faults.push(format!("{name} is worse than by pg_dump: {definition}---\n{there:?}"));
        } else if !is_told {
            faults.push(format!("{name} is not exact, which is not told: {definition}---\n{there:?}"));
        }
    }
    for (name, definition) in ours.iter().filter(|(name, _)| !original.contains_key(*name)) {
        // What was a part of its table stands by itself where it is not held against all rows.
        if !(definition.contains(" NOT VALID") && told.contains(bare(name))) {
            faults.push(format!("{name} is nowhere in the original: {definition}"));
        }
    }
    faults
}

/// The name of an object without what it is of and its arguments.
fn bare(name: &str) -> &str {
    let name = name.split("; Type:").next().unwrap_or(name);
    let name = name.split('(').next().unwrap_or(name);
    name.rsplit(' ').next().unwrap_or(name)
}

/// The name of the table that an object is of, which comes first.
fn table(name: &str) -> &str {
    name.split([';', ' ']).next().unwrap_or(name)
}

#[test]
fn a_restore_is_never_worse_than_the_servers_own_dump() {
    std::thread::scope(|scope| {
        for server in servers() {
            scope.spawn(move || on_server(&server));
        }
    });
}

fn on_server(server: &Server) {
    server.psql("postgres", ROLES);
    let first = asked("ROWKEEP_RANDOM_FIRST", 0);
    let seeds = first..first + asked("ROWKEEP_RANDOM_SCHEMAS", SCHEMAS);
    let failures: Vec<String> = seeds.filter_map(|seed| one(server, seed).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Databases with subscriptions cannot be dropped.
const UNSUBSCRIBE: &str = "DO $$ DECLARE name text; BEGIN FOR name IN SELECT subname FROM pg_subscription s, pg_database d \
    WHERE d.oid = s.subdbid AND datname = current_database() LOOP EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', name); \
    EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', name); EXECUTE format('DROP SUBSCRIPTION %I', name); END LOOP; END $$";

/// Makes a database, and others of it by either way; fails with all that is wrong.
fn one(server: &Server, seed: u64) -> Result<(), String> {
    let made = ["", "_theirs", "_ours"].map(|of| server.database(&format!("rowkeep_cli_corpus{of}")));
    let tried = try_one(server, seed, &made);
    made.iter().for_each(|one| drop(one.sql(UNSUBSCRIBE)));
    tried
}

fn try_one(server: &Server, seed: u64, made: &[Database<'_>; 3]) -> Result<(), String> {
    let sandbox = Sandbox::new();
    let [original, theirs, ours] = made;
    let is_owner = seed % 2 == 1;
    let url = |database: &Database<'_>| match is_owner {
        true => database.url().replace("postgres@", &format!("{OWNER}:secret@")),
        false => database.url(),
    };
    if is_owner {
        made.iter().for_each(|one| drop(one.sql(&format!("ALTER DATABASE {} OWNER TO {OWNER}", one.name()))));
    }
    let statements = grammar::schema(seed, ROLE).join(";\n");
    let script = sandbox.path("schema.sql");
    std::fs::write(&script, format!("{statements};\n")).expect("it is written");
    let filled = server.program("psql").args(["-X", "-q", "-d", &url(original), "-f"]).arg(&script).output();
    let refused = String::from_utf8_lossy(&filled.expect("psql can be run").stderr).into_owned();
    let failed = |what: &str, ran: &Ran| {
        let said = format!("{}\n{}", ran.out, ran.err);
        format!("{} seed {seed}: {what}\n{said}\nof\n{statements}\nrefused: {refused}", server.url)
    };
    let known = objects(original);
    if !by_their_own(server, &url(original), &url(theirs)) {
        println!("{} seed {seed}: pg_dump may not read all of it", server.url);
        return Ok(());
    }
    let backup = sandbox.run(&["backup", &url(original), "--name", "all"]);
    if backup.status != 0 {
        return Err(failed("it is not backed up", &backup));
    }
    let back = sandbox.run(&["restore", "all", "--to", &url(ours), "--report", "report.txt"]);
    if ![0, 3].contains(&back.status) {
        return Err(failed("it is not restored", &back));
    }
    let fixups = std::fs::read_to_string(sandbox.path("fixups.sql")).unwrap_or_default();
    let told = format!("{}{}{fixups}{}{}", back.out, back.err, backup.out, backup.err);
    let faults = faults(&known, &objects(theirs), &objects(ours), &told);
    if !faults.is_empty() {
        return Err(failed(&faults.join("\n"), &back));
    }
    let verified = sandbox.run(&["verify", "all", "--against", &url(ours)]);
    if verified.status != 0 && back.status == 0 {
        return Err(failed("it is not equal, which is not told", &verified));
    }
    println!("{} seed {seed}: {} objects, {}", server.url, known.len(), back.status);
    Ok(())
}
