//! Reading a state: the form of values, pages, the copy that they become.

pub(super) mod copy;
mod decode;
mod form;
mod large;
mod pages;
mod promised;
pub(super) mod query;
mod skeleton;
mod table;
pub(super) mod view;
