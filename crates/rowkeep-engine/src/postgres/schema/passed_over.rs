//! Tables that not even `pg_dump` may look at, and what cannot be without them.

use rowkeep_format::TableName;

use super::classify::{Kind, classify};
use super::split::statements;
use crate::postgres::catalog::permissions::Access;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind, Meant};

/// The tables of some numbers with all views that read them, be it over others, and partitioned tables of which nothing is left.
fn dependents(oids: &[u32]) -> String {
    let oids = oids.iter().map(|oid| format!("({oid}::oid)")).collect::<Vec<_>>().join(", ");
    format!(
        "WITH RECURSIVE without (oid) AS ( \
           SELECT o.oid FROM (VALUES {oids}) o (oid) \
           UNION SELECT next.oid FROM without w, LATERAL ( \
             SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid \
             WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass \
             AND d.refobjid = w.oid AND r.ev_class <> w.oid \
             UNION SELECT p.oid FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent \
             WHERE i.inhrelid = w.oid AND p.relkind = 'p' AND NOT has_table_privilege(p.oid, 'SELECT')) next (oid)) \
         SELECT n.nspname, c.relname FROM without w JOIN pg_class c ON c.oid = w.oid \
         JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2"
    )
}

/// Refuses tables that have columns from one that is passed over: they cannot be defined without it.
async fn refuse_heirs(session: &Session, oids: &[u32]) -> Result<(), EngineError> {
    let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let query = format!(
        "SELECT i.inhrelid::regclass, i.inhparent::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
         WHERE i.inhparent IN ({list}) AND i.inhrelid NOT IN ({list}) AND NOT c.relispartition LIMIT 1"
    );
    let rows = session.rows("cannot list the children of tables", &query).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (child, parent) = (text(row, 0), text(row, 1));
    let message = format!(
        "table {child} inherits from {parent}, which may not be read, so that it cannot be defined; rows alone can be backed up (--data-only)"
    );
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

/// The names of tables that are passed over, with what cannot be without them and what is not to be defined.
pub(crate) async fn names(
    session: &Session,
    passed_over: &[Access],
    meant: &Meant,
) -> Result<Vec<TableName>, EngineError> {
    let mut names = meant.undefined().to_vec();
    let oids: Vec<u32> = passed_over.iter().map(|table| table.oid).collect();
    if !oids.is_empty() {
        refuse_heirs(session, &oids).await?;
        let rows = session.rows("cannot list the views of tables", &dependents(&oids)).await?;
        names.extend(rows.iter().map(|row| TableName::qualified(text(row, 0), text(row, 1))));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The pattern by which `pg_dump` takes a name as it is.
pub(crate) fn pattern(name: &TableName) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match &name.schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(&name.name)),
        None => quoted(&name.name),
    }
}

/// A section without the references to tables that are not in it.
pub(crate) fn without_references(section: String, passed_over: &[TableName]) -> String {
    if passed_over.is_empty() {
        return section;
    }
    let is_kept = |statement: &&str| match classify(statement) {
        Kind::Reference(reference) => !passed_over.contains(&reference.references),
        Kind::Partition { parent, .. } => !passed_over.contains(&parent),
        _ => true,
    };
    let kept: Vec<&str> = statements(&section).into_iter().filter(is_kept).collect();
    kept.iter().map(|statement| format!("{statement}\n\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_what_is_passed_over_go() {
        let one = "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES public.b(id);";
        let other =
            "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT y FOREIGN KEY (c) REFERENCES public.c(id);";
        let passed_over = [TableName::qualified("public", "b")];
        let section = format!("-- head\n\n{one}\n\n{other}\n");
        let kept = without_references(section.clone(), &passed_over);
        assert!(kept.contains(other) && !kept.contains(one), "{kept}");
        assert_eq!(without_references(section.clone(), &[]), section);
        assert_eq!(pattern(&TableName::qualified("a\"b", "c.d")), "\"a\"\"b\".\"c.d\"");
    }
}
