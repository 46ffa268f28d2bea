//! Tables of a dump as a live database would have them: columns, key, identity, references.

use rowkeep_format::{Column, ForeignKey, Table, TableKind, TableName};

use super::definition::Definitions;
use super::table_definition::ColumnDefinition;
use crate::postgres::catalog::columns::Attribute;
use crate::postgres::catalog::keys::{Candidate, choose_key, identity};

/// A table by its definition; `order` is that of the columns as the dump gives their values, where it says so.
pub(super) fn table(definitions: &Definitions, name: &TableName, order: Option<&[String]>) -> Table {
    let mut defined = definitions.columns(name);
    if let Some(order) = order {
        // Of a child, columns that its parent got later stand elsewhere than they did.
        let place = |column: &ColumnDefinition| order.iter().position(|name| *name == column.name);
        defined.sort_by_key(|column| place(column).unwrap_or(usize::MAX));
        // What an extension defines, the dump does not.
        let undefined = order.iter().filter(|name| !defined.iter().any(|column| column.name == **name));
        let undefined: Vec<String> = undefined.cloned().collect();
        defined.extend(
            undefined.into_iter().map(|name| ColumnDefinition { name, ..ColumnDefinition::default() }),
        );
    }
    let mut numbers = 0i16..;
    let attributes: Vec<Attribute> = defined
        .into_iter()
        .filter_map(|column| {
            let number = numbers.next()?;
            (!column.generated).then(|| Attribute {
                number,
                base_type: base_type(definitions, &column.type_name),
                column: Column {
                    name: column.name,
                    type_name: column.type_name,
                    not_null: column.not_null,
                    hidden: false,
                },
            })
        })
        .collect();
    let number = |name: &String| attributes.iter().find(|one| one.column.name == *name).map(|one| one.number);
    let mut keys = definitions.tables.get(name).map(|table| table.keys.clone()).unwrap_or_default();
    keys.sort_by(|a, b| (!a.primary, a.columns.len(), &a.name).cmp(&(!b.primary, b.columns.len(), &b.name)));
    let candidates = keys.iter().map(|key| Candidate {
        primary: key.primary,
        // A column that is not stored has no number that any other has.
        columns: key.columns.iter().map(|column| number(column).unwrap_or(-1)).collect(),
    });
    // The encoding only says whether the server could sort.
    let (key, _) = choose_key(&attributes, &candidates.collect::<Vec<_>>(), "UTF8");
    let place = |column: &String| attributes.iter().position(|one| one.column.name == *column);
    let references = definitions.references(name).into_iter().filter_map(|reference| {
        Some(ForeignKey {
            columns: reference.columns.iter().map(place).collect::<Option<_>>()?,
            name: Some(reference.name),
            references: reference.references,
            referenced_columns: reference.referenced_columns,
        })
    });
    let foreign_keys = references.collect();
    Table {
        name: name.clone(),
        kind: TableKind::Table,
        identity: identity(&key, &attributes),
        columns: attributes.into_iter().map(|attribute| attribute.column).collect(),
        key,
        foreign_keys,
    }
}

/// The name in `pg_type` of a type as it is printed, of a domain that of what it is made of; empty for one that is no
/// `pg_catalog`'s, but for `citext`.
fn base_type(definitions: &Definitions, printed: &str) -> String {
    let printed = definitions.base(printed);
    if printed.ends_with(']') {
        return String::new();
    }
    let (name, after) = match (printed.find('('), printed.rfind(')')) {
        (Some(open), Some(close)) if close > open => (&printed[..open], printed[close + 1..].trim()),
        _ => (printed.as_str(), ""),
    };
    let name = if after.is_empty() { name.trim().to_owned() } else { format!("{} {after}", name.trim()) };
    let known = match name.as_str() {
        "smallint" => "int2",
        "integer" => "int4",
        "bigint" => "int8",
        "boolean" => "bool",
        "real" => "float4",
        "double precision" => "float8",
        "character varying" => "varchar",
        "character" => "bpchar",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        other if other.starts_with("interval") => "interval",
        other if other == "citext" || other.ends_with(".citext") => "citext",
        other if other.contains(['.', '"', ' ']) => "",
        other => other,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_types_are_those_of_the_catalog() {
        let mut definitions = Definitions::default();
        definitions.domains.insert("public.pos".into(), "public.whole".into());
        definitions.domains.insert("public.whole".into(), "numeric(10,2)".into());
        for (printed, base) in [
            ("integer", "int4"),
            ("character varying(9)", "varchar"),
            ("timestamp(3) with time zone", "timestamptz"),
            ("interval day to second(3)", "interval"),
            ("public.pos", "numeric"),
            ("app.citext", "citext"),
            ("public.mood", ""),
            ("integer[]", ""),
            ("uuid", "uuid"),
            ("\"char\"", ""),
        ] {
            assert_eq!(base_type(&definitions, printed), base, "{printed}");
        }
    }
}
