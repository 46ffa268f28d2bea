//! A database as a dump defines it, and which of several is meant.

use std::collections::HashSet;

use super::table::Table;

/// Databases that a server has for itself.
const OF_SERVER: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// One database of a dump.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) name: Option<String>,
    pub(super) tables: Vec<Table>,
    /// Tables of which rows were written.
    pub(super) filled: HashSet<String>,
    /// What is not taken over, in words.
    pub(super) left_out: Vec<String>,
}

impl Database {
    pub(super) fn table(&mut self, name: &str) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.name == name)
    }

    /// Takes a table away again; gives whether it has no rows, and so could be.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let is_empty = !self.filled.contains(name);
        if is_empty {
            self.tables.retain(|table| table.name != name);
        }
        is_empty
    }

    pub(super) fn leave_out(&mut self, what: String) {
        if !self.left_out.contains(&what) {
            self.left_out.push(what);
        }
    }

    fn is_of_server(&self) -> bool {
        self.name.as_deref().is_some_and(|name| OF_SERVER.iter().any(|own| own.eq_ignore_ascii_case(name)))
    }

    /// The database that is meant: the one of a name, or the only one that holds something.
    pub(super) fn chosen(all: Vec<Self>, wanted: Option<&str>) -> Result<Self, String> {
        let names: Vec<String> = all
            .iter()
            .filter(|database| !database.tables.is_empty())
            .filter_map(|database| database.name.clone())
            .collect();
        let has_own = all.iter().any(|database| !database.tables.is_empty() && !database.is_of_server());
        if names.is_empty() && wanted.is_none() && all.iter().all(|database| database.tables.is_empty()) {
            let name = all.first().and_then(|first| first.name.clone());
            let left_out = all.into_iter().flat_map(|database| database.left_out).collect();
            return Ok(Self { name, left_out, ..Self::default() });
        }
        let is_meant = |database: &Self| match wanted {
            Some(wanted) => database.name.as_deref() == Some(wanted),
            None => !(database.tables.is_empty() || has_own && database.is_of_server()),
        };
        let (mut meant, _): (Vec<Self>, Vec<Self>) = all.into_iter().partition(is_meant);
        match (meant.len(), wanted) {
            (1, _) => Ok(meant.remove(0)),
            (0, None) => Ok(Self::default()),
            (0, Some(wanted)) => {
                let known =
                    if names.is_empty() { "one, without a name".to_owned() } else { names.join(", ") };
                Err(format!("holds no database {wanted}; there is {known}"))
            }
            _ => Err(format!(
                "holds several databases: name one of them with --database, or behind a #: {}",
                names.join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(name: &str, tables: usize) -> Database {
        let tables = vec![Table::default(); tables];
        Database {
            name: Some(name.to_owned()),
            tables,
            left_out: vec![format!("view of {name}")],
            ..Database::default()
        }
    }

    #[test]
    fn the_database_that_is_meant_is_chosen() {
        let chosen = |all: Vec<Database>, wanted: Option<&str>| {
            Database::chosen(all, wanted)
                .map(|chosen| (chosen.name.unwrap_or_default(), chosen.left_out.len()))
        };
        let name = |name: &str, left_out: usize| Ok((name.to_owned(), left_out));
        assert_eq!(chosen(vec![database("a", 1), database("mysql", 2)], None), name("a", 1));
        assert_eq!(chosen(vec![database("a", 0), database("mysql", 2)], None), name("mysql", 1));
        // What is left out is said where there is nothing else too.
        assert_eq!(chosen(vec![database("a", 0), database("b", 0)], None), name("a", 2));
        assert_eq!(chosen(vec![database("a", 1), database("b", 1)], Some("b")), name("b", 1));
        assert!(
            chosen(vec![database("a", 1), database("b", 1)], None).is_err_and(|told| told.contains("a, b"))
        );
        assert!(chosen(vec![database("a", 1)], Some("c")).is_err_and(|told| told.contains("there is a")));
    }
}
