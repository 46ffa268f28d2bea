/// What a column does to values that are put into it: section 3 of SQLite's "Datatypes" page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    /// The affinity of a declared type.
    pub(crate) fn of(type_name: &str, strict: bool) -> Self {
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
