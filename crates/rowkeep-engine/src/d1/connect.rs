//! The way to a database: requests, answers, what is tried again.

mod account;
mod answer;
mod failure;
mod http;
mod reading;
pub(super) mod remote;
pub(super) mod room;
