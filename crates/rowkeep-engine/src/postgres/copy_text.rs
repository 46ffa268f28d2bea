//! The text form of `COPY` (PostgreSQL manual, "COPY", section "Text Format").

pub(super) mod charset;
pub(super) mod decode;
pub(super) mod encode;
