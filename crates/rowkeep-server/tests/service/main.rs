//! The service, asked over HTTP as anybody would.

mod audit;
mod health;
mod jobs;
mod operations;
mod restores;
mod schedules;
mod support;
