//! What a database is made of, in words that no engine has for itself: what a translation from one engine to another
//! goes by. Each engine reads its own schema into it.

pub(crate) mod note;
pub(crate) mod numbers;
pub(crate) mod profile;
pub(crate) mod survey;
pub(crate) mod tables;
pub(crate) mod times;
