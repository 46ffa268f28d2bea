//! The service, asked over HTTP as anybody would.

mod differences;
mod jobs;
mod operations;
mod restores;
mod schedules;
mod sessions;
mod support;
