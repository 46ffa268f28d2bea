//! Reading the rows of a snapshot for what has to be known of them before its schema is translated.

use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::translate::{Survey, TableProfile};
use rowkeep_format::{Schema, Table, TableEntry, TableKind};
use rowkeep_repository::Reader;

use crate::state::reader::{Cause, rows};
use crate::{Context, Error, Event, Phase};

/// How many tables are read at once.
const TABLES: usize = 2;

/// Reads the tables whose values decide how they are translated.
pub(super) async fn survey(
    context: &Context,
    reader: &Arc<Reader>,
    schema: &Schema,
    tables: &[TableEntry],
) -> Result<Survey, Error> {
    let mut survey = Survey::new();
    let mut wanted: Vec<(&TableEntry, &Table, TableProfile)> = Vec::new();
    for entry in tables {
        let Some(table) = schema.table(&entry.name) else { continue };
        if entry.kind == TableKind::LargeObjects {
            survey.add_large_objects(entry.root.rows);
        } else if Survey::wants_rows(table) {
            let cause = Cause::default();
            let mut rows = rows(context, reader, entry, &cause);
            while let Some(batch) = rows.next().await {
                survey.add_rows(table, &batch.map_err(|error| cause.of(error))?);
            }
        } else if let Some(profile) = Survey::wanted(schema, table) {
            wanted.push((entry, table, profile));
        }
    }
    context.observe(Event::Phase {
        phase: Phase::Diff,
        tables: wanted.len() as u64,
        rows: wanted.iter().map(|(entry, ..)| entry.root.rows).sum(),
    });
    let looked = futures::stream::iter(wanted).map(|(entry, table, profile)| async move {
        context.observe(Event::Table(&entry.name));
        let profile = look(context, reader, entry, profile).await?;
        context.observe(Event::TableDone { table: &entry.name, rows: entry.root.rows });
        Ok::<_, Error>((table.name.clone(), profile))
    });
    for (name, profile) in looked.buffer_unordered(TABLES).try_collect::<Vec<_>>().await? {
        survey.add(name, profile);
    }
    Ok(survey)
}

async fn look(
    context: &Context,
    reader: &Arc<Reader>,
    entry: &TableEntry,
    mut profile: TableProfile,
) -> Result<TableProfile, Error> {
    let cause = Cause::default();
    let mut rows = rows(context, reader, entry, &cause);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| cause.of(error))?;
        let (rows, bytes) = (batch.rows() as u64, batch.bytes() as u64);
        profile = context
            .compute(move || {
                profile.observe(&batch);
                profile
            })
            .await;
        context.observe(Event::Advanced { table: &entry.name, rows, bytes });
    }
    Ok(profile)
}
