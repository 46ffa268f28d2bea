//! The service, asked over HTTP as anybody would.

mod browser;
mod differences;
mod jobs;
mod operations;
mod pages;
mod restores;
mod schedules;
mod sessions;
mod support;
