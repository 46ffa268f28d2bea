//! The command as people run it: real processes, real databases, real files.
#![expect(clippy::disallowed_methods, reason = "waits for real servers and processes, with a bound")]

mod across;
mod activity;
mod assess;
mod bad_input;
mod busy;
mod checks;
mod concurrency;
mod damage;
mod drill;
mod emptiness;
mod exchanged;
mod export;
mod first_use;
mod formats;
mod history;
mod hooks;
mod identity;
mod kill;
mod layering;
mod live;
mod looks;
mod mask;
mod migrate;
mod passwords;
mod plans;
mod postgres;
mod related;
mod replace;
mod sandbox;
mod secrets;
mod sqlite;
mod subjects;
mod terminal;
mod web;
