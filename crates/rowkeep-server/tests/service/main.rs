//! The service, asked over HTTP as anybody would.

mod jobs;
mod operations;
mod schedules;
mod support;
