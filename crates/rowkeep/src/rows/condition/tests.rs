use proptest::prelude::*;
use rowkeep_engine::dialect_of;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Schema, Table, TableKind, TableName, Value};
use rusqlite::types::Value as Stored;

use super::*;

fn table(name: TableName, columns: &[(&str, &str)], key: &[(usize, KeyForm)]) -> Table {
    let column = |(name, of): &(&str, &str)| Column {
        name: (*name).to_owned(),
        type_name: (*of).to_owned(),
        not_null: false,
        hidden: false,
    };
    let key_column = |(column, form): &(usize, KeyForm)| KeyColumn { column: *column, form: *form };
    Table {
        name,
        kind: TableKind::Table,
        columns: columns.iter().map(column).collect(),
        key: Key { columns: key.iter().map(key_column).collect(), unique: !key.is_empty() },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

fn dialect(engine: &str) -> &'static dyn Dialect {
    dialect_of(engine).expect("it is known")
}

const SQLITE_COLUMNS: [(&str, &str); 5] =
    [("i", "INTEGER"), ("t", "TEXT"), ("b", ""), ("r", "REAL"), ("n", "NUMERIC")];

fn sqlite_value(stored: &Stored) -> Value<'_> {
    match stored {
        Stored::Null => Value::Null,
        Stored::Integer(integer) => Value::Integer(*integer),
        Stored::Real(real) => Value::Real(real.to_bits()),
        Stored::Text(text) => Value::Text(text.as_bytes()),
        Stored::Blob(bytes) => Value::Blob(bytes),
    }
}

fn stored() -> impl Strategy<Value = Stored> {
    prop_oneof![
        1 => Just(Stored::Null),
        4 => (-12i64..13).prop_map(Stored::Integer),
        1 => prop_oneof![Just(i64::MAX), Just(i64::MIN), Just((1 << 53) + 1)].prop_map(Stored::Integer),
        2 => prop_oneof![Just(1.0), Just(-2.5), Just(0.0), Just(9007199254740992.0), Just(1e19), Just(1e-7)]
            .prop_map(Stored::Real),
        4 => "[aAbB15]{0,3}".prop_map(Stored::Text),
        2 => prop_oneof!["-?[0-9]{1,2}", " ?[0-9]\\.[05] ?", Just("1e1".to_owned()), Just("ä%_".to_owned())]
            .prop_map(Stored::Text),
        1 => "[aA5]{0,2}".prop_map(|text| Stored::Blob(text.into_bytes())),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-12i64..13).prop_map(|number| number.to_string()),
        1 => prop_oneof![
            Just("9223372036854775807"), Just("9007199254740993"), Just("1e19"), Just("-2.5"), Just("1.0"),
            Just("NULL"), Just("TRUE"), Just("FALSE"), Just("x'41'"), Just("x'35'"), Just("' 5 '"), Just("'1e1'"),
            Just("0.0000001"), Just("'it''s'"),
        ]
        .prop_map(str::to_owned),
        3 => "[aAbB15]{0,3}".prop_map(|text| format!("'{text}'")),
    ]
}

