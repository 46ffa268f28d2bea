//! Dumps of MySQL and MariaDB as states: each becomes an SQLite database of its own.
//!
//! A file is read twice: first what its statements define, then its rows, so that keys may stand behind them (as phpMyAdmin writes
//! them). Rows keep their values: integers, exact decimals as text, bytes, and text in UTF-8. What SQLite has no equal of is left
//! out or changed, and said by table and column. A statement of which it is not known what it does to rows is refused with its line.

mod alterations;
mod assignments;
mod create;
mod cursor;
mod database;
mod definition;
mod encoding;
mod head;
mod insert;
mod known;
mod lexer;
mod literals;
mod modes;
mod open;
mod overview;
mod recognise;
mod rows;
mod signs;
mod statements;
mod table;
mod types;

pub(crate) use recognise::MySqlDump;
