//! Which keys the server can sort by as rowkeep does.

use rowkeep_format::KeyForm;

/// How a column of some type takes part in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ordering {
    /// How its text becomes bytes that compare.
    pub(crate) form: KeyForm,
    /// What the server has to be asked for to sort by those bytes.
    pub(crate) server: ServerOrder,
}

/// How `ORDER BY` gives the order of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerOrder {
    /// The type's own order is that of its text in the column's form.
    Plain,
    /// Text, when it is compared byte by byte.
    CollateC,
    /// Not at all; the rows are sorted outside.
    None,
}

/// The ordering of a type of `pg_catalog` (for a domain, the type it is made of), empty for any other type.
///
/// `encoding` is the database's: the server compares bytes of that encoding, while keys compare UTF-8.
pub(crate) fn ordering(base_type: &str, encoding: &str) -> Ordering {
    use ServerOrder::{CollateC, Plain};
    let (form, server) = match base_type {
        "int2" | "int4" | "int8" | "oid" => (KeyForm::Integer, Plain),
        "numeric" => (KeyForm::Decimal, Plain),
        "date" | "timestamp" | "timestamptz" => (KeyForm::Date, Plain),
        // Printed with a fixed width, or as hexadecimal digits: the text compares like the value.
        "bool" | "uuid" | "bytea" | "time" => (KeyForm::Native, Plain),
        "text" | "varchar" | "name" if keeps_order(encoding) => (KeyForm::Native, CollateC),
        _ => (KeyForm::Native, ServerOrder::None),
    };
    Ordering { form, server }
}

/// The form that takes together what a type holds to be equal, where it prints equal values in several ways and the rule is
/// known.
///
/// `citext` goes by the database's locale; of its rule this is what holds in all of them.
pub(crate) fn equality(base_type: &str) -> Option<KeyForm> {
    match base_type {
        "citext" => Some(KeyForm::NoCase),
        "float4" | "float8" => Some(KeyForm::Float),
        "interval" => Some(KeyForm::Interval),
        _ => None,
    }
}

/// Whether a type prints different values as the same text, so that its text cannot identify a row.
pub(crate) fn is_ambiguous(base_type: &str) -> bool {
    // Overloaded functions and operators print alike.
    matches!(base_type, "regproc" | "regoper" | "regprocedure" | "regoperator")
}

/// Whether bytes of an encoding compare like the same text in UTF-8.
fn keeps_order(encoding: &str) -> bool {
    matches!(encoding, "UTF8" | "SQL_ASCII" | "LATIN1")
}
