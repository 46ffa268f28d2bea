//! Alerts: what is wrong with databases and the repository, told once over channels, and told again when it is over.

mod attempts;
mod condition;
mod database;
mod due;
mod formats;
mod http;
mod id;
mod jobs;
mod kit;
mod mail;
mod message;
mod network;
mod outbox;
mod parcel;
mod patience;
mod pings;
mod promise;
mod report;
mod repository;
mod send;
mod settle;
mod state_trouble;
mod summary;
mod watcher;

pub(crate) use attempts::Attempts;
pub(crate) use message::{Event, Message, Severity};
pub(crate) use outbox::{Outbox, run as deliver};
pub(crate) use send::send;
pub(crate) use watcher::run as watch;
