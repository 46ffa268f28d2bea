//! The operations of rowkeep on databases and repositories: capture, restore, verify, check.
//!
//! CLI, schedule, API and pages call these and watch the same [`Event`]s. Nothing here prints, prompts or reads the
//! environment of the process.
#![forbid(unsafe_code)]

pub mod apply;
mod background;
pub mod capture;
pub mod config;
mod context;
pub mod data_checks;
pub mod diff;
mod durations;
mod error;
pub mod export;
pub mod hooks;
pub mod jobs;
pub mod merge;
pub mod metrics;
mod moments;
pub mod private_files;
mod progress;
mod quotes;
pub mod replay;
pub mod report;
pub mod restore;
pub mod retention;
pub mod rows;
pub mod schedule;
pub mod sizes;
pub mod state;
pub mod timetable;
mod toml_problem;
pub mod units;
pub mod variables;
mod without_secrets;

pub use config::{Config, Database};
pub use context::Context;
pub use durations::{age, seconds};
pub use error::{Error, ErrorKind, RequestError};
pub use moments::{AtMoment, zone as time_zone};
pub use progress::{Event, Observer, Phase};
pub use state::State;

pub use async_trait::async_trait;
pub use rowkeep_engine as engine;
pub use rowkeep_format as format;
pub use rowkeep_format::clock;
pub use rowkeep_repository as repository;
