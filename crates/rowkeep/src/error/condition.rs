//! Conditions and names of rows that cannot be understood.

/// A condition, or a name of a row, that cannot be understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at character {} of {what} {text:?}", .text[..*.at].chars().count() + 1)]
pub struct ConditionError {
    what: &'static str,
    text: String,
    at: usize,
    message: String,
}

impl ConditionError {
    /// What is wrong at a byte of a condition.
    pub(crate) fn new(text: &str, at: usize, message: impl Into<String>) -> Self {
        Self::of("the condition", text, at, message)
    }

    /// What is wrong at a byte of some other text.
    pub(crate) fn of(what: &'static str, text: &str, at: usize, message: impl Into<String>) -> Self {
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Self { what, text: text.to_owned(), at, message: message.into() }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line with the place, and under it a caret that points there.
    pub fn caret(&self) -> [String; 2] {
        let start = self.text[..self.at].rfind('\n').map_or(0, |end| end + 1);
        let end = self.text[self.at..].find('\n').map_or(self.text.len(), |end| self.at + end);
        let shown = |text: &str| -> String {
            text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
        };
        let before = self.text[start..self.at].chars().count();
        [shown(&self.text[start..end]), format!("{}^", " ".repeat(before))]
    }
}
