//! Jobs: what a person asks for, whole, made of captures, diffs, applies and restores.
//!
//! A job is a request that can be stored, run in a [`Workspace`](workspace::Workspace) on behalf of a
//! [`Caller`](caller::Caller), with an outcome that anyone can show.

pub mod apply_plan;
pub mod around;
pub mod assess;
pub mod backup;
pub mod browse;
pub mod caller;
mod changing;
pub mod check_config;
pub mod check_data;
pub mod check_mask;
mod command_line;
pub mod copy;
mod copying;
mod database_ref;
pub mod delete;
pub mod diff;
pub mod doctor;
pub mod drill;
mod executing;
pub mod export;
pub mod health;
pub mod history;
pub mod holds;
pub mod import;
pub mod init;
pub mod inspect;
pub mod keep;
pub mod keys;
pub mod merge;
pub mod migrate;
pub mod outcome;
pub mod plans;
pub mod probe;
pub mod prune;
pub mod recovery_kit;
pub mod refresh;
pub mod repair;
pub mod replay;
pub mod repositories;
pub mod repository_check;
pub mod request;
pub mod restore;
pub mod rows_wanted;
pub mod run_between;
pub mod service_state;
pub mod several;
pub mod snapshots;
pub mod suggest_mask;
pub mod tagged;
pub mod undo;
mod unrecorded;
mod verdict;
pub mod verify;
pub mod workspace;

pub use command_line::CommandLine;
pub use database_ref::DatabaseRef;
pub use verdict::Verdict;
