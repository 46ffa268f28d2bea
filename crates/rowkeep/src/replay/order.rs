//! In which order entries of one moment are done.

use std::collections::HashMap;

use rowkeep_format::TableName;

use super::entry::Entry;
use super::rows::Rows;

/// Entries of one moment, in the order of their keys, as they are done; each with whether nothing says that it comes behind those
/// of the same row before it.
///
/// Keys that are numbers tell which was first. Of others, those of one row are done in the one order in which each finds the row as it
/// says that it was.
pub(super) fn in_order<'e, 'r>(
    moment: &'e [Entry],
    rows_of: impl Fn(&Entry) -> Option<(&'r TableName, &'r Rows)>,
) -> Vec<(&'e Entry, bool)> {
    let mut done: Vec<(&Entry, bool)> = moment.iter().map(|entry| (entry, false)).collect();
    if moment.len() == 1 || moment.iter().all(|entry| entry.order.is_some()) {
        return done;
    }
    let mut groups: Vec<(&Rows, Vec<usize>)> = Vec::new();
    let mut known: HashMap<(&TableName, Vec<u8>), usize> = HashMap::new();
    for (place, entry) in moment.iter().enumerate() {
        let Some((table, rows)) = rows_of(entry) else { continue };
        let keys = rows.meant_keys(entry);
        let group = keys.iter().find_map(|key| known.get(&(table, key.clone())).copied());
        let group = group.unwrap_or_else(|| {
            groups.push((rows, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(place);
        known.extend(keys.into_iter().map(|key| ((table, key), group)));
    }
    for (rows, places) in groups.iter().filter(|(_, places)| places.len() > 1) {
        let entries: Vec<&Entry> = places.iter().map(|place| &moment[*place]).collect();
        if entries.iter().all(|entry| entry.order.is_some()) {
            continue;
        }
        match rows.chain(&entries) {
            Some(chain) => places.iter().zip(chain).for_each(|(place, at)| done[*place].0 = entries[at]),
            None => places[1..].iter().for_each(|place| done[*place].1 = true),
        }
    }
    done
}
