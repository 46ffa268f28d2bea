//! Names and values as SQL.

use rowkeep_format::TableName;

/// A name as an identifier, quoted whatever it is.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a table with its schema.
pub(super) fn table(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", ident(schema), ident(&name.name)),
        None => ident(&name.name),
    }
}

/// A text as a literal that means the same whatever `standard_conforming_strings` is.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// A text of any bytes as a literal; what is not UTF-8 is escaped byte by byte.
pub(super) fn bytes_literal(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => literal(text),
        Err(_) => format!("E'{}'", text.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>()),
    }
}

/// Names as a list of identifiers.
pub(super) fn idents<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(ident).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(bytes_literal(b"it's"), "'it''s'");
        assert_eq!(bytes_literal(b"a'\xff"), "E'\\x61\\x27\\xff'");
        assert_eq!(table(&TableName::qualified("s p", "t")), "\"s p\".\"t\"");
    }
}
