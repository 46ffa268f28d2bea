//! The schema in the database's own words: `pg_dump`'s text, its statements and what they mean.

pub(super) mod canonical;
pub(super) mod classify;
pub(crate) mod compose;
pub(super) mod cursor;
pub(super) mod ddl;
pub(super) mod dump;
pub(super) mod dump_text;
pub(super) mod lexer;
pub(super) mod outline;
pub(super) mod own_types;
pub(super) mod passed_over;
pub(super) mod pg_dump;
pub(super) mod relay;
pub(super) mod script;
pub(super) mod split;
pub(super) mod stand_ins;
pub(super) mod statements;
pub(super) mod table_statements;
