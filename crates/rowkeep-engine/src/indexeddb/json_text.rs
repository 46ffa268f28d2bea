//! What a value was before a page made a text of JSON of it (`JSON.stringify`).
//!
//! That makes texts of Dates, `null` of `NaN` and the infinities, and objects without members of Maps, Sets and much else. So a text that looks
//! like a Date, `null` and whatever holds others is what the other records have in the same property, or nobody knows.

use rowkeep_format::Value;
use serde_json::Value as Json;

use super::cell::marked;
use super::date;
use crate::dialect::Held;

/// How everything begins that JSON has no form for.
const FORM: &str = r#"{"$":"#;

/// How a Date begins.
const DATE: &str = r#"{"$":"date","#;

/// What says nothing of the others.
const NOTHING: [&str; 2] = ["null", r#"{"$":"undefined"}"#];

/// The Date that is `null` in JSON.
const INVALID: &str = r#"{"$":"date","value":"invalid"}"#;

const NO_DATE: &str = "a text does not tell whether it is a Date: the other records do not have Dates alone there, nor texts alone";
const UNKNOWN: &str = "a text of JSON does not tell what it is: the other records have values there that JSON has no form for, or none";

/// Sees which kind of value records have in a column.
pub(super) fn see(value: Value<'_>, held: &mut Held) {
    let json = match value {
        Value::Null => return,
        Value::Text(bytes) => marked(bytes).unwrap_or_default(),
        Value::Integer(_) | Value::Real(_) => "",
        Value::Blob(_) => FORM,
    };
    match json {
        json if NOTHING.contains(&json) => {}
        date if date.starts_with(DATE) && date != INVALID => held.moments = true,
        json if json.contains(FORM) => held.others = true,
        _ => held.plain = true,
    }
}

/// What a property has, of which a text of JSON has this value.
pub(super) fn of_text(json: &str, held: Held) -> Result<String, &'static str> {
    let known = serde_json::from_str(json).map_err(|_| "it is no JSON")?;
    let as_it_is = || Ok(json.to_owned());
    match known {
        Json::String(text) if is_date(&text) => match held {
            Held { plain: true, moments: false, others: false } => as_it_is(),
            Held { plain: false, moments: true, others: false } => Ok(format!("{DATE}\"value\":{json}}}")),
            _ => Err(NO_DATE),
        },
        Json::Null if held.others => Err(UNKNOWN),
        Json::Array(_) | Json::Object(_) if held.others || held.moments => Err(UNKNOWN),
        known if !held.plain && may_be_other(&known) => Err(UNKNOWN),
        _ => as_it_is(),
    }
}

/// Whether something in a list or an object may have been something else.
fn may_be_other(json: &Json) -> bool {
    let mut inner: Box<dyn Iterator<Item = &Json>> = match json {
        Json::Array(elements) => Box::new(elements.iter()),
        Json::Object(members) if members.is_empty() => return true,
        Json::Object(members) => Box::new(members.values()),
        _ => return false,
    };
    inner.any(|json| matches!(json, Json::String(text) if is_date(text)) || may_be_other(json))
}

/// Whether a text is one that a Date becomes.
fn is_date(text: &str) -> bool {
    date::milliseconds(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::cell::cell;
    use super::*;

    const AT: &str = "\"2026-11-30T02:00:00.000Z\"";

    /// What records hold that have these values.
    fn held(values: &[&str]) -> Held {
        let mut held = Held::default();
        values.iter().for_each(|json| see(cell(json).borrowed(), &mut held));
        held
    }

    #[test]
    fn a_text_is_what_the_others_are() {
        let date = format!(r#"{{"$":"date","value":{AT}}}"#);
        let list = format!("[{AT}]");
        let nested = format!(r#"[{{"$":"date","value":{AT}}}]"#);
        let map = r#"{"$":"map","entries":[]}"#;
        for (json, others, expected) in [
            (AT, vec![date.as_str(), "null", r#"{"$":"undefined"}"#], Some(date.as_str())),
            (AT, vec!["\"Oslo\""], Some(AT)),
            (AT, vec![AT, "5"], Some(AT)),
            (AT, vec![], None),
            (AT, vec!["null"], None),
            (AT, vec![&date, "\"Oslo\""], None),
            (AT, vec![map], None),
            ("\"2026-11-30\"", vec![&date], Some("\"2026-11-30\"")),
            ("\"Oslo\"", vec![], Some("\"Oslo\"")),
            ("5", vec![map], Some("5")),
            ("true", vec![], Some("true")),
            ("null", vec![], Some("null")),
            ("null", vec![&date], Some("null")),
            ("null", vec![&date, INVALID], None),
            ("null", vec![r#"{"$":"number","value":"NaN"}"#], None),
            ("[1,{\"a\":[]}]", vec![], Some("[1,{\"a\":[]}]")),
            (&list, vec![], None),
            (&list, vec!["[]"], Some(&list)),
            (&list, vec![&nested], None),
            ("{}", vec![], None),
            ("{}", vec!["{}"], Some("{}")),
            ("{\"a\":1}", vec![map], None),
            ("{\"a\":{}}", vec![], None),
        ] {
            let found = of_text(json, held(&others));
            assert_eq!(found.ok().as_deref(), expected, "{json} among {others:?}");
        }
    }
}
