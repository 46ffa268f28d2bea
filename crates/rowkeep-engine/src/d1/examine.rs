//! Looking at a database before it is backed up.

use super::catalog::objects::Found;
use super::connect::remote::{Remote, Statement};
use super::read::view::looked_at;
use crate::examination::counted;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind, Examination, Finding, Level};

/// Tables of which the first row is read in one statement.
const TOGETHER: usize = 20;

/// Looks at a database without reading all of it.
pub(super) async fn examine(remote: &Remote) -> Result<Examination, EngineError> {
    let (found, mut facts) = looked_at(remote).await?;
    let tables: Vec<&str> = found.tables().collect();
    let own = tables.iter().filter(|name| !name.to_ascii_lowercase().starts_with("sqlite_"));
    facts.push(("tables".to_owned(), own.count().to_string()));
    Ok(Examination {
        facts,
        findings: vec![
            reaching(remote),
            reading(remote, &tables).await?,
            one_state(remote),
            exporting(&found),
        ],
    })
}

fn reaching(remote: &Remote) -> Finding {
    Finding::new("reach the database", Level::Ok, format!("it answers over the {}", remote.way()))
}

async fn reading(remote: &Remote, tables: &[&str]) -> Result<Finding, EngineError> {
    const WHAT: &str = "read every table";
    for some in tables.chunks(TOGETHER) {
        let first = |(at, name): (usize, &&str)| {
            format!(
                "(SELECT count(*) FROM (SELECT 1 FROM main.{} NOT INDEXED LIMIT 1)) AS n{at}",
                quoted(name)
            )
        };
        let sql = some.iter().enumerate().map(first).collect::<Vec<_>>().join(", ");
        match remote.read_one(&Statement::new(format!("SELECT {sql}"))).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Busy) => {
                return Err(error);
            }
            Err(error) => {
                let level = if error.kind() == ErrorKind::Damaged { Level::Damage } else { Level::Error };
                return Ok(Finding::new(
                    WHAT,
                    level,
                    format!("one of {} cannot be read: {error}", some.join(", ")),
                ));
            }
        }
    }
    Ok(Finding::new(WHAT, Level::Ok, "the first row of each table can be read"))
}

fn one_state(remote: &Remote) -> Finding {
    const WHAT: &str = "see how a backup is one state";
    if remote.reads_together() {
        let detail = "a small database is read in one transaction; of a larger one, what was changed meanwhile is read again";
        return Finding::new(WHAT, Level::Ok, detail);
    }
    Finding::new(
        WHAT,
        Level::Ok,
        "what was changed while it was read is read again; over the Worker (clients/d1-worker) a small database is read in one \
         transaction, whoever writes it",
    )
}

/// What Cloudflare's own export does not take.
fn exporting(found: &Found) -> Finding {
    const WHAT: &str = "look for what `wrangler d1 export` refuses";
    let virtual_tables =
        found.objects.iter().filter(|object| object.kind == "table" && !object.stored).count();
    let detail = match virtual_tables {
        0 => "nothing was found".to_owned(),
        count => {
            format!("{}: a backup has them, an export by Cloudflare fails", counted(count, "virtual table"))
        }
    };
    Finding::new(WHAT, Level::Ok, detail)
}
