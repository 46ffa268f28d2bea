//! Running the statements of a dump.

use std::collections::HashSet;

use tokio_postgres::error::{DbError, SqlState};

use super::notes::Notes;
use super::transaction_scope::TransactionScope;
use crate::EngineError;
use crate::postgres::connect::failure;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::postgres::schema::classify::{self, Kind, Reference, Unchecked, brief};
use crate::postgres::schema::script::Statement;

/// How many statements go to the server at once.
const AT_ONCE: usize = 50;

/// Runs statements, and notes those that may fail and did.
pub(crate) struct Runner<'a> {
    /// Where they run.
    pub(crate) session: &'a Session,
    /// The roles that there are.
    pub(crate) roles: &'a HashSet<String>,
    /// What statements that go together are to each other.
    pub(crate) scope: TransactionScope,
    /// Whether the schema lacks tables that a statement may need.
    pub(crate) lacks_definitions: bool,
    /// Whether what the server refuses is left out, as far as no row needs it.
    pub(crate) leaves_out: bool,
    /// Where failures are noted that do not matter for the rest.
    pub(crate) notes: &'a Notes,
}

impl Runner<'_> {
    /// Runs statements in order. The first that fails and must not ends it.
    ///
    /// Many go together, all or none; when that fails they are run again one by one.
    pub(crate) async fn run(&self, statements: &[&Statement]) -> Result<(), EngineError> {
        self.run_possible(&self.possible(statements)).await
    }

    /// The statements whose roles all exist; notes the others.
    pub(crate) fn possible<'s>(&self, statements: &[&'s Statement]) -> Vec<&'s Statement> {
        statements.iter().copied().filter(|statement| self.has_roles(statement)).collect()
    }

    /// Runs those as [`run`](Self::run) does.
    pub(crate) async fn run_possible(&self, statements: &[&Statement]) -> Result<(), EngineError> {
        for batch in statements.chunks(AT_ONCE) {
            if batch.len() > 1 && self.scope.run(self.session, &script(batch)).await.is_ok() {
                continue;
            }
            for statement in batch {
                self.run_one(statement).await?;
            }
        }
        Ok(())
    }

    async fn run_one(&self, statement: &Statement) -> Result<(), EngineError> {
        match self.scope.run(self.session, &with_settings(statement)).await {
            Ok(()) => Ok(()),
            Err(error) if may_fail(&statement.kind, &error) || self.lacks(&error) => {
                let reason = error.as_db_error().map_or_else(String::new, |error| error.message().to_owned());
                self.notes.left_out(brief(&statement.sql), &reason);
                if let Some(extension) = classify::extension(&statement.sql) {
                    self.notes.lacks_extension(extension.name);
                }
                Ok(())
            }
            Err(error) if is_unknown(&error) && self.run_in_usual_path(statement).await => Ok(()),
            Err(error) => {
                let lacking = self.notes.lacking_extensions().filter(|_| is_unknown(&error));
                match refused(&error).filter(|_| self.leaves_out && self.can_do_without(statement, &error)) {
                    Some(why) => {
                        let why = [Some(why), lacking].into_iter().flatten().collect::<Vec<_>>().join("; ");
                        self.do_without(statement, &why).await;
                        Ok(())
                    }
                    None => {
                        let lacking = lacking.map_or_else(String::new, |lacking| format!(" ({lacking})"));
                        Err(failure::failed(format!("cannot run: {}{lacking}", brief(&statement.sql)), error))
                    }
                }
            }
        }
    }

    /// Whether the rest of a restore can do without a statement that the server refuses: rows need most tables, but one of a type
    /// that is not there cannot be, nor can its partitions.
    fn can_do_without(&self, statement: &Statement, error: &tokio_postgres::Error) -> bool {
        if !classify::is_needed_by_rows(&statement.sql) {
            return true;
        }
        if let Kind::Partition { parent, child } = &statement.kind {
            let lacking = self.notes.lacking_tables();
            return lacking.contains(parent) || lacking.contains(child);
        }
        match classify::table(&statement.sql).filter(|_| is_unknown(error)) {
            Some(table) => {
                self.notes.lacks_table(table);
                true
            }
            None => false,
        }
    }

    /// Whether a statement runs where names are found as the database's users find them: functions that it computes with may name
    /// others without a schema.
    async fn run_in_usual_path(&self, statement: &Statement) -> bool {
        let mut statement = statement.clone();
        statement.settings.push(("search_path".to_owned(), "DEFAULT".to_owned()));
        self.scope.run(self.session, &with_settings(&statement)).await.is_ok()
    }

    /// Notes that a statement is left out, or done in a form in which rows that are there need not conform.
    async fn do_without(&self, statement: &Statement, why: &str) {
        let whole = checked(statement);
        if let Some(Unchecked { sql, validate }) =
            classify::unchecked(&whole).filter(|_| whole == statement.sql)
        {
            let unchecked = Statement { sql, ..statement.clone() };
            if self.scope.run(self.session, &with_settings(&unchecked)).await.is_ok() {
                return self.notes.missing(&whole, why, Some(unchecked.sql), Some(validate));
            }
        }
        self.notes.missing(&whole, why, None, None);
    }

    /// Whether a statement failed for what the schema lacks.
    fn lacks(&self, error: &tokio_postgres::Error) -> bool {
        const LACKING: [SqlState; 3] =
            [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_OBJECT, SqlState::UNDEFINED_FUNCTION];
        self.lacks_definitions && error.code().is_some_and(|code| LACKING.contains(code))
    }

    /// Whether all roles exist that an owner or grant is about; notes it when not.
    fn has_roles(&self, statement: &Statement) -> bool {
        let roles: &[String] = match &statement.kind {
            Kind::Owner(role) => std::slice::from_ref(role),
            Kind::Privileges(roles) => roles,
            _ => return true,
        };
        let is_word = |role: &str| matches!(role, "current_user" | "session_user" | "current_role");
        match roles.iter().find(|role| !self.roles.contains(*role) && !is_word(role)) {
            None => true,
            Some(role) => {
                let reason = format!("role {} does not exist here", quote::ident(role));
                self.notes.left_out(brief(&statement.sql), &reason);
                false
            }
        }
    }
}

