//! What is whole of a damaged dump.

use rowkeep_format::manifest::{Unread, Why};

use super::large_objects;
use super::output::Output;
use super::rows::read;
use super::state::State;
use crate::postgres::catalog::large_objects::data;

/// Reads all tables, and leaves out those of which something cannot be read.
pub(super) fn leave_out(state: &mut State) {
    let unread = |name| Unread { name, why: Why::NotInFile };
    let mut lost = Vec::new();
    for (name, rows) in &state.rows {
        if state.unread.iter().any(|unread| unread.name == *name) {
            state.notes.push(format!("table {name} is not whole"));
            continue;
        }
        let mut output = Output::new(rows.shape.columns, rows.shape.printed.clone(), |_| true);
        let damaged = rows.data.iter().find_map(|data| read(data, &rows.shape, &mut output).err());
        if let Some(damage) = damaged {
            state.notes.push(format!("table {name} is not whole: {}: {}", damage.place, damage.what));
            lost.push(unread(name.clone()));
        }
    }
    if let Err(damage) = large_objects::read(&state.objects, &mut Output::new(3, Vec::new(), |_| true)) {
        state.notes.push(format!("the large objects are not whole: {}: {}", damage.place, damage.what));
        lost.push(unread(data().name));
    }
    state.unread.extend(lost);
    state.unread.sort_unstable();
    state.notes.sort();
}
