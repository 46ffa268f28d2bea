//! Where scratch databases are made: on a server that is there, or on one that is made for them.

pub(super) mod cluster;
pub(super) mod place;
