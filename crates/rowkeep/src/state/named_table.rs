//! The table that a name means in a schema.

use rowkeep_engine::dialect::Names;
use rowkeep_format::{Schema, Table, TableName};

use crate::Error;

/// The table that a name means; nothing when none has it.
pub(crate) fn find<'s>(schema: &'s Schema, names: Names, name: &str) -> Result<Option<&'s Table>, Error> {
    let tables = || schema.tables.iter().filter(|table| table.kind.is_user_table());
    let mut found: Vec<&Table> =
        tables().filter(|table| name == table.name.name || name == qualified(&table.name)).collect();
    if found.is_empty() && names.fold {
        found = tables().filter(|table| table.name.name.eq_ignore_ascii_case(name)).collect();
    }
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        several => match several.iter().find(|table| table.name.schema.as_deref() == names.default_schema) {
            Some(default) => Ok(Some(default)),
            None => Err(Error::Unknown {
                what: "single table",
                name: name.to_owned(),
                candidates: several.iter().map(|table| qualified(&table.name)).collect(),
            }),
        },
    }
}

fn qualified(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    }
}
