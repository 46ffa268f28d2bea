//! The service: work that is done by itself, jobs that can be asked for over HTTP, and what became of them.
//!
//! One process with a state of its own, in SQLite or in PostgreSQL. What is done are the jobs of [`rowkeep::jobs`]; what the commands of `rowkeep` do,
//! this does when it is time, or when somebody asks for it who may.
#![forbid(unsafe_code)]

mod access;
mod additions;
mod alerts;
mod api;
mod arrivals;
mod audit;
mod clients;
mod connections;
mod error;
mod export_files;
mod exports;
mod health;
mod heartbeat;
mod keeping;
mod pages;
mod queue;
mod ready;
mod relief;
mod report;
mod scheduler;
mod serve;
mod site;
mod size;
mod state;
mod tls;
mod web;

pub use additions::{AdditionsFile, Configuration};
pub use api::openapi;
pub use audit::{AuditFile, AuditFormat, AuditPages, AuditVerification, DifferingHead, UnseenRepository};
pub use error::Error;
pub use keeping::{Recovered, Recovery};
pub use ready::{NotReady, ready};
pub use serve::{MadeAtStart, Reloading, Served, Server, ServerOptions};
pub use state::place::StatePlace;
pub use tls::tls_problem;
