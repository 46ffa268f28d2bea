//! The service: work that is done by itself, jobs that can be asked for over HTTP, and what became of them.
//!
//! One process with a state of its own, which is SQLite. What is done are the jobs of [`rowkeep::jobs`]; what the commands of `rowkeep` do,
//! this does when it is time, or when somebody asks for it who may.
#![forbid(unsafe_code)]

mod access;
mod alerts;
mod api;
mod connections;
mod error;
mod health;
mod queue;
mod scheduler;
mod serve;
mod state;

pub use api::openapi;
pub use error::Error;
pub use serve::{Served, Server, ServerOptions};
