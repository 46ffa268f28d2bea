//! A table whose rows are kept, and which those are.

use rowkeep_format::Table;

use crate::Estimate;

/// A table with what is needed to read it.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// Its number.
    pub(crate) oid: u32,
    /// What rowkeep knows of it.
    pub(crate) table: Table,
    /// Whether queries of it can be planned at all: not if an index of it calls functions that are only found in another
    /// search path. Its rows can be copied out all the same.
    pub(crate) is_queried: bool,
    /// Whether the server gives its rows in key order, and how it is asked to.
    pub(crate) order_by: Option<String>,
    /// Whether its rows probably lie in key order, so that the server need not be asked to sort.
    pub(crate) is_in_physical_order: bool,
    /// For a table of an extension: which of its rows are not the extension's own, as a `WHERE` clause.
    pub(crate) condition: Option<String>,
    /// Whether its rows are lost in a crash, and are not on a standby.
    pub(crate) unlogged: bool,
    /// What the server guesses of its size.
    pub(crate) estimate: Estimate,
}

/// Which relations are tables whose rows are kept, with `c` for `pg_class` and `n` for its schema.
///
/// Partitions hold their own rows, partitioned tables none. Of extensions only what they mark as configuration.
pub(crate) const KEPT: &str = "c.relkind = 'r' AND c.relpersistence <> 't' \
     AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' \
     AND (NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                      AND d.objsubid = 0 AND d.deptype = 'e') \
          OR EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig)))";
