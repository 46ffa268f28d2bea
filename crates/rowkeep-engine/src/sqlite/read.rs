//! Reading a consistent state: the view, its readers, scans and searches.

pub(super) mod copied_state;
pub(super) mod find;
pub(super) mod pages;
pub(crate) mod query;
pub(super) mod readers;
pub(super) mod scan;
pub(super) mod view;
pub(super) mod yield_to_writers;
