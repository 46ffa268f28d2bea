//! Rows by the values of some columns.

use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;
use rowkeep_format::{RowBatch, Value};

use crate::postgres::catalog::equality::{BASE, EQUALITY, text_of};
use crate::postgres::catalog::relation::Relation;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::copy_text::encode;
use crate::postgres::quote;
use crate::{EngineError, RowStream};

/// About how many bytes of values one statement looks for.
const BYTES_AT_ONCE: usize = 32 << 20;

/// How values of a column are written and compared.
#[derive(Debug, Clone)]
pub(crate) struct ColumnType {
    /// Its type as SQL, of a domain what it is made of.
    name: String,
    /// Its equality as SQL; values of types without are compared as text.
    equality: Option<String>,
}

/// Looks up the types of some columns of a table.
pub(crate) async fn types(
    session: &Session,
    relation: &Relation,
    columns: &[usize],
) -> Result<Vec<ColumnType>, EngineError> {
    let query = format!(
        "WITH RECURSIVE {BASE}, {EQUALITY} \
         SELECT a.attname, format_type(base.base, coalesce(base.typmod, a.atttypmod)), e.operator \
         FROM pg_attribute a JOIN base ON base.type = a.atttypid LEFT JOIN equality e ON e.type = base.base \
         WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped",
        relation.oid
    );
    let rows = session.rows("cannot list the columns", &query).await?;
    let by_name: BTreeMap<&str, ColumnType> = rows
        .iter()
        .map(|row| {
            let found = ColumnType { name: text(row, 1).to_owned(), equality: row[2].clone() };
            (text(row, 0), found)
        })
        .collect();
    let unknown = || ColumnType { name: "text".to_owned(), equality: None };
    let names = columns.iter().map(|column| relation.table.columns[*column].name.as_str());
    Ok(names.map(|name| by_name.get(name).cloned().unwrap_or_else(unknown)).collect())
}

/// The statements that copy the rows out.
pub(crate) fn statements(
    relation: &Relation,
    columns: &[usize],
    types: &[ColumnType],
    values: &RowBatch,
) -> Vec<String> {
    // Which columns are null is no matter of values, so each combination is looked for by itself.
    let mut searches: BTreeMap<Vec<bool>, Vec<Search>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for row in 0..values.rows() {
        let texts: Vec<Option<Vec<u8>>> = values.row(row).map(printed).collect();
        if !seen.insert(texts.clone()) {
            continue;
        }
        let searches = searches.entry(texts.iter().map(Option::is_none).collect()).or_default();
        if searches.last().is_none_or(|last| last.bytes >= BYTES_AT_ONCE) {
            searches.push(Search { arrays: vec![Vec::new(); texts.len()], bytes: 0 });
        }
        if let Some(search) = searches.last_mut() {
            search.add(&texts);
        }
    }
    let each =
        searches.iter().flat_map(|(nulls, searches)| searches.iter().map(move |search| (nulls, search)));
    each.map(|(nulls, search)| statement(relation, columns, types, nulls, search)).collect()
}

/// The statement that copies out the rows that lie between two others by the key, where the server sorts by it as we do.
pub(crate) fn statement_between(
    relation: &Relation,
    types: &[ColumnType],
    after: Option<&RowBatch>,
    before: Option<&RowBatch>,
) -> Option<String> {
    let order = relation.order_by.as_ref()?;
    let mut conditions = Vec::new();
    for (row, is) in [(after, ">"), (before, "<")] {
        let Some(row) = row else { continue };
        let key = relation.table.key.columns.iter().zip(types);
        let values = key.map(|(part, of)| {
            let value = printed(row.value(0, part.column))?;
            Some(format!("CAST({}::text AS {})", quote::bytes_literal(&value), of.name))
        });
        let values = values.collect::<Option<Vec<_>>>()?.join(", ");
        conditions.push(format!("ROW({order}) {is} ROW({values})"));
    }
    let all = quote::idents(relation.table.columns.iter().map(|column| column.name.as_str()));
    let table = quote::table(&relation.table.name);
    let condition = relation.condition.as_deref().unwrap_or_default();
    let wanted = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    Some(format!(
        "COPY (SELECT {all} FROM (SELECT * FROM ONLY {table} {condition}) t WHERE {wanted} ORDER BY {order}) TO STDOUT"
    ))
}

