//! The crates know each other in one direction only, so do the rooms and files within a crate, and libraries keep their
//! hands off the process.

mod graph;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use graph::{Graph, name};

/// In the order of the data's way: each may know those before it.
const CRATES: [&str; 6] =
    ["rowkeep-format", "rowkeep-repository", "rowkeep-engine", "rowkeep", "rowkeep-server", "rowkeep-cli"];

/// What a crate may not know although it comes before it.
const APART: [(&str, &str); 1] = [("rowkeep-engine", "rowkeep-repository")];

/// The rooms below a module, in order: a file may import from its own room and from those before it.
struct Rooms {
    below: &'static [&'static str],
    /// Rooms on one line know nothing of each other.
    order: &'static [&'static [&'static str]],
}

/// The rooms of each crate. The root and files of a name that is no room only declare and re-export.
const ROOMS: [(&str, &[Rooms]); 6] = [
    ("rowkeep-format", &[]),
    ("rowkeep-repository", &[]),
    ("rowkeep-engine", &ENGINE_ROOMS),
    (
        "rowkeep",
        &[Rooms {
            below: &[],
            order: &[
                &[
                    "background",
                    "metrics",
                    "private_files",
                    "quotes",
                    "sizes",
                    "toml_problem",
                    "units",
                    "variables",
                    "without_secrets",
                ],
                &["durations"],
                &["moments"],
                &["schedule"],
                &["error"],
                &["progress"],
                &["context"],
                &["state"],
                &["retention"],
                &["rows"],
                &["capture"],
                &["diff"],
                &["apply", "merge"],
                &["replay", "restore"],
                &["report"],
                &["data_checks"],
                &["hooks"],
                &["export"],
                &["config"],
                &["timetable"],
                &["jobs"],
            ],
        }],
    ),
    (
        "rowkeep-server",
        &[Rooms {
            below: &[],
            order: &[
                &["arrivals", "error", "export_files", "ready", "relief"],
                &["state", "tls"],
                &["audit"],
                &["queue"],
                &["additions"],
                &["access", "connections", "exports", "keeping", "scheduler", "size"],
                &["health", "heartbeat"],
                &["report"],
                &["alerts"],
                &["web"],
                &["api", "clients", "pages"],
                &["site"],
                &["serve"],
            ],
        }],
    ),
    (
        "rowkeep-cli",
        &[Rooms {
            below: &[],
            order: &[
                &["allocator", "args", "out", "supervisor", "wrap"],
                &["fail"],
                &["setup"],
                &["ui", "child"],
                &["commands"],
            ],
        }],
    ),
];

const ENGINE_ROOMS: [Rooms; 4] = [
    Rooms {
        below: &[],
        order: &[
            // What an engine is, for everybody.
            &["error"],
            &[
                "rows",
                "apply",
                "conversion",
                "definition",
                "query_rows",
                "examination",
                "javascript",
                "surroundings",
                "unrecorded",
                "url",
            ],
            &["target", "view"],
            &["engine"],
            // What engines share.
            &["worker", "sql_text", "outline", "file_source", "held_folder"],
            &["dialect", "scratch"],
            &["kind"],
            &["sort"],
            &["pushed"],
            &["postgres", "sqlite"],
            &["d1", "indexeddb"],
            &["file"],
            // What takes one engine or the other.
            &["connect"],
            &["definitions", "sql", "translate"],
            &["conformance"],
        ],
    },
    Rooms {
        below: &["postgres"],
        order: &[
            &["quote", "copy_text"],
            &["connect"],
            &["catalog"],
            &["schema"],
            &["read"],
            &["load"],
            &["apply"],
            &["dump_file", "examine", "psql_script", "unrecorded"],
            &["dialect", "engine"],
            &["scratch"],
            &["kind"],
        ],
    },
    Rooms {
        below: &["sqlite"],
        order: &[
            &["quote", "full_text"],
            &["connect"],
            &["literal"],
            &["long_values"],
            &["catalog"],
            &["schema"],
            &["read"],
            &["load"],
            &["apply"],
            &["dump_file", "examine", "sqlite3_script"],
            &["d1_script", "mysql_dump", "plain_file"],
            &["dialect", "engine"],
            &["scratch"],
            &["kind"],
        ],
    },
    Rooms {
        below: &["d1"],
        order: &[
            &["address"],
            &["connect"],
            &["catalog"],
            &["read"],
            &["compose"],
            &["send"],
            &["load"],
            &["apply"],
            &["examine"],
            &["scratch"],
            &["kind"],
        ],
    },
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate is in a folder").to_owned()
}

#[test]
fn crates_know_only_those_before_them() {
    for (place, name) in CRATES.iter().enumerate() {
        let manifest = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).expect("it is there");
        let manifest: toml::Table = manifest.parse().expect("it is TOML");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for known in dependencies.keys().filter(|known| CRATES.contains(&known.as_str())) {
                // Tests may ask a crate for more than others get of it.
                let is_own = section == "dev-dependencies" && known == name;
                let before = is_own || CRATES[..place].contains(&known.as_str());
                assert!(before && !APART.contains(&(name, known.as_str())), "{name} must not know {known}");
            }
        }
    }
}

