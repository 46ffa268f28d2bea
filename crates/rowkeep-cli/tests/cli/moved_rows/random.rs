//! Random partitioned tables, divided anew at random, with random changes beside that.

use std::collections::BTreeMap;

use crate::corpus::asked;
use crate::postgres::{Database, Server, servers};
use crate::sandbox::{Numbers, Sandbox};

/// Tables that are tried on each server where nobody asks for more (`ROWKEEP_RANDOM_SCHEMAS`).
const TABLES: u64 = 6;

/// How a table is divided, and what its rows are known by.
struct Shape {
    by: &'static str,
    key: Option<&'static str>,
}

const SHAPES: [Shape; 6] = [
    Shape { by: "RANGE (d)", key: Some("id, d") },
    Shape { by: "LIST (n)", key: Some("id, n") },
    Shape { by: "HASH (id)", key: Some("id") },
    Shape { by: "RANGE (d)", key: None },
    Shape { by: "LIST (n)", key: None },
    Shape { by: "HASH (id)", key: None },
];

impl Shape {
    /// The bounds of random partitions that together take every row.
    fn bounds(&self, dice: &mut Numbers) -> Vec<String> {
        match &self.by[..4] {
            "RANG" => {
                let mut cuts: Vec<u64> = (0..dice.below(4)).map(|_| 1 + dice.below(11)).collect();
                cuts.sort_unstable();
                cuts.dedup();
                let ends = cuts.iter().map(|month| format!("('2026-{month:02}-01')"));
                let ends: Vec<String> = ["(MINVALUE)".to_owned()].into_iter().chain(ends).collect();
                let mut bounds: Vec<String> = ends
                    .windows(2)
                    .map(|pair| format!("FOR VALUES FROM {} TO {}", pair[0], pair[1]))
                    .collect();
                bounds.push("DEFAULT".to_owned());
                bounds
            }
            "LIST" => {
                let parts = 1 + dice.below(3);
                let mut values: Vec<Vec<String>> = vec![Vec::new(); parts as usize + 1];
                let any = ["0", "1", "2", "3", "4", "5", "6"].into_iter();
                any.for_each(|value| values[dice.below(parts + 1) as usize].push(value.to_owned()));
                let listed = values[1..].iter().filter(|values| !values.is_empty());
                let mut bounds: Vec<String> =
                    listed.map(|values| format!("FOR VALUES IN ({})", values.join(", "))).collect();
                bounds.push("DEFAULT".to_owned());
                bounds
            }
            _ => {
                let modulus = 1 + dice.below(4);
                (0..modulus)
                    .map(|at| format!("FOR VALUES WITH (MODULUS {modulus}, REMAINDER {at})"))
                    .collect()
            }
        }
    }

    /// Statements that make partitions, whose names others may have had, and whose columns may stand otherwise.
    fn partitions(&self, dice: &mut Numbers) -> String {
        let mut names: Vec<u64> = (0..7).collect();
        let mut out = String::new();
        for bound in self.bounds(dice) {
            let name = names.remove(dice.below(names.len() as u64) as usize);
            out += &match dice.below(3) {
                0 => {
                    let own = "dropped int, t text, d date, n int, id int";
                    format!(
                        "CREATE TABLE p{name} ({own}); ALTER TABLE p{name} DROP COLUMN dropped; {} \
                         ALTER TABLE part ATTACH PARTITION p{name} {bound};",
                        ["id", "d", "n"]
                            .into_iter()
                            .filter(|column| self.key.is_some_and(|key| key.contains(column)))
                            .map(|column| format!("ALTER TABLE p{name} ALTER {column} SET NOT NULL;"))
                            .collect::<String>()
                    )
                }
                1 if dice.below(2) == 0 => format!(
                    "CREATE TABLE p{name} PARTITION OF part {bound} PARTITION BY HASH (id); \
                     CREATE TABLE p{name}a PARTITION OF p{name} FOR VALUES WITH (MODULUS 2, REMAINDER 0); \
                     CREATE TABLE p{name}b PARTITION OF p{name} FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
                ),
                _ => format!("CREATE TABLE p{name} PARTITION OF part {bound};"),
            };
        }
        out
    }

    /// Divides the table anew, without a change to any row.
    fn divide_anew(&self, dice: &mut Numbers) -> String {
        format!(
            "BEGIN; CREATE TEMPORARY TABLE kept ON COMMIT DROP AS TABLE part; \
             DO $$ DECLARE name regclass; BEGIN FOR name IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'part'::regclass \
             LOOP EXECUTE format('DROP TABLE %s', name); END LOOP; END $$; \
             {} INSERT INTO part (id, n, d, t) SELECT id, n, d, t FROM kept; COMMIT",
            self.partitions(dice)
        )
    }
}

/// Each row, by its key or as a whole, and how often it is there.
type Rows = BTreeMap<String, (String, u64)>;

