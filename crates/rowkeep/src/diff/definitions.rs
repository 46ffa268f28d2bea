//! How two schemas differ in the statements that they are made of.

use std::collections::{BTreeSet, HashMap, HashSet};

use rowkeep_engine::{DefinitionKind, LeftOut, View, definitions};
use rowkeep_format::{Manifest, Schema};
use serde::{Deserialize, Serialize};

use crate::state::State;

/// A statement of one schema that the other does not have, or has in another form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionChange {
    /// What the first schema has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the second schema has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether it is one that a restore may leave out with a note, because the server or the role does not have what it takes:
    /// owners, privileges, comments, extensions, publications.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// How the definitions of two schemas differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionDifference {
    /// What differs.
    #[serde(rename = "definitions", default)]
    pub changes: Vec<DefinitionChange>,
    /// What could not be compared, in words for people.
    #[serde(rename = "definition_notes", default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A schema with what else is known of the state that it is of.
#[derive(Debug, Clone)]
pub struct Defined<'a> {
    schema: &'a Schema,
    /// The roles that its server knows.
    roles: Option<&'a HashSet<String>>,
    /// The version of its server.
    version: Option<String>,
}

/// The fact that tells the version of a PostgreSQL server.
pub(crate) const SERVER_VERSION: &str = "server_version";

impl<'a> Defined<'a> {
    /// The schema of a state.
    pub fn of(state: &'a State) -> Self {
        match state {
            State::Live(live) => Self::live(live.view.as_ref()),
            State::Snapshot(stored) => Self::stored(&stored.schema, &stored.snapshot.manifest),
        }
    }

    /// The schema of a snapshot.
    pub fn stored(schema: &'a Schema, manifest: &Manifest) -> Self {
        Self { schema, roles: None, version: manifest.environment.get(SERVER_VERSION).cloned() }
    }

    /// The schema of a database.
    pub fn live(view: &'a dyn View) -> Self {
        Self { schema: view.schema(), roles: view.roles(), version: server_version(view) }
    }

    /// The same, compared also by owners and privileges of roles that the server does not know.
    #[must_use]
    pub(crate) fn with_any_roles(self) -> Self {
        Self { roles: None, ..self }
    }

    /// A schema that was printed by a server of that version.
    pub(crate) fn by(schema: &'a Schema, version: Option<String>) -> Self {
        Self { schema, roles: None, version }
    }

    /// What is before the first dot.
    fn major(&self) -> Option<&str> {
        self.version.as_deref().map(|version| version.split(['.', ' ']).next().unwrap_or(version))
    }
}

/// The version of a database's server, where it has one.
pub(crate) fn server_version(view: &dyn View) -> Option<String> {
    let mut facts = view.environment().into_iter();
    facts.find(|(name, _)| name == SERVER_VERSION).map(|(_, version)| version)
}

