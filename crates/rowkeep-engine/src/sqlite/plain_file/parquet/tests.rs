use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use rusqlite::Connection;

use super::*;

type Group<'g> = SerializedRowGroupWriter<'g, Vec<u8>>;

/// A file with row groups, each of which is written by a function.
fn written(schema: &str, groups: &[&dyn Fn(&mut Group<'_>)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("it is a schema"));
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).expect("it begins");
    for write in groups {
        let mut group = file.next_row_group().expect("it begins");
        write(&mut group);
        group.close().expect("it ends");
    }
    file.into_inner().expect("it ends")
}

/// Writes the next column: its values, and their levels.
fn column<T: DataType>(group: &mut Group<'_>, values: &[T::T], definitions: &[i16], repetitions: &[i16]) {
    let mut column = group.next_column().expect("it begins").expect("it is there");
    let definitions = (!definitions.is_empty()).then_some(definitions);
    let repetitions = (!repetitions.is_empty()).then_some(repetitions);
    column.typed::<T>().write_batch(values, definitions, repetitions).expect("it is written");
    column.close().expect("it ends");
}

fn texts(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|text| ByteArray::from(text.as_bytes().to_vec())).collect()
}

/// What a file becomes.
#[derive(Debug)]
struct Read {
    definition: String,
    rows: Vec<Vec<Value>>,
    notes: Vec<String>,
}

fn read(bytes: &[u8]) -> Result<Read, String> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("it is written");
    let connection = Connection::open_in_memory().expect("a database");
    let mut tables = Tables::new(&connection).expect("tables");
    table(file, "t", &mut tables).map_err(|failed| format!("{failed:?}"))?;
    let notes = tables.finish().expect("it is made");
    let sql = |sql: &str| connection.prepare(sql).expect("it is SQL");
    let definition: rusqlite::Result<String> =
        sql("SELECT sql FROM sqlite_schema WHERE name = 't'").query_row([], |row| row.get(0));
    let mut select = sql("SELECT * FROM t");
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
    let rows = rows.and_then(Iterator::collect).expect("it has rows");
    Ok(Read { definition: definition.expect("it has one"), rows, notes })
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

const FLAT: &str = "message m { required int64 id; optional binary name (STRING); required int32 day (DATE); optional double ratio;
    required binary raw; optional boolean ok; required int64 big (INTEGER(64,false)); required binary doc (JSON); required float zero;
    required fixed_len_byte_array(3) price (DECIMAL(6,2)); required int96 at; required int64 seen (TIMESTAMP(MICROS,true)); }";

fn flat(group: &mut Group<'_>) {
    column::<Int64Type>(group, &[1, i64::MAX], &[], &[]);
    column::<ByteArrayType>(group, &texts(&["é"]), &[1, 0], &[]);
    column::<Int32Type>(group, &[0, -719_163], &[], &[]);
    column::<DoubleType>(group, &[f64::NAN, f64::INFINITY], &[1, 1], &[]);
    column::<ByteArrayType>(group, &texts(&["\0", ""]), &[], &[]);
    column::<BoolType>(group, &[true], &[0, 1], &[]);
    column::<Int64Type>(group, &[3, -1], &[], &[]);
    column::<ByteArrayType>(group, &texts(&["{\"a\": 1.0}", "[]"]), &[], &[]);
    column::<FloatType>(group, &[-0.0, 0.1], &[], &[]);
    let prices = [ByteArray::from(vec![0xff, 0xff, 0xfb]), ByteArray::from(vec![0, 0, 1])];
    column::<FixedLenByteArrayType>(group, &prices.map(Into::into), &[], &[]);
    column::<Int96Type>(group, &[Int96::from(vec![1, 0, 2_440_588]), Int96::from(vec![0, 0, 0])], &[], &[]);
    column::<Int64Type>(group, &[1_704_067_200_123_456, -1], &[], &[]);
}

#[test]
fn columns_keep_their_types_and_values_their_bits() {
    let read = read(&written(FLAT, &[&flat])).expect("it is whole");
    assert_eq!(
        read.definition,
        "CREATE TABLE \"t\" (\"id\" INTEGER NOT NULL, \"name\" TEXT, \"day\" TEXT, \"ratio\" REAL, \"raw\" BLOB, \"ok\" BOOLEAN, \
         \"big\" TEXT, \"doc\" JSON TEXT, \"zero\", \"price\" TEXT, \"at\" TEXT, \"seen\" TEXT, PRIMARY KEY (\"id\")) WITHOUT ROWID"
    );
    let expected = [
        vec![
            Value::Integer(1),
            text("é"),
            text("1970-01-01"),
            text("NaN"),
            Value::Blob(vec![0]),
            Value::Null,
            text("3"),
            text("{\"a\": 1.0}"),
            Value::Real(-0.0),
            text("-0.05"),
            text("1970-01-01T00:00:00.000000001"),
            text("2024-01-01T00:00:00.123456Z"),
        ],
        vec![
            Value::Integer(i64::MAX),
            Value::Null,
            text("0001-12-31 BC"),
            Value::Real(f64::INFINITY),
            Value::Blob(Vec::new()),
            Value::Integer(1),
            text("18446744073709551615"),
            text("[]"),
            Value::Real(f64::from(0.1_f32)),
            text("0.01"),
            text("4714-11-24T00:00:00.000000000 BC"),
            text("1969-12-31T23:59:59.999999Z"),
        ],
    ];
    assert_eq!(read.rows, expected);
    assert!(matches!(read.rows[0][8], Value::Real(zero) if zero.is_sign_negative()), "{:?}", read.rows[0]);
    for told in ["t.ratio: NaN", "t.zero: negative zeros", "t.big: integers beyond"] {
        assert!(read.notes.iter().any(|note| note.starts_with(told)), "{told}: {:?}", read.notes);
    }
    assert_eq!(read.notes.len(), 3, "{:?}", read.notes);
}

