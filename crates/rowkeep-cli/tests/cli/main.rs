//! The command as people run it: real processes, real databases, real files.

mod assess;
mod bad_input;
mod checks;
mod concurrency;
mod damage;
mod drill;
mod formats;
mod history;
mod kill;
mod layering;
mod live;
mod looks;
mod mask;
mod postgres;
mod related;
mod sandbox;
mod secrets;
mod sqlite;