/// Compares the statements that two schemas are made of, whatever their order; nothing when one was kept without.
///
/// Two statements that begin alike, up to the first parenthesis, are taken for two forms of one. Where servers of two major
/// versions printed them, only these beginnings are compared. Owners and privileges are compared where both servers know all
/// roles that they name.
pub fn definition_changes(before: &Defined<'_>, after: &Defined<'_>) -> DefinitionDifference {
    let mut difference = DefinitionDifference::default();
    if before.schema.ddl.is_empty() || after.schema.ddl.is_empty() {
        return difference;
    }
    let only_names = match (before.major(), after.major()) {
        (Some(one), Some(other)) if one != other => {
            difference.notes.push(format!(
                "of definitions only the names are compared: servers of versions {one} and {other} print them differently"
            ));
            true
        }
        _ => false,
    };
    let (mut ours, mut theirs) = (statements(before.schema), statements(after.schema));
    let missing: BTreeSet<&str> =
        unknown_roles(&ours, after.roles).chain(unknown_roles(&theirs, before.roles)).collect();
    let missing: Vec<String> = missing.into_iter().map(str::to_owned).collect();
    if let Some(first) = missing.first() {
        let others = missing.len() - 1;
        let others = if others == 0 { String::new() } else { format!(" and {others} others") };
        difference.notes.push(format!(
            "owners and privileges are not compared: role {first}{others} is not there on one of the servers"
        ));
    }
    // Schemas that earlier builds stored do not tell the versions of extensions.
    let has_versions = |all: &[Statement]| all.iter().any(|one| one.kind == DefinitionKind::Version);
    let with_versions = has_versions(&ours) && has_versions(&theirs);
    let is_compared = |statement: &Statement| match statement.kind {
        DefinitionKind::Object => true,
        DefinitionKind::Privileges(_) => missing.is_empty() && !only_names,
        DefinitionKind::Optional => !only_names,
        DefinitionKind::Version => with_versions && !only_names,
    };
    ours.retain(is_compared);
    theirs.retain(is_compared);
    if only_names {
        ours.iter_mut().chain(&mut theirs).for_each(|statement| {
            statement.canonical = head(&statement.canonical).join(" ");
        });
    }
    difference.changes = changes(ours, theirs);
    difference
}

/// A statement that is compared.
struct Statement {
    sql: String,
    canonical: String,
    kind: DefinitionKind,
}

fn statements(schema: &Schema) -> Vec<Statement> {
    let statements = definitions(schema).into_iter();
    statements.map(|one| Statement { sql: one.sql, canonical: one.canonical, kind: one.kind }).collect()
}

fn changes(before: Vec<Statement>, after: Vec<Statement>) -> Vec<DefinitionChange> {
    let (gone, new) = (lacking(&before, &after), lacking(&after, &before));
    let mut by_head: HashMap<Vec<&str>, Vec<usize>> = HashMap::new();
    for (at, statement) in new.iter().enumerate().rev() {
        by_head.entry(head(&statement.canonical)).or_default().push(at);
    }
    let mut paired = vec![false; new.len()];
    let mut out: Vec<DefinitionChange> = Vec::new();
    for before in gone {
        let other = by_head.get_mut(&head(&before.canonical)).and_then(Vec::pop);
        other.into_iter().for_each(|at| paired[at] = true);
        out.push(DefinitionChange {
            before: Some(before.sql.clone()),
            after: other.map(|at| new[at].sql.clone()),
            optional: before.kind != DefinitionKind::Object,
        });
    }
    let left = new.iter().zip(paired).filter(|(_, paired)| !paired);
    out.extend(left.map(|(after, _)| DefinitionChange {
        before: None,
        after: Some(after.sql.clone()),
        optional: after.kind != DefinitionKind::Object,
    }));
    out
}

/// What is in one list and not, or not so often, in the other.
fn lacking<'s>(list: &'s [Statement], other: &[Statement]) -> Vec<&'s Statement> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    other.iter().for_each(|statement| *counts.entry(&statement.canonical).or_default() += 1);
    let is_lacking = |statement: &&Statement| match counts.get_mut(statement.canonical.as_str()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    list.iter().filter(is_lacking).collect()
}

/// The roles that statements name and that are not among those.
fn unknown_roles<'s>(
    statements: &'s [Statement],
    known: Option<&HashSet<String>>,
) -> impl Iterator<Item = &'s str> {
    let named = statements.iter().flat_map(|statement| match &statement.kind {
        DefinitionKind::Privileges(roles) => roles.as_slice(),
        _ => &[],
    });
    named.filter(move |role| known.is_some_and(|known| !known.contains(*role))).map(String::as_str)
}

fn head(statement: &str) -> Vec<&str> {
    let end = statement.find('(').unwrap_or(statement.len());
    let words = statement[..end].split_whitespace();
    words.take_while(|word| !word.eq_ignore_ascii_case("as")).collect()
}

