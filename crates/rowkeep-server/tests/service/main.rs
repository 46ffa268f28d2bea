//! The service, asked over HTTP as anybody would.

mod audit;
mod health;
mod jobs;
mod metrics;
mod operations;
mod restores;
mod schedules;
mod support;
