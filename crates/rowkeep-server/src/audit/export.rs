//! The audit written down for others, page by page, the oldest entries first.

use std::fmt::Write as _;

use futures::Stream;
use futures::stream::try_unfold;

use crate::Error;
use crate::state::State;
use crate::state::audit::{self, Entry};

/// How many entries are read at once.
const PAGE: u32 = 1_000;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// A JSON object a line, exactly as the API lists entries.
    Ndjson,
    /// RFC 4180, with a head. What spreadsheets would take for a formula begins with an apostrophe.
    Csv,
}

/// The text of an export, a part at a time.
pub type AuditPages = std::pin::Pin<Box<dyn Stream<Item = Result<String, Error>> + Send>>;

/// Writes down all entries that there are when it begins.
pub(crate) fn pages(state: State, format: AuditFormat) -> AuditPages {
    Box::pin(try_unfold((state, None), move |(state, place)| async move {
        let (last, after, mut text) = match place {
            Some((last, after)) => (last, after, String::new()),
            None => {
                let (last, _) = state.transaction(audit::head).await?;
                (last, i64::MIN, head(format).to_owned())
            }
        };
        let entries = state.transaction(move |state| audit::after(state, after, PAGE)).await?;
        for entry in entries.iter().filter(|entry| entry.number <= last) {
            write(entry, format, &mut text);
        }
        let after = match entries.last() {
            Some(entry) if entry.number < last => entry.number,
            // Nothing is left but the end.
            _ => i64::MAX,
        };
        Ok((!entries.is_empty() || !text.is_empty()).then_some((text, (state, Some((last, after))))))
    }))
}

fn head(format: AuditFormat) -> &'static str {
    match format {
        AuditFormat::Ndjson => "",
        AuditFormat::Csv => "number,time,who,address,action,object,outcome,hash\r\n",
    }
}

fn write(entry: &Entry, format: AuditFormat, text: &mut String) {
    match format {
        AuditFormat::Ndjson => {
            text.push_str(&serde_json::to_string(entry).unwrap_or_default());
            text.push('\n');
        }
        AuditFormat::Csv => {
            let Entry { number, time, who, address, action, object, outcome, hash } = entry;
            let _ = write!(text, "{number},{time}");
            for field in [who, address, action, object, outcome, hash] {
                text.push(',');
                value(field, text);
            }
            text.push_str("\r\n");
        }
    }
}

/// A value in quotes where it needs them. Names that somebody chose must not do anything in whoever's spreadsheet.
fn value(field: &str, text: &mut String) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    match field.contains(['"', ',', '\r', '\n']) {
        true => {
            let _ = write!(text, "\"{}\"", field.replace('"', "\"\""));
        }
        false => text.push_str(&field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values() {
        for (field, written) in [
            ("token deploy", "token deploy"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("@sum", "'@sum"),
            ("-1", "'-1"),
            ("+1", "'+1"),
            ("\tx", "'\tx"),
            ("", ""),
        ] {
            let mut text = String::new();
            value(field, &mut text);
            assert_eq!(text, written);
        }
    }
}
