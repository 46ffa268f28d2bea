//! Tables of MySQL in the words of SQLite, and what those do not say.

use std::collections::{BTreeMap, HashSet};

use super::table::{Column, Index, Table};
use crate::sqlite::quote::quoted;

/// What makes a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) table: String,
    /// Made when the rows are there.
    pub(super) indexes: Vec<String>,
    /// Whether it counts on by itself.
    pub(super) counts: bool,
    pub(super) notes: Vec<String>,
}

/// Writes a table down; `all` are those of the database, and `taken` the names that others have, in lower case.
pub(super) fn made(table: &Table, all: &[Table], taken: &mut HashSet<String>) -> Made {
    let kept: Vec<&Column> = table.columns.iter().filter(|column| column.generated.is_none()).collect();
    let is_kept = |name: &String| kept.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let mut left_out = table.left_out.clone();
    let primary: &[String] = match table.primary.iter().all(is_kept) {
        true => &table.primary,
        false => {
            left_out.push("its primary key, which has generated columns".to_owned());
            &[]
        }
    };
    let numbered = table.numbered();
    for column in kept.iter().filter(|column| column.counts) {
        if numbered.is_none_or(|own| own.name != column.name) {
            left_out.push(format!("AUTO_INCREMENT of {}", column.name));
        }
    }
    let counts = numbered.is_some_and(|column| column.counts);
    let mut parts: Vec<String> = kept
        .iter()
        .map(|column| match numbered {
            Some(own) if own.name == column.name => {
                let counting = if counts { " AUTOINCREMENT" } else { "" };
                format!("{} INTEGER PRIMARY KEY{counting}", quoted(&column.name))
            }
            _ => declared(column, primary),
        })
        .collect();
    let mut end = "";
    if numbered.is_none() && !primary.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", names(primary)));
        end = " WITHOUT ROWID";
    }
    for reference in &table.references {
        let referenced = names(&reference.referenced);
        let what = || format!("the reference of {} to {}", reference.columns.join(", "), reference.table);
        if !reference.columns.iter().all(is_kept) {
            left_out.push(what());
            continue;
        }
        let referred = all.iter().chain([table]).find(|other| other.name == reference.table);
        if !referred.is_some_and(|other| is_key(other, &reference.referenced)) {
            left_out.push(format!("{}, which has no key of {}", what(), reference.referenced.join(", ")));
            continue;
        }
        parts.push(format!(
            "FOREIGN KEY ({}) REFERENCES {} ({referenced}){}",
            names(&reference.columns),
            quoted(&reference.table),
            reference.actions
        ));
    }
    let mut indexes = Vec::new();
    for index in &table.indexes {
        match index.columns.iter().all(|(column, _)| is_kept(column)) {
            true => indexes.push(create_index(table, index, taken)),
            false => left_out.push(format!("index {}, which has generated columns", index.name)),
        }
    }
    let sql = format!("CREATE TABLE {} ({}){end}", quoted(&table.name), parts.join(", "));
    Made { table: sql, indexes, counts, notes: notes(table, &kept, left_out) }
}

/// Whether columns are what tells the rows of a table apart.
fn is_key(table: &Table, columns: &[String]) -> bool {
    let are_those = |key: &[&String]| {
        let holds = |column: &String| key.iter().any(|other| other.eq_ignore_ascii_case(column));
        key.len() == columns.len() && columns.iter().all(holds)
    };
    let is_kept =
        columns.iter().all(|name| table.column(name).is_some_and(|column| column.generated.is_none()));
    is_kept
        && (are_those(&table.primary.iter().collect::<Vec<_>>())
            || table
                .indexes
                .iter()
                .filter(|index| index.unique)
                .any(|index| are_those(&index.columns.iter().map(|(column, _)| column).collect::<Vec<_>>())))
}

