//! Rows as applications see them that keep them in plain JSON: objects whose values are those that JavaScript prints after Prisma
//! or a driver has read them.
//!
//! `docs/exporting.md` has the table of forms. What a form cannot hold is noted by table and column.

mod array;
mod canon;
mod comparable;
mod loss;
mod nested;
mod row;
mod shape;
mod time;
mod value;

#[cfg(feature = "parquet")]
pub(crate) use array::array;
pub(crate) use comparable::{Comparable, comparable};
pub use loss::Loss;
pub(crate) use nested::nested;
pub(crate) use row::PlainRows;
pub use shape::BigIntegers;
