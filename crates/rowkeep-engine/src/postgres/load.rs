//! Making a database: the plan, rows by `COPY`, what comes after all rows, and clearing what was left unfinished.

pub(super) mod binary;
pub(super) mod clear;
pub(super) mod copy_freeze;
pub(super) mod copy_in;
pub(super) mod database;
pub(super) mod default_privileges;
mod drop_database;
pub(super) mod extension_rows;
pub(super) mod extension_versions;
pub(super) mod finish;
pub(super) mod foreign_key_validation;
pub(super) mod large_objects;
mod maintenance;
pub(super) mod make_tables;
pub(super) mod marker;
pub(super) mod notes;
mod outside;
pub(super) mod plan;
pub(super) mod prepare;
pub(super) mod replace;
pub(super) mod restore;
pub(super) mod restore_lock;
pub(super) mod scratch;
pub(super) mod statement_runner;
pub(super) mod target;
pub(super) mod transaction_scope;
pub(super) mod validation_hints;
