//! When the values of columns can be those of others.

use rowkeep_format::{Column, Table};

use super::bind::is_postgres;
use super::postgres::Type;
use super::sqlite::Affinity;

/// Whether equal values of two columns of an engine's tables look the same.
pub(crate) fn look_alike(of: &Table, a: &Column, b: &Column) -> bool {
    if !is_postgres(of) {
        return Affinity::of(&a.type_name) == Affinity::of(&b.type_name);
    }
    if a.type_name == b.type_name {
        return true;
    }
    let kind = Type::of(&a.type_name);
    kind == Type::of(&b.type_name) && matches!(kind, Type::Integer | Type::Decimal | Type::Text)
}
