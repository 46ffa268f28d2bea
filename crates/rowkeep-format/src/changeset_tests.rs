use proptest::prelude::*;

use super::*;
use crate::schema::KeyColumn;
use crate::{Column, Key, KeyForm, TableKind, TableName, Value};

fn sample() -> Changes {
    let mut rows = RowBatch::new(2);
    rows.push_row([Value::Integer(1), Value::Text(b"old")]);
    rows.push_row([Value::Integer(1), Value::Text(b"new")]);
    rows.push_row([Value::Integer(2), Value::Null]);
    rows.push_row([Value::Integer(3), Value::Blob(&[0, 255])]);
    let mut changes = Changes::new(2);
    changes.update(&rows, 0, &rows, 1);
    changes.delete(&rows, 2);
    changes.insert(&rows, 3);
    changes
}

#[test]
fn golden_bytes() {
    let hex = hex::encode(sample().encode());
    assert_eq!(hex, "04030102001001020201800202ff03001000066f6c6401020201800402ff03041000066e657720000400ff");
}

#[test]
fn reversing_twice_changes_nothing() {
    let changes = sample();
    assert_eq!(Counts::of(&changes), Counts { inserted: 1, updated: 1, deleted: 1 });
    let reversed = changes.clone().reversed();
    let places: Vec<Change> = reversed.iter().collect();
    assert_eq!(
        places,
        [Change::Update { before: 0, after: 0 }, Change::Insert { after: 1 }, Change::Delete { before: 1 },]
    );
    assert_eq!(reversed.before().value(0, 1), Value::Text(b"new"));
    assert_eq!(reversed.reversed(), changes);
}

#[test]
fn malformed_bytes_are_refused() {
    let bytes = sample().encode();
    assert_eq!(Changes::decode(&bytes).as_ref(), Ok(&sample()));
    for len in 0..bytes.len() {
        assert!(Changes::decode(&bytes[..len]).is_err(), "cut at {len}");
    }
    for (at, byte) in [(0, 1), (2, 3), (2, 0), (4, 2)] {
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        assert!(Changes::decode(&damaged).is_err(), "byte {at}");
    }
}

#[test]
fn a_changeset_that_names_no_column_is_refused() {
    let form = |column: usize, version: u32, form: &str| {
        format!(
            r#"{{"version":{version},"tables":[{{"table":{{"name":{{"name":"t"}},"kind":"table","columns":[{{"name":"id"}}],
            "key":{{"columns":[{{"column":0,"form":"{form}"}}],"unique":true}}}},
            "counts":{{"inserted":1,"updated":0,"deleted":0}},"insert_defaults":[{column}],"chunks":[]}}]}}"#
        )
    };
    let json = |column, version| form(column, version, "native");
    let read = |text: String| Changeset::from_json(text.as_bytes());
    let sound = read(json(0, 1)).expect("it is sound");
    assert_eq!(Changeset::from_json(&sound.to_json()), Ok(sound));
    assert_eq!(read(json(1, 1)), Err(FormatError::Malformed("a changeset")));
    assert!(matches!(read(form(0, 3, "unheard_of")), Err(FormatError::NewerVersion { .. })));
}

#[test]
fn only_changes_by_identities_need_the_newer_version() {
    let version = |form: KeyForm| {
        let key = Key { columns: vec![KeyColumn { column: 0, form }], unique: true };
        let column = Column { name: "id".into(), type_name: String::new(), not_null: false, hidden: false };
        let table = Table {
            name: TableName::plain("t"),
            kind: TableKind::Table,
            columns: vec![column],
            key,
            identity: None,
            foreign_keys: Vec::new(),
        };
        let changes = TableChanges {
            table,
            counts: Counts::default(),
            insert_defaults: Vec::new(),
            delete_unknown: Vec::new(),
            updated_columns: Vec::new(),
            across: None,
        };
        Changeset::new(vec![StoredChanges { changes, chunks: Vec::new() }]).version
    };
    assert_eq!((version(KeyForm::Native), version(KeyForm::Date), version(KeyForm::NoCase)), (1, 1, 2));
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(rows in proptest::collection::vec((0u8..3, any::<i64>(), any::<Vec<u8>>()), 0..40)) {
        let mut changes = Changes::new(2);
        for (kind, number, text) in &rows {
            let mut batch = RowBatch::new(2);
            batch.push_row([Value::Integer(*number), Value::Text(text)]);
            match kind {
                0 => changes.insert(&batch, 0),
                1 => changes.update(&batch, 0, &batch, 0),
                _ => changes.delete(&batch, 0),
            }
        }
        prop_assert_eq!(Changes::decode(&changes.encode()), Ok(changes));
    }

    #[test]
    fn any_bytes_are_taken_calmly(bytes: Vec<u8>) {
        let _ = Changes::decode(&bytes);
        let _ = Changes::decode(&[&[CHANGES], bytes.as_slice()].concat());
    }
}
