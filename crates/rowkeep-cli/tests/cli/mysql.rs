//! Dumps of MySQL and MariaDB, which become SQLite databases.

use std::path::PathBuf;

use crate::sandbox::Sandbox;

/// What `mariadb-dump` of version 10.11 wrote: odd names, values, types and keys, views, a trigger and a sequence.
fn dumped() -> (PathBuf, Vec<u8>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/mariadb-10.11.sql");
    let content = std::fs::read(&path).expect("it is there");
    (path, content)
}

fn write(sandbox: &Sandbox, file: &str, content: impl AsRef<[u8]>) {
    std::fs::write(sandbox.path(file), content).expect("it is written");
}

#[test]
fn dumps_of_mariadb_become_databases_of_sqlite() {
    let sandbox = Sandbox::new();
    let (path, content) = dumped();
    let path = path.display().to_string();
    let told = sandbox.done(&["import", &path, "--name", "kept"]).out;
    for words in [
        "a dump of MariaDB, written by mariadb-dump 10.11.19-MariaDB",
        "of shop",
        "id int(10) unsigned becomes INTEGER",
        "kind enum('new','it''s') becomes TEXT",
        "big bigint(20) unsigned becomes integers",
        "generated column total (`price` * 2)",
        "ON UPDATE of created",
        "FULLTEXT KEY `ft` (`body`)",
        "utf8mb4_general_ci compares name, kind, tags, body; SQLite compares bytes",
        "its partitions",
        "view totals",
        "trigger tr",
        "sequence sq",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    sandbox.done(&["restore", "kept", "--to", "shop.db"]);
    let row = |sql: &str| sandbox.query("shop.db", sql);
    assert_eq!(
        row(
            "SELECT hex(name), tags, born, typeof(big) || big, price, quote(f), quote(d), b, hex(raw), j, y, t, dt FROM customers WHERE id = 7"
        ),
        "746162092C206C696E650A2C206261636B5C736C6173682C2071272022647122206E756C00207A1A20255F20C3A9F09FA680|a,b|2024-02-29|\
         text18446744073709551615|1.50|1.1|1.0e+300|21|00FF275C0A0D1A|{\"a\": [1.50, \"x\\ny\"]}|2024|-838:59:59.999|2024-01-02 03:04:05.123456"
    );
    assert_eq!(
        row("SELECT born, quote(tags), typeof(big), quote(raw), y FROM customers WHERE id = 8"),
        "0000-00-00|''|integer|X''|0"
    );
    assert_eq!(row("SELECT hex(blob1) FROM orders WHERE id = 255"), "FF".repeat(10));
    assert_eq!(row("SELECT count(*), hex(\"order\") FROM \"od`d \"\"t\" WHERE \"a b\" = 1"), "2|DEADBEEF");
    assert_eq!(row("SELECT hex(b) FROM pk2 WHERE a = 'a'"), "61620000");
    // The next row gets the number that it would have had, and references hold.
    sandbox.sql("shop.db", "INSERT INTO customers (name) VALUES ('next')");
    assert_eq!(row("SELECT max(id), kind, quote(born), b FROM customers"), "10|new|'0000-00-00'|5");
    sandbox.sql("shop.db", "PRAGMA foreign_keys = ON; DELETE FROM customers WHERE id = 7");
    assert_eq!(row("SELECT count(*) FROM orders"), "1");
    // What is cut off is refused; what is whole of it can be had.
    let half = content.len() * 2 / 3;
    write(&sandbox, "cut.sql", &content[..half]);
    sandbox.run(&["import", "cut.sql"]).expect(3).says(&["cut.sql", "line", "cut off"]);
    let saved = sandbox.run(&["import", "cut.sql", "--salvage"]).expect(1).out;
    assert!(saved.contains("is not whole") && !saved.contains("rows of customers"), "{saved}");
    let end = content.windows(17).position(|text| text == b"-- Dump completed").expect("it is there");
    write(&sandbox, "cut.sql", &content[..end]);
    let looked = sandbox.run(&["inspect", "cut.sql"]).expect(1).out;
    assert!(looked.contains("the line that says that the dump is complete is missing"), "{looked}");
}

#[test]
fn other_scripts_of_mysql_are_read_as_far_as_they_go() {
    let sandbox = Sandbox::new();
    // As phpMyAdmin writes it: keys behind the rows.
    let later = "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n--\n-- Database: `shop`\n--\nSET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\";\n\
                 START TRANSACTION;\nSET @old = @@sql_mode; SET sql_mode = 'ANSI_QUOTES'; \
                 CREATE FUNCTION f() RETURNS INT RETURN 1; SET sql_mode = @old;\n/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE `t` (\n  `id` int(11) NOT NULL,\n  `v` text DEFAULT NULL\n) \
                 ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;\nINSERT INTO `t` (`id`, `v`) VALUES\n(1, 'a;\\'b'),\n(2, \
                 NULL);\nALTER TABLE `t`\n  ADD PRIMARY KEY (`id`),\n  ADD UNIQUE KEY `v` (`v`(20));\nALTER TABLE `t`\n  MODIFY `id` int(11) \
                 NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5;\nCOMMIT;\n";
    write(&sandbox, "later.sql", later);
    sandbox.sql(
        "same.db",
        "CREATE TABLE \"t\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, \"v\" TEXT); CREATE UNIQUE INDEX \"t_v\" ON \"t\" (\"v\"); INSERT INTO t VALUES (1, 'a;''b'), (2, NULL); UPDATE sqlite_sequence SET seq = 4",
    );
    let told = sandbox.done(&["import", "later.sql"]).out;
    assert!(
        told.contains("a dump of phpMyAdmin") && told.contains("nothing in the file says where it ends"),
        "{told}"
    );
    sandbox.done(&["diff", "latest:shop", "same.db"]);
    // Several databases, one of which is meant.
    let table = |name: &str| {
        format!("CREATE TABLE `{name}` (a INT) ENGINE=InnoDB;\nINSERT INTO `{name}` VALUES (1);\n")
    };
    write(
        &sandbox,
        "several.sql",
        format!(
            "/*!40101 SET NAMES utf8 */;\nUSE `one`;\n{}USE `two`;\n{}USE mysql;\n{}",
            table("x"),
            table("y"),
            table("user")
        ),
    );
    sandbox.run(&["import", "several.sql"]).expect(1).says(&["several databases", "one, two, mysql"]);
    sandbox.done(&["import", "several.sql#two", "--as", "two", "--name", "two"]);
    sandbox.done(&["restore", "two", "--to", "two.db"]);
    let two =
        "SELECT group_concat(name), (SELECT group_concat(a) FROM y) FROM sqlite_schema WHERE type = 'table'";
    assert_eq!(sandbox.query("two.db", two), "y|1");
    // Keys that SQLite has no number for, references that hold in a collation alone, and rows of another database.
    let odd = "CREATE TABLE `b` (`id` bigint unsigned NOT NULL PRIMARY KEY, `v` int) ENGINE=InnoDB;\nINSERT INTO `b` VALUES \
               (1,1),(18446744073709551615,2);\nCREATE TABLE `other`.`b` (`id` int) ENGINE=InnoDB;\nINSERT INTO \
               other.b VALUES (5);\nCREATE TABLE par (k varchar(9) PRIMARY KEY, n int, KEY (n)) ENGINE=InnoDB;\nCREATE TABLE chi (k \
               varchar(9), n int, FOREIGN KEY (k) REFERENCES par (k), FOREIGN KEY (n) REFERENCES par (n)) ENGINE=InnoDB;\nINSERT INTO \
               par VALUES ('abc',1);\nINSERT INTO chi VALUES ('ABC',1);\n";
    write(&sandbox, "odd.sql", format!("CREATE DATABASE d; USE d;\n{odd}"));
    let told = sandbox.done(&["import", "odd.sql#d", "--name", "odd"]).out;
    for words in ["the reference of n to par, which has no key of n", "table chi: rows refer to rows of par"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    sandbox.done(&["restore", "odd", "--to", "odd.db"]);
    let keys = "SELECT group_concat(typeof(id) || id || v) FROM (SELECT * FROM b ORDER BY v)";
    assert_eq!(sandbox.query("odd.db", keys), "integer11,text184467440737095516152");
    write(&sandbox, "empty.sql", "CREATE TABLE e (a INT) ENGINE=InnoDB;\n");
    assert!(sandbox.done(&["import", "empty.sql"]).out.contains("no rows are in the file"));
    write(&sandbox, "views.sql", "/*!40101 SET NAMES utf8 */;\nCREATE VIEW w AS SELECT 1;\n");
    let told = sandbox.run(&["inspect", "views.sql"]).out;
    assert!(told.contains("view w") && told.contains("no tables are defined"), "{told}");
    let wide: Vec<u8> = "\u{feff}-- MySQL dump 10.13\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(&sandbox, "wide.sql", wide);
    sandbox.run(&["import", "wide.sql"]).expect(1).says(&["UTF-16", "--result-file"]);
    for (script, words) in [
        ("INSERT INTO t VALUES (1, now());\n", &["line 2", "expression"][..]),
        ("\n\nINSERT INTO t VALUES (1, 'a'), (2);\n", &["line 4", "row 2", "number of values"]),
        ("INSERT INTO u VALUES (1);\n", &["line 2", "table u, which is not defined"]),
        ("INSERT INTO t VALUES (1, 'a'), (1, 'b');\n", &["line 2", "UNIQUE"]),
        ("INSERT INTO t VALUES ('x', 'a');\n", &["line 2", "column of integers"]),
        ("INSERT INTO t (id, z) VALUES (1, 2);\n", &["line 2", "column z"]),
        (
            "SET NAMES latin1;\nINSERT INTO t VALUES (1, 'a');\n",
            &["line 2", "--default-character-set=utf8mb4"],
        ),
        ("SET SQL_MODE='STRICT,ANSI_QUOTES';\nINSERT INTO t VALUES (1, 'a');\n", &["line 3", "ANSI_QUOTES"]),
        ("DELETE FROM t;\n", &["line 2", "changes rows"]),
        ("INSDRT INTO t VALUES (1, 'a');\n", &["line 2", "INSDRT INTO t", "is no statement that is known"]),
        ("INSERT IGNORE INTO t VALUES (1, 'a'), (1, 'b');\n", &["line 2", "UNIQUE", "IGNORE"]),
        (
            "CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY);\nINSERT INTO c VALUES (0);\n",
            &["line 3", "ZERO"],
        ),
        (
            "CREATE TABLE c (a INT, id INT AUTO_INCREMENT, KEY (id));\nINSERT INTO c (a) VALUES (0);\n",
            &["line 3", "id"],
        ),
        ("CREATE TABLE sqlite_x (a INT);\n", &["table sqlite_x", "--ignore-table"]),
        ("CREATE TABLE T (a INT);\n", &["table T", "already exists"]),
        ("INSERT INTO t VALUES (1, 'a", &["line 2", "cut off"]),
    ] {
        write(
            &sandbox,
            "bad.sql",
            format!("CREATE TABLE t (id INT PRIMARY KEY, v TEXT) /*! ENGINE=InnoDB */ ;\n{script}")
                + "/*!40101 SET x=1 */;\n",
        );
        let ran = sandbox.run(&["import", "bad.sql"]);
        assert!(ran.status != 0 && words.iter().all(|word| ran.err.contains(word)), "{words:?}: {ran:?}");
    }
}
