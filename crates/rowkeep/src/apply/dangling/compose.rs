//! Changes with others among them, and without some.

use std::collections::{BTreeMap, HashSet};

use futures::TryStreamExt;
use rowkeep_format::{Change, Changes, TableName};

use super::tables::Tables;
use crate::Error;
use crate::diff::Changeset;
use crate::diff::by_key::changes_of_keys;
use crate::diff::collect::Rewriting;
use crate::diff::key_access::Access;
use crate::state::key_set::KeySet;

/// New changes, and how they differ from those that they are made of.
pub(super) struct Composed {
    pub(super) changes: Changeset,
    /// The tables in which anything differs.
    pub(super) tables: Vec<ComposedTable>,
}

pub(super) struct ComposedTable {
    pub(super) name: TableName,
    /// The keys of changes that came in; as often as there are changes.
    pub(super) added: Vec<Vec<u8>>,
    /// The keys of changes that were left out.
    pub(super) dropped: Vec<Vec<u8>>,
}

impl Tables<'_> {
    /// Leaves changes of some keys out, and takes in those to rows of other keys that are not changed yet.
    pub(super) async fn compose(
        &self,
        changes: &Changeset,
        dropped: &BTreeMap<TableName, HashSet<Vec<u8>>>,
        wanted: &BTreeMap<TableName, KeySet>,
    ) -> Result<Composed, Error> {
        let mut composed = Composed { changes: changes.emptied(), tables: Vec::new() };
        let changed: HashSet<&TableName> = changes.tables().iter().map(|table| &table.table.name).collect();
        let of_others = wanted.keys().filter(|name| !changed.contains(name));
        let names = changes.tables().iter().map(|table| &table.table.name).chain(of_others);
        for (at, name) in names.enumerate() {
            let drops = dropped.get(name).filter(|drops| !drops.is_empty());
            let wants = wanted.get(name).filter(|wants| !wants.is_empty());
            let access = self.by_name.get(name).and_then(|access| Some((access, access.target.as_ref()?)));
            let (Some((access, (pairing, target))), true) = (access, drops.is_some() || wants.is_some())
            else {
                if at < changes.tables().len() {
                    composed.changes.take_over(changes, at);
                }
                continue;
            };
            let mut added: Vec<(Vec<u8>, Changes, Change)> = Vec::new();
            if let Some(wants) = wants {
                let kinds = &self.terms.kinds;
                let both = (&access.live, target);
                for run in changes_of_keys(pairing, both, kinds, wants).await? {
                    for change in run.iter() {
                        let mut one = Changes::new(run.after().columns().len());
                        one.push(&run, change);
                        let change = one.iter().next();
                        let key = key_of(&access.live, &one, change)?;
                        added.extend(change.map(|change| (key, one, change)));
                    }
                }
            }
            let mut table = ComposedTable { name: name.clone(), added: Vec::new(), dropped: Vec::new() };
            let mut out = Rewriting::new(self.context, &composed.changes, pairing);
            let mut added = added.into_iter().peekable();
            if at < changes.tables().len() {
                let mut runs = std::pin::pin!(changes.changes(at));
                while let Some(run) = runs.try_next().await? {
                    for change in run.iter() {
                        let key = key_of(&access.live, &run, Some(change))?;
                        while let Some((new, changes, change)) = added.next_if(|(new, ..)| *new < key) {
                            out.push(&changes, change).await?;
                            table.added.push(new);
                        }
                        // What is done to a row is the same, whyever it is done.
                        while added.next_if(|(new, ..)| *new == key).is_some() {}
                        if drops.is_some_and(|drops| drops.contains(&key)) {
                            table.dropped.push(key);
                        } else {
                            out.push(&run, change).await?;
                        }
                    }
                }
            }
            for (new, changes, change) in added {
                out.push(&changes, change).await?;
                table.added.push(new);
            }
            let (mut changed, frames) = out.finish().await?;
            changed.across = changes.tables().get(at).and_then(|table| table.across.clone());
            composed.changes.push(changed, frames);
            if !table.added.is_empty() || !table.dropped.is_empty() {
                composed.tables.push(table);
            }
        }
        Ok(composed)
    }
}

fn key_of(access: &Access<'_>, changes: &Changes, change: Option<Change>) -> Result<Vec<u8>, Error> {
    match change {
        None => Ok(Vec::new()),
        Some(Change::Insert { after }) => access.key_of(changes.after(), after),
        Some(Change::Update { before, .. } | Change::Delete { before }) => {
            access.key_of(changes.before(), before)
        }
    }
}
