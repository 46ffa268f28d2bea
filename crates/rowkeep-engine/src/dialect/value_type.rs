/// What the values of a column are, as far as types say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueType {
    /// The type as it is declared; of a domain, the one that it is made of.
    pub name: String,
    /// The labels, where it is an enumeration.
    pub labels: Vec<String>,
}

impl ValueType {
    /// A type that says itself what its values are.
    pub fn plain(declared: &str) -> Self {
        Self { name: declared.to_owned(), labels: Vec::new() }
    }
}
