//! Rows of another engine, or of a file, in the types of a table's own columns: the server itself takes their texts as values.
//!
//! So what a value becomes is what the database would make of it, and nothing is known here of any type but how files write its
//! values otherwise than PostgreSQL. A value that the type would cut, round or pad is none that it holds.

mod form;
mod statement;
mod text;
mod times;

use std::collections::HashMap;

use rowkeep_format::{RowBatch, Value};

use crate::conversion::{Conversion, Converted, Misfit};
use crate::postgres::catalog::equality::{BASE, EQUALITY};
use crate::postgres::connect::failure;
use crate::postgres::connect::row::{text, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind};
use form::Form;
use statement::{Key, Target, Type, select};

/// Converts rows.
pub(crate) async fn convert(
    session: &Session,
    conversion: &Conversion,
    rows: &RowBatch,
) -> Result<Converted, EngineError> {
    let target = target(session, conversion).await?;
    let mut texts = Vec::with_capacity(rows.rows());
    for row in 0..rows.rows() {
        let mut values = Vec::with_capacity(target.types.len());
        for (column, of) in target.types.iter().enumerate() {
            let misfit = |why: String| Ok(Converted::Misfit(Misfit { row, column, why }));
            let value = rows.value(row, column);
            if value == Value::Null && conversion.table.columns[column].not_null {
                return misfit("it is NULL, which the column refuses".to_owned());
            }
            match text::text(value, &conversion.from[column], &of.form) {
                Ok(text) => values.push(text),
                Err(why) => return misfit(why),
            }
        }
        texts.push(values);
    }
    let mut out = RowBatch::new(target.types.len());
    Ok(match taken(session, &target, &texts, &mut out).await? {
        None => Converted::Rows(out),
        Some(misfit) => Converted::Misfit(misfit),
    })
}

/// A row as texts that the server is to take.
type Texts = Vec<Option<String>>;

/// Has the server take rows; gives the first that it does not.
async fn taken(
    session: &Session,
    target: &Target,
    texts: &[Texts],
    out: &mut RowBatch,
) -> Result<Option<Misfit>, EngineError> {
    let refused = match run(session, target, texts).await {
        Ok(rows) => return Ok(add(target, rows, out)),
        Err(error) => error,
    };
    if !is_of_value(&refused) {
        return Err(failure::reading_failed("cannot convert rows", refused));
    }
    // The first row that is refused is in the first half, or else in the second.
    let (mut start, mut end) = (0, texts.len());
    while end - start > 1 {
        let middle = start + (end - start) / 2;
        match run(session, target, &texts[start..middle]).await {
            Ok(rows) => {
                if let Some(misfit) = add(target, rows, &mut RowBatch::new(target.types.len())) {
                    return Ok(Some(Misfit { row: start + misfit.row, ..misfit }));
                }
                start = middle;
            }
            Err(error) if is_of_value(&error) => end = middle,
            Err(error) => return Err(failure::reading_failed("cannot convert rows", error)),
        }
    }
    let why = failure::words(&refused);
    for (column, text) in texts[start].iter().enumerate() {
        let alone = target.only(column);
        let value = vec![vec![text.clone()]];
        if let Err(error) = run(session, &alone, &value).await
            && is_of_value(&error)
        {
            return Ok(Some(Misfit { row: start, column, why: failure::words(&error) }));
        }
    }
    Ok(Some(Misfit { row: start, column: 0, why }))
}

async fn run(
    session: &Session,
    target: &Target,
    texts: &[Texts],
) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
    session.try_rows(&select(target, texts)).await
}

/// Adds rows that the server took; gives the first of which it would have lost something.
fn add(target: &Target, rows: Vec<Vec<Option<String>>>, out: &mut RowBatch) -> Option<Misfit> {
    for (row, values) in rows.into_iter().enumerate() {
        let columns = target.types.len();
        if let Some(column) = values.get(columns).and_then(|lost| lost.as_deref()?.parse().ok()) {
            let of: &Type = &target.types[column];
            return Some(Misfit { row, column, why: format!("type {} would change it", of.name) });
        }
        let texts = values.iter().take(columns);
        out.push_row(
            texts.map(|text| text.as_ref().map_or(Value::Null, |text| Value::Text(text.as_bytes()))),
        );
    }
    None
}

/// Whether the server says that a value is none of its type: data exceptions, checks of domains, and what functions of these raise.
fn is_of_value(error: &tokio_postgres::Error) -> bool {
    failure::state(error).is_some_and(|state| ["22", "23", "P0"].iter().any(|class| state.starts_with(class)))
}

/// Looks up the types of the columns, and how rows are found.
async fn target(session: &Session, conversion: &Conversion) -> Result<Target, EngineError> {
    let table = &conversion.table;
    let query = format!(
        "WITH RECURSIVE {BASE}, {EQUALITY} \
         SELECT a.attname, format_type(a.atttypid, a.atttypmod), format_type(base.base, -1), \
         coalesce(base.typmod, -1) >= 0 OR a.atttypmod >= 0, e.operator, b.typname, \
         CASE WHEN b.typcategory = 'A' THEN item.typname END, c.relkind = 'p' \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         JOIN base ON base.type = a.atttypid JOIN pg_type b ON b.oid = base.base \
         LEFT JOIN pg_type item ON item.oid = b.typelem LEFT JOIN equality e ON e.type = base.base \
         WHERE c.oid = {}::regclass",
        quote::literal(&quote::table(&table.name))
    );
    let rows = session.rows("cannot list the columns", &query).await?;
    let mut by_name = HashMap::new();
    let mut is_partitioned = false;
    for row in &rows {
        is_partitioned = truth(row, 7, "whether it is partitioned")?;
        let found = Type {
            name: text(row, 1).to_owned(),
            base: text(row, 2).to_owned(),
            is_limited: truth(row, 3, "whether a type has a limit")?,
            equality: row[4].clone(),
            form: Form::of(text(row, 5), row[6].as_deref()),
        };
        by_name.insert(text(row, 0).to_owned(), found);
    }
    let types = table.columns.iter().map(|column| {
        by_name.remove(&column.name).ok_or_else(|| {
            let message = format!("table {} has no column {}", table.name, column.name);
            EngineError::new(ErrorKind::NotFound, message)
        })
    });
    let types: Vec<Type> = types.collect::<Result<_, _>>()?;
    let key = table.identified_by();
    let columns: Vec<usize> = key.naming().map(|part| part.column).collect();
    let is_found = key.unique && columns.iter().all(|column| types[*column].equality.is_some());
    Ok(Target {
        names: table.columns.iter().map(|column| column.name.clone()).collect(),
        types,
        key: is_found.then(|| Key { table: quote::table(&table.name), is_partitioned, columns }),
    })
}
