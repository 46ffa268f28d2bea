//! References that dangle now and would not after changes: whoever undoes the changes leaves them dangling again.

use std::sync::Arc;

use futures::StreamExt;
use rowkeep_engine::{ChangeSource, ChangeStream};
use rowkeep_format::manifest::Dangled;
use rowkeep_format::{Changes, TableChanges};

use super::reference::OnDangling;
use super::tables::{Tables, Terms};
use crate::diff::Filter;
use crate::state::State;
use crate::state::selection::Selection;
use crate::{Context, Error};

/// What dangles in a database and would not after the changes; nothing where there is too much to look at.
///
/// SQLite sees to references only for connections that ask for it, PostgreSQL not for roles that replicate, where a
/// constraint is NOT VALID, or where somebody switched its triggers off.
pub(crate) async fn dangled(
    context: &Context,
    live: &State,
    changes: Arc<dyn ChangeSource>,
) -> Result<Vec<Dangled>, Error> {
    if changes.tables().iter().all(|table| table.counts.total() == 0) {
        return Ok(Vec::new());
    }
    let selection = Selection::default();
    let terms = Terms { choice: OnDangling::Stop, kinds: Filter::default(), selection: &selection };
    let tables = Tables::new(context, live, live, terms);
    if tables.links.is_empty() {
        return Ok(Vec::new());
    }
    let every = tables.by_name.keys().cloned().collect();
    let gaps = tables.find(&Reversed::of(changes), &every).await?.unwrap_or_default();
    let described = gaps.iter().map(|gap| {
        let own = tables.by_name[&gap.link.child].live.own;
        Dangled {
            table: gap.link.child.clone(),
            columns: gap.link.columns.iter().map(|column| own.columns[*column].name.clone()).collect(),
            references: gap.link.references.clone(),
            rows: (gap.asking.len() + gap.left.len()) as u64,
        }
    });
    Ok(described.collect())
}

/// Changes backwards.
struct Reversed {
    changes: Arc<dyn ChangeSource>,
    tables: Vec<TableChanges>,
}

impl Reversed {
    fn of(changes: Arc<dyn ChangeSource>) -> Self {
        let tables = changes.tables().iter().cloned().map(TableChanges::reversed).collect();
        Self { changes, tables }
    }
}

impl ChangeSource for Reversed {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        self.changes.read(table).map(|run| run.map(Changes::reversed)).boxed()
    }
}
