/// The names by which SQL reaches the rowid of a table, unless a column has the same name.
const ROWID_NAMES: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// The name by which the rowid of a table of these columns can be reached; nothing when columns hide all of them.
pub(crate) fn rowid_name<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    ROWID_NAMES.into_iter().find(|name| !columns.clone().any(|column| column.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rowids_are_found_by_a_free_name() {
        assert_eq!(rowid_name(["a", "b"].into_iter()), Some("rowid"));
        assert_eq!(rowid_name(["RowId", "oid"].into_iter()), Some("_rowid_"));
        assert_eq!(rowid_name(["rowid", "OID", "_ROWID_"].into_iter()), None);
    }
}
