//! Which operator tells whether two values of a type are the same.

/// Common table expressions that give each type its `=` as SQL: `equality (type, operator)`, after `WITH RECURSIVE`.
///
/// It is the operator of the type's default B-tree class, which unique indexes use. Some types have it through another
/// (`varchar` through `text`, enumerations and ranges through what stands for all of them); `json`, `xml`, `point` and
/// composite types count as having none.
pub(crate) const EQUALITY: &str = "\
    own (type, operator) AS ( \
      SELECT k.opcintype, format('OPERATOR(%I.%s)', n.nspname, o.oprname) \
      FROM pg_opclass k JOIN pg_am m ON m.oid = k.opcmethod AND m.amname = 'btree' \
      JOIN pg_amop a ON a.amopfamily = k.opcfamily AND a.amopstrategy = 3 \
        AND a.amoplefttype = k.opcintype AND a.amoprighttype = k.opcintype \
      JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace \
      WHERE k.opcdefault), \
    scalar (type, operator) AS ( \
      SELECT type, operator FROM own UNION ALL \
      SELECT t.oid, 'OPERATOR(pg_catalog.=)' FROM pg_type t \
      WHERE t.typtype IN ('e', 'r', 'm') AND t.oid NOT IN (SELECT type FROM own) UNION ALL \
      SELECT c.castsource, min(own.operator) FROM pg_cast c JOIN own ON own.type = c.casttarget \
      WHERE c.castmethod = 'b' AND c.castcontext = 'i' AND c.castsource NOT IN (SELECT type FROM own) \
      GROUP BY c.castsource), \
    equality (type, operator) AS ( \
      SELECT type, operator FROM scalar UNION ALL \
      SELECT t.oid, 'OPERATOR(pg_catalog.=)' FROM pg_type t JOIN scalar ON scalar.type = t.typelem \
      WHERE t.typcategory = 'A' AND t.oid NOT IN (SELECT type FROM scalar))";

/// A common table expression for what domains are made of: `base (type, base, typmod)`, after `WITH RECURSIVE`.
pub(crate) const BASE: &str = "\
    base (type, base, typmod) AS ( \
      SELECT t.oid, t.oid, NULL::integer FROM pg_type t WHERE t.typtype <> 'd' UNION ALL \
      SELECT t.oid, base.base, coalesce(base.typmod, t.typtypmod) \
      FROM pg_type t JOIN base ON base.type = t.typbasetype WHERE t.typtype = 'd')";

/// A value as the text that its type prints, as SQL; null stays null.
///
/// A cast to text is something else for some types. `IS NULL` would also be true of a composite value of nulls.
pub(crate) fn text_of(value: &str) -> String {
    format!("CASE WHEN {value} IS NOT DISTINCT FROM NULL THEN NULL ELSE concat({value}) COLLATE \"C\" END")
}
