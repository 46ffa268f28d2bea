use super::*;
use crate::sqlite::mysql_dump::statements::Statements;

const HEAD: &str =
    "-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for x (y)\n--\n-- Host: h    Database: shop\n\n";
const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) ENGINE=InnoDB DEFAULT CHARSET=latin1;\n";

fn read(script: &str) -> Result<Overview, String> {
    let told = Told { database: Some("shop".to_owned()), ..Told::default() };
    let mut overview = Overview::new(&told);
    let mut statements = Statements::new(script.as_bytes());
    while let Some(statement) = statements.next().expect("it is whole") {
        overview.read(&statement).map_err(|what| format!("line {}: {what}", statement.code_line()))?;
    }
    Ok(overview)
}

#[test]
fn what_is_not_surely_understood_is_refused_with_its_line() {
    let dump = format!("{HEAD}{TABLE}INSERT INTO t VALUES (1,'a');\n-- Dump completed\n");
    for (script, words) in [
        ("INSDRT INTO t VALUES (2,'b');", &["line 2", "INSDRT INTO t"][..]),
        (
            "mysqldump: Got errno 28 on write\nINSERT INTO t VALUES (2,'b');",
            &["line 2", "mysqldump: Got errno"],
        ),
        ("/*!40000 ALTER TABLE `t` DISABLE KEYS */{\nINSERT INTO t VALUES (2,'b');", &["line 2", "damaged"]),
        ("UNLOCK TABLES{\nINSERT INTO t VALUES (2,'b');", &["line 2", "damaged"]),
        ("SET TIME_ZONE='+00:00'{\nCREATE TABLE u (a int);", &["line 2", "damaged"]),
        ("CREATE VIEW v AS SELECT 1{\nINSERT INTO t VALUES (2,'b');", &["line 2", "damaged"]),
        (
            "DELIMITER ;;\nCREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW BEGIN END */{;\nDELIMITER ;\nCREATE TABLE b (a \
             int);;\nDELIMITER ;",
            &["line 3", "this trigger is damaged"],
        ),
        ("LOAD DATA INFILE '/x' INTO TABLE t;", &["line 2", "changes rows"]),
        ("START TRANSACTION;\nROLLBACK;", &["line 3", "changes rows"]),
        ("RENAME TABLE t TO u;", &["line 2", "changes rows"]),
        ("CALL fill();", &["line 2", "changes rows"]),
        ("CREATE TABLE u (a int) ENGINE=InnoDB SELECT 1 AS a;", &["line 2", "table u"]),
        ("CREATE TABLE u LIKE t;", &["line 2", "table u"]),
        ("CREATE TEMPORARY TABLE u (a int);", &["line 2", "CREATE TEMPORARY"]),
        ("ALTER TABLE t CHANGE v w text, DROP COLUMN id;", &["line 2", "CHANGE v w text"]),
        ("ALTER TABLE u ADD KEY (a);", &["line 2", "u is of a table that is not defined"]),
        ("CREATE TABLE t (a int);", &["line 2", "second time"]),
        ("INSERT INTO t VALUES (1,'a');\nDROP TABLE IF EXISTS u, t;", &["line 3", "dropped after rows"]),
        ("INSERT INTO t VALUES (1,'a');\nDROP DATABASE shop;", &["line 3", "DROP DATABASE"]),
        ("SET sql_mode='ANSI';\nDROP TABLE IF EXISTS \"u\";", &["line 3", "mode ANSI"]),
        ("SET sql_mode='NO_BACKSLASH_ESCAPES';\nINSERT INTO t VALUES (1,'\\');", &["line 3", "NO_BACKSLASH"]),
        ("SET character_set_client = latin1;\nINSERT INTO t VALUES (1,'a');", &["line 3", "latin1"]),
        ("SET NAMES binary;\nCREATE TABLE u (v text) CHARSET=latin1;", &["line 3", "column v", "utf8mb4"]),
        (
            "SET @old=@@session.system_versioning_insert_history, @@session.system_versioning_insert_history=1;",
            &["line 2", "--dump-history"],
        ),
        (dump.as_str(), &["line 6", "second time"]),
    ] {
        let refused = read(&format!("{TABLE}{script}\n")).err().unwrap_or_default();
        assert!(words.iter().all(|word| refused.contains(word)), "{script}: {refused}");
    }
    // Behind a whole dump nothing is, and none begins within another.
    for (first, second) in
        [(dump.as_str(), dump.as_str()), (HEAD, dump.as_str()), (dump.as_str(), "SELECT 1;\n")]
    {
        let refused = read(&format!("{first}SET x=1;\n{second}")).err().unwrap_or_default();
        assert!(refused.contains("another dump follows"), "{refused}");
    }
    assert!(read(&dump).is_ok_and(|overview| overview.is_complete));
}

#[test]
fn rows_and_tables_are_of_the_database_that_they_name() {
    let script = format!(
        "{TABLE}CREATE TABLE `other`.`t` (id int, w int);\nINSERT INTO other.t VALUES (7,7);\nINSERT INTO t VALUES (1,'a');\nUSE \
         `third`;\n"
    );
    let overview = read(&script).expect("it is read");
    assert_eq!(overview.undefined, None);
    let found: Vec<_> =
        overview.databases.iter().map(|it| (it.name.as_deref(), it.tables.len(), it.filled.len())).collect();
    assert_eq!(found, [(Some("shop"), 1, 1), (Some("other"), 1, 1), (Some("third"), 0, 0)]);
    let overview = read(&format!("{script}-- rows of y\nINSERT INTO y VALUES (1);")).expect("it is read");
    assert_eq!(overview.undefined, Some((7, "y".to_owned())));
    // What stands where a view is going to be is no table.
    let overview = read(
        "CREATE TABLE v (a int);\nCREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY DEFINER VIEW v AS SELECT 1;",
    );
    let databases = overview.expect("it is read").databases;
    assert_eq!(
        (databases[0].tables.len(), databases[0].left_out.as_slice()),
        (0, &["view v".to_owned()][..])
    );
}
