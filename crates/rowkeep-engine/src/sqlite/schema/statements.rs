//! The statements of a schema, for people and to be compared.

use rowkeep_format::Schema;

use super::ddl::{POST_DATA, PRE_DATA};
use crate::Definition;
use crate::sqlite::catalog::tables::Object;

/// The statements of a schema; of a part that this version cannot read, its text as it is stored.
pub(crate) fn definitions(schema: &Schema) -> Vec<Definition> {
    let statements = [PRE_DATA, POST_DATA].into_iter().map(|part| schema.ddl(part)).flat_map(|part| {
        match serde_json::from_str::<Vec<Object>>(part) {
            Ok(objects) => objects.into_iter().map(|object| object.sql).collect(),
            Err(_) if part.is_empty() => Vec::new(),
            Err(_) => vec![part.to_owned()],
        }
    });
    statements.map(definition).collect()
}

/// A statement as SQLite keeps it: of an index with the whitespace that stood behind it, which says nothing.
fn definition(sql: String) -> Definition {
    let mut definition = Definition::object(sql);
    definition.canonical.truncate(definition.canonical.trim_end().len());
    definition
}

#[cfg(test)]
mod tests {
    use rowkeep_format::schema::Ddl;

    use super::super::ddl::ENGINE;
    use super::*;

    #[test]
    fn definitions_that_cannot_be_read_are_not_left_out() {
        let schema = |sql: &str| Schema {
            engine: ENGINE.to_owned(),
            tables: Vec::new(),
            inherits: Vec::new(),
            ddl: vec![Ddl { part: PRE_DATA.to_owned(), sql: sql.to_owned() }],
        };
        let told = |sql: &str| -> Vec<String> {
            definitions(&schema(sql)).into_iter().map(|definition| definition.sql).collect()
        };
        assert_eq!(told("[]"), Vec::<String>::new());
        assert_eq!(told("{\"later\":1}"), ["{\"later\":1}"]);
    }
}
