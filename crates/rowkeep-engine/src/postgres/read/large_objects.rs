//! Large objects: reading their contents, and who owns them.

use super::reading::Reading;
use crate::postgres::catalog::large_objects::{PAGE_BYTES, SELECT_OBJECTS};

/// Reads the rows of [`objects`](crate::postgres::catalog::large_objects::objects).
pub(crate) fn read_objects() -> Reading {
    Reading {
        what: "the list of large objects".to_owned(),
        copy: format!("COPY ({SELECT_OBJECTS} ORDER BY m.oid) TO STDOUT"),
        columns: 4,
        blobs: false,
    }
}

/// Reads the rows of [`data`](crate::postgres::catalog::large_objects::data), page by page through the functions that a large object's owner may call.
///
/// The size is where a seek to the end arrives. Each object is closed again before its pages are read; the subqueries
/// are kept apart because the three calls have to come in this order.
pub(crate) fn read_data() -> Reading {
    Reading {
        what: "the large objects".to_owned(),
        copy: format!(
            "COPY (SELECT o.oid, p.page, lo_get(o.oid, p.page * {PAGE_BYTES}, {PAGE_BYTES}) \
               FROM (SELECT s.oid, s.bytes, lo_close(s.fd) AS closed \
                     FROM (SELECT f.oid, f.fd, lo_lseek64(f.fd, 0, 2) AS bytes \
                           FROM (SELECT m.oid, lo_open(m.oid, 262144) AS fd \
                                 FROM pg_largeobject_metadata m ORDER BY m.oid OFFSET 0) f OFFSET 0) s OFFSET 0) o, \
                    LATERAL generate_series(0, (o.bytes + {PAGE_BYTES} - 1) / {PAGE_BYTES} - 1) AS p (page) \
               WHERE o.closed = 0) TO STDOUT"
        ),
        columns: 3,
        blobs: true,
    }
}
