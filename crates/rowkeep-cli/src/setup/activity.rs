//! The row for the application's own log.

use anyhow::Result;
use rowkeep::apply::activity::{About, Activity};
use rowkeep::apply::plan::Plan;
use rowkeep::engine::Engine;

use super::Session;

/// Writes a row for each plan that is executed; or none.
pub(crate) struct ActivityRow<'a> {
    activity: Option<&'a Activity>,
    engine: &'a dyn Engine,
    about: About,
}

impl Session {
    /// The row that the configuration has for a database; none where it is to be left out. Fails where it cannot be
    /// written.
    pub(crate) async fn activity<'a>(
        &'a self,
        typed: &str,
        engine: &'a dyn Engine,
        snapshot: String,
        leave_out: bool,
    ) -> Result<ActivityRow<'a>> {
        let known = if leave_out { None } else { self.configured_as(typed)? };
        let (database, activity) = match known {
            Some((name, database)) => (name.to_owned(), database.activity.as_ref()),
            None => (String::new(), None),
        };
        if let Some(activity) = activity {
            activity.check(engine).await?;
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let user = variable("USER").or_else(|| variable("LOGNAME")).or_else(|| variable("USERNAME"));
        let about =
            About { database, snapshot, user: user.unwrap_or_else(|| "unknown".to_owned()), host: host() };
        Ok(ActivityRow { activity, engine, about })
    }
}

impl ActivityRow<'_> {
    /// The statements for a plan, beside others.
    pub(crate) fn beside(&self, others: &[String], plan: &Plan) -> Result<Vec<String>> {
        let mut statements = others.to_vec();
        if let Some(activity) = self.activity
            && !plan.is_empty()
        {
            statements.push(activity.statement(self.engine, plan, &self.about)?);
        }
        Ok(statements)
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}
