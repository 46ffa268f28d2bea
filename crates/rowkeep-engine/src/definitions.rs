use rowkeep_format::Schema;

use crate::connect::dialect_of;
use crate::definition::Definition;

/// What a schema is made of: for people, and to be compared. Of an engine that is not known, its parts as they are.
///
/// Without what differs between databases of one schema: encoding, page size, journal.
pub fn definitions(schema: &Schema) -> Vec<Definition> {
    match dialect_of(&schema.engine) {
        Ok(dialect) => dialect.definitions(schema),
        Err(_) => schema.ddl.iter().map(|part| Definition::object(part.sql.clone())).collect(),
    }
}
