//! What a database is made of, and what tells that it was changed.

pub(super) mod changes;
pub(super) mod marker;
pub(super) mod objects;
