//! Columns that have to be masked alike, for one refers to another.

use std::collections::{BTreeSet, HashMap, HashSet};

use rowkeep_format::Schema;

/// A column: index of its table, and its index there.
pub(super) type ColumnPlace = (usize, usize);

/// Columns that refer to one another, directly or over others.
pub(super) struct Groups {
    joined: HashMap<ColumnPlace, HashSet<ColumnPlace>>,
    unknown: Vec<ColumnPlace>,
}

impl Groups {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut groups = Self { joined: HashMap::new(), unknown: Vec::new() };
        let places = schema.tables.iter().enumerate().map(|(at, table)| (&table.name, at));
        let (places, partitions) = (places.collect::<HashMap<_, _>>(), schema.partitions());
        for (at, table) in schema.tables.iter().enumerate() {
            for reference in &table.foreign_keys {
                let parents: Vec<usize> = match places.get(&reference.references) {
                    Some(parent) => vec![*parent],
                    None => {
                        let of_it = partitions.get(&reference.references).into_iter().flatten();
                        of_it.filter_map(|partition| places.get(&partition.name).copied()).collect()
                    }
                };
                for (column, name) in reference.columns.iter().zip(&reference.referenced_columns) {
                    let referenced = parents.iter().map(|parent| {
                        let columns = &schema.tables[*parent].columns;
                        let place = columns.iter().position(|known| known.name.eq_ignore_ascii_case(name))?;
                        Some((*parent, place))
                    });
                    let child = (at, *column);
                    match referenced.collect::<Option<Vec<_>>>().as_deref() {
                        Some([first, others @ ..]) => {
                            groups.join(child, *first);
                            others.iter().for_each(|other| groups.join(*first, *other));
                        }
                        _ => groups.unknown.push(child),
                    }
                }
            }
        }
        groups
    }

    fn join(&mut self, one: ColumnPlace, other: ColumnPlace) {
        self.joined.entry(one).or_default().insert(other);
        self.joined.entry(other).or_default().insert(one);
    }

    /// A column with all that it refers to and that refer to it.
    pub(super) fn members(&self, place: ColumnPlace) -> Vec<ColumnPlace> {
        let (mut members, mut next) = (BTreeSet::from([place]), vec![place]);
        while let Some(member) = next.pop() {
            let joined = self.joined.get(&member).into_iter().flatten();
            next.extend(joined.filter(|place| members.insert(**place)));
        }
        members.into_iter().collect()
    }

    /// Whether it or any of these refers to a table that is not here.
    pub(super) fn has_unknown(&self, place: ColumnPlace) -> bool {
        self.members(place).iter().any(|member| self.unknown.contains(member))
    }
}
