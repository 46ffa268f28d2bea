//! The service, asked over HTTP as anybody would.

mod alerts;
mod channels;
mod jobs;
mod operations;
mod restores;
mod schedules;
mod sinks;
mod support;
