//! What is sent to people, the same for every channel.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::incidents::Incident;

/// The longest text that is kept, in characters: every channel takes so much.
const LONGEST_TEXT: usize = 1_800;

/// The longest title.
const LONGEST_TITLE: usize = 160;

/// Why something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Something is wrong.
    Opened,
    /// It is over.
    Cleared,
    /// A backup is done.
    Success,
    /// It is time for a summary.
    Summary,
    /// It is time for a report.
    Report,
    /// Somebody tries the channel.
    Test,
}

impl Event {
    /// What receivers know it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::Opened => "alert.opened",
            Event::Cleared => "alert.cleared",
            Event::Success => "backup.done",
            Event::Summary => "summary",
            Event::Report => "report",
            Event::Test => "test",
        }
    }
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Nothing is wrong.
    Info,
    /// Somebody has to see to it.
    Warning,
    /// It cannot wait, not even for the end of quiet hours.
    Critical,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// What is sent to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) event: Event,
    pub(crate) severity: Severity,
    /// The alert that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// The incident, which is the same when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) incident: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<String>,
    /// The database that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
    /// In one line.
    pub(crate) title: String,
    /// In full.
    pub(crate) text: String,
    /// When that was.
    pub(crate) time: Timestamp,
}

impl Message {
    /// A message; its title and its text become such as every channel takes.
    pub(crate) fn new(event: Event, severity: Severity, title: &str, text: &str, time: Timestamp) -> Self {
        let title = clean(title, LONGEST_TITLE).replace('\n', " ");
        let text = clean(text, LONGEST_TEXT);
        Self { event, severity, kind: None, incident: None, object: None, database: None, title, text, time }
    }
}

impl Message {
    /// The same about an incident.
    pub(super) fn about(mut self, incident: &Incident) -> Self {
        self.kind = Some(incident.kind.clone());
        self.incident = Some(incident.id.clone());
        self.object = Some(clean(&incident.object, LONGEST_TITLE));
        self.database = incident.database.clone();
        self
    }
}

/// Text without what is not shown, or changes how the rest is; no longer than so many characters.
pub(crate) fn clean(text: &str, longest: usize) -> String {
    let is_shown = |letter: &char| {
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        !turns && (*letter == '\n' || !letter.is_control())
    };
    let text = text.replace("\r\n", "\n").replace(['\r', '\t'], " ");
    let mut shown: String = text.chars().filter(is_shown).take(longest + 1).collect();
    if shown.chars().count() > longest {
        shown = shown.chars().take(longest - 2).collect::<String>() + " …";
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_such_as_every_channel_takes() {
        assert_eq!(clean("a\r\nb\tc\u{1b}[31m\u{202e}d\0", 100), "a\nb c[31md");
        let long = clean(&"é".repeat(3_000), LONGEST_TEXT);
        assert_eq!((long.chars().count(), long.ends_with(" …")), (LONGEST_TEXT, true));
        let now = Timestamp::UNIX_EPOCH;
        let message = Message::new(Event::Test, Severity::Info, "a\nBcc: x", "t", now);
        assert_eq!(message.title, "a Bcc: x", "a title is one line");
    }
}
