use std::collections::HashSet;

use proptest::prelude::*;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{
    Column, ContentKeys, ForeignKey, Key, KeyForm, RowBatch, Schema, Table, TableKind, TableName, Value,
};

use super::*;

fn table(name: TableName, columns: &[(&str, &str)]) -> Table {
    let column = |(name, of): &(&str, &str)| Column {
        name: (*name).to_owned(),
        type_name: of.trim_end_matches(" NOT NULL").to_owned(),
        not_null: of.ends_with(" NOT NULL"),
        hidden: false,
    };
    Table {
        name,
        kind: TableKind::Table,
        columns: columns.iter().map(column).collect(),
        key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// A property of records of a browser is NULL where it is not there, and stays `null` or `undefined` where it is that.
#[test]
fn what_stands_for_none_stays_so() {
    let people = table(TableName::plain("people"), &[("$key", "key"), ("mail", "value")]);
    let schema = Schema { engine: "indexeddb".to_owned(), ..schema(vec![people]) };
    let none = [Value::Null, Value::Text(b"=null"), Value::Text(br#"={"$":"undefined"}"#)];
    let fixed = "{ rule = 'fixed', value = 'x' }";
    for rule in ["'hash'", fixed, "'fake-name'", "{ rule = 'range', bucket = 10 }", "'null'"] {
        let mask = bound(&schema, &format!("'people.mail' = {rule}")).expect(rule);
        let mask = mask.table(&schema.tables[0].name).expect("it is masked");
        let mut rows = RowBatch::new(2);
        none.iter().for_each(|value| rows.push_row([Value::Integer(1), *value]));
        let expected = if rule == "'null'" { [Value::Null; 3] } else { none };
        let masked = mask.apply(rows).expect(rule);
        let found: Vec<Value<'_>> = (0..3).map(|row| masked.columns()[1].value(row)).collect();
        assert_eq!(found, expected, "{rule}");
    }
    let mask = bound(&schema, "'people.mail' = 'hash'").expect("it fits");
    let mut rows = RowBatch::new(2);
    rows.push_row([Value::Integer(1), Value::Text(b"=true")]);
    let masked = mask.table(&schema.tables[0].name).expect("it is masked").apply(rows).expect("it is text");
    assert_ne!(masked.columns()[1].value(0), Value::Text(b"=true"));
}

fn schema(tables: Vec<Table>) -> Schema {
    let engine = if tables.iter().any(|table| table.name.schema.is_some()) { "postgresql" } else { "sqlite" };
    Schema { engine: engine.to_owned(), tables, inherits: Vec::new(), ddl: Vec::new() }
}

/// Customers by e-mail, orders that refer to them, and columns of many types.
fn shop() -> Schema {
    let mut orders = table(
        TableName::qualified("public", "orders"),
        &[("id", "bigint"), ("customer", "character varying(80)"), ("note", "text")],
    );
    orders.foreign_keys.push(ForeignKey {
        name: None,
        columns: vec![1],
        references: TableName::qualified("public", "customers"),
        referenced_columns: vec!["email".to_owned()],
    });
    let columns = [
        ("email", "character varying(50)"),
        ("name", "character varying(8)"),
        ("age", "smallint"),
        ("balance", "numeric(12,2)"),
        ("score", "double precision"),
        ("born", "date"),
        ("seen", "timestamp with time zone NOT NULL"),
        ("token", "uuid"),
        ("mood", "public.mood"),
        ("raw", "bytea"),
    ];
    schema(vec![table(TableName::qualified("public", "customers"), &columns), orders])
}

fn bound(schema: &Schema, rules: &str) -> Result<BoundMask, String> {
    let rules = MaskRules::parse(rules, &|_| None)?;
    Mask::new(&rules, &ContentKeys::derive(&[9; 32])).bind(schema).map_err(|error| error.to_string())
}

/// What the values of a column of PostgreSQL become.
fn masked(column: &str, rule: &str, values: &[&str]) -> Vec<String> {
    let schema = shop();
    let mask = bound(&schema, &format!("\"customers.{column}\" = {rule}")).expect(rule);
    let place = schema.tables[0].columns.iter().position(|known| known.name == column).expect(column);
    let mut batch = RowBatch::new(schema.tables[0].columns.len());
    for value in values {
        batch.push_row((0..schema.tables[0].columns.len()).map(|at| match at == place {
            true => Value::Text(value.as_bytes()),
            false => Value::Null,
        }));
    }
    let out = mask.table(&schema.tables[0].name).expect("it is masked").apply(batch).expect(rule);
    (0..out.rows()).map(|row| String::from_utf8_lossy(out.columns()[place].bytes(row)).into_owned()).collect()
}

#[test]
fn numbers_are_permuted_within_their_digits() {
    let all: Vec<String> = (1..10_000).map(|number| number.to_string()).collect();
    let values: Vec<&str> = all.iter().map(String::as_str).collect();
    let out = masked("balance", "\"hash\"", &values);
    assert_eq!(out.iter().collect::<HashSet<_>>(), all.iter().collect::<HashSet<_>>());
    let unmoved = out.iter().zip(&all).filter(|(out, value)| out == value).count();
    assert!(unmoved < 20, "{unmoved} numbers stayed as they were");
}

#[test]
fn integers_stay_within_their_type() {
    let values: Vec<String> = (10_000..=32_767).map(|number: i32| (-number).to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let out = masked("age", "\"hash\"", &values);
    assert_eq!(out.iter().collect::<HashSet<_>>().len(), values.len());
    for text in &out {
        assert!(text.parse::<i16>().is_ok_and(|number| number <= -10_000), "{text}");
    }
    for text in ["0", "7", "-9", "32768", "2147483647", "4294967295", "9223372036854775807"] {
        let hashed = numbers::hash(&[1; 32], text).expect("it is a number");
        assert_eq!(hashed.len(), text.len(), "{text}");
        assert_eq!(hashed.parse::<i64>().expect("it is one").to_string(), hashed);
        assert_eq!(text.parse::<u32>().is_ok(), hashed.parse::<u32>().is_ok(), "{text} {hashed}");
        assert_eq!(text.parse::<i32>().is_ok(), hashed.parse::<i32>().is_ok(), "{text} {hashed}");
    }
}

#[test]
fn words_of_one_format_are_permuted() {
    let letters = 'a'..='z';
    let all: Vec<String> =
        letters.clone().flat_map(|a| letters.clone().map(move |b| format!("{a}-{b}"))).collect();
    let values: Vec<&str> = all.iter().map(String::as_str).collect();
    let out = masked("name", "\"hash\"", &values);
    assert_eq!(out.iter().collect::<HashSet<_>>(), all.iter().collect::<HashSet<_>>());
}

fn format_of(text: &str) -> String {
    let class = |character: char| match character {
        '0'..='9' => '9',
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        'а'..='я' => 'я',
        other => other,
    };
    text.chars().map(class).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_keeps_its_format_and_stays_unequal(values in prop::collection::hash_set("[A-Ca-c0-2 ,а-я]{0,8}", 1..30)) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let out = masked("name", "\"hash\"", &values);
        prop_assert_eq!(out.iter().collect::<HashSet<_>>().len(), values.len());
        for (value, out) in values.iter().zip(&out) {
            prop_assert_eq!(format_of(value), format_of(out));
        }
        prop_assert_eq!(&out, &masked("name", "\"hash\"", &values));
    }

    #[test]
    fn decimals_keep_their_format(number in any::<i32>(), scale in 0u32..3) {
        let unsigned = format!("{:0>3}", number.unsigned_abs());
        let (whole, fraction) = unsigned.split_at(unsigned.len() - scale as usize);
        let whole = match whole.trim_start_matches('0') { "" => "0", whole => whole };
        let sign = if number < 0 { "-" } else { "" };
        let text = if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        let hashed = numbers::hash(&[3; 32], &text).expect("it is a number");
        prop_assert_eq!(format_of(&hashed), format_of(&text));
        prop_assert_eq!(hashed.trim_start_matches('-').starts_with('0'), text.trim_start_matches('-').starts_with('0'));
    }
}

#[test]
fn values_are_ones_that_their_column_takes() {
    let uuid = masked("token", "\"hash\"", &["0b3c7e6e-3c4e-4e5a-9f10-000000000001"]);
    assert!(value_is_uuid(&uuid[0]) && &uuid[0][14..15] == "4" && &uuid[0][19..20] == "9", "{uuid:?}");
    let bytes = masked("raw", "\"hash\"", &["\\x0aff"]);
    assert!(bytes[0].starts_with("\\x") && bytes[0].len() == 6 && bytes[0] != "\\x0aff", "{bytes:?}");
    assert_eq!(masked("age", "{ rule = \"range\", bucket = 10 }", &["37", "-37", "5"]), ["30", "-30", "0"]);
    assert_eq!(
        masked("balance", "{ rule = \"range\", bucket = 100 }", &["1234.56", "-99.99"]),
        ["1200.00", "0.00"]
    );
    assert_eq!(
        masked("score", "{ rule = \"range\", bucket = 5 }", &["12.75", "1e+20", "NaN"]),
        ["10", "1e+20", "NaN"]
    );
    for out in masked("balance", "{ rule = \"range\", low = -2, high = 3 }", &["1234.56", "0.00", "7.10"]) {
        assert!(
            out.parse::<f64>().is_ok_and(|number| (-2.0..=3.0).contains(&number)) && out.contains('.'),
            "{out}"
        );
    }
    assert_eq!(masked("mood", "{ rule = \"fixed\", value = \"calm\" }", &["sad"]), ["calm"]);
    assert_eq!(masked("born", "\"null\"", &["1990-01-01"]), [""]);
    for out in masked("name", "\"fake-name\"", &["A", "B", "C"]) {
        assert!((2..=8).contains(&out.chars().count()), "{out}");
    }
}

fn value_is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[test]
fn dates_move_and_keep_their_clock() {
    let values = ["2026-01-31 12:30:00.5+00", "0044-03-15 00:00:00+00 BC", "infinity"];
    let out = masked("seen", "{ rule = \"days\", days = 30 }", &values);
    assert!(
        out[0].ends_with(" 12:30:00.5+00") && out[1].ends_with(" 00:00:00+00 BC") && out[2] == "infinity"
    );
    let values: Vec<String> = (1..29).map(|day| format!("2026-02-{day:02}")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let moved = masked("born", "{ rule = \"days\", days = 3 }", &values);
    let days = |text: &str| rowkeep_engine::dialect::time::days(text, false).expect("it is a date");
    let by: Vec<i64> = moved.iter().zip(&values).map(|(out, value)| days(out) - days(value)).collect();
    assert!(
        by.iter().all(|by| (-3..=3).contains(by)) && by.iter().any(|by| *by != by.signum() * 3),
        "{by:?}"
    );
}

#[test]
fn fakes_are_equal_for_equal_values_and_differ_by_key() {
    let emails = masked("email", "\"fake-email\"", &["a@x.org", "b@x.org", "a@x.org"]);
    assert_eq!(emails[0], emails[2]);
    assert_ne!(emails[0], emails[1]);
    // The shortest of all columns that refer to one another counts.
    assert!(emails.iter().all(|email| email.ends_with("@example.org") && email.len() <= 50), "{emails:?}");
    let kept = masked("email", "\"keep-domain\"", &["anna.b@shop.example"]);
    assert!(kept[0].ends_with("@shop.example") && kept[0] != "anna.b@shop.example", "{kept:?}");
    assert_eq!(format_of(&kept[0]), "aaaa.a@aaaa.aaaaaaa");
    let other = [
        masked("name", "\"hash\"\nkey = \"one\"", &["abcdef"]),
        masked("name", "\"hash\"\nkey = \"two\"", &["abcdef"]),
    ];
    assert_ne!(other[0], other[1]);
}

#[test]
fn both_sides_of_a_reference_are_masked_alike() {
    let schema = shop();
    let mask = bound(&schema, "\"orders.customer\" = \"fake-email\"").expect("it fits");
    let rows = |values: &[&str]| {
        let mut batch = RowBatch::new(values.len());
        batch.push_row(values.iter().map(|text| Value::Text(text.as_bytes())));
        batch
    };
    let orders = mask.table(&schema.tables[1].name).expect("it is masked");
    let customers = mask.table(&schema.tables[0].name).expect("it is masked too");
    assert!(customers.changes_key() && !orders.changes_key());
    let order = orders.apply(rows(&["1", "a@x.org", "n"])).expect("it is text");
    let customer =
        customers.apply(rows(&["a@x.org", "", "", "", "", "", "", "", "", ""])).expect("it is text");
    assert_eq!(order.value(0, 1), customer.value(0, 0));
    assert_eq!(order.value(0, 2), Value::Text(b"n"));
}

#[test]
fn null_stays_null() {
    for rule in ["\"hash\"", "\"fake-name\"", "{ rule = \"fixed\", value = \"x\" }"] {
        let schema = shop();
        let mask = bound(&schema, &format!("\"customers.name\" = {rule}")).expect(rule);
        let mut batch = RowBatch::new(10);
        batch.push_row([Value::Null; 10]);
        let out = mask.table(&schema.tables[0].name).expect("it is masked").apply(batch).expect(rule);
        assert_eq!(out.value(0, 1), Value::Null);
    }
}

#[test]
fn rules_that_do_not_fit_are_refused() {
    for (rules, message) in [
        ("\"nobody.name\" = \"hash\"", "no table for the mask rule nobody.name; there are customers, orders"),
        ("\"customers.nam\" = \"hash\"", "no column nam in table customers to mask; there are email, name"),
        ("\"customers.name\" = \"hush\"", "the mask rule for customers.name is hush; there are null, hash"),
        ("\"customers.name\" = { rule = \"days\", day = 3 }", "has an option day, which days does not know"),
        ("\"customers.age\" = { rule = \"range\" }", "needs either bucket = 10 or"),
        ("\"customers.name\" = 5", "is neither a name nor a table of options"),
        ("\"customers.email\" = \"fake-name\"", "customers.email is part of the key"),
        ("\"orders.customer\" = \"fake-name\"", "customers.email is part of the key"),
        ("\"orders.customer\" = \"hash\"\n\"customers.email\" = \"fake-email\"", "need the same rule"),
        ("\"customers.seen\" = \"null\"", "customers.seen refuses NULL"),
        ("\"customers.born\" = \"hash\"", "is of type date, which a hash does not fit; use days"),
        ("\"customers.mood\" = \"hash\"", "use null or fixed"),
        ("\"customers.age\" = \"fake-name\"", "is of type smallint, which takes no such text"),
        ("\"customers.age\" = { rule = \"fixed\", value = \"x\" }", "does not take the fixed value"),
        (
            "\"customers.name\" = { rule = \"fixed\", value = \"much too long\" }",
            "does not take the fixed value",
        ),
        ("\"customers.age\" = { rule = \"range\", low = 1, high = 40000 }", "does not hold all of the range"),
        ("\"customers.name\" = \"fake-email\"", "too short for an e-mail address"),
        ("\"customers.name\" = \"fake-phone\"", "too short for a telephone number"),
        ("\"customers.name\" = { rule = \"days\", days = 3 }", "holds no dates"),
        (
            "\"customers.name\" = \"hash\"\n\"custom*.name\" = \"null\"",
            "there are two rules for customers.name",
        ),
    ] {
        let error = bound(&shop(), rules).err().unwrap_or_else(|| panic!("{rules} was taken"));
        assert!(error.contains(message), "{rules}: {error}");
    }
    assert!(bound(&shop(), "\"orders.customer\" = \"null\"").is_ok(), "a reference may become NULL");
}

#[test]
fn values_of_sqlite_keep_their_storage_class() {
    let schema = schema(vec![table(
        TableName::plain("t"),
        &[("i", "INTEGER"), ("t", "TEXT"), ("b", "BLOB"), ("r", "REAL")],
    )]);
    let mask = bound(
        &schema,
        "\"t.i\" = \"hash\"\n\"t.t\" = \"hash\"\n\"t.b\" = \"hash\"\n\"t.r\" = { rule = \"range\", bucket = 2 }",
    );
    let mask = mask.expect("they fit").table(&schema.tables[0].name).expect("it is masked");
    let mut batch = RowBatch::new(4);
    batch.push_row([
        Value::Integer(-12345),
        Value::Text(b"a\xffb"),
        Value::Blob(&[0, 1, 2]),
        Value::Real(7.5f64.to_bits()),
    ]);
    let out = mask.apply(batch).expect("they are of their kinds");
    assert!(matches!(out.value(0, 0), Value::Integer(-32768..=-10000)), "{out:?}");
    assert!(matches!(out.value(0, 1), Value::Text([b'a'..=b'z', 0xff, b'a'..=b'z'])), "{out:?}");
    assert!(matches!(out.value(0, 2), Value::Blob([_, _, _])), "{out:?}");
    assert_eq!(out.value(0, 3), Value::Real(6f64.to_bits()));
    let days = bound(&schema, "\"t.t\" = { rule = \"days\", days = 3 }").expect("it fits");
    let mut batch = RowBatch::new(4);
    batch.push_row([Value::Integer(1), Value::Text(b"secret"), Value::Null, Value::Null]);
    let error = days
        .table(&schema.tables[0].name)
        .expect("it is masked")
        .apply(batch)
        .err()
        .map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("column t of table t holds something that is no date")
        && !error.contains("secret")));
}

#[test]
fn masked_values_are_pinned() {
    assert_eq!(masked("name", "\"hash\"", &["Anna-42"]), ["Dfep-58"]);
}

#[test]
fn a_rule_reaches_what_inherits_its_column_and_no_more() {
    let name = |name: &str| TableName::qualified("public", name);
    let columns = [("id", "integer"), ("email", "text")];
    let mut schema = schema(["par", "chi", "grand", "other"].map(|of| table(name(of), &columns)).to_vec());
    let inherits = |child: &str, parent: &str| rowkeep_format::Inherits::new(name(child), name(parent));
    // One that says it is above itself is damaged, and no reason to go on for ever.
    schema.inherits = vec![inherits("chi", "par"), inherits("grand", "chi"), inherits("grand", "grand")];
    let keep_other = "\n'other.email' = 'keep'";
    let mask = bound(&schema, &format!("'par.email' = 'hash'{keep_other}")).expect("it fits");
    let masked: Vec<bool> = schema.tables.iter().map(|table| mask.table(&table.name).is_some()).collect();
    assert_eq!(masked, [true, true, true, false]);
    assert!(mask.refuse_unruled(schema.tables.iter().map(|table| &table.name)).is_ok());
    let mask = bound(&schema, "'chi.email' = 'hash'").expect("it fits");
    let refused = mask.refuse_unruled(schema.tables.iter().map(|table| &table.name));
    let refused = refused.expect_err("two have no rule").to_string();
    assert_eq!(refused, "no mask rule for par.email, other.email, which look personal");
    assert!(mask.refuse_unruled([&name("grand")].into_iter()).is_ok());
    let mask = bound(&schema, "'other.email' = 'hash'").expect("it fits");
    let refused = mask.refuse_unruled(schema.tables.iter().map(|table| &table.name));
    let refused = refused.expect_err("three have no rule").to_string();
    assert_eq!(
        refused, "no mask rule for par.email, which looks personal",
        "one rule is enough for all three"
    );
    let two = bound(&schema, "'par.email' = 'hash'\n'p*.email' = 'null'").map(|_| ());
    assert_eq!(two, Err("there are two rules for par.email".to_owned()));
}

#[test]
fn a_rule_reaches_through_references_to_partitioned_tables() {
    let names = ["ev_a", "ev_b", "line"].map(TableName::plain);
    let mut schema = schema(names.map(|name| table(name, &[("id", "text"), ("ev", "text")])).to_vec());
    let parent = || TableName::plain("ev");
    schema.tables[2].foreign_keys.push(ForeignKey {
        name: None,
        columns: vec![1],
        references: parent(),
        referenced_columns: vec!["id".into()],
    });
    let refused = bound(&schema, "'line.ev' = 'hash'").map(|_| ());
    assert!(refused.is_err_and(|error| error.contains("refers to a table that is not here")));
    let of_parent = |child: &str| rowkeep_format::Inherits::new(TableName::plain(child), parent());
    schema.inherits = vec![of_parent("ev_a"), of_parent("ev_b")];
    for rule in ["'ev.id' = 'hash'", "'line.ev' = 'hash'"] {
        let mask = bound(&schema, rule).expect("it fits");
        assert!(schema.tables.iter().all(|table| mask.table(&table.name).is_some()), "{rule}");
    }
}

/// Where chunks stand in another order, what identifies rows is a key too.
#[test]
fn what_identifies_rows_stays_unequal() {
    let mut users =
        table(TableName::plain("users"), &[("rowid", "INTEGER"), ("id", "TEXT"), ("note", "TEXT")]);
    users.columns[0].hidden = true;
    users.identity =
        Some(Key { columns: vec![KeyColumn { column: 1, form: KeyForm::Native }], unique: true });
    let schema = schema(vec![users]);
    let refused =
        bound(&schema, "'users.id' = { rule = 'fixed', value = 'x' }\n'users.note' = 'keep'").map(|_| ());
    assert!(refused.is_err_and(|error| error.contains("users.id is part of the key")));
    assert!(bound(&schema, "'users.id' = 'hash'").is_ok());
}
