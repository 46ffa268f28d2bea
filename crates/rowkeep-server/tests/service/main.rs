//! The service, asked over HTTP as anybody would.

mod alerts;
mod audit;
mod browser;
mod channels;
mod compatibility;
mod differences;
mod health;
mod job_events;
mod jobs;
mod metrics;
mod oidc;
mod operations;
mod pages;
mod provider;
mod reads;
mod restores;
mod schedules;
mod sessions;
mod sinks;
mod support;
mod tls;
