//! A file that was looked at.

use rowkeep::jobs::inspect::InspectOutcome;
use serde_json::{Value, json};

use super::units::{bytes, count, counted, plain, zoned_time};

/// What it is and whether it is whole, in words.
pub(crate) fn told(outcome: &InspectOutcome) -> String {
    let mut lines = vec![format!("{} is {}, {}", outcome.file.display(), outcome.what, bytes(outcome.bytes))];
    let mut fact = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("  {name:<12} {}", plain(&value))));
    };
    fact("written by", outcome.written_by.clone());
    fact("database", outcome.database.clone());
    fact("written at", outcome.time.map(zoned_time));
    fact(
        "checksum",
        outcome.checksum.as_ref().map(|checksum| {
            let verdict = if checksum.holds { "holds" } else { "DOES NOT HOLD" };
            format!("{verdict}: {}", checksum.file.display())
        }),
    );
    let tables = counted(outcome.tables.len() as u64, "table");
    fact("holds", Some(format!("{tables}, {}", counted(outcome.rows(), "row"))));
    lines.extend(outcome.tables.iter().map(|table| {
        let rows = match table.rows {
            Some(rows) => count(rows),
            None if table.left_out => "not in it".to_owned(),
            None => "not whole".to_owned(),
        };
        format!("    {rows:>12}  {}", plain(&table.name))
    }));
    lines.extend(outcome.notes.iter().map(|note| format!("note: {}", plain(note))));
    lines.extend(outcome.problems.iter().map(|problem| format!("DAMAGED: {}", plain(problem))));
    lines.push(if outcome.is_whole() { "it is whole".to_owned() } else { "it is NOT whole".to_owned() });
    lines.join("\n")
}

/// The same for programs.
pub(crate) fn json(outcome: &InspectOutcome) -> Value {
    let mut json = json!(outcome);
    json["whole"] = json!(outcome.is_whole());
    json["rows"] = json!(outcome.rows());
    json
}
