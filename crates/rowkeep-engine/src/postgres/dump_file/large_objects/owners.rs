//! Whose large objects are, and who may use them.

use std::collections::BTreeMap;

use rowkeep_format::{RowBatch, Value};

use crate::postgres::schema::cursor::Cursor;

/// What is known of a large object.
#[derive(Debug, Clone, Default)]
struct Object {
    owner: String,
    comment: Option<String>,
    /// What is granted beside what is usual, or taken away: who may do what, and whether they may grant it; none where nothing
    /// was said.
    granted: Option<BTreeMap<(String, &'static str), bool>>,
}

/// What can be granted.
const PRIVILEGES: [&str; 2] = ["SELECT", "UPDATE"];

/// The rows of the table of large objects, of the statements that make them.
pub(in crate::postgres::dump_file) fn objects(statements: &[String]) -> RowBatch {
    let mut objects: BTreeMap<u64, Object> = BTreeMap::new();
    for statement in statements {
        take(statement, &mut objects);
    }
    let mut batch = RowBatch::new(4);
    for (oid, object) in &objects {
        let oid = oid.to_string();
        let privileges =
            object.granted.as_ref().filter(|granted| **granted != usual(&object.owner)).map(json);
        let text = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let (shown, comment) = (text(&privileges), text(&object.comment));
        let or_null = |value: bool, text| if value { Value::Text(text) } else { Value::Null };
        batch.push_row([
            Value::Text(oid.as_bytes()),
            Value::Text(object.owner.as_bytes()),
            or_null(privileges.is_some(), &shown),
            or_null(object.comment.is_some(), &comment),
        ]);
    }
    batch
}

fn take(statement: &str, objects: &mut BTreeMap<u64, Object>) -> Option<()> {
    let mut cursor = Cursor::new(statement);
    if cursor.takes(&["select", "pg_catalog"]) {
        cursor.takes_symbol('.');
        if cursor.takes(&["lo_create"]) && cursor.takes_symbol('(') {
            objects.entry(cursor.literal()?.parse().ok()?).or_default();
        }
        return Some(());
    }
    let number = |cursor: &mut Cursor<'_>| -> Option<u64> {
        cursor.takes(&["large", "object"]).then_some(())?;
        let ends =
            |cursor: &Cursor<'_>| ["owner", "is", "to", "from"].iter().any(|word| cursor.sees(&[word]));
        cursor.until(ends).replace(' ', "").parse().ok()
    };
    if cursor.takes(&["alter"]) {
        let oid = number(&mut cursor)?;
        cursor.takes(&["owner", "to"]);
        objects.entry(oid).or_default().owner = cursor.name()?;
    } else if cursor.takes(&["comment", "on"]) {
        let oid = number(&mut cursor)?;
        cursor.takes(&["is"]);
        objects.entry(oid).or_default().comment = cursor.literal();
    } else {
        let grants = cursor.sees(&["grant"]);
        cursor.takes(&["grant"]);
        cursor.takes(&["revoke"]);
        let what = cursor.until(|cursor| cursor.sees(&["on"])).to_ascii_uppercase();
        cursor.takes(&["on"]);
        let object = objects.entry(number(&mut cursor)?).or_default();
        let granted = object.granted.get_or_insert_with(|| usual(&object.owner));
        let _ = cursor.takes(&["to"]) || cursor.takes(&["from"]);
        let role = if cursor.takes(&["public"]) { String::new() } else { cursor.name()? };
        let grantable = cursor.sees(&["with", "grant", "option"]);
        let all = what.starts_with("ALL");
        for privilege in PRIVILEGES.into_iter().filter(|privilege| all || what.contains(privilege)) {
            match grants {
                true => granted.insert((role.clone(), privilege), grantable),
                false => granted.remove(&(role.clone(), privilege)),
            };
        }
    }
    Some(())
}

/// What an owner may do with a new large object.
fn usual(owner: &str) -> BTreeMap<(String, &'static str), bool> {
    PRIVILEGES.into_iter().map(|privilege| ((owner.to_owned(), privilege), false)).collect()
}

/// As the server writes them: everybody first, then by name and privilege.
fn json(granted: &BTreeMap<(String, &'static str), bool>) -> String {
    let one = |((role, privilege), grantable): (&(String, &'static str), &bool)| {
        let role = serde_json::Value::from(role.as_str());
        format!("{{\"grantee\" : {role}, \"privilege\" : \"{privilege}\", \"grantable\" : {grantable}}}")
    };
    format!("[{}]", granted.iter().map(one).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_privileges_and_comments_are_taken() {
        let statements = [
            "SELECT pg_catalog.lo_create('17');",
            "ALTER LARGE OBJECT 17 OWNER TO postgres;",
            "GRANT SELECT ON LARGE OBJECT 17 TO app WITH GRANT OPTION;",
            "GRANT ALL ON LARGE OBJECT 17 TO PUBLIC;",
            "COMMENT ON LARGE OBJECT 17 IS 'it''s';",
            "SELECT pg_catalog.lo_create('9');",
            "ALTER LARGE OBJECT 9 OWNER TO \"O\";",
        ];
        let batch = objects(&statements.map(str::to_owned));
        let told = |row: usize| -> Vec<String> {
            let text = |value: Value<'_>| match value {
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => "-".to_owned(),
            };
            batch.row(row).map(text).collect()
        };
        assert_eq!(told(0), ["9", "O", "-", "-"]);
        assert_eq!(told(1)[3], "it's");
        assert!(told(1)[2].starts_with(
            "[{\"grantee\" : \"\", \"privilege\" : \"SELECT\", \"grantable\" : false}, {\"grantee\" : \"\", \"privilege\" : \"UPDATE\""
        ));
        assert!(
            told(1)[2].contains("{\"grantee\" : \"app\", \"privilege\" : \"SELECT\", \"grantable\" : true}")
        );
    }
}