/// Statements that run together.
pub(crate) fn script(statements: &[&Statement]) -> String {
    statements.iter().map(|statement| with_settings(statement)).collect::<Vec<_>>().join("\n")
}

/// The statement between the settings that it needs and their end.
pub(crate) fn with_settings(statement: &Statement) -> String {
    let mut script = String::new();
    for (name, value) in &statement.settings {
        script.push_str(&format!("SET {name} = {value}; "));
    }
    script.push_str(&statement.sql);
    for (name, _) in &statement.settings {
        let usual = match name.as_str() {
            "default_table_access_method" => "heap",
            "default_tablespace" | "search_path" => "''",
            _ => "DEFAULT",
        };
        script.push_str(&format!(" SET {name} = {usual};"));
    }
    script
}

/// Whether the rest of a restore can do without a statement that failed.
fn may_fail(kind: &Kind, error: &tokio_postgres::Error) -> bool {
    let Some(state) = error.code() else { return false };
    match kind {
        Kind::Owner(_) | Kind::Privileges(_) | Kind::Optional | Kind::EventTrigger => !is_fatal(state),
        Kind::UncheckedReference => {
            [SqlState::WRONG_OBJECT_TYPE, SqlState::FEATURE_NOT_SUPPORTED].contains(state)
        }
        Kind::Privileged => [
            SqlState::INSUFFICIENT_PRIVILEGE,
            SqlState::UNDEFINED_OBJECT,
            SqlState::UNDEFINED_FILE,
            SqlState::FEATURE_NOT_SUPPORTED,
        ]
        .contains(state),
        _ => false,
    }
}

/// The statement that adds a reference which is to be checked later, as the schema has it; any other as it is.
fn checked(statement: &Statement) -> String {
    match (&statement.kind, statement.sql.strip_suffix(NOT_VALID)) {
        (Kind::Reference(Reference { checked: true, .. }), Some(whole)) => format!("{whole};"),
        _ => statement.sql.clone(),
    }
}

/// How a statement ends that does not hold a constraint against the rows that are there.
pub(crate) const NOT_VALID: &str = " NOT VALID;";

/// Whether an error says that something does not exist.
pub(crate) fn is_unknown(error: &tokio_postgres::Error) -> bool {
    const UNKNOWN: [SqlState; 4] = [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_OBJECT,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::INVALID_SCHEMA_NAME,
    ];
    error.code().is_some_and(|code| UNKNOWN.contains(code))
}

/// Why the server does not take a statement; nothing where it cannot do anything, or cannot do this now.
pub(crate) fn refused(error: &tokio_postgres::Error) -> Option<String> {
    // Deadlocks and the like, locks, and what only says that a transaction has failed before.
    const NOT_NOW: [&str; 3] = ["40", "55P03", "25"];
    let is_now = |said: &&DbError| NOT_NOW.iter().all(|class| !said.code().code().starts_with(class));
    let said = error.as_db_error().filter(|said| !is_fatal(said.code())).filter(is_now)?;
    Some(match said.detail() {
        Some(detail) => format!("{}: {detail}", said.message()),
        None => said.message().to_owned(),
    })
}

/// Whether an error is not the statement's but the server's.
pub(crate) fn is_fatal(state: &SqlState) -> bool {
    // Connections, resources, an operator's intervention, the system, an internal error.
    ["08", "53", "57", "58030", "XX"].iter().any(|class| state.code().starts_with(class))
}
