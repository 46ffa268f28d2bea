//! What is known of a file beside the database that it becomes.

/// What is said of a state beside what it holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Facts about the file.
    pub(crate) facts: Vec<(String, String)>,
    /// What could not be taken from it, or is not known of it.
    pub(crate) notes: Vec<String>,
    /// Tables of which it does not have all rows.
    pub(crate) damaged: Vec<String>,
}
