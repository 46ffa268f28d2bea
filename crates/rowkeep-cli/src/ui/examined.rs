//! Databases that were looked at.

use std::collections::BTreeMap;

use rowkeep::engine::Level;
use rowkeep::jobs::doctor::DoctorOutcome;
use rowkeep::jobs::outcome::Examined;
use serde_json::{Value, json};

use super::units::plain;

/// All databases, for programs.
pub(crate) fn json(outcome: &DoctorOutcome) -> Value {
    let databases = outcome.databases.iter().map(|examined| {
        json!({
            "database": examined.database,
            "facts": examined.facts.iter().cloned().collect::<BTreeMap<_, _>>(),
            "findings": examined.findings,
        })
    });
    json!({ "healthy": outcome.healthy, "databases": databases.collect::<Vec<_>>(), "failed": outcome.failed })
}

/// A database, for people.
pub(crate) fn told(examined: &Examined) -> String {
    let mut lines = vec![plain(&examined.target)];
    lines.extend(examined.facts.iter().map(|(name, value)| format!("  {}: {}", plain(name), plain(value))));
    for finding in &examined.findings {
        let mark = match finding.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Error => "ERROR  ",
            Level::Damage => "DAMAGE ",
        };
        lines.push(format!("{mark}  {}: {}", plain(&finding.what), plain(&finding.detail)));
    }
    lines.join("\n")
}
