use proptest::prelude::*;

use super::*;

/// Encodes values in every form that their first one suggests, and expects back what went in.
fn forms_of(values: &[&str]) -> usize {
    let mut taken = 0;
    for form in candidates(values[0].as_bytes()) {
        let mut bytes = Vec::new();
        if encode(form, values.iter().map(|value| value.as_bytes()), &mut bytes).is_none() {
            assert!(bytes.is_empty());
            continue;
        }
        taken += 1;
        let mut cursor = Cursor::new(&bytes, "a test");
        let mut column = ColumnValues::default();
        decode(&mut cursor, values.len(), &mut column).expect("decodes");
        cursor.end().expect("nothing is left");
        let printed: Vec<_> =
            (0..column.len()).map(|row| String::from_utf8_lossy(column.bytes(row))).collect();
        assert_eq!(printed, values);
    }
    taken
}

#[test]
fn every_form_gives_back_its_text() {
    for values in [
        &["0", "-1", "999999999999999999", "-999999999999999999"][..],
        &["0.00", "-0.01", "12345678.90", "-3.14", "1.00"],
        &["0001-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "9999-12-31", "2026-11-20"],
        &["2026-11-20 10:30:00", "1969-12-31 23:59:59.999999", "0001-01-01 00:00:00.1"],
        &["2026-11-20 10:30:00.25+00", "2026-11-20 10:30:00+00"],
        &["2026-11-20T10:30:00.250Z", "2026-11-20T10:30:00.000Z"],
        &["2026-11-20T10:30:00.250+00:00", "2026-11-20T10:30:00.001+00:00"],
        &["00000000-0000-0000-0000-000000000000", "0123abcd-ef01-2345-6789-abcdef012345"],
        &["\\x", "\\x00ff", "\\xdeadbeef"],
    ] {
        assert!(forms_of(values) > 0, "{values:?} have no form");
    }
}

#[test]
fn text_that_would_not_come_back_has_no_form() {
    for value in [
        "",
        "-",
        "-0",
        "00",
        "01",
        "+1",
        "1e5",
        "1234567890123456789",
        "-0.00",
        "00.1",
        ".5",
        "5.",
        "1.5.",
        "0000-01-01",
        "2023-02-29",
        "2026-13-01",
        "2026-11-20 24:00:00",
        "2026-11-20 10:30:60",
        "2026-11-20 10:30:00.10 ",
        "2026-11-20 10:30:00+01",
        "0123ABCD-ef01-2345-6789-abcdef012345",
        "0123abcd-ef01-2345-6789+abcdef012345",
        "\\xABCD",
        "\\xabc",
        "\\xzz",
        "ü",
        "10000-01-01",
    ] {
        assert_eq!(forms_of(&[value]), 0, "{value}");
    }
}

#[test]
fn one_value_of_another_form_refuses_all() {
    for values in [
        &["1", "x"][..],
        &["1.50", "1.5"],
        &["2026-11-20", ""],
        &["2026-11-20 10:30:00", "2026-11-20 10:30:00.10"],
    ] {
        assert_eq!(forms_of(values), 0, "{values:?}");
    }
}

#[test]
fn every_day_prints_as_it_was_read() {
    let mut text = Vec::new();
    for days in (-719_162..2_932_897).step_by(13).chain([2_932_896]) {
        text.clear();
        print_date(days, &mut text);
        assert_eq!(parse_date(&text), Some(days));
    }
}

proptest! {
    #[test]
    fn anything_that_looks_like_a_form_comes_back(text in "[-0-9.T: Zx\\\\a-f+]{0,40}") {
        forms_of(&[&text]);
    }

    #[test]
    fn decoding_never_panics(bytes: Vec<u8>, count in 0usize..100) {
        let _ = decode(&mut Cursor::new(&bytes, "a test"), count, &mut ColumnValues::default());
    }
}
