//! What identifies a row of a table whose rows stand in another order, or in an order that tells equal keys apart.

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Key, KeyForm};

use crate::sqlite::catalog::affinity::Affinity;
use crate::sqlite::catalog::tables::{Facts, UniqueIndex};

/// The collations whose rule is known, by the form that takes equal values together.
const COLLATIONS: [(&str, KeyForm); 3] =
    [("BINARY", KeyForm::Equal), ("NOCASE", KeyForm::NoCase), ("RTRIM", KeyForm::RightTrimmed)];

/// The collation by which a part of an identity compares, where it has one.
pub(crate) fn collation(form: KeyForm) -> Option<&'static str> {
    COLLATIONS.into_iter().find(|(_, known)| *known == form).map(|(name, _)| name)
}

/// What identifies a row: the primary key, else the first unique key without NULL. Nothing where that is the key by whose
/// order the table is read, or where text is compared by a collation that only its application has.
///
/// `places` are those of the declared columns among the stored ones, `rowid` is that of the hidden rowid, which tells rows
/// apart that have NULL in their primary key.
pub(super) fn identity(
    facts: &Facts,
    places: &[Option<usize>],
    rowid: Option<usize>,
    key: &Key,
) -> Option<Key> {
    if facts.integer_primary_key().is_some() {
        return None;
    }
    let is_never_null = |index: &UniqueIndex, column: usize| {
        facts.columns[column].not_null || facts.without_rowid && index.primary
    };
    let is_stored = |index: &&UniqueIndex| index.columns.iter().all(|(column, ..)| places[*column].is_some());
    let identifies = |index: &&UniqueIndex| {
        index.primary || index.columns.iter().all(|(column, ..)| is_never_null(index, *column))
    };
    let index = facts.unique.iter().filter(is_stored).find(identifies)?;
    let part = |(column, _, collation): &(usize, bool, String)| {
        let known = COLLATIONS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(collation));
        Some(KeyColumn { column: places[*column]?, form: known?.1 })
    };
    let mut columns = index.columns.iter().map(part).collect::<Option<Vec<_>>>()?;
    // As stored, equal values are the same: text compares by its bytes, and no number has two forms.
    let is_exact = |(column, _, collation): &(usize, bool, String)| {
        collation.eq_ignore_ascii_case("BINARY") && facts.columns[*column].affinity != Affinity::Blob
    };
    let is_key = columns.iter().map(|part| part.column).eq(key.columns.iter().map(|part| part.column));
    if !index.columns.iter().all(|(column, ..)| is_never_null(index, *column)) {
        columns.push(KeyColumn { column: rowid?, form: KeyForm::IfNull });
    } else if key.unique && is_key && index.columns.iter().all(is_exact) {
        return None;
    }
    Some(Key { columns, unique: true })
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
