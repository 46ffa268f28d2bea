//! What a random database consists of.

use rusqlite::Connection;

use crate::random_edits::Dice;

const VALUES: [&str; 14] = [
    "NULL",
    "0",
    "1",
    "-5",
    "9007199254740993",
    "2.5",
    "-0.0",
    "3.0",
    "'abc'",
    "'ABC'",
    "'12'",
    "' 7 '",
    "x'0041'",
    "CAST(x'ff41' AS TEXT)",
];

/// A table as it is made first, and the definition that it gets then.
struct Table {
    name: String,
    lax: String,
    sql: String,
    columns: Vec<String>,
}

/// Fills a database, and gives the statements that it took.
pub(super) fn fill(database: &Connection, dice: &Dice) -> Vec<String> {
    let mut run = Vec::new();
    let mut try_it = |sql: String| {
        // What SQLite does not take is no part of it.
        if database.execute_batch(&sql).is_ok() {
            run.push(sql);
        }
    };
    for pragma in ["PRAGMA encoding = 'UTF-16le'", "PRAGMA auto_vacuum = full"] {
        if dice.one_in(8) {
            try_it(pragma.into());
        }
    }
    try_it(
        "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON".into(),
    );
    for number in 0..1 + dice.below(3) {
        let table = table(dice, number);
        try_it(table.lax.clone());
        for _ in 0..dice.below(9) {
            let values: Vec<_> = table.columns.iter().map(|_| dice.of(&VALUES)).collect();
            let (names, values) = (table.columns.join(", "), values.join(", "));
            try_it(format!("INSERT OR IGNORE INTO {} ({names}) VALUES ({values})", table.name));
        }
        if table.lax != table.sql {
            redefine(&mut try_it, &table.name, &table.sql);
        }
        (0..dice.below(3)).for_each(|index| self::index(&mut try_it, dice, &table, index));
        if dice.one_in(3) {
            let body =
                dice.of(&["SELECT own(1)", "INSERT INTO nowhere VALUES (1)", "SELECT missing(new.c0)"]);
            try_it(format!("CREATE TRIGGER g{number} AFTER INSERT ON {} BEGIN {body}; END", table.name));
        }
        if dice.one_in(3) {
            let of = dice.of(&[
                "own(c0) FROM t0",
                "* FROM nowhere",
                "missing(c0) AS x FROM t0",
                "c0 COLLATE unicase FROM t0",
            ]);
            try_it(format!("CREATE VIEW v{number} AS SELECT {of}"));
        }
    }
    if dice.one_in(4) {
        let kind = dice.of(&[
            "fts5(x, y)",
            "fts5(x, content='', columnsize=0)",
            "fts4(x)",
            "fts5(x, tokenize='porter')",
        ]);
        try_it(format!("CREATE VIRTUAL TABLE f USING {kind}"));
        try_it("INSERT INTO f (rowid, x) VALUES (1, 'some words'), (5, 'other words')".into());
    }
    if dice.one_in(5) {
        try_it(
            "CREATE VIRTUAL TABLE r USING rtree (id, a, b); INSERT INTO r VALUES (1, 2, 3), (4, 5, 6)".into(),
        );
    }
    if dice.one_in(6) {
        let kind = dice.of(&["vec0(a float[4])", "fts4(x, tokenize=theirs)", "VirtualSpatialIndex()"]);
        let sql = format!("CREATE VIRTUAL TABLE theirs USING {kind}").replace('\'', "''");
        try_it(format!("INSERT INTO sqlite_schema VALUES ('table', 'theirs', 'theirs', 0, '{sql}')"));
    }
    run
}

/// Gives an object another definition of the same pages.
fn redefine(try_it: &mut impl FnMut(String), name: &str, sql: &str) {
    let sql = sql.replace('\'', "''");
    try_it(format!("UPDATE sqlite_schema SET sql = '{sql}' WHERE name = '{name}'"));
    try_it("PRAGMA writable_schema = RESET; PRAGMA writable_schema = ON".into());
}

