//! SQL that asks for values in a form which JavaScript and JSON leave as it is.
//!
//! The first column of a row is a text with a letter for each of its values, which says how to read the value:
//!
//! | letter | value | comes as |
//! |---|---|---|
//! | `n` | NULL | null |
//! | `i` | integer | number, or its digits beyond 2^53, from where JavaScript rounds |
//! | `r` | real | number: the shortest digits that are it |
//! | `p`, `m` | infinity, above and below | null |
//! | `z` | negative zero | number |
//! | `t` | text | text; in digits where that was asked for, because what is not UTF-8 comes as U+FFFD |
//! | `b` | blob | hexadecimal digits |
//! | `T`, `B` | text, blob that is read by itself | the number of its bytes |

/// How values are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Whether texts come as hexadecimal digits.
    pub(crate) hex_text: bool,
    /// What has more bytes is read by itself.
    pub(crate) inline_bytes: usize,
}

/// Columns of one statement at most, with the first: a result has 100.
pub(crate) const MOST_COLUMNS: usize = 95;

/// Bytes of one statement at most: D1 takes 100,000.
const MOST_BYTES: usize = 90_000;

/// The first and the last number beyond which JavaScript's are not exact.
const EXACT: &str = "-9007199254740991 AND 9007199254740991";

/// What is selected of some columns, each an expression that names its value.
pub(crate) fn selected(columns: &[String], form: Form) -> String {
    let letters: Vec<String> = columns.iter().map(|column| letter(column, form)).collect();
    let values = columns.iter().enumerate().map(|(at, column)| format!("{} AS v{at}", value(column, form)));
    let values: Vec<String> = values.collect();
    format!("{} AS t, {}", joined(&letters), values.join(", "))
}

/// Divides columns, by how long their expressions are, so that each part fits a statement. At least one column is in each.
pub(crate) fn divided(columns: &[String], form: Form, rest_bytes: usize) -> Vec<std::ops::Range<usize>> {
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, rest_bytes);
    for (at, column) in columns.iter().enumerate() {
        let this = letter(column, form).len() + value(column, form).len() + 20;
        if at > start && (bytes + this > MOST_BYTES || at - start + 1 >= MOST_COLUMNS) {
            parts.push(start..at);
            (start, bytes) = (at, rest_bytes);
        }
        bytes += this;
    }
    parts.push(start..columns.len());
    parts
}

/// Texts one behind the other. As a tree, for an expression has a depth of 100 at most.
fn joined(letters: &[String]) -> String {
    match letters {
        [] => "''".to_owned(),
        [one] => one.clone(),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            format!("({} || {})", joined(left), joined(right))
        }
    }
}

fn letter(c: &str, Form { inline_bytes, .. }: Form) -> String {
    format!(
        "CASE typeof({c}) WHEN 'integer' THEN 'i' WHEN 'text' THEN CASE WHEN octet_length({c}) > {inline_bytes} THEN 'T' ELSE 't' END \
         WHEN 'real' THEN CASE {c} WHEN 9e999 THEN 'p' WHEN -9e999 THEN 'm' WHEN 0 THEN CASE WHEN atan2({c}, -1) < 0 THEN 'z' \
         ELSE 'r' END ELSE 'r' END WHEN 'blob' THEN CASE WHEN octet_length({c}) > {inline_bytes} THEN 'B' ELSE 'b' END ELSE 'n' END"
    )
}

fn value(c: &str, Form { hex_text, inline_bytes }: Form) -> String {
    let text = if hex_text { format!("hex({c})") } else { c.to_owned() };
    format!(
        "CASE typeof({c}) WHEN 'integer' THEN CASE WHEN {c} BETWEEN {EXACT} THEN {c} ELSE CAST({c} AS TEXT) END \
         WHEN 'text' THEN CASE WHEN octet_length({c}) > {inline_bytes} THEN octet_length({c}) ELSE {text} END \
         WHEN 'blob' THEN CASE WHEN octet_length({c}) > {inline_bytes} THEN octet_length({c}) ELSE hex({c}) END ELSE {c} END"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fit_a_statement() {
        let form = Form { hex_text: false, inline_bytes: 16_384 };
        let names = |count: usize, length: usize| -> Vec<String> {
            (0..count).map(|at| format!("\"{at:0length$}\"")).collect()
        };
        assert_eq!(divided(&names(3, 5), form, 0).len(), 1);
        for (count, length) in [(101, 5), (101, 60), (100, 300), (2, 9_000)] {
            let names = names(count, length);
            let parts = divided(&names, form, 1_000);
            assert_eq!(
                parts.iter().flat_map(Clone::clone).collect::<Vec<_>>(),
                (0..count).collect::<Vec<_>>()
            );
            for part in parts {
                let one = part.len() == 1;
                let sql = selected(&names[part.clone()], form);
                assert!(part.len() < MOST_COLUMNS && (one || sql.len() + 1_000 < 100_000), "{}", sql.len());
            }
        }
    }
}
