//! Whether the audit is what was written: every entry follows from the one before, and those that were the last when snapshots were made
//! are still in it.

use std::collections::BTreeSet;

use rowkeep::jobs::tagged::{TaggedOutcome, TaggedSnapshot, UnreadableRepository, tagged};
use rowkeep::jobs::workspace::Workspace;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Error;
use crate::state::State;
use crate::state::chain::Walk;

/// The tag in which a snapshot has the number and the hash of the entry that was the last when it was made.
pub(crate) const HEAD_TAG: &str = "rowkeep-audit";

/// How many entries are looked at before somebody else has his turn.
const STEP: u32 = 5_000;

/// How many snapshots are named whose entries are not there.
const NAMED: usize = 100;

/// What a look through the audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditVerification {
    /// Whether every entry is what was written, none between them is missing, and all that snapshots know are there.
    pub intact: bool,
    /// How many entries there are, up to the first that is not right.
    pub entries: i64,
    /// The hash of the last entry.
    pub head: String,
    /// The first entry that is not right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<i64>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many snapshots know an entry, and were compared.
    pub snapshots: u64,
    /// How many of them know an entry that is not in the audit.
    pub differing: u64,
    /// The first of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differing_snapshots: Vec<DifferingHead>,
    /// The repositories whose snapshots could not be compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen_repositories: Vec<UnseenRepository>,
}

/// A snapshot that knows an entry which is not in the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DifferingHead {
    /// The snapshot.
    pub snapshot: String,
    /// The database that it is of.
    pub database: String,
    /// The repository that it is in, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The entry that was the last when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<i64>,
    /// What that means.
    pub reason: String,
}

/// A repository whose snapshots could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnseenRepository {
    /// Its name where there are several, else where it is.
    pub repository: String,
    /// Why not.
    pub error: String,
}

/// An entry as a snapshot knows it.
struct Head {
    number: i64,
    hash: Vec<u8>,
}

impl Head {
    fn read(text: &str) -> Option<Self> {
        let (number, hash) = text.split_once(':')?;
        let (number, hash) = (number.parse().ok().filter(|number| *number > 0)?, hex::decode(hash).ok()?);
        Some(Self { number, hash })
    }
}

/// Looks through the whole audit, and whether it has what snapshots know of it.
pub(crate) async fn verify(state: &State, workspace: &Workspace) -> Result<AuditVerification, Error> {
    // What snapshots know first: while the audit is looked through, more of both come.
    let TaggedOutcome { snapshots, unreadable } = tagged(workspace, HEAD_TAG).await;
    let known: Vec<(TaggedSnapshot, Option<Head>)> = snapshots
        .into_iter()
        .map(|snapshot| {
            let head = Head::read(&snapshot.value);
            (snapshot, head)
        })
        .collect();
    let wanted: BTreeSet<i64> = known.iter().filter_map(|(_, head)| Some(head.as_ref()?.number)).collect();
    let walk = walk(state, wanted).await?;
    let (mut differing, mut named) = (0, Vec::new());
    for (snapshot, head) in &known {
        let Some(reason) = difference(&walk, head.as_ref()) else { continue };
        differing += 1;
        if named.len() < NAMED {
            named.push(DifferingHead {
                snapshot: snapshot.id.to_string(),
                database: snapshot.database.clone(),
                repository: snapshot.repository.clone(),
                entry: head.as_ref().map(|head| head.number),
                reason,
            });
        }
    }
    let unseen =
        |one: UnreadableRepository| UnseenRepository { repository: one.repository, error: one.error };
    let (broken_at, reason) = walk.broken.unzip();
    Ok(AuditVerification {
        intact: broken_at.is_none() && differing == 0,
        entries: walk.entries,
        head: hex::encode(&walk.head),
        broken_at,
        reason: reason.map(str::to_owned),
        snapshots: known.len() as u64,
        differing,
        differing_snapshots: named,
        unseen_repositories: unreadable.into_iter().map(unseen).collect(),
    })
}

async fn walk(state: &State, wanted: BTreeSet<i64>) -> Result<Walk, Error> {
    let (mut walk, mut wanted) = (Walk::default(), wanted);
    loop {
        let more;
        (walk, wanted, more) = state
            .transaction(move |state| {
                let more = walk.go_on(state, &wanted, STEP)?;
                Ok((walk, wanted, more))
            })
            .await?;
        if !more {
            return Ok(walk);
        }
    }
}

/// In what the audit differs from what a snapshot knows of it.
fn difference(walk: &Walk, head: Option<&Head>) -> Option<String> {
    let Some(head) = head else {
        return Some(format!("its tag {HEAD_TAG} is no number and hash of an entry"));
    };
    match walk.hashes.get(&head.number) {
        Some(hash) if *hash == head.hash => None,
        Some(_) => Some(format!(
            "entry {} was another when the snapshot was made: the audit was rewritten, or the state is another",
            head.number
        )),
        // What comes after an entry that is not right is known to nobody.
        None if walk.broken.is_some() => None,
        None => Some(format!(
            "entry {} was there when the snapshot was made, and the audit ends with entry {}: it was cut off, or the state is another",
            head.number, walk.entries
        )),
    }
}