impl DefinitionChange {
    /// Whether it is no more than what a restore did without, or did in a weaker form.
    pub(crate) fn is_of(&self, left_out: &[LeftOut]) -> bool {
        let is_weaker = |after: &str, left_out: &LeftOut| {
            left_out.instead.as_deref().is_some_and(|instead| in_line(instead) == in_line(after))
        };
        let among = |matches: &dyn Fn(&LeftOut) -> bool| left_out.iter().any(matches);
        match (self.before.as_deref(), self.after.as_deref()) {
            (Some(before), None) => among(&|one| in_line(&one.statement) == in_line(before)),
            (None, Some(after)) => among(&|one| is_weaker(after, one)),
            (Some(before), Some(after)) => {
                among(&|one| in_line(&one.statement) == in_line(before) && is_weaker(after, one))
                    || lacks_checks_alone(before, after, left_out)
            }
            (None, None) => false,
        }
    }

    /// What it is about, in a line: the beginning of the statement.
    pub fn brief(&self) -> String {
        let statement = self.before.as_ref().or(self.after.as_ref()).map_or("", String::as_str);
        head(statement).join(" ").trim_end_matches(';').to_owned()
    }

    /// The lines of both forms that differ, each with `-` or `+`, below the first line where that is the same.
    pub fn lines(&self) -> Vec<String> {
        let lines = |text: &Option<String>| -> Vec<String> {
            text.iter().flat_map(|text| text.lines()).map(|line| line.trim_end().to_owned()).collect()
        };
        let (before, after) = (lines(&self.before), lines(&self.after));
        let mut start = 0;
        while start < before.len().min(after.len()) && before[start] == after[start] {
            start += 1;
        }
        let mut end = 0;
        while end < before.len().min(after.len()) - start
            && before[before.len() - 1 - end] == after[after.len() - 1 - end]
        {
            end += 1;
        }
        let mut out: Vec<String> =
            before.first().filter(|_| start > 0).map(|line| format!("  {line}")).into_iter().collect();
        out.extend(before[start..before.len() - end].iter().map(|line| format!("- {line}")));
        out.extend(after[start..after.len() - end].iter().map(|line| format!("+ {line}")));
        if before == after {
            out = before.iter().map(|line| format!("! {line} ... (what differs may be secret)")).collect();
        }
        out
    }
}

/// Whether a table or a domain lacks nothing but checks that a restore did without or added later.
fn lacks_checks_alone(before: &str, after: &str, left_out: &[LeftOut]) -> bool {
    let mut then = in_line(before);
    let named: Vec<String> = head(before).into_iter().map(str::to_owned).collect();
    for one in left_out {
        let Some((what, check)) = one.statement.split_once(" ADD ") else { continue };
        let Some(table) = what.split_whitespace().nth(2) else { continue };
        let check = in_line(check.trim().trim_end_matches(';'));
        if named.iter().any(|word| word == table) {
            let forms = [format!(", {check}"), format!("{check}, "), format!(" {check}")];
            if let Some(form) = forms.iter().find(|form| then.contains(form.as_str())) {
                then = then.replacen(form.as_str(), "", 1);
            }
        }
    }
    then == in_line(after) && then != in_line(before)
}

