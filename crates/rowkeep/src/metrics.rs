//! Figures for Prometheus, in its text format: what they are called is said here, once, for whoever writes them.

mod databases;
mod families;
mod text;

pub use databases::{DatabaseFigures, Durations, databases};
pub use families::{
    ALERTS_FIRING, ALL, AUDIT_HEAD_AGE, BUILD_INFO, DURATION_BOUNDS, Family, JOBS, JOBS_COMPLETED, Kind,
    LAST_CHECK_SUCCESS, LAST_CHECK_TIMESTAMP, REPOSITORY_BYTES,
};
pub use text::{CONTENT_TYPE, Sample, Text};
