//! The facts that hooks are given.

use jiff::Timestamp;
use rowkeep_format::Counts;
use serde_json::{Value, json};

use super::definition::{Moment, Operation};
use crate::units::counted;

/// The most bytes of an error that are told; the environment of a process has a limit.
const ERROR_BYTES: usize = 8000;

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationOutcome {
    /// It was done.
    Ok,
    /// It failed.
    Failed,
    /// Somebody said no to it, or the database did.
    Refused,
    /// Somebody asked it to stop.
    Interrupted,
}

impl OperationOutcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            OperationOutcome::Ok => "ok",
            OperationOutcome::Failed => "failed",
            OperationOutcome::Refused => "refused",
            OperationOutcome::Interrupted => "interrupted",
        }
    }
}

/// What hooks are told of an operation.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The operation.
    pub operation: Operation,
    /// The name of the database in the repository.
    pub database: String,
    /// The database in words that show no secret: its URL without password, or its path.
    pub target: String,
    /// The snapshot that is restored, or that a backup made.
    pub snapshot: Option<String>,
    /// The safety snapshot that was taken before rows were changed.
    pub safety: Option<String>,
    /// How many rows are to be changed, and afterwards were.
    pub rows: Option<Counts>,
    /// What is gone in the snapshot that a backup made, where that is suspicious.
    pub suspicion: Vec<String>,
    /// Why it failed, where that is not its error.
    pub problem: Option<String>,
    started: Timestamp,
    end: Option<(OperationOutcome, Option<String>)>,
}

impl Facts {
    /// Begins with what is known of every operation.
    pub fn new(
        operation: Operation,
        database: impl Into<String>,
        target: impl Into<String>,
        started: Timestamp,
    ) -> Self {
        Self {
            operation,
            database: database.into(),
            target: target.into(),
            snapshot: None,
            safety: None,
            rows: None,
            suspicion: Vec::new(),
            problem: None,
            started,
            end: None,
        }
    }

    pub(super) fn end(&mut self, outcome: OperationOutcome, error: Option<String>) {
        let short = |mut error: String| {
            let end = (0..=error.len().min(ERROR_BYTES)).rev().find(|at| error.is_char_boundary(*at));
            error.truncate(end.unwrap_or_default());
            error.replace('\0', " ")
        };
        let problem = self.problem.take();
        self.end = Some((outcome, error.or(problem).map(short)));
    }

    fn outcome(&self) -> Option<&'static str> {
        self.end.as_ref().map(|(outcome, _)| outcome.name())
    }

    fn error(&self) -> Option<&str> {
        self.end.as_ref().and_then(|(_, error)| error.as_deref())
    }

    /// The facts as a sentence.
    fn text(&self) -> String {
        let begun = format!("{} of {}", self.operation.name(), self.database);
        let rows = |counts: Counts| {
            let of = |number: u64, what: &str| format!("{} {what}", counted(number, "row"));
            [of(counts.inserted, "inserted"), of(counts.updated, "updated"), of(counts.deleted, "deleted")]
                .join(", ")
        };
        match (&self.end, self.rows) {
            (None, _) => format!("{begun} begins"),
            (Some((OperationOutcome::Ok, _)), Some(counts)) => format!("{begun} is done: {}", rows(counts)),
            (Some((OperationOutcome::Ok, _)), None) if !self.suspicion.is_empty() => {
                format!("{begun} is done, and SUSPICIOUS: {}", self.suspicion.join(", "))
            }
            (Some((OperationOutcome::Ok, _)), None) => format!("{begun} is done"),
            (Some((outcome, None)), _) => format!("{begun} {}", was(*outcome)),
            (Some((outcome, Some(error))), _) => format!("{begun} {}: {error}", was(*outcome)),
        }
    }

    /// The facts as variables for a command; those that are not known are empty.
    pub(super) fn environment(&self, moment: Moment) -> Vec<(&'static str, String)> {
        let text = |value: Option<&str>| value.unwrap_or_default().replace('\0', " ");
        let number =
            |of: fn(&Counts) -> u64| self.rows.as_ref().map(|rows| of(rows).to_string()).unwrap_or_default();
        vec![
            ("ROWKEEP_OPERATION", self.operation.name().to_owned()),
            ("ROWKEEP_WHEN", moment.to_string()),
            ("ROWKEEP_DATABASE", text(Some(&self.database))),
            ("ROWKEEP_TARGET", text(Some(&self.target))),
            ("ROWKEEP_SNAPSHOT", text(self.snapshot.as_deref())),
            ("ROWKEEP_SAFETY", text(self.safety.as_deref())),
            ("ROWKEEP_SUSPICION", text(Some(&self.suspicion.join("; ")))),
            ("ROWKEEP_STARTED", self.started.to_string()),
            ("ROWKEEP_OUTCOME", text(self.outcome())),
            ("ROWKEEP_ERROR", text(self.error())),
            ("ROWKEEP_ROWS_INSERTED", number(|rows| rows.inserted)),
            ("ROWKEEP_ROWS_UPDATED", number(|rows| rows.updated)),
            ("ROWKEEP_ROWS_DELETED", number(|rows| rows.deleted)),
            ("ROWKEEP_TEXT", text(Some(&self.text()))),
        ]
    }

    /// The facts as the body of a request; those that are not known are null.
    pub(super) fn json(&self, moment: Moment) -> Value {
        json!({
            "operation": self.operation.name(),
            "when": moment.to_string(),
            "database": self.database,
            "target": self.target,
            "snapshot": self.snapshot,
            "safety": self.safety,
            "suspicion": self.suspicion,
            "started": self.started.to_string(),
            "outcome": self.outcome(),
            "error": self.error(),
            "rows": self.rows,
            "text": self.text(),
        })
    }
}

fn was(outcome: OperationOutcome) -> &'static str {
    match outcome {
        OperationOutcome::Ok => "is done",
        OperationOutcome::Failed => "failed",
        OperationOutcome::Refused => "was refused",
        OperationOutcome::Interrupted => "was stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_told_in_both_forms() {
        let mut facts = Facts::new(Operation::Restore, "shop", "shop.db", Timestamp::UNIX_EPOCH);
        let moment = Moment::Before(Operation::Restore);
        let value = |facts: &Facts, name: &str| {
            facts.environment(moment).into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        assert_eq!(value(&facts, "ROWKEEP_OUTCOME").as_deref(), Some(""));
        assert_eq!(facts.json(moment)["outcome"], Value::Null);
        facts.rows = Some(Counts { inserted: 1, updated: 2, deleted: 0 });
        facts.end(OperationOutcome::Failed, Some("é\0".repeat(ERROR_BYTES)));
        assert_eq!(value(&facts, "ROWKEEP_OUTCOME").as_deref(), Some("failed"));
        assert_eq!(value(&facts, "ROWKEEP_ROWS_UPDATED").as_deref(), Some("2"));
        assert!(value(&facts, "ROWKEEP_ERROR").is_some_and(|error| error.len() <= ERROR_BYTES));
        assert!(facts.environment(moment).iter().all(|(_, value)| !value.contains('\0')));
        assert_eq!(facts.json(moment)["rows"]["updated"], 2);
    }
}