fn names(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

fn declared(column: &Column, primary: &[String]) -> String {
    let mut sql = format!("{} {}", quoted(&column.name), column.of.declared()).trim_end().to_owned();
    if column.not_null || primary.iter().any(|name| name.eq_ignore_ascii_case(&column.name)) {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        sql.push_str(" DEFAULT ");
        sql.push_str(default);
    }
    sql
}

/// Names of indexes are those of a table in MySQL, and of the database in SQLite.
fn create_index(table: &Table, index: &Index, taken: &mut HashSet<String>) -> String {
    let plain = format!("{}_{}", table.name, index.name);
    let (mut name, mut number) = (plain.clone(), 2);
    while !taken.insert(name.to_lowercase()) {
        name = format!("{plain}_{number}");
        number += 1;
    }
    let column = |(name, descends): &(String, bool)| {
        if *descends { format!("{} DESC", quoted(name)) } else { quoted(name) }
    };
    let columns: Vec<String> = index.columns.iter().map(column).collect();
    let unique = if index.unique { "UNIQUE " } else { "" };
    format!("CREATE {unique}INDEX {} ON {} ({})", quoted(&name), quoted(&table.name), columns.join(", "))
}

/// What of a table is lost or changed.
fn notes(table: &Table, kept: &[&Column], left_out: Vec<String>) -> Vec<String> {
    let name = &table.name;
    let mut notes = Vec::new();
    let changed: Vec<String> = kept
        .iter()
        .filter(|column| column.of.changes)
        .map(|column| format!("{} {} becomes {}", column.name, column.of.written, column.of.becomes()))
        .collect();
    if !changed.is_empty() {
        notes.push(format!("table {name}: {}", changed.join(", ")));
    }
    let is_own = |collation: &str| !collation.ends_with("_bin") && !collation.eq_ignore_ascii_case("binary");
    let mut compared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for column in kept.iter().filter(|column| column.of.is_collated) {
        let collation = column.collation.as_ref().or(table.collation.as_ref());
        if let Some(collation) = collation.filter(|collation| is_own(collation)) {
            compared.entry(collation).or_default().push(&column.name);
        }
    }
    let by = |(collation, columns): (&str, Vec<&str>)| {
        format!("table {name}: {collation} compares {}; SQLite compares bytes", columns.join(", "))
    };
    notes.extend(compared.into_iter().map(by));
    if !left_out.is_empty() {
        notes.push(format!("table {name}: left out: {}", left_out.join("; ")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::mysql_dump::cursor::Cursor;

    fn table(sql: &str) -> Table {
        Table::read(&mut Cursor::new(sql.as_bytes())).expect("a table").1
    }

    #[test]
    fn tables_are_written_in_the_words_of_sqlite() {
        let mut orders = table(
            "`orders` (`id` bigint(20) unsigned NOT NULL AUTO_INCREMENT COMMENT 'it''s', `c` varchar(9) CHARACTER SET latin1 \
             COLLATE latin1_bin NOT NULL DEFAULT 'x''y', kind enum('a','b') DEFAULT 'a', at timestamp NULL DEFAULT \
             current_timestamp() ON UPDATE current_timestamp(), u char(36) DEFAULT uuid(), b bit(3) DEFAULT b'101', t decimal(9,2) \
             GENERATED ALWAYS AS (`id` * 2) STORED, PRIMARY KEY (`id`), UNIQUE KEY `c` (`c`(10) DESC), KEY `k` (`kind`,`at`), KEY g \
             (t), FULLTEXT KEY `f` (`c`), CONSTRAINT `chk` CHECK (`id` > 0), CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `s` (`x`) ON \
             DELETE SET NULL ON UPDATE NO ACTION) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci",
        );
        let s = table("s (id int primary key, x varchar(9), y int, unique key x (x), key y (y))");
        let all = [s];
        let made = made(&orders, &all, &mut HashSet::from(["orders_k".to_owned()]));
        assert_eq!(
            made.table,
            "CREATE TABLE \"orders\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, \"c\" TEXT NOT NULL DEFAULT 'x''y', \"kind\" TEXT \
             DEFAULT 'a', \"at\" TEXT DEFAULT CURRENT_TIMESTAMP, \"u\" TEXT, \"b\" DEFAULT 5, FOREIGN KEY (\"c\") REFERENCES \"s\" \
             (\"x\") ON DELETE SET NULL ON UPDATE NO ACTION)"
        );
        assert_eq!(
            made.indexes,
            [
                "CREATE UNIQUE INDEX \"orders_c\" ON \"orders\" (\"c\" DESC)",
                "CREATE INDEX \"orders_k_2\" ON \"orders\" (\"kind\", \"at\")"
            ]
        );
        assert_eq!((made.counts, orders.next), (true, Some(7)));
        let notes = made.notes.join("\n");
        for word in [
            "id bigint(20) unsigned becomes integers",
            "kind enum('a','b') becomes TEXT",
            "utf8mb4_general_ci compares kind, u; SQLite",
            "generated column t (`id` * 2)",
            "FULLTEXT KEY `f` (`c`)",
            "CONSTRAINT `chk` CHECK (`id` > 0)",
            "ON UPDATE of at",
            "DEFAULT uuid() of u",
            "index g",
        ] {
            assert!(notes.contains(word), "{word}: {notes}");
        }
        assert!(!notes.contains("compares c"), "{notes}");
        // As phpMyAdmin has it.
        let altered = orders.alter(&mut Cursor::new(
            b"ADD PRIMARY KEY (`c`), ADD KEY `z` (`at`), MODIFY `c` int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=9",
        ));
        assert_eq!(altered, Ok(()));
        assert_eq!((orders.primary.as_slice(), orders.next), (&["c".to_owned()][..], Some(9)));
        assert!(
            super::made(&orders, &all, &mut HashSet::new())
                .table
                .contains("\"c\" INTEGER PRIMARY KEY AUTOINCREMENT")
        );
        let keyed = table("t (a char(3) primary key, period binary(4))");
        let made = super::made(&keyed, &[], &mut HashSet::new());
        assert_eq!(
            made.table,
            "CREATE TABLE \"t\" (\"a\" TEXT NOT NULL, \"period\" BLOB, PRIMARY KEY (\"a\")) WITHOUT ROWID"
        );
        assert!(made.notes.is_empty());
        let lost = table(
            "t (a int, id int auto_increment, y int, primary key (a, id), key (id), foreign key (y) references s (y), foreign key (a) \
             references gone (a))",
        );
        let made = super::made(&lost, &all, &mut HashSet::new());
        assert!(!made.table.contains("REFERENCES"), "{}", made.table);
        let notes = made.notes.join("\n");
        for word in [
            "AUTO_INCREMENT of id",
            "of y to s, which has no key of y",
            "of a to gone, which has no key of a",
        ] {
            assert!(notes.contains(word), "{word}: {notes}");
        }
    }
}
