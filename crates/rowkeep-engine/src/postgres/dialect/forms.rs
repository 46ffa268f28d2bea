//! What the values of a type are to files that others read.

use crate::dialect::Form;

/// The form of a type, by its name as `format_type` prints it.
pub(crate) fn form(type_name: &str) -> Form {
    if let Some(element) = type_name.strip_suffix("[]") {
        return match element {
            // Its elements are divided otherwise.
            "box" => Form::Text,
            _ => Form::Array(Box::new(form(element))),
        };
    }
    let (plain, after) = type_name.split_once('(').unwrap_or((type_name, ""));
    let (arguments, zone) = after.split_once(')').unwrap_or(("", ""));
    match (plain.trim(), zone.trim()) {
        ("smallint" | "integer", _) => Form::Integer32,
        ("oid", _) => Form::Unsigned32,
        ("bigint", _) => Form::Integer64,
        ("numeric", _) => Form::Decimal(digits(arguments)),
        ("real", _) => Form::Single,
        ("double precision", _) => Form::Double,
        ("boolean", _) => Form::Boolean,
        ("bytea", _) => Form::Bytes,
        ("json" | "jsonb", _) => Form::Json,
        ("uuid", _) => Form::Uuid,
        ("date", _) => Form::Date,
        ("timestamp with time zone", _) | ("timestamp", "with time zone") => Form::Timestamp { zoned: true },
        ("timestamp without time zone" | "timestamp", _) => Form::Timestamp { zoned: false },
        ("time without time zone", _) | ("time", "without time zone") => Form::TimeOfDay,
        _ => Form::Text,
    }
}

/// The digits and the scale of `numeric(10,2)`.
fn digits(arguments: &str) -> Option<(u32, i32)> {
    let (digits, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
    Some((digits.trim().parse().ok()?, scale.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_form_of_their_values() {
        for (name, expected) in [
            ("integer", Form::Integer32),
            ("bigint", Form::Integer64),
            ("numeric(10,2)", Form::Decimal(Some((10, 2)))),
            ("numeric(5)", Form::Decimal(Some((5, 0)))),
            ("numeric(3,-2)", Form::Decimal(Some((3, -2)))),
            ("numeric", Form::Decimal(None)),
            ("timestamp(3) with time zone", Form::Timestamp { zoned: true }),
            ("timestamp with time zone", Form::Timestamp { zoned: true }),
            ("timestamp(3) without time zone", Form::Timestamp { zoned: false }),
            ("time(0) without time zone", Form::TimeOfDay),
            ("time with time zone", Form::Text),
            ("character varying(20)[]", Form::Array(Box::new(Form::Text))),
            ("uuid[]", Form::Array(Box::new(Form::Uuid))),
            ("box[]", Form::Text),
            ("interval", Form::Text),
        ] {
            assert_eq!(form(name), expected, "{name}");
        }
    }
}
