//! Repositories on real stores: a folder, an S3 server, memory; with faults, damage and several writers.

mod append_only;
mod away;
mod bucket;
mod catalog;
mod conformance;
mod counting;
mod damage;
mod dated;
mod faults;
mod kill;
mod lasting;
mod locks;
mod model;
mod probe;
mod prune;
mod races;
mod sample;
mod stores;
mod support;
mod versions;
mod watched;
