//! The service, asked over HTTP as anybody would.

mod additions;
mod adversaries;
mod alerts;
mod audit;
mod browser;
mod channels;
mod compatibility;
mod differences;
mod etags;
mod generated_client;
mod health;
mod job_events;
mod jobs;
mod metrics;
mod oidc;
mod on_postgres;
mod operations;
mod pages;
mod provider;
mod restores;
mod schedules;
mod schemathesis;
mod sessions;
mod sinks;
mod support;
mod tls;
