//! Reading a consistent state: the view, rows by `COPY`, rows by value, rows changed since an earlier view.

pub(super) mod changed_since;
pub(super) mod convert;
pub(super) mod copy_decoder;
pub(super) mod copy_out;
pub(super) mod find;
pub(super) mod large_objects;
pub(super) mod query;
pub(super) mod reading;
pub(super) mod relation_reading;
pub(super) mod sequences;
pub(super) mod snapshot;
pub(super) mod view;
pub(super) mod xmin_horizon;
