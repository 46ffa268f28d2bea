//! The service, asked over HTTP as anybody would.

mod alerts;
mod audit;
mod browser;
mod browsing;
mod channels;
mod compatibility;
mod differences;
mod drills;
mod exports;
mod health;
mod job_events;
mod jobs;
mod metrics;
mod oidc;
mod operations;
mod pages;
mod provider;
mod restores;
mod schedules;
mod sessions;
mod sinks;
mod snapshot_pages;
mod support;
mod tls;
