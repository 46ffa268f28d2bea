//! What a database is made of, as the catalogs of the server tell: tables, keys, sequences, objects, facts.

pub(super) mod columns;
pub(super) mod equality;
pub(super) mod facts;
pub(super) mod foreign_keys;
pub(super) mod identity;
pub(super) mod key_order;
pub(super) mod keys;
pub(super) mod large_objects;
pub(super) mod objects;
pub(super) mod permissions;
pub(super) mod physical_order;
pub(super) mod planning;
pub(super) mod relation;
pub(super) mod sequences;
pub(super) mod tables;
pub(super) mod unfinished_restore;
pub(super) mod unread;
