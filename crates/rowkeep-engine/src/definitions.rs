use rowkeep_format::Schema;

use crate::definition::Definition;
use crate::{postgres, sqlite};

/// What a schema is made of: for people, and to be compared.
///
/// Without what differs between databases of one schema: encoding, page size, journal.
pub fn definitions(schema: &Schema) -> Vec<Definition> {
    match schema.engine.as_str() {
        postgres::NAME => postgres::definitions(schema),
        sqlite::NAME => sqlite::definitions(schema),
        _ => schema.ddl.iter().map(|part| Definition::object(part.sql.clone())).collect(),
    }
}
