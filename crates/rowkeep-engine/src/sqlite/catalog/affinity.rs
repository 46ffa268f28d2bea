/// What a column does to values that are put into it or compared with it: sections 3 and 4 of SQLite's "Datatypes" page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// Numbers that are whole become integers.
    Integer,
    /// Numbers become text.
    Text,
    /// Nothing happens.
    Blob,
    /// Numbers become reals.
    Real,
    /// As `Integer`.
    Numeric,
}

impl Affinity {
    /// The affinity of a declared type; `ANY` has one of its own in STRICT tables.
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

    /// Whether text that looks like a number becomes one.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Real | Self::Numeric)
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
