//! What the types of MySQL become in SQLite.

use super::cursor::Cursor;
use super::lexer::Token;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Integers that SQLite keeps.
    Integer,
    /// Integers of which SQLite does not keep the largest.
    Unsigned,
    /// Binary fractions.
    Real,
    /// Bits, which are printed as bytes.
    Bits,
    /// Text, exact decimals, dates and times.
    Text,
    /// Bytes.
    Blob,
}

/// A type as a column has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    /// As it is written: `int(10) unsigned`.
    pub(super) written: String,
    /// Whether SQLite's own has another range, other operations or another form.
    pub(super) changes: bool,
    /// Whether a collation says how its values are compared.
    pub(super) is_collated: bool,
}

/// The most decimal digits that always fit into an integer of SQLite.
const MOST_DIGITS: u32 = 18;

impl Type {
    /// Takes a type; gives none where a column begins in no such way.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.takes(&["national"]);
        let mut word = match cursor.next()? {
            Token::Word(word) => word.to_ascii_lowercase(),
            _ => return None,
        };
        for more in ["precision", "varying", "varchar", "char"] {
            let goes_on = match more {
                "precision" => word == "double",
                _ => matches!(word.as_str(), "char" | "character" | "long"),
            };
            if goes_on && cursor.takes(&[more]) {
                word = format!("{word} {more}");
            }
        }
        let first = cursor.clone();
        let arguments = cursor.parenthesised().unwrap_or_default();
        let numbers: Vec<u32> = match first.clone().list() {
            Some(list) => list.iter().filter_map(number).collect(),
            None => Vec::new(),
        };
        let mut written = format!("{word}{arguments}");
        let mut unsigned = false;
        loop {
            let attribute = ["unsigned", "signed", "zerofill"].into_iter().find(|word| cursor.takes(&[word]));
            let Some(attribute) = attribute else { break };
            // Numbers that are filled up with zeros have no sign.
            unsigned |= attribute != "signed";
            written = format!("{written} {attribute}");
        }
        let (kind, changes) = kind(&word, &numbers, unsigned);
        let is_collated = kind == Kind::Text && (!changes || matches!(word.as_str(), "enum" | "set"));
        Some(Self { kind, changes: changes || unsigned, is_collated, written })
    }

    /// What it is called in SQLite.
    pub(super) fn declared(&self) -> &'static str {
        match self.kind {
            Kind::Integer => "INTEGER",
            // A type would make the largest ones binary fractions.
            Kind::Unsigned | Kind::Bits => "",
            Kind::Real => "REAL",
            Kind::Text => "TEXT",
            Kind::Blob => "BLOB",
        }
    }

    /// The same for people.
    pub(super) fn becomes(&self) -> &'static str {
        match self.kind {
            Kind::Unsigned | Kind::Bits => "integers",
            _ => self.declared(),
        }
    }
}

fn number(part: &Cursor<'_>) -> Option<u32> {
    match part.peek()? {
        Token::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// What a type keeps, and whether that changes.
fn kind(word: &str, numbers: &[u32], unsigned: bool) -> (Kind, bool) {
    let first = numbers.first().copied();
    match word {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bool" | "boolean" | "int1" | "int2"
        | "int3" | "int4" | "middleint" => (Kind::Integer, false),
        "year" => (Kind::Integer, true),
        "serial" => (Kind::Unsigned, true),
        "bigint" | "int8" if unsigned => (Kind::Unsigned, true),
        "bigint" | "int8" => (Kind::Integer, false),
        "float" | "double" | "double precision" | "real" | "float4" | "float8" => {
            (Kind::Real, word.starts_with("float"))
        }
        "bit" => (Kind::Bits, true),
        "decimal" | "numeric" | "dec" | "fixed" | "number" => {
            let is_whole = numbers.get(1).copied().unwrap_or(0) == 0 && first.unwrap_or(10) <= MOST_DIGITS;
            (if is_whole { Kind::Integer } else { Kind::Text }, true)
        }
        "char" | "character" | "varchar" | "char varying" | "character varying" | "char varchar"
        | "varchar2" | "tinytext" | "text" | "mediumtext" | "longtext" | "long" | "long varchar" | "clob" => {
            (Kind::Text, false)
        }
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => (Kind::Blob, false),
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" | "vector" => (Kind::Blob, true),
        // Dates, times, ENUM, SET, JSON, UUID, INET6 and what is to come print as text.
        _ => (Kind::Text, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_become_what_keeps_their_values() {
        for (written, kind, changes) in [
            ("int(10) unsigned zerofill", Kind::Integer, true),
            ("tinyint(1)", Kind::Integer, false),
            ("BIGINT UNSIGNED", Kind::Unsigned, true),
            ("double precision", Kind::Real, false),
            ("float(7,2)", Kind::Real, true),
            ("decimal(12,2)", Kind::Text, true),
            ("decimal(18,0)", Kind::Integer, true),
            ("decimal(19)", Kind::Text, true),
            ("bit(5)", Kind::Bits, true),
            ("bit(64)", Kind::Bits, true),
            ("enum('a','b,c')", Kind::Text, true),
            ("character varying(80)", Kind::Text, false),
            ("longblob", Kind::Blob, false),
            ("datetime(6)", Kind::Text, true),
        ] {
            let sql = format!("{written} NOT NULL");
            let mut cursor = Cursor::new(sql.as_bytes());
            let found = Type::read(&mut cursor).expect("a type");
            assert_eq!((found.kind, found.changes), (kind, changes), "{written}");
            assert_eq!(found.written, written.to_lowercase());
            assert!(cursor.sees(&["not", "null"]), "{written}");
        }
        assert!(Type::read(&mut Cursor::new(b"'x'")).is_none());
    }
}
