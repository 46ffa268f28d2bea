//! Tables in the order of what they refer to.

use std::collections::HashMap;

use super::shape::{Reference, Shape};

/// Tables, those that others refer to first.
pub(crate) struct Order {
    /// Their places.
    pub(crate) places: Vec<usize>,
    /// For each table, the columns that refer to a table which does not come before it, as far as they may be NULL.
    pub(crate) late: Vec<Vec<usize>>,
}

impl Order {
    /// The order of some tables. Those that refer to each other in a circle go by the columns that may not be NULL, where that
    /// leaves an order.
    pub(crate) fn of(shapes: &[Shape]) -> Self {
        let names: HashMap<String, usize> =
            shapes.iter().enumerate().map(|(at, shape)| (shape.name.to_ascii_lowercase(), at)).collect();
        let parents = |is_edge: fn(&Reference) -> bool| -> Vec<Vec<usize>> {
            let of = |shape: &Shape| {
                let edges = shape.references.iter().filter(|to| is_edge(to));
                edges.filter_map(|to| names.get(&to.table).copied()).collect()
            };
            shapes.iter().map(of).collect()
        };
        let needed = parents(|to| !to.may_be_null);
        let mut places = in_order(&parents(|_| true));
        let is_in_order = |placed: &[usize]| {
            needed
                .iter()
                .enumerate()
                .all(|(at, to)| to.iter().all(|to| placed[*to] < placed[at] || *to == at))
        };
        if !is_in_order(&placed(&places)) {
            places = in_order(&needed);
        }
        let placed = placed(&places);
        let late = shapes.iter().enumerate().map(|(at, shape)| {
            let is_late =
                |table: &String| names.get(table).is_some_and(|parent| placed[*parent] >= placed[at]);
            let late = shape.references.iter().filter(|to| to.may_be_null && is_late(&to.table));
            let mut columns: Vec<usize> = late.flat_map(|to| to.columns.iter().copied()).collect();
            columns.sort_unstable();
            columns.dedup();
            columns
        });
        Self { late: late.collect(), places }
    }
}

/// Those that others refer to first.
fn in_order(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut places = Vec::with_capacity(parents.len());
    let mut seen = vec![false; parents.len()];
    for start in 0..parents.len() {
        // A table with how many of its parents were looked at. Not by recursion: there may be thousands.
        let mut path = if seen[start] { Vec::new() } else { vec![(start, 0)] };
        seen[start] = true;
        while let Some((at, looked)) = path.last_mut() {
            let at = *at;
            match parents[at].get(*looked) {
                Some(parent) => {
                    *looked += 1;
                    if !seen[*parent] {
                        seen[*parent] = true;
                        path.push((*parent, 0));
                    }
                }
                None => {
                    places.push(at);
                    path.pop();
                }
            }
        }
    }
    places
}

/// At which place each table is.
fn placed(places: &[usize]) -> Vec<usize> {
    let mut placed = vec![0; places.len()];
    places.iter().enumerate().for_each(|(place, at)| placed[*at] = place);
    placed
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::d1::compose::shape::shapes;
    use crate::sqlite::catalog::tables::objects;

    #[test]
    fn who_is_referred_to_comes_first_and_circles_are_known() {
        let connection = Connection::open_in_memory().expect("it opens");
        connection
            .execute_batch(
                "CREATE TABLE leaf (id INTEGER PRIMARY KEY, a REFERENCES branch, b NOT NULL REFERENCES root);
                 CREATE TABLE branch (id INTEGER PRIMARY KEY, a REFERENCES root);
                 CREATE TABLE root (id INTEGER PRIMARY KEY, itself REFERENCES root, back REFERENCES ROUND);
                 CREATE TABLE round (id INTEGER PRIMARY KEY, r NOT NULL REFERENCES root);",
            )
            .expect("it is made");
        let objects = objects(&connection).expect("they are read");
        let shapes = shapes(&connection, &objects).expect("they are known");
        let order = Order::of(&shapes);
        let names: Vec<&str> = order.places.iter().map(|at| shapes[*at].name.as_str()).collect();
        assert_eq!(names, ["root", "leaf", "branch", "round"], "by what may not be NULL");
        assert_eq!(order.late, [vec![1], vec![], vec![1, 2], vec![]], "what may be NULL can come later");
    }
}
