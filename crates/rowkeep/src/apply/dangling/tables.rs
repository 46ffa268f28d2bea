//! The tables of a database beside those of the state that is restored, and the foreign keys between them.

use std::collections::{BTreeMap, HashMap};

use rowkeep_format::{Table, TableChanges, TableName};

use super::reference::OnDangling;
use crate::Context;
use crate::diff::Filter;
use crate::diff::key_access::Access;
use crate::diff::pairing::{Pair, Pairing};
use crate::rows::foreign_keys::{Link, links};
use crate::state::State;
use crate::state::selection::Selection;

/// How changes are to be settled.
pub(crate) struct Terms<'a> {
    pub(crate) choice: OnDangling,
    /// Which kinds of changes are wanted of rows that are brought.
    pub(crate) kinds: Filter,
    /// Tables that it leaves out are not touched.
    pub(crate) selection: &'a Selection,
}

/// One table of the database, and the same of the state that is restored where it has it.
pub(crate) struct TableAccess<'a> {
    pub(crate) live: Access<'a>,
    pub(crate) target: Option<(Pairing, Access<'a>)>,
}

/// What is looked at to settle the references of a plan.
pub(crate) struct Tables<'a> {
    pub(crate) context: &'a Context,
    pub(crate) by_name: BTreeMap<TableName, TableAccess<'a>>,
    pub(crate) links: Vec<Link>,
    /// Of each partition of the database, the partitioned tables that it is of.
    wholes: HashMap<TableName, Vec<TableName>>,
    pub(crate) terms: Terms<'a>,
}

/// Where the changes to the rows of a table are.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Which table of the changeset it is.
    pub(crate) at: usize,
    /// Whether that is named by this table, and not by another partition of the same partitioned one.
    pub(crate) is_named: bool,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(context: &'a Context, live: &'a State, target: &'a State, terms: Terms<'a>) -> Self {
        let access = |table: &'a Table| {
            let new = target.table(&table.name).filter(|_| target.holds(&table.name));
            let pairing = new.map(|new| (Pairing::new(table, new), new));
            match pairing.filter(|(pairing, _)| pairing.check(target).is_ok()) {
                Some((pairing, new)) => {
                    let pair = Pair { before: live, after: target, old: table, new };
                    let (live, target) = pairing.accesses(context, pair);
                    TableAccess { live, target: Some((pairing, target)) }
                }
                None => {
                    let key = table.identified_by();
                    TableAccess { live: Access::new(context, live, table, table, key), target: None }
                }
            }
        };
        let tables = live.schema().tables.iter().filter(|table| table.kind.is_user_table());
        Self {
            context,
            by_name: tables.map(|table| (table.name.clone(), access(table))).collect(),
            links: links(live),
            wholes: live
                .schema()
                .ancestors()
                .into_iter()
                .map(|(child, above)| (child.clone(), above.into_iter().cloned().collect()))
                .collect(),
            terms,
        }
    }

    /// Where among some changes those to the rows of each table are.
    pub(crate) fn places(&self, changes: &[TableChanges]) -> HashMap<&TableName, Place> {
        let numbered = || changes.iter().enumerate();
        let named: HashMap<&TableName, usize> =
            numbered().map(|(at, changes)| (&changes.table.name, at)).collect();
        let across: HashMap<&TableName, usize> =
            numbered().filter_map(|(at, changes)| Some((changes.across.as_ref()?, at))).collect();
        let of_whole = |name: &TableName| {
            let wholes = self.wholes.get(name).filter(|_| !across.is_empty())?;
            wholes.iter().find_map(|whole| across.get(whole)).copied()
        };
        let place = |name: &TableName| match (named.get(name), of_whole(name)) {
            (named, Some(at)) => Some(Place { at, is_named: named == Some(&at) }),
            (Some(at), None) => Some(Place { at: *at, is_named: true }),
            (None, None) => None,
        };
        self.by_name.keys().filter_map(|name| Some((name, place(name)?))).collect()
    }
}
