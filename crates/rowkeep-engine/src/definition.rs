//! The statements that schemas are made of, to be shown and compared.

/// A statement that a schema is made of, in the engine's own language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The statement, for people.
    pub sql: String,
    /// What is compared: the same for all forms in which the engine prints the same definition.
    pub canonical: String,
    /// What it defines.
    pub kind: DefinitionKind,
}

/// What a statement of a schema defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefinitionKind {
    /// A part of the schema: a table, a view, an index, a constraint, a trigger, a function.
    Object,
    /// Who owns something, or may use it; with the roles that the statement names.
    Privileges(Vec<String>),
    /// What a restore may leave out with a note, because not every server has it or not every role may create it: comments,
    /// extensions, publications, event triggers.
    Optional,
    /// The version of an extension, which a restore brings back where the server has it.
    Version,
}

impl Definition {
    /// A part of the schema whose text the engine keeps as it was written.
    pub(crate) fn object(sql: String) -> Self {
        Self { canonical: sql.clone(), sql, kind: DefinitionKind::Object }
    }
}
