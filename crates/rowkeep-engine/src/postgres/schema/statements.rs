//! The statements of a schema, for people and to be compared.

use rowkeep_format::Schema;

use super::canonical::canonical;
use super::classify::{self, Kind};
use super::{ddl, script};
use crate::{Definition, DefinitionKind};

/// The statements of a schema, without those that only set something for a session.
pub(crate) fn definitions(schema: &Schema) -> Vec<Definition> {
    let parts = [ddl::PROLOGUE, ddl::BEFORE, ddl::AFTER];
    let statements = parts.into_iter().flat_map(|part| script::parse(schema.ddl(part)));
    let definition = |statement: script::Statement| Definition {
        canonical: canonical(&statement.sql),
        sql: classify::shown(&statement.sql),
        kind: match statement.kind {
            Kind::Owner(role) => DefinitionKind::Privileges(vec![role]),
            Kind::Privileges(roles) => DefinitionKind::Privileges(roles),
            Kind::Optional | Kind::Privileged | Kind::EventTrigger => DefinitionKind::Optional,
            _ => DefinitionKind::Object,
        },
    };
    let versions = script::parse(schema.ddl(ddl::EXTENSIONS)).into_iter();
    let version = |statement: script::Statement| Definition {
        canonical: canonical(&statement.sql),
        sql: statement.sql,
        kind: DefinitionKind::Version,
    };
    statements.map(definition).chain(versions.map(version)).collect()
}
