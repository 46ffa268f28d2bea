//! What files of Apache Parquet begin and end with.

/// Where what is in them can be read.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Where their footer is encrypted.
pub(super) const ENCRYPTED: &[u8] = b"PARE";