fn table(dice: &Dice, number: u64) -> Table {
    let name = format!("t{number}");
    let (is_odd, strict, kind) = (dice.one_in(3), dice.one_in(5), dice.below(6));
    let (mut lax, mut real, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    let mut add = |lax_part: String, real_part: String| {
        lax.push(lax_part);
        real.push(real_part);
    };
    match kind {
        0 => add("id INTEGER PRIMARY KEY".into(), "id INTEGER PRIMARY KEY".into()),
        1 => {
            add("id INTEGER PRIMARY KEY AUTOINCREMENT".into(), "id INTEGER PRIMARY KEY AUTOINCREMENT".into())
        }
        _ => {}
    }
    let without_rowid = kind == 2;
    for column in 0..1 + dice.below(3) {
        let type_name = match strict {
            true => dice.of(&["INT", "INTEGER", "TEXT", "REAL", "BLOB", "ANY"]),
            false => dice.of(&["", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "VARCHAR(3)"]),
        };
        let mut shared = String::new();
        if dice.one_in(5) {
            shared += dice.of(&[" COLLATE NOCASE", " COLLATE unicase", " COLLATE rtrim"]);
        }
        if dice.one_in(6) {
            shared += dice.of(&[
                " CHECK (own(c0) > 5)",
                " CHECK (c0 <> 'x')",
                " CHECK (missing(c0))",
                " REFERENCES t0",
                " REFERENCES nowhere (z)",
            ]);
        }
        if without_rowid && column == 0 || dice.one_in(7) {
            // Whether it is the rowid must not depend on a type that comes later.
            let is_key = kind >= 2 && column == 0 && (without_rowid || type_name != "INTEGER");
            shared += if is_key { " PRIMARY KEY" } else { " UNIQUE" };
        }
        let not_null = if dice.one_in(3) { " NOT NULL" } else { "" };
        let real_part = format!("c{column} {type_name}{not_null}{shared}");
        add(if is_odd { format!("c{column}{shared}") } else { real_part.clone() }, real_part);
        columns.push(format!("c{column}"));
    }
    if dice.one_in(4) {
        let of = dice.of(&["own(c0)", "c0 || 'x'", "length(c0)"]);
        let how = dice.of(&["STORED", "VIRTUAL", "STORED UNIQUE", "VIRTUAL UNIQUE", "STORED NOT NULL"]);
        let part = format!("g {} AS ({of}) {how}", if strict { "ANY" } else { dice.of(&["", "TEXT"]) });
        add(part.clone(), part);
    }
    let no_rowid = if without_rowid { " WITHOUT ROWID" } else { "" };
    let options = match (strict, without_rowid) {
        (true, true) => " WITHOUT ROWID, STRICT",
        (true, false) => " STRICT",
        _ => no_rowid,
    };
    let make =
        |parts: &[String], options: &str| format!("CREATE TABLE {name} ({}){options}", parts.join(", "));
    let (lax, sql) = (make(&lax, if is_odd { no_rowid } else { options }), make(&real, options));
    Table { name, lax, sql, columns }
}

fn index(try_it: &mut impl FnMut(String), dice: &Dice, table: &Table, number: u64) {
    let of = dice.of(&[
        "c0",
        "c0 DESC",
        "own(c0)",
        "lower(c0)",
        "c0 COLLATE unicase",
        "c0 COLLATE NOCASE",
        "length(c0), c0",
    ]);
    let condition = dice.of(&["", "", "", " WHERE c0 > 1", " WHERE own(c0) > 1", " WHERE c0 NOT NULL"]);
    let (unique, name) = (dice.of(&["", "UNIQUE "]), format!("i{number}_{}", table.name));
    let made = |unique: &str| format!("CREATE {unique}INDEX {name} ON {} ({of}){condition}", table.name);
    if dice.one_in(4) {
        try_it(made(""));
        redefine(try_it, &name, &made("UNIQUE "));
    } else {
        try_it(made(unique));
    }
}