/// Values that are looked for together: of each column those that are not null, as the inside of an array literal.
struct Search {
    arrays: Vec<Vec<u8>>,
    bytes: usize,
}

impl Search {
    fn add(&mut self, texts: &[Option<Vec<u8>>]) {
        for (array, text) in self.arrays.iter_mut().zip(texts) {
            let Some(text) = text else { continue };
            if !array.is_empty() {
                array.push(b',');
            }
            array.push(b'"');
            for byte in text {
                if matches!(byte, b'"' | b'\\') {
                    array.push(b'\\');
                }
                array.push(*byte);
            }
            array.push(b'"');
            self.bytes += text.len() + 3;
        }
    }
}

fn statement(
    relation: &Relation,
    columns: &[usize],
    types: &[ColumnType],
    nulls: &[bool],
    search: &Search,
) -> String {
    let all = quote::idents(relation.table.columns.iter().map(|column| column.name.as_str()));
    let table = quote::table(&relation.table.name);
    let condition = relation.condition.as_deref().unwrap_or_default();
    let mut conditions = Vec::new();
    let (mut names, mut casts, mut arrays) = (Vec::new(), Vec::new(), Vec::new());
    for (at, column) in columns.iter().enumerate() {
        let there = format!("t.{}", quote::ident(&relation.table.columns[*column].name));
        if nulls[at] {
            // Not IS NULL, which is also true of a composite value of nulls.
            conditions.push(match types[at].equality {
                Some(_) => format!("{there} IS NULL"),
                None => format!("{there} IS NOT DISTINCT FROM NULL"),
            });
            continue;
        }
        let mut array = b"{".to_vec();
        array.extend_from_slice(&search.arrays[at]);
        array.push(b'}');
        arrays.push(format!("{}::text[]", quote::bytes_literal(&array)));
        names.push(format!("c{at}"));
        match &types[at].equality {
            Some(equals) => {
                casts.push(format!("CAST(u.c{at} AS {}) AS c{at}", types[at].name));
                conditions.push(format!("{there} {equals} v.c{at}"));
            }
            None => {
                casts.push(format!("u.c{at} COLLATE \"C\" AS c{at}"));
                conditions.push(format!("{} = v.c{at}", text_of(&there)));
            }
        }
    }
    let conditions = conditions.join(" AND ");
    let wanted = match (conditions.is_empty(), names.is_empty()) {
        (true, _) => "true".to_owned(),
        (false, true) => conditions,
        (false, false) => format!(
            "EXISTS (SELECT FROM (SELECT {} FROM unnest({}) u ({})) v WHERE {conditions})",
            casts.join(", "),
            arrays.join(", "),
            names.join(", ")
        ),
    };
    format!("COPY (SELECT {all} FROM (SELECT * FROM ONLY {table} {condition}) t WHERE {wanted}) TO STDOUT")
}

/// The rows of a stream whose values in some columns are among some, for what the server has no index on.
pub(crate) fn among(rows: RowStream, columns: Vec<usize>, values: &RowBatch) -> RowStream {
    let wanted: HashSet<Vec<Option<Vec<u8>>>> =
        (0..values.rows()).map(|row| values.row(row).map(printed).collect()).collect();
    let chosen = rows.map(move |batch| {
        let batch = batch?;
        let mut out = RowBatch::new(batch.columns().len());
        for row in 0..batch.rows() {
            let known = columns.iter().filter(|column| **column < batch.columns().len());
            let found: Vec<_> = known.map(|column| printed(batch.value(row, *column))).collect();
            if wanted.contains(&found) {
                out.extend(&batch, row..row + 1);
            }
        }
        Ok(out)
    });
    chosen.filter(|batch| std::future::ready(!matches!(batch, Ok(batch) if batch.is_empty()))).boxed()
}

/// A value as the server would print it; nothing for null.
fn printed(value: Value<'_>) -> Option<Vec<u8>> {
    if value == Value::Null {
        return None;
    }
    let mut out = Vec::new();
    encode::plain(value, &mut out);
    Some(out)
}
