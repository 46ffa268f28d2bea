//! Large objects: their contents, and who owns them, as rows.

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, Table, TableKind, TableName};

use super::sequences::column;

/// The name of the table that holds one row for each large object.
pub(crate) const OBJECTS: &str = "large_objects";

/// The name of the table that holds their contents.
pub(crate) const DATA: &str = "large_object_data";

/// How many bytes of a large object one row holds. Part of the stored form: row `page` begins at `page` times this.
pub(crate) const PAGE_BYTES: u64 = 256 * 1024;

/// One row for each large object: number, owner, privileges as JSON (null for the usual ones), comment.
pub(crate) fn objects() -> Table {
    let nullable = |name, type_name| Column { not_null: false, ..column(name, type_name) };
    Table {
        name: TableName::plain(OBJECTS),
        kind: TableKind::Settings,
        columns: vec![
            column("oid", "oid"),
            column("owner", "name"),
            nullable("privileges", "text"),
            nullable("comment", "text"),
        ],
        key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Integer }], unique: true },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The contents of all large objects: number, page, bytes as a blob. An empty object has no row here.
pub(crate) fn data() -> Table {
    Table {
        name: TableName::plain(DATA),
        kind: TableKind::LargeObjects,
        columns: vec![column("loid", "oid"), column("page", "bigint"), column("data", "bytea")],
        key: Key {
            columns: vec![
                KeyColumn { column: 0, form: KeyForm::Integer },
                KeyColumn { column: 1, form: KeyForm::Integer },
            ],
            unique: true,
        },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The rows of [`objects`].
///
/// Privileges that were granted and revoked again are the usual ones, written out: the server does not forget that there were others.
pub(crate) const SELECT_OBJECTS: &str = "SELECT m.oid, pg_get_userbyid(m.lomowner) AS owner, \
      CASE WHEN m.lomacl <> acldefault('L', m.lomowner) THEN coalesce( \
        (SELECT json_agg(json_build_object( \
           'grantee', CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, \
           'privilege', a.privilege_type, 'grantable', a.is_grantable) \
           ORDER BY a.grantee <> 0, pg_get_userbyid(a.grantee), a.privilege_type) \
         FROM aclexplode(m.lomacl) a)::text, '[]') END AS privileges, \
      obj_description(m.oid, 'pg_largeobject') AS comment \
    FROM pg_largeobject_metadata m";