#[test]
fn every_crate_has_its_place() {
    let mut found: Vec<String> = std::fs::read_dir(crates())
        .expect("it can be read")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut known = CRATES.map(str::to_owned);
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn libraries_neither_print_nor_read_the_environment() {
    const FORBIDDEN: [&str; 7] =
        ["println!", "eprintln!", "print!(", "std::env::var", "env::vars", "std::process::exit", "io::stdin"];
    for name in &CRATES[..4] {
        for file in crate::sandbox::files_below(&crates().join(name).join("src")) {
            if file.extension().is_none_or(|extension| extension != "rs")
                || file.to_string_lossy().contains("test")
            {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("it can be read");
            for word in FORBIDDEN {
                assert!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
}

/// Names of engines, as they stand in names and texts of code.
const ENGINES: [&str; 2] = ["postgres", "sqlite"];

/// Where code of libraries may name an engine: in its own folder; where engines are found by URLs and files by their formats, with
/// what these go by; and where one engine becomes another.
const NAMING: [&str; 13] = [
    "rowkeep-engine/src/connect.rs",
    "rowkeep-engine/src/d1.rs",
    "rowkeep-engine/src/d1/",
    "rowkeep-engine/src/file/",
    "rowkeep-engine/src/lib.rs",
    "rowkeep-engine/src/outline/survey.rs",
    "rowkeep-engine/src/postgres.rs",
    "rowkeep-engine/src/postgres/",
    "rowkeep-engine/src/sql_text.rs",
    "rowkeep-engine/src/sqlite.rs",
    "rowkeep-engine/src/sqlite/",
    "rowkeep-engine/src/surroundings.rs",
    "rowkeep-engine/src/translate",
];

#[test]
fn no_library_names_an_engine() {
    for name in &CRATES[..4] {
        for (path, text) in sources(name) {
            let path = format!("{name}/src/{path}");
            let is_exempt = path.contains("test") || NAMING.iter().any(|naming| path.starts_with(naming));
            let named = if is_exempt { None } else { naming_line(&text) };
            assert_eq!(named, None, "{path} names an engine");
        }
    }
    // What it looks at is what it finds.
    let state = &sources("rowkeep")["state.rs"];
    assert_eq!(naming_line(state), None);
    let planted =
        state.replacen("impl State {", "impl State { fn planted() -> &'static str { \"SQLite\" }", 1);
    assert!(naming_line(&planted).is_some_and(|line| line.contains("planted")));
    assert_eq!(naming_line("/// As in SQLite.\nfn f() {} // not PostgreSQL\n"), None);
}

/// The first line of code, tests aside, that names an engine. What is said of one in a comment binds nobody.
fn naming_line(text: &str) -> Option<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let without_comment = |line: &str| match line.trim_start().starts_with("//") {
        true => String::new(),
        false => line.split(" // ").next().unwrap_or_default().to_ascii_lowercase(),
    };
    let names = |line: &&str| ENGINES.iter().any(|engine| without_comment(line).contains(engine));
    code.lines().find(names).map(str::to_owned)
}

#[test]
fn no_files_import_from_each_other_in_a_circle() {
    for (name, _) in ROOMS {
        let circles = Graph::read(&sources(name)).circles();
        assert!(circles.is_empty(), "{name}: files that import from each other: {circles:#?}");
    }
}

#[test]
fn rooms_know_only_those_before_them() {
    for (name, rooms) in ROOMS {
        let graph = Graph::read(&sources(name));
        for rooms in rooms {
            assert_eq!(against(&graph, rooms), Vec::<String>::new(), "{name}: imports that run back up");
        }
    }
}

#[test]
fn a_planted_import_is_found() {
    let mut planted = sources("rowkeep-format");
    assert!(Graph::read(&planted).circles().is_empty());
    let text = planted.get_mut("ids.rs").expect("it is there");
    text.push_str("\nfn planted() -> Option<crate::tree::TableRoot> { None }\n");
    let circles = Graph::read(&planted).circles();
    assert!(circles.iter().any(|circle| circle.contains("ids") && circle.contains("tree")), "{circles:?}");

    let (_, rooms) = ROOMS.iter().find(|(name, _)| *name == "rowkeep").expect("it has rooms");
    let mut planted = sources("rowkeep");
    assert_eq!(against(&Graph::read(&planted), &rooms[0]), Vec::<String>::new());
    let text = planted.get_mut("diff/merge.rs").expect("it is there");
    text.push_str("\nfn planted() -> crate::jobs::Verdict { crate::jobs::Verdict::Done }\n");
    assert_eq!(against(&Graph::read(&planted), &rooms[0]), ["diff::merge imports jobs::verdict"]);
}

/// The imports that run against the order of some rooms.
fn against(graph: &Graph, rooms: &Rooms) -> Vec<String> {
    let place = |module: &[String]| {
        let below: Vec<&str> = module.iter().map(String::as_str).collect();
        let room = *below.strip_prefix(rooms.below)?.first()?;
        Some((room.to_owned(), rooms.order.iter().position(|line| line.contains(&room))))
    };
    let mut found = Vec::new();
    for (from, to) in graph.imports() {
        let (Some((from_room, from_place)), Some((to_room, to_place))) = (place(from), place(to)) else {
            continue;
        };
        let (from, to) = (name(from), name(to));
        match (from_place, to_place) {
            (Some(_), Some(_)) if from_room == to_room => {}
            (Some(here), Some(there)) if there < here => {}
            (None, _) => found.push(format!("{from} is in no room")),
            (_, None) => found.push(format!("{to} is in no room")),
            _ => found.push(format!("{from} imports {to}")),
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The source files of a crate by their paths below its `src`.
fn sources(name: &str) -> BTreeMap<String, String> {
    let src = crates().join(name).join("src");
    let files = crate::sandbox::files_below(&src);
    let rust = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|file| {
        let path = file.strip_prefix(&src).expect("it is below").to_string_lossy().into_owned();
        (path, std::fs::read_to_string(file).expect("it can be read"))
    })
    .collect()
}