const NESTED: &str = "message m { required int64 id;
    optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
    optional group who { required binary name (STRING); optional int32 age; }
    required group counts (MAP) { repeated group key_value { required int32 key; optional int32 value; } }
    repeated int32 bare;
    optional group grid (LIST) { repeated group list { optional group element (LIST) { repeated int32 array; } } }
    optional group pairs (LIST) { repeated group pairs_tuple { required int32 a; } } }";

fn nested(group: &mut Group<'_>) {
    column::<Int64Type>(group, &[1, 2, 3], &[], &[]);
    column::<ByteArrayType>(group, &texts(&["a"]), &[3, 2, 1, 0], &[0, 1, 0, 0]);
    column::<ByteArrayType>(group, &texts(&["ann", "bob"]), &[1, 0, 1], &[]);
    column::<Int32Type>(group, &[5], &[2, 0, 1], &[]);
    column::<Int32Type>(group, &[10, 20, 30], &[1, 1, 0, 1], &[0, 1, 0, 0]);
    column::<Int32Type>(group, &[1, 3], &[2, 1, 0, 2], &[0, 1, 0, 0]);
    column::<Int32Type>(group, &[1, 2, 7], &[1, 1, 0, 1], &[0, 1, 0, 0]);
    column::<Int32Type>(group, &[1, 2, 3], &[4, 4, 3, 0, 2, 4], &[0, 2, 1, 0, 0, 1]);
    column::<Int32Type>(group, &[8, 9], &[2, 2, 1, 0], &[0, 1, 0, 0]);
}

#[test]
fn what_stands_in_a_column_is_json() {
    let read = read(&written(NESTED, &[&nested, &nested])).expect("it is whole");
    let rows: Vec<Vec<Value>> = read.rows.into_iter().map(|row| row[1..].to_vec()).collect();
    let expected = [
        [
            text("[\"a\",null]"),
            text("{\"name\":\"ann\",\"age\":5}"),
            text("{\"10\":1,\"20\":null}"),
            text("[1,2]"),
            text("[[1,2],[]]"),
            text("[{\"a\":8},{\"a\":9}]"),
        ],
        [text("[]"), Value::Null, text("{}"), text("[]"), Value::Null, text("[]")],
        [
            Value::Null,
            text("{\"name\":\"bob\",\"age\":null}"),
            text("{\"30\":3}"),
            text("[7]"),
            text("[null,[3]]"),
            Value::Null,
        ],
    ];
    // Two rows have each id, so that the place in the file names them.
    assert_eq!(rows, [expected.clone(), expected].concat());
    assert!(read.definition.contains("\"tags\" JSON TEXT"), "{}", read.definition);
}

#[test]
fn damaged_files_are_refused_with_a_place_or_read() {
    let (flat, nested): (&dyn Fn(&mut Group<'_>), &dyn Fn(&mut Group<'_>)) = (&flat, &nested);
    for (schema, group) in [(FLAT, flat), (NESTED, nested)] {
        let whole = written(schema, &[group, group]);
        for at in (0..whole.len()).step_by(whole.len() / 100) {
            let cut = read(&whole[..at]);
            assert!(cut.as_ref().is_err_and(|told| told.contains("at its ")), "cut at {at}: {cut:?}");
        }
        let (mut refused, mut seed) = (0, 7_u32);
        for _ in 0..400 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (at, bit) = ((seed >> 8) as usize % whole.len(), seed % 8);
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            if let Err(told) = read(&flipped) {
                let has_place = told.contains("place: \"at its ") || told.contains("place: \"row group ");
                assert!(has_place || told.starts_with("Unread(") || told.contains("Words("), "{at}: {told}");
                refused += 1;
            }
        }
        assert!(refused > 100, "{refused}");
    }
}

#[test]
fn what_is_no_table_is_refused() {
    let twice = "message m { required int32 a; required int32 a; }";
    let write = |group: &mut Group<'_>| {
        column::<Int32Type>(group, &[1], &[], &[]);
        column::<Int32Type>(group, &[1], &[], &[]);
    };
    let told = |bytes: &[u8]| read(bytes).expect_err("it is refused");
    assert!(told(&written(twice, &[&write])).contains("two columns are called a"));
    assert!(told(&written("message m { }", &[])).contains("it has no columns"));
    assert!(told(b"PAR1PAR1").contains("the file is cut off"));
    assert!(told(b"PAR1\xff\xff\xff\x7fPAR1").contains("longer than the file"));
    assert!(told(b"PARE\0\0\0\0PARE").contains("its footer is encrypted"));
    assert!(told(b"nothing of the kind").contains("does not begin with PAR1"));
    let empty = read(&written(twice.replace("int32 a; }", "int32 b; }").as_str(), &[])).expect("it is whole");
    assert_eq!(empty.definition, "CREATE TABLE \"t\" (\"a\" INTEGER, \"b\" INTEGER)");
}