/// A statement in one line, whatever the spaces between its words.
fn in_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(statement: &str, instead: Option<&str>) -> LeftOut {
        let (statement, later) = (statement.to_owned(), String::new());
        LeftOut { statement, why: String::new(), instead: instead.map(str::to_owned), later }
    }

    #[test]
    fn what_a_restore_did_without_accounts_for_what_is_missing_and_for_no_more() {
        let index = left_out("CREATE UNIQUE INDEX i ON t (a);", None);
        let reference = left_out(
            "ALTER TABLE c ADD CONSTRAINT f REFERENCES p;",
            Some("ALTER TABLE c ADD CONSTRAINT f REFERENCES p NOT VALID;"),
        );
        let check = left_out(
            "ALTER TABLE public.t ADD CONSTRAINT k CHECK ((a > now()));",
            Some("ALTER TABLE public.t ADD CONSTRAINT k CHECK ((a > now())) NOT VALID;"),
        );
        let all = [index, reference, check];
        let change = |before: Option<&str>, after: Option<&str>| DefinitionChange {
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            optional: false,
        };
        let table = "CREATE TABLE public.t (\n    a date,\n    CONSTRAINT j CHECK ((a > 0)),\n    CONSTRAINT k CHECK ((a > now()))\n);";
        for (before, after, expected) in [
            (Some("CREATE UNIQUE INDEX i ON t (a);"), None, true),
            (Some("CREATE UNIQUE INDEX j ON t (a);"), None, false),
            (None, Some("CREATE UNIQUE INDEX i ON t (a);"), false),
            (Some("CREATE UNIQUE INDEX i ON t (a);"), Some("CREATE INDEX i ON t (a);"), false),
            (
                Some("ALTER TABLE c\n    ADD CONSTRAINT f REFERENCES p;"),
                Some("ALTER TABLE c\n    ADD CONSTRAINT f REFERENCES p NOT VALID;"),
                true,
            ),
            (
                Some("ALTER TABLE c ADD CONSTRAINT f REFERENCES p;"),
                Some("ALTER TABLE c ADD CONSTRAINT f REFERENCES q NOT VALID;"),
                false,
            ),
            (
                Some(table),
                Some("CREATE TABLE public.t (\n    a date,\n    CONSTRAINT j CHECK ((a > 0))\n);"),
                true,
            ),
            (None, Some("ALTER TABLE public.t\n    ADD CONSTRAINT k CHECK ((a > now())) NOT VALID;"), true),
            (
                Some(table),
                Some("CREATE TABLE public.t (\n    a date,\n    CONSTRAINT k CHECK ((a > now()))\n);"),
                false,
            ),
            (
                Some(
                    "CREATE UNLOGGED TABLE public.t (\n    a date,\n    CONSTRAINT k CHECK ((a >\n  now()))\n);",
                ),
                Some("CREATE UNLOGGED TABLE public.t (\n    a date\n);"),
                true,
            ),
            (
                Some(table),
                Some("CREATE TABLE public.t (\n    a text,\n    CONSTRAINT j CHECK ((a > 0))\n);"),
                false,
            ),
        ] {
            assert_eq!(change(before, after).is_of(&all), expected, "{before:?} {after:?}");
        }
    }

    fn statement(sql: &str) -> Statement {
        Statement { sql: sql.to_owned(), canonical: sql.to_owned(), kind: DefinitionKind::Object }
    }

    fn told(before: &[&str], after: &[&str]) -> Vec<String> {
        let owned = |list: &[&str]| list.iter().map(|text| statement(text)).collect();
        changes(owned(before), owned(after)).iter().flat_map(DefinitionChange::lines).collect()
    }

    #[test]
    fn statements_come_go_and_change() {
        assert_eq!(told(&["A;", "B;", "B;"], &["B;", "A;", "B;"]), Vec::<String>::new());
        assert_eq!(told(&["A;", "A;"], &["A;"]), ["- A;"]);
        assert_eq!(told(&[], &["CREATE INDEX i ON t (a);"]), ["+ CREATE INDEX i ON t (a);"]);
        assert_eq!(
            told(
                &["CREATE TABLE t (\n  a int,\n  b int\n);", "CREATE VIEW v AS SELECT 1"],
                &["CREATE VIEW v AS SELECT 2", "CREATE TABLE t (\n  a int,\n  c text,\n  b int\n);"]
            ),
            [
                "  CREATE TABLE t (",
                "+   c text,",
                "- CREATE VIEW v AS SELECT 1",
                "+ CREATE VIEW v AS SELECT 2"
            ]
        );
    }
}
