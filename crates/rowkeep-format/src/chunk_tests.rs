use proptest::prelude::*;

use super::*;
use crate::Value;

#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Null,
    Integer(i64),
    Real(u64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Owned::Null => Value::Null,
            Owned::Integer(integer) => Value::Integer(*integer),
            Owned::Real(bits) => Value::Real(*bits),
            Owned::Text(bytes) => Value::Text(bytes),
            Owned::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

fn any_value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        Just(Owned::Null),
        any::<i64>().prop_map(Owned::Integer),
        (0i64..3).prop_map(Owned::Integer),
        any::<u64>().prop_map(Owned::Real),
        (-100_000i64..100_000, 0i32..4)
            .prop_map(|(n, scale)| Owned::Real((n as f64 / 10f64.powi(scale)).to_bits())),
        any::<Vec<u8>>().prop_map(Owned::Text),
        "[0-9]{1,4}(\\.[0-9]{2})?".prop_map(|text| Owned::Text(text.into_bytes())),
        "(red|green|blue)".prop_map(|text| Owned::Text(text.into_bytes())),
        any::<Vec<u8>>().prop_map(Owned::Blob),
    ]
}

/// Columns are drawn from a few values each, so that dictionaries, forms and mixtures all come up.
fn any_batch() -> impl Strategy<Value = RowBatch> {
    (0usize..60).prop_flat_map(|rows| {
        let column = prop::collection::vec(any_value(), 1..6)
            .prop_flat_map(move |values| prop::collection::vec(prop::sample::select(values), rows));
        prop::collection::vec(column, 0..5).prop_map(move |columns| {
            let mut batch = RowBatch::new(columns.len());
            for row in 0..rows {
                batch.push_row(columns.iter().map(|column| column[row].value()));
            }
            batch
        })
    })
}

fn batch(rows: &[&[Value<'_>]]) -> RowBatch {
    let mut batch = RowBatch::new(rows.first().map_or(0, |row| row.len()));
    rows.iter().for_each(|row| batch.push_row(row.iter().copied()));
    batch
}

#[test]
fn bytes_are_pinned() {
    let text = |text: &'static str| Value::Text(text.as_bytes());
    let rows = batch(&[
        &[text("1"), text("red"), Value::Null, Value::Real(0.5f64.to_bits()), Value::Integer(7)],
        &[text("2"), text("red"), text("2026-11-20"), Value::Real((-0.0f64).to_bits()), Value::Blob(&[1, 2])],
    ]);
    let hex = hex::encode(encode_rows(&rows));
    assert_eq!(
        hex,
        "0102051200800202110000067265640000ff0003120200d2c40202000000000000000000000000e0003f80ff010401000e2000040102"
    );
}

#[test]
fn special_reals_keep_their_bits() {
    for real in [
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::MIN_POSITIVE,
        0.1 + 0.2,
        1e300,
        9_007_199_254_740_993.0,
    ] {
        let rows = batch(&[&[Value::Real(real.to_bits())]]);
        assert_eq!(decode_rows(&encode_rows(&rows)), Ok(rows));
    }
}

#[test]
fn rows_without_columns_are_counted() {
    let rows = batch(&[&[], &[], &[]]);
    assert_eq!(rows.rows(), 3);
    assert_eq!(decode_rows(&encode_rows(&rows)), Ok(rows));
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(rows in any_batch()) {
        let bytes = encode_rows(&rows);
        let decoded = decode_rows(&bytes);
        prop_assert_eq!(decoded.as_ref(), Ok(&rows));
        prop_assert!(decodes_to(&bytes, &rows));
        for len in 0..bytes.len() {
            prop_assert!(decode_rows(&bytes[..len]).is_err());
            prop_assert!(!decodes_to(&bytes[..len], &rows));
        }
    }

    #[test]
    fn damage_never_panics(rows in any_batch(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = encode_rows(&rows);
        for (at, mask) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        let decoded = decode_rows(&bytes);
        prop_assert_eq!(decodes_to(&bytes, &rows), decoded == Ok(rows));
    }

    #[test]
    fn noise_never_panics(bytes: Vec<u8>) {
        let _ = decode_rows(&bytes);
    }
}
