//! The service, asked over HTTP as anybody would.

mod compatibility;
mod differences;
mod job_events;
mod jobs;
mod operations;
mod restores;
mod schedules;
mod sessions;
mod support;
