//! Columns as `pg_dump` writes them.

use crate::outline::tables::DefaultValue;
use crate::postgres::schema::cursor::Cursor;

/// What a column's own line says beside its name and type.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) default: Option<String>,
    pub(super) generated: Option<String>,
    pub(super) collation: Option<String>,
}

/// Reads a column's line.
pub(super) fn line(text: &str) -> Option<Line> {
    let mut cursor = Cursor::new(text);
    let mut line = Line { name: cursor.name()?, ..Line::default() };
    let ends = |cursor: &Cursor<'_>| {
        cursor.sees(&["not", "null"]) || cursor.sees(&["constraint"]) || cursor.sees(&["storage"])
    };
    while !cursor.is_done() {
        if cursor.takes(&["default"]) {
            line.default = Some(cursor.until(ends).to_owned());
        } else if cursor.takes(&["generated", "always", "as"]) {
            let expression = cursor.until(|cursor| cursor.sees(&["stored"]) || ends(cursor));
            line.generated = Some(expression.to_owned());
        } else if cursor.takes(&["collate"]) {
            line.collation = Some(cursor.qualified()?.name);
        } else if !cursor.skip() {
            break;
        }
    }
    Some(line)
}

/// A default, as the server prints its expression; nothing for NULL.
pub(super) fn default(sql: &str) -> Option<DefaultValue> {
    let other = || Some(DefaultValue::Other(sql.to_owned()));
    let mut cursor = Cursor::new(sql);
    let value = if cursor.takes(&["null"]) {
        None
    } else if cursor.takes(&["true"]) {
        Some(DefaultValue::Boolean(true))
    } else if cursor.takes(&["false"]) {
        Some(DefaultValue::Boolean(false))
    } else if cursor.takes(&["current_timestamp"])
        || takes_call(&mut cursor, "now")
        || takes_call(&mut cursor, "transaction_timestamp")
        || takes_call(&mut cursor, "statement_timestamp")
        || takes_call(&mut cursor, "clock_timestamp")
    {
        Some(DefaultValue::Now)
    } else if cursor.takes(&["current_date"]) {
        Some(DefaultValue::Today)
    } else if takes_call(&mut cursor, "gen_random_uuid") {
        Some(DefaultValue::RandomUuid)
    } else if let Some(text) = cursor.literal() {
        Some(DefaultValue::Text(text))
    } else {
        let number = sql.trim_start_matches('(').trim_end_matches(')');
        let digits = number.strip_prefix('-').unwrap_or(number);
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
            && number.parse::<f64>().is_ok_and(f64::is_finite);
        return if is_number { Some(DefaultValue::Number(number.to_owned())) } else { other() };
    };
    // A cast says what the column says.
    if cursor.takes_symbol(':') {
        if !cursor.takes_symbol(':') {
            return other();
        }
        let type_name = cursor.until(|cursor| {
            ["+", "-", "|", "*", "/", ":"]
                .iter()
                .any(|symbol| symbol.chars().all(|symbol| cursor.sees_symbol(symbol)))
                || cursor.sees(&["at"])
        });
        if type_name.is_empty() {
            return other();
        }
    }
    if cursor.is_done() { value } else { other() }
}

fn takes_call(cursor: &mut Cursor<'_>, name: &str) -> bool {
    let mut ahead = cursor.clone();
    let called = ahead.takes(&[name]) && ahead.takes_symbol('(') && ahead.takes_symbol(')');
    if called {
        *cursor = ahead;
    }
    called
}

/// The sequence in `nextval('public.t_id_seq'::regclass)`, as it is written.
pub(super) fn next_value(sql: &str) -> Option<String> {
    let mut cursor = Cursor::new(sql);
    if !(cursor.takes(&["nextval"]) && cursor.takes_symbol('(')) {
        return None;
    }
    cursor.literal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let read = line(
            "\"order\" character varying(9) COLLATE pg_catalog.\"C\" DEFAULT 'a NOT NULL'::character varying NOT NULL",
        );
        let read = read.expect("it is a column");
        assert_eq!(read.name, "order");
        assert_eq!(read.default.as_deref(), Some("'a NOT NULL'::character varying"));
        assert_eq!(read.collation.as_deref(), Some("C"));
        let read = line("total numeric GENERATED ALWAYS AS ((price * (n)::numeric)) STORED NOT NULL");
        assert_eq!(read.and_then(|line| line.generated).as_deref(), Some("((price * (n)::numeric))"));
        let read = line("id integer CONSTRAINT x NOT NULL").expect("it is a column");
        assert_eq!((read.default, read.generated), (None, None));
    }

    #[test]
    fn defaults_are_understood() {
        let text = |text: &str| Some(DefaultValue::Text(text.to_owned()));
        for (sql, expected) in [
            ("NULL::character varying", None),
            ("'it''s'::text", text("it's")),
            ("'new'::public.state", text("new")),
            ("'{}'::text[]", text("{}")),
            ("'2024-01-01 00:00:00'::timestamp without time zone", text("2024-01-01 00:00:00")),
            ("'-1'::integer", text("-1")),
            ("0", Some(DefaultValue::Number("0".into()))),
            ("(-1.50)", Some(DefaultValue::Number("-1.50".into()))),
            ("true", Some(DefaultValue::Boolean(true))),
            ("now()", Some(DefaultValue::Now)),
            ("CURRENT_DATE", Some(DefaultValue::Today)),
            ("gen_random_uuid()", Some(DefaultValue::RandomUuid)),
        ] {
            assert_eq!(default(sql), expected, "{sql}");
        }
        for sql in [
            "('a'::text || 'b'::text)",
            "(now() + '1 day'::interval)",
            "public.now()",
            "timezone('utc'::text, now())",
            "(now() AT TIME ZONE 'utc'::text)",
            "'1 day'::interval + '1 day'::interval",
            "1 + 2",
        ] {
            assert_eq!(default(sql), Some(DefaultValue::Other(sql.to_owned())), "{sql}");
        }
        assert_eq!(
            next_value("nextval('public.\"T_id_seq\"'::regclass)").as_deref(),
            Some("public.\"T_id_seq\"")
        );
        assert_eq!(next_value("now()"), None);
    }
}
