/// A name as an identifier in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The names by which SQL reaches the rowid of a table, unless a column has the same name.
const ROWID_NAMES: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// The name by which the rowid of a table of these columns can be reached; nothing when columns hide all of them.
pub(super) fn rowid_name<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    ROWID_NAMES.into_iter().find(|name| !columns.clone().any(|column| column.eq_ignore_ascii_case(name)))
}

/// What a column does to values that are put into it: section 3 of SQLite's "Datatypes" page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    /// The affinity of a declared type.
    pub(super) fn of(type_name: &str, strict: bool) -> Self {
        let name = type_name.to_ascii_uppercase();
        let has = |part: &str| name.contains(part);
        if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || name.is_empty() || (strict && name == "ANY") {
            Self::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a\"b c"), "\"a\"\"b c\"");
    }

    #[test]
    fn rowids_are_found_by_a_free_name() {
        assert_eq!(rowid_name(["a", "b"].into_iter()), Some("rowid"));
        assert_eq!(rowid_name(["RowId", "oid"].into_iter()), Some("_rowid_"));
        assert_eq!(rowid_name(["rowid", "OID", "_ROWID_"].into_iter()), None);
    }

    #[test]
    fn affinities_follow_the_manual() {
        let of = |name| Affinity::of(name, false);
        assert_eq!(of("CHARINT"), Affinity::Integer);
        assert_eq!(of("varchar(9)"), Affinity::Text);
        assert_eq!(of(""), Affinity::Blob);
        assert_eq!(of("double precision"), Affinity::Real);
        assert_eq!(of("decimal(9, 2)"), Affinity::Numeric);
        assert_eq!(of("any"), Affinity::Numeric);
        assert_eq!(Affinity::of("any", true), Affinity::Blob);
    }
}
