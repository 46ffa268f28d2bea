//! Types that a schema defines for itself and whose values are those of others: enumerations and domains.

use std::collections::HashMap;

use rowkeep_format::{Schema, TableName};

use super::cursor::Cursor;
use super::ddl;
use super::split::statements;
use crate::dialect::ValueType;
use crate::postgres::quote;

/// Enumerations with their labels; domains with the types that they are made of.
#[derive(Debug, Default)]
pub(crate) struct OwnTypes {
    labels: HashMap<String, Vec<String>>,
    domains: HashMap<String, String>,
}

impl OwnTypes {
    /// Those of a schema.
    pub(crate) fn of(schema: &Schema) -> Self {
        let mut own = Self::default();
        for statement in statements(schema.ddl(ddl::BEFORE)) {
            let mut cursor = Cursor::new(statement);
            if cursor.takes(&["create", "type"]) {
                own.take_enumeration(&mut cursor);
            } else if cursor.takes(&["create", "domain"]) {
                own.take_domain(&mut cursor);
            }
        }
        own
    }

    /// Takes what stands behind `CREATE TYPE`; nothing where it is no enumeration.
    pub(crate) fn take_enumeration(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let name = type_name(&cursor.qualified()?);
        if !cursor.takes(&["as", "enum"]) {
            return None;
        }
        let labels = cursor.list()?.into_iter().map(|label| Cursor::new(label).literal());
        self.labels.insert(name, labels.collect::<Option<_>>()?);
        Some(())
    }

    /// Takes what stands behind `CREATE DOMAIN`, up to what is said beside the type; gives its name, and the type.
    pub(crate) fn take_domain(&mut self, cursor: &mut Cursor<'_>) -> Option<(String, String)> {
        let name = type_name(&cursor.qualified()?);
        cursor.takes(&["as"]);
        let base = cursor.until(|cursor| {
            ["default", "not", "constraint", "collate", "check"].iter().any(|word| cursor.sees(&[word]))
        });
        self.domains.insert(name.clone(), base.to_owned());
        Some((name, base.to_owned()))
    }

    /// What the values of a type are.
    pub(crate) fn value_type(&self, declared: &str) -> ValueType {
        let mut name = declared.to_owned();
        // Domains over domains are few; a schema that says otherwise does not come from a server.
        for _ in 0..32 {
            match self.domains.get(&name) {
                Some(below) => name.clone_from(below),
                None => break,
            }
        }
        ValueType { labels: self.labels.get(&name).cloned().unwrap_or_default(), name }
    }
}

/// A type as the schema prints it.
fn type_name(name: &TableName) -> String {
    let part = |part: &str| {
        let plain = part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if plain { part.to_owned() } else { quote::ident(part) }
    };
    match &name.schema {
        Some(schema) => format!("{}.{}", part(schema), part(&name.name)),
        None => part(&name.name),
    }
}
