//! The operations on real databases and an in-memory repository.

mod apply;
mod by_time;
mod chains;
mod check;
mod clocks;
mod copies;
mod damage;
mod dangling;
mod hashes;
mod identity;
mod jobs;
mod keep;
mod keyed;
mod memory;
mod postgres;
mod random_edits;
mod related;
mod repair;
mod restarted;
mod sqlite;
mod stopped;
mod three_way;
mod times;
mod translate;
mod world;
mod written;