fn rows(database: &Database<'_>, shape: &Shape) -> Rows {
    let whole = "concat_ws('/', id, coalesce(n::text, '-'), coalesce(to_char(d, 'YYYY-MM-DD'), '-'), coalesce(t, '-'))";
    let key = shape.key.map_or(whole.to_owned(), |key| format!("concat_ws('/', {key})"));
    let listed = database.sql(&format!("SELECT {key} || '|' || {whole} FROM part"));
    let mut found = Rows::new();
    for line in listed.lines() {
        let (key, row) = line.split_once('|').expect("there is one");
        found.entry(key.to_owned()).or_insert((row.to_owned(), 0)).1 += 1;
    }
    found
}

/// Rows to insert, update and delete to make the first the second.
fn differing(before: &Rows, after: &Rows) -> (u64, u64, u64) {
    let (mut inserted, mut updated, mut deleted) = (0, 0, 0);
    for (key, (row, times)) in after {
        match before.get(key) {
            None => inserted += times,
            Some((old, count)) => {
                updated += u64::from(old != row);
                inserted += times.saturating_sub(*count);
            }
        }
    }
    for (key, (_, times)) in before {
        deleted += times.saturating_sub(after.get(key).map_or(0, |(_, count)| *count));
    }
    (inserted, updated, deleted)
}

fn changes(dice: &mut Numbers) -> String {
    let all = [
        "DELETE FROM part WHERE id % 13 = 1",
        "UPDATE part SET t = 'changed' WHERE id % 11 = 2",
        "UPDATE part SET n = (n + 1) % 7 WHERE id % 17 = 3",
        "UPDATE part SET d = d + 40 WHERE id % 19 = 4",
        "INSERT INTO part (id, n, d, t) SELECT g, g % 7, DATE '2026-01-01' + g % 330, 'new' FROM generate_series(1001, 1030) g ON CONFLICT DO NOTHING",
        "DELETE FROM part WHERE d < '2026-02-01'",
        "UPDATE part SET id = id + 5000 WHERE id % 23 = 5",
    ];
    (0..dice.below(4)).map(|_| format!("{};", all[dice.below(all.len() as u64) as usize])).collect()
}

#[test]
fn whatever_is_divided_anew_is_compared_and_restored_as_a_whole() {
    std::thread::scope(|scope| {
        for server in servers() {
            scope.spawn(move || on_server(&server));
        }
    });
}

fn on_server(server: &Server) {
    let first = asked("ROWKEEP_RANDOM_FIRST", 0);
    for seed in first..first + asked("ROWKEEP_RANDOM_SCHEMAS", TABLES) {
        let (sandbox, database) = (Sandbox::new(), server.database("rowkeep_cli_moved_random"));
        one(seed, &sandbox, &database);
    }
}

fn one(seed: u64, sandbox: &Sandbox, database: &Database<'_>) {
    let mut dice = Numbers(seed.wrapping_mul(6364136223846793005).wrapping_add(11));
    let shape = &SHAPES[(seed % SHAPES.len() as u64) as usize];
    let url = &database.url();
    let key = shape.key.map_or(String::new(), |key| format!(", PRIMARY KEY ({key})"));
    database.sql(&format!(
        "CREATE TABLE part (id int, n int, d date, t text{key}) PARTITION BY {}; {} \
         INSERT INTO part SELECT g, g % 7, DATE '2026-01-01' + g % 330, 'row ' || g FROM generate_series(1, 300) g; {}",
        shape.by,
        shape.partitions(&mut dice),
        match shape.key {
            Some(_) => "",
            None => "INSERT INTO part SELECT 7, 3, '2026-05-05', NULL FROM generate_series(1, 5)",
        }
    ));
    let original = rows(database, shape);
    sandbox.done(&["backup", url]);
    let anew = shape.divide_anew(&mut dice);
    database.sql(&anew);
    assert_eq!(rows(database, shape), original, "seed {seed}: {anew}");
    let wants = |arguments: &[&str], expected: (u64, u64, u64)| {
        let plan = sandbox.json(&[&["restore", "latest", "--to", url, "--dry-run"][..], arguments].concat());
        let number = |what: &str| plan["rows"][what].as_u64().expect("a number");
        let planned = (number("inserted"), number("updated"), number("deleted"));
        assert_eq!(planned, expected, "seed {seed} {arguments:?}: {plan}");
    };
    wants(&[], (0, 0, 0));
    let edits = changes(&mut dice);
    if !edits.is_empty() {
        database.sql(&edits);
    }
    let now = rows(database, shape);
    let expected = differing(&now, &original);
    wants(&[], expected);
    wants(&["--mode", "update"], (expected.0, expected.1, 0));
    wants(&["--mode", "merge"], (expected.0, 0, 0));
    sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
    assert_eq!(rows(database, shape), original, "seed {seed}: {anew} {edits}");
    if expected != (0, 0, 0) {
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(rows(database, shape), now, "seed {seed}: {anew} {edits}");
    }
}
