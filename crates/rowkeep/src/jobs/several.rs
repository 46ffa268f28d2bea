//! Jobs over several databases: one of them that fails keeps no other from its turn.

use serde::{Deserialize, Serialize};

use super::caller::{Caller, News};
use crate::{Context, Error};

/// One of several databases for which a job failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedDatabase {
    /// Its name.
    pub database: String,
    /// Why.
    pub error: String,
}

/// Does a job for one database after the other: what it came to, and for which it failed, of which the caller is told.
///
/// The error of an only one is the error of all, and a job that is cancelled ends.
pub(crate) async fn each<D, T>(
    context: &Context,
    caller: &dyn Caller,
    databases: &[D],
    name: impl Fn(&D) -> &str,
    mut job: impl AsyncFnMut(&D) -> Result<T, Error>,
) -> Result<(Vec<T>, Vec<FailedDatabase>), Error> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for database in databases {
        // Jobs are large, and whoever calls this is one already.
        match Box::pin(job(database)).await {
            Ok(result) => done.push(result),
            Err(error) if databases.len() == 1 || context.is_cancelled() => return Err(error),
            Err(error) => {
                let name = name(database);
                caller.tell(News::Failed { database: name, error: &error });
                failed.push(FailedDatabase { database: name.to_owned(), error: error.in_one_line() });
            }
        }
    }
    Ok((done, failed))
}
