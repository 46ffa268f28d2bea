//! Which table of a state becomes which table of a database, and from which of its columns.

use std::collections::{BTreeMap, HashMap, HashSet};

use rowkeep_engine::Conversion;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{ForeignKey, Key, Schema, Table};

use crate::state::State;
use crate::{Error, RequestError};

/// What tables of a database are called in a state, by their names in the database: `CountryVisit` is `countryVisits`.
pub type CalledTables = BTreeMap<String, String>;

/// A table of a state as one of a database.
pub(super) struct Pair {
    /// The table of the state.
    pub(super) source: Table,
    /// Where in its rows the values of the database's columns are; nowhere where it has no rows.
    pub(super) places: Vec<usize>,
    /// The table of the database, with these columns alone.
    pub(super) conversion: Conversion,
    /// Why its rows cannot be told apart there, in words.
    pub(super) lacks: Option<String>,
}

/// All tables of a state.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) pairs: Vec<Pair>,
    /// Those that the database does not have.
    pub(super) lone: Vec<Table>,
    /// What is not taken, in words for people.
    pub(super) notes: Vec<String>,
}

/// Finds the tables of a state in a database.
pub(super) fn pairs(state: &State, live: &Schema, called: &CalledTables) -> Result<Pairs, Error> {
    let own = |schema: &Schema| -> Vec<Table> {
        schema.tables.iter().filter(|table| table.kind.is_user_table()).cloned().collect()
    };
    let known = own(live);
    if let Some(name) = called.keys().find(|name| !known.iter().any(|table| table.name.to_string() == **name))
    {
        let candidates = known.iter().map(|table| table.name.to_string()).collect();
        return Err(Error::Unknown { what: "table", name: name.clone(), candidates });
    }
    let mut sources: HashMap<String, Table> = HashMap::new();
    for table in own(state.schema()).into_iter().filter(|table| state.holds(&table.name)) {
        sources.insert(table.name.to_string(), table);
    }
    if let Some(name) = called.values().find(|name| !sources.contains_key(*name)) {
        let mut candidates: Vec<String> = sources.into_keys().collect();
        candidates.sort();
        return Err(Error::Unknown { what: "table", name: name.clone(), candidates });
    }
    let others: HashSet<&String> = called.values().collect();
    if let Some(twice) = others.iter().find(|name| called.values().filter(|one| one == *name).count() > 1) {
        return Err(RequestError::CalledTwice { name: (**twice).clone() }.into());
    }
    let mut found = Pairs::default();
    for table in &known {
        let name = table.name.to_string();
        let source = match called.get(&name) {
            Some(called) => sources.remove(called),
            // What has its name in the state is said to be another's.
            None if others.contains(&name) => None,
            None => sources.remove(&name),
        };
        let Some(source) = source else { continue };
        // Of a table without rows a file does not tell the columns.
        let is_empty = state.estimated_rows(&source.name) == 0;
        match pair(state, table, &source) {
            Ok(pair) => {
                found.notes.extend(lone_columns(table, &source).filter(|_| !is_empty));
                found.pairs.push(pair);
            }
            // It matters where it has rows that are meant.
            Err(error @ Error::KeyGone { .. }) => {
                let conversion = Conversion { table: table.clone(), from: Vec::new() };
                let lacks = (!is_empty).then(|| error.to_string());
                found.pairs.push(Pair { source, places: Vec::new(), conversion, lacks });
            }
            Err(error) => return Err(error),
        }
    }
    found.lone = sources.into_values().collect();
    found.lone.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Says which columns the table of the database does not have.
fn lone_columns(table: &Table, source: &Table) -> Option<String> {
    let known: HashSet<&str> = table.columns.iter().map(|column| &*column.name).collect();
    let lone = source.columns.iter().filter(|column| !column.hidden && !known.contains(&*column.name));
    let lone: Vec<&str> = lone.map(|column| &*column.name).collect();
    (!lone.is_empty()).then(|| {
        format!("not taken: {} of {}, which the database does not store", lone.join(", "), table.name)
    })
}

fn pair(state: &State, table: &Table, source: &Table) -> Result<Pair, Error> {
    let place = |name: &str| source.columns.iter().position(|column| !column.hidden && column.name == name);
    let (mut columns, mut places, mut moved) = (Vec::new(), Vec::new(), vec![None; table.columns.len()]);
    for (at, column) in table.columns.iter().enumerate() {
        if let Some(place) = place(&column.name) {
            moved[at] = Some(columns.len());
            columns.push(column.clone());
            places.push(place);
        }
    }
    let key = |key: &Key| -> Result<Key, Error> {
        let part = |part: &KeyColumn| {
            let gone = || Error::KeyGone {
                table: table.name.to_string(),
                column: table.columns[part.column].name.clone(),
                state: state.describe(),
            };
            Ok(KeyColumn { column: moved[part.column].ok_or_else(gone)?, form: part.form })
        };
        Ok(Key { columns: key.columns.iter().map(part).collect::<Result<_, Error>>()?, unique: key.unique })
    };
    let foreign_key = |known: &ForeignKey| {
        let columns: Option<Vec<usize>> = known.columns.iter().map(|column| moved[*column]).collect();
        Some(ForeignKey { columns: columns?, ..known.clone() })
    };
    let from = places.iter().map(|place| source.columns[*place].clone()).collect();
    let table = Table {
        name: table.name.clone(),
        kind: table.kind,
        key: key(&table.key)?,
        identity: table.identity.as_ref().map(key).transpose()?,
        foreign_keys: table.foreign_keys.iter().filter_map(foreign_key).collect(),
        columns,
    };
    Ok(Pair { source: source.clone(), places, conversion: Conversion { table, from }, lacks: None })
}