fn column() -> impl Strategy<Value = String> {
    prop_oneof![Just("i"), Just("T"), Just("\"b\""), Just("r"), Just("n")].prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = String> {
    let operator =
        || prop_oneof![Just("="), Just("<>"), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
    let not = || prop_oneof![Just(""), Just("NOT ")];
    let pattern = prop_oneof!["[aAbB15%_]{0,4}", "[ä.0e%_5]{0,3}"];
    let leaf = prop_oneof![
        4 => (column(), operator(), literal()).prop_map(|(c, o, l)| format!("{c} {o} {l}")),
        1 => (literal(), operator(), column()).prop_map(|(l, o, c)| format!("{l} {o} {c}")),
        2 => (column(), operator(), column()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        1 => (column(), not(), literal(), literal()).prop_map(|(c, n, a, b)| format!("{c} {n}BETWEEN {a} AND {b}")),
        2 => (column(), not(), prop::collection::vec(literal(), 1..5))
            .prop_map(|(c, n, list)| format!("{c} {n}IN ({})", list.join(", "))),
        2 => (column(), not(), pattern).prop_map(|(c, n, p)| format!("{c} {n}LIKE '{p}'")),
        1 => (column(), "[aAb%!_]{0,3}").prop_map(|(c, p)| format!("{c} LIKE '{p}a' ESCAPE '!'")),
        1 => (column(), not()).prop_map(|(c, n)| format!("{c} IS {n}NULL")),
        1 => (column(), not()).prop_map(|(c, n)| format!("{c} IS {n}TRUE")),
        1 => (column(), not(), literal()).prop_map(|(c, n, l)| format!("{c} IS {n}DISTINCT FROM {l}")),
        1 => (column(), not(), column()).prop_map(|(c, n, l)| format!("{c} IS {n}DISTINCT FROM {l}")),
        1 => column(),
        1 => prop_oneof![Just("NULL"), Just("TRUE"), Just("FALSE")].prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} AND {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|inner| format!("NOT ({inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same rows fulfil the same conditions here and in SQLite.
    #[test]
    fn sqlite_agrees(
        rows in prop::collection::vec(prop::array::uniform5(stored()), 1..12),
        conditions in prop::collection::vec(condition(), 1..16),
    ) {
        let database = rusqlite::Connection::open_in_memory().expect("memory is there");
        database.execute_batch("CREATE TABLE x (i INTEGER, t TEXT, b, r REAL, n NUMERIC)").expect("it is made");
        for row in &rows {
            let values = rusqlite::params_from_iter(row.iter());
            database.execute("INSERT INTO x VALUES (?, ?, ?, ?, ?)", values).expect("it is put in");
        }
        let mut batch = RowBatch::new(5);
        let mut read = database.prepare("SELECT * FROM x ORDER BY rowid").expect("it is sound");
        let read = read.query_map([], |row| (0..5).map(|column| row.get(column)).collect()).expect("it runs");
        for row in read {
            let row: Vec<Stored> = row.expect("it is read");
            batch.push_row(row.iter().map(sqlite_value));
        }
        let table = table(TableName::plain("x"), &SQLITE_COLUMNS, &[]);
        for text in conditions {
            let bound = Condition::parse(&text).expect(&text).bind(&table, dialect("sqlite")).expect(&text);
            let ours: Vec<bool> = (0..batch.rows()).map(|row| bound.matches(&batch, row)).collect();
            let mut query = database
                .prepare(&format!("SELECT ({text}) IS TRUE FROM x ORDER BY rowid"))
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            let theirs: Vec<bool> = query
                .query_map([], |row| row.get(0))
                .expect("it runs")
                .collect::<Result<_, _>>()
                .expect("it is read");
            prop_assert_eq!(&ours, &theirs, "{} on {:?}", text, batch);
        }
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}", words in "([a-zé'\"(),<=>0-9.x-]| AND | NOT | IN | LIKE ){0,30}") {
        for text in [text, words] {
            if let Err(error) = Condition::parse(&text) {
                prop_assert!(!error.to_string().is_empty() && error.caret()[1].ends_with('^'));
            }
            let _any = parse_key(&text);
        }
    }
}

fn postgres() -> Table {
    let columns = [
        ("id", "bigint"),
        ("price", "numeric(12,2)"),
        ("share", "double precision"),
        ("active", "boolean"),
        ("name", "character varying(20)"),
        ("code", "character(5)"),
        ("born", "date"),
        ("created_at", "timestamp with time zone"),
        ("local", "timestamp(3) without time zone"),
        ("token", "uuid"),
        ("raw", "bytea"),
        ("mood", "public.mood"),
        ("Weird \"name\"", "text"),
        ("opens", "time without time zone"),
        ("login", "public.citext"),
    ];
    table(TableName::qualified("public", "people"), &columns, &[(0, KeyForm::Integer)])
}

fn person() -> RowBatch {
    let mut batch = RowBatch::new(15);
    batch.push_row(
        [
            "9007199254740993",
            "10.50",
            "1e+20",
            "t",
            "Zoë",
            "ab   ",
            "1990-02-03",
            "2026-01-01 00:00:00.5+00",
            "2026-01-01 00:00:00",
            "0b3c7e6e-3c4e-4e5a-9f10-000000000001",
            "\\x0aff",
            "happy",
            "x",
            "09:30:00",
            "Admin",
        ]
        .map(|text| Value::Text(text.as_bytes())),
    );
    batch.push_row([Value::Null; 15]);
    batch
}

fn holds(text: &str) -> bool {
    let bound = Condition::parse(text).and_then(|condition| {
        condition.bind(&postgres(), dialect("postgresql")).map_err(|error| panic!("{text}: {error}"))
    });
    let bound = bound.unwrap_or_else(|error| panic!("{text}: {error}"));
    bound.matches(&person(), 0)
}

#[test]
fn postgres_values_compare_by_their_type() {
    for text in [
        "id = 9007199254740993",
        "id > 9007199254740992 AND id < 9007199254740993.5",
        "id <> 9007199254740992",
        "price = 10.5 AND price < 10.51 AND price > 9",
        "price BETWEEN 1.05e1 AND 10.50",
        "price IN (1, 10.500, NULL)",
        "share = 100000000000000000000 AND share < 'Infinity'",
        "active AND NOT (active = FALSE) AND active IS TRUE",
        "name = 'Zoë' AND name LIKE 'Zo_' AND name NOT LIKE 'zo_' AND name ILIKE 'zO_'",
        "name NOT LIKE 'Zo\\_'",
        "code = 'ab'",
        "born < '1990-02-04' AND born >= '1990-02' AND born = '1990-02-03'",
        "created_at > '2026-01-01' AND created_at < '2026-01-01 00:00:01'",
        "created_at = '2026-01-01 02:00:00.5+02:00'",
        "local = '2026-01-01' AND local > born",
        "token = '{0B3C7E6E-3C4E-4E5A-9F10-000000000001}'",
        "raw = '\\x0AFF' AND raw = x'0aff' AND raw < '\\x0b'",
        "mood = 'happy' AND mood IN ('happy', 'sad') AND mood <> 'sad'",
        "\"Weird \"\"name\"\"\" = 'x'",
        "opens = '09:30' AND opens < '10:00:00'",
        "login = 'ADMIN'",
        "NAME IS NOT NULL AND 'A' < name",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn null_is_unknown() {
    let row = |text: &str| {
        let bound = Condition::parse(text).expect(text).bind(&postgres(), dialect("postgresql")).expect(text);
        bound.matches(&person(), 1)
    };
    for text in
        ["id = 1", "NOT id = 1", "id IN (1)", "id NOT IN (1)", "name LIKE '%'", "active", "NOT active"]
    {
        assert!(!row(text), "{text}");
    }
    for text in ["id IS NULL", "id IS DISTINCT FROM 1", "id = 1 OR id IS NULL", "active IS NOT TRUE"] {
        assert!(row(text), "{text}");
    }
    assert!(!holds("id NOT IN (1, NULL)"));
    assert!(!holds("id = NULL") && !holds("id <> NULL"));
}

fn refused(text: &str) -> (String, String) {
    let error = match Condition::parse(text)
        .map_err(Error::from)
        .and_then(|condition| condition.bind(&postgres(), dialect("postgresql")))
    {
        Ok(_) => panic!("{text} was taken"),
        Err(error) => error,
    };
    let caret = match &error {
        Error::Condition(error) => error.caret()[1].clone(),
        _ => String::new(),
    };
    (error.to_string(), caret)
}

#[test]
fn what_is_wrong_is_shown_where_it_is() {
    for (text, message, column) in [
        ("", "expected a column, a value, NOT or (, found the end", 0),
        ("id =", "expected a value or a column, found the end", 4),
        ("id = 1 name", "expected AND, OR or the end, found name", 7),
        ("id = 'é' name", "expected AND, OR or the end", 9),
        ("(id = 1", "expected ) or AND or OR", 7),
        ("id = 1)", "there is no ( for this )", 6),
        ("id IN 1", "expected ( and a list", 6),
        ("id BETWEEN 1 OR 2", "expected AND, found OR", 13),
        ("name LIKE name", "expected a pattern", 10),
        ("name LIKE 'a\\'", "the pattern ends with its escape", 10),
        ("name LIKE 'a' ESCAPE 'ab'", "an escape is one character", 21),
        ("name = 'open", "there is no ' that ends", 7),
        ("lower(name) = 'a'", "conditions know no functions", 5),
        ("id = 'x'", "expected a number: id is of type bigint", 5),
        ("name = 5", "expected text in single quotes: name", 7),
        ("born = 'yesterday'", "expected a date", 7),
        ("local = '2026-01-01 00:00+02'", "without time zone", 8),
        ("mood > 'sad'", "the order of mood is not known, as it is of type public.mood", 0),
        ("name", "expected a comparison: name is not boolean", 0),
        ("name = id", "cannot be compared", 5),
        ("1 = 1", "expected a column on one side", 2),
        ("id = 1 ; DROP TABLE x", "expected AND, OR or the end, found ;", 7),
        ("id = 1 AND ?", "'?' means nothing", 11),
    ] {
        let (error, caret) = refused(text);
        assert!(error.contains(message), "{text}: {error}");
        assert_eq!(caret, format!("{}^", " ".repeat(column)), "{text}: {error}");
    }
    let (error, _) = refused("nam = 'x'");
    assert!(error.starts_with("no column nam in table people; there are id, price"), "{error}");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}id = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Condition::parse(&nested(100)).is_ok());
    assert!(refused(&nested(101)).0.contains("nested 100 deep"));
    assert!(refused(&"NOT ".repeat(200_000)).0.contains("nested 100 deep"));
    let wide = vec!["id = 1"; 20_000].join(" OR ");
    assert!(Condition::parse(&wide).is_ok());
}

fn key_table() -> Table {
    let columns = [("order", "integer"), ("line", "text"), ("at", "timestamp with time zone"), ("x", "text")];
    let key = [(0, KeyForm::Integer), (1, KeyForm::Native), (2, KeyForm::Date)];
    table(TableName::qualified("shop", "order:items"), &columns, &key)
}

#[test]
fn keys_name_rows() {
    let key = parse_key("shop.\"order:items\":007,'a,''b',2026-01-01 02:00+02").expect("it is a key");
    let schema = Schema {
        engine: "postgresql".to_owned(),
        tables: vec![postgres(), key_table()],
        inherits: Vec::new(),
        ddl: Vec::new(),
    };
    let tables = key.tables(&schema).expect("it is there");
    let [table] = tables.as_slice() else { panic!("one table is meant, not {tables:?}") };
    assert_eq!(table.name.name, "order:items");
    let bound = key.bind(table, dialect("postgresql")).expect("it fits");
    let row = ["7", "a,'b", "2026-01-01 00:00:00+00", "anything"];
    let mut batch = RowBatch::new(4);
    batch.push_row(row.map(|text| Value::Text(text.as_bytes())));
    batch.push_row(["8", "a,'b", row[2], ""].map(|text| Value::Text(text.as_bytes())));
    assert_eq!((bound.matches(&batch, 0), bound.matches(&batch, 1)), (true, false));
    assert_eq!(bound.columns(), [0, 1, 2]);
    assert_eq!(bound.values().value(0, 0), Value::Text(b"7"));
    let mut encoded = Vec::new();
    rowkeep_format::key::encode(&table.key, &batch, 0, &mut encoded).expect("it has its form");
    assert_eq!(bound.encoded(), encoded);
}

#[test]
fn keys_are_compared_as_the_database_does() {
    let bound = |key: &str, type_name: &str, form: KeyForm| {
        let identity = Key { columns: vec![KeyColumn { column: 0, form }], unique: true };
        let plain = table(TableName::qualified("public", "t"), &[("k", type_name)], &[(0, KeyForm::Native)]);
        let table = Table { identity: Some(identity), ..plain };
        parse_key(key).expect(key).bind(&table, dialect("postgresql")).expect(key)
    };
    let found = |key: &str, type_name: &str, form: KeyForm, there: &str| {
        let mut batch = RowBatch::new(1);
        batch.push_row([Value::Text(there.as_bytes())]);
        bound(key, type_name, form).matches(&batch, 0)
    };
    assert!(found("t:ADA@x", "citext", KeyForm::NoCase, "ada@X"));
    assert!(!found("t:ADA", "citext", KeyForm::NoCase, "ad"));
    assert!(found("t:-0", "double precision", KeyForm::Float, "0"));
    assert!(found("t:1.50", "real", KeyForm::Float, "1.5"));
    assert!(found("t:24:00", "interval", KeyForm::Interval, "1 day"));
    assert!(found("t:ab", "character(5)", KeyForm::Native, "ab   "));
    assert!(!found("t:ab", "character(5)", KeyForm::Native, "ab"));
}

#[test]
fn keys_that_name_no_row_are_refused() {
    let bind = |text: &str, table: &Table| {
        let error =
            parse_key(text).map_err(Error::from).and_then(|key| key.bind(table, dialect("postgresql")));
        error.err().unwrap_or_else(|| panic!("{text} was taken")).to_string()
    };
    let people = postgres();
    assert!(
        bind("people:1,2", &people).contains("the key of table people is (id), so it takes 1 value, not 2")
    );
    assert!(bind("people:x", &people).contains("column id of table people takes a number"));
    assert!(bind("people:1.5", &people).contains("takes an integer"));
    assert!(bind("people", &people).contains("expected a colon"));
    assert!(bind("people:", &people).contains("expected a value"));
    assert!(bind("people:'1'x", &people).contains("expected a comma"));
    assert!(bind(":1", &people).contains("expected a table"));
    let keyless = table(TableName::plain("log"), &[("a", "TEXT")], &[]);
    assert!(bind("log:1", &keyless).contains("no unique key"));
}

#[test]
fn keys_of_sqlite_are_as_stored() {
    let value = |of: &str, text: &str| {
        let table = table(TableName::plain("t"), &[("k", of)], &[(0, KeyForm::Native)]);
        let bound = parse_key(&format!("t:{text}")).expect(text).bind(&table, dialect("sqlite")).expect(text);
        format!("{:?}", bound.values().value(0, 0))
    };
    assert_eq!(value("INTEGER", "42"), "Integer(42)");
    assert_eq!(value("INTEGER", "'42'"), "Integer(42)");
    assert_eq!(value("INTEGER", "4.0"), "Integer(4)");
    assert_eq!(value("TEXT", "42"), format!("{:?}", Value::Text(b"42")));
    assert_eq!(value("REAL", "4"), format!("{:?}", Value::Real(4f64.to_bits())));
    assert_eq!(value("", "42"), "Integer(42)");
    assert_eq!(value("", "'42'"), format!("{:?}", Value::Text(b"42")));
    assert_eq!(value("BLOB", "x'0aFF'"), format!("{:?}", Value::Blob(&[10, 255])));
}
