//! Foreign keys that are not checked, for rows may dangle as they did before; how many do is counted.

use rowkeep_format::TableName;

use super::foreign_keys::Reference;
use crate::apply::dangling_as_before;
use crate::postgres::connect::row::{number, only, text};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind, MayDangle};

/// A foreign key that is not checked.
pub(super) struct Unchecked {
    /// What switches its triggers on again; not those that were off before.
    switched: Vec<String>,
    /// How many rows dangled before.
    before: u64,
}

impl Reference {
    /// Leaves it unchecked: switches off its triggers and those of its parts, which keeps writers from all tables that it is of.
    /// Only superusers may.
    pub(super) async fn uncheck(&self, session: &Session) -> Result<Unchecked, EngineError> {
        let query = format!(
            "WITH RECURSIVE part (oid) AS (SELECT {}::oid UNION ALL \
               SELECT k.oid FROM pg_constraint k JOIN part ON k.conparentid = part.oid) \
             SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN part ON part.oid = t.tgconstraint \
             JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE t.tgenabled = 'O' ORDER BY t.oid",
            self.oid
        );
        let mut switched = Vec::new();
        for row in session.rows("cannot look up the triggers of a reference", &query).await? {
            let table = quote::table(&TableName::qualified(text(&row, 0), text(&row, 1)));
            let trigger = quote::ident(text(&row, 2));
            self.alter(session, &format!("ALTER TABLE ONLY {table} DISABLE TRIGGER {trigger}")).await?;
            switched.push(format!("ALTER TABLE ONLY {table} ENABLE TRIGGER {trigger}"));
        }
        Ok(Unchecked { switched, before: self.count_dangling(session).await? })
    }

    /// Checks it from now on as before; fails where more rows came to dangle than may, and says how many do.
    pub(super) async fn check_again(
        &self,
        session: &Session,
        unchecked: &Unchecked,
        may: &MayDangle,
    ) -> Result<Option<String>, EngineError> {
        for statement in &unchecked.switched {
            self.alter(session, statement).await?;
        }
        self.check_dangling(session, unchecked.before, may).await
    }

    /// How many rows refer to none.
    async fn count_dangling(&self, session: &Session) -> Result<u64, EngineError> {
        let given = self.child_columns.iter().map(|column| format!("c.{} IS NOT NULL", quote::ident(column)));
        let query = format!(
            "SELECT pg_catalog.count(*) FROM {} c WHERE {} AND NOT EXISTS (SELECT FROM {} t WHERE {})",
            self.child_rows(),
            given.collect::<Vec<_>>().join(" AND "),
            self.parent_rows,
            self.refers("t", "c")
        );
        let rows = session.rows("cannot count references that dangle", &query).await?;
        number(only(&rows, "a number of rows")?, 0, "a number of rows")
    }

    /// How many of its rows may come to dangle.
    pub(super) async fn may_dangle(&self, session: &Session, may: &MayDangle) -> Result<u64, EngineError> {
        let these = match may {
            _ if self.of_periods => return Ok(0),
            MayDangle::Nothing => return Ok(0),
            MayDangle::Anything => return Ok(u64::MAX),
            MayDangle::These(these) => these,
        };
        let mut rows = 0;
        for dangled in these.iter().filter(|dangled| dangled.columns == self.child_columns) {
            let is = |table: &TableName, oid: u32| {
                let table = format!("to_regclass({})", quote::literal(&quote::table(table)));
                format!(
                    "({table} = {oid} OR EXISTS (SELECT FROM pg_partition_ancestors({table}) WHERE relid = {oid}))"
                )
            };
            let query = format!(
                "SELECT 1 WHERE {} AND {}",
                is(&dangled.table, self.child_oid),
                is(&dangled.references, self.parent_oid)
            );
            if !session.rows("cannot look up a reference", &query).await?.is_empty() {
                rows += dangled.rows;
            }
        }
        Ok(rows)
    }

    /// Fails where more rows came to dangle than may; says how many do.
    async fn check_dangling(
        &self,
        session: &Session,
        before: u64,
        may: &MayDangle,
    ) -> Result<Option<String>, EngineError> {
        let now = self.count_dangling(session).await?;
        let came = now.saturating_sub(before);
        if came > self.may_dangle(session, may).await? {
            let message = format!(
                "{came} more rows of table {} would refer to rows of table {} that are not there, by constraint {}",
                self.child_name, self.parent_name, self.name
            );
            return Err(EngineError::new(ErrorKind::Dangling, message));
        }
        Ok((came > 0).then(|| dangling_as_before(came, &self.child_name, &self.parent_name)))
    }
}
