//! Defaults of columns.

use crate::outline::tables::DefaultValue;

/// A default, as SQLite keeps its text; nothing for NULL.
pub(super) fn default(sql: &str) -> Option<DefaultValue> {
    let mut text = sql.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'))
        && !inner.contains(['(', ')'])
    {
        text = inner.trim();
    }
    let quoted = |quote: char| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        let undoubled = inner.replace(&format!("{quote}{quote}"), "");
        (!undoubled.contains(quote)).then(|| inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
    };
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && number.parse::<f64>().is_ok_and(f64::is_finite);
    let same = |word: &str| text.replace(' ', "").eq_ignore_ascii_case(word);
    Some(if same("null") {
        return None;
    } else if is_number {
        DefaultValue::Number(text.trim_start_matches('+').to_owned())
    } else if same("true") || same("false") {
        DefaultValue::Boolean(same("true"))
    } else if ["current_timestamp", "datetime('now')", "(datetime('now'))"].iter().any(|known| same(known)) {
        DefaultValue::Now
    } else if ["current_date", "date('now')", "(date('now'))"].iter().any(|known| same(known)) {
        DefaultValue::Today
    } else if ["current_time", "time('now')", "(time('now'))"].iter().any(|known| same(known)) {
        DefaultValue::TimeOfDay
    } else if let Some(text) = quoted('\'').or_else(|| quoted('"')) {
        DefaultValue::Text(text)
    } else {
        DefaultValue::Other(text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_understood() {
        for (sql, expected) in [
            ("NULL", None),
            ("5", Some(DefaultValue::Number("5".into()))),
            ("-1.5e3", Some(DefaultValue::Number("-1.5e3".into()))),
            ("( + 7 )", Some(DefaultValue::Other("+ 7".into()))),
            ("'it''s'", Some(DefaultValue::Text("it's".into()))),
            ("\"new\"", Some(DefaultValue::Text("new".into()))),
            ("('a')", Some(DefaultValue::Text("a".into()))),
            ("'a' || 'b'", Some(DefaultValue::Other("'a' || 'b'".into()))),
            ("true", Some(DefaultValue::Boolean(true))),
            ("Current_Timestamp", Some(DefaultValue::Now)),
            ("datetime('now')", Some(DefaultValue::Now)),
            ("(date('now'))", Some(DefaultValue::Today)),
            ("inf", Some(DefaultValue::Other("inf".into()))),
            ("0x1F", Some(DefaultValue::Other("0x1F".into()))),
        ] {
            assert_eq!(default(sql), expected, "{sql}");
        }
    }
}
