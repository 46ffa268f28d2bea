//! What is in `sqlite_schema`.

use rowkeep_format::Identity;

use super::marker::Marker;
use crate::d1::connect::remote::{Answer, Remote, Statement};
use crate::sqlite::catalog::tables::Object;
use crate::{Contents, EngineError, ErrorKind};

/// The objects of a database that are its own, in the order in which they were created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) objects: Vec<Object>,
    /// The first page of each, which is another one when it was dropped and made again.
    root_pages: Vec<String>,
    /// What a restore that was cut off has left.
    pub(crate) left: Vec<Marker>,
}

impl Found {
    /// The statement that asks for them; names and definitions as bytes, which need not be UTF-8. What D1 keeps for itself is
    /// left out.
    pub(crate) fn statement() -> Statement {
        Statement::new(
            "SELECT type AS a, hex(name) AS b, hex(tbl_name) AS c, hex(sql) AS d, CAST(rootpage AS TEXT) AS e FROM main.sqlite_schema \
             WHERE sql IS NOT NULL AND lower(substr(tbl_name, 1, 4)) <> '_cf_' ORDER BY rowid",
        )
    }

    /// Reads the answer.
    pub(crate) fn of(answer: &Answer, remote: &Remote) -> Result<Self, EngineError> {
        let rows = answer.texts().map_err(|error| remote.not_understood("definitions").with_source(error))?;
        let (mut objects, mut root_pages) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let mut left = Vec::new();
        for row in rows {
            let [Some(kind), Some(name), Some(table), Some(sql), Some(root_page)] = row.as_slice() else {
                return Err(remote.not_understood("a definition has no name or text"));
            };
            let name = text(name, remote)?;
            if let Some(marker) = Marker::of(&name) {
                left.push(marker);
                continue;
            }
            objects.push(Object {
                kind: kind.clone(),
                name,
                table: text(table, remote)?,
                sql: text(sql, remote)?,
                stored: root_page != "0",
            });
            root_pages.push(root_page.clone());
        }
        Ok(Self { objects, root_pages, left })
    }

    /// Asks for them.
    pub(crate) async fn read(remote: &Remote) -> Result<Self, EngineError> {
        Self::of(&remote.read_one(&Self::statement()).await?, remote)
    }

    /// The names of the tables that rows are read from.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.objects.iter().filter(|object| object.is_stored_table()).map(|object| object.name.as_str())
    }

    /// What the database is: where it is, and what it holds.
    pub(crate) fn identity(&self, remote: &Remote) -> Identity {
        let own = self.tables().filter(|name| !name.to_ascii_lowercase().starts_with("sqlite_"));
        Identity { mark: Identity::mark(own), ..Identity::at(remote.shown()) }
    }

    /// The condition that the definitions are these still.
    pub(crate) fn condition(&self) -> String {
        let bytes: usize = self.objects.iter().map(|object| object.sql.len()).sum();
        let pages: i64 = self.root_pages.iter().filter_map(|page| page.parse::<i64>().ok()).sum();
        format!(
            "(SELECT count(*) || ' ' || coalesce(sum(octet_length(sql)), 0) || ' ' || coalesce(sum(rootpage), 0) FROM main.sqlite_schema \
             WHERE sql IS NOT NULL AND lower(substr(tbl_name, 1, 4)) <> '_cf_' AND tbl_name NOT IN ({})) = '{} {bytes} {pages}'",
            Marker::names(),
            self.objects.len()
        )
    }

    /// Whether a restore into it was cut off, so that what is in it is nobody's.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.left.contains(&Marker::Made)
    }

    /// Whether a change was cut off, of which a part is in it.
    pub(crate) fn is_half_changed(&self) -> bool {
        self.left.contains(&Marker::Changed)
    }

    /// Whether there is anything that a restore must not touch.
    pub(crate) fn contents(&self) -> Contents {
        if self.is_unfinished() {
            return Contents::Unfinished;
        }
        // That one cannot be dropped.
        let own = self.objects.iter().filter(|object| object.name != "sqlite_sequence");
        match own.map(|object| object.name.clone()).take(20).collect::<Vec<_>>() {
            names if names.is_empty() => Contents::Empty,
            names => Contents::Occupied(names),
        }
    }
}

/// A name or SQL from its digits.
fn text(digits: &str, remote: &Remote) -> Result<String, EngineError> {
    let bytes = hex::decode(digits)
        .map_err(|error| remote.not_understood("a name is not in digits").with_source(error))?;
    String::from_utf8(bytes).map_err(|error| {
        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let message = format!("{}: a name or definition in the schema is not UTF-8: {shown}", remote.shown());
        EngineError::new(ErrorKind::Unstorable, message)
    })
}
