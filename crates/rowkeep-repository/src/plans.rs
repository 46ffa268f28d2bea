//! Plans: sealed documents that say what is to be done to a database, each to be executed once.
//!
//! What a plan says is known to the layer above. A claim, beside the plan, says that somebody executes it or did.

use bytes::Bytes;
use rowkeep_format::ids::PlanId;

use crate::document::{self, MAX_OBJECT_BYTES};
use crate::header::PLAN;
use crate::lack::Lack;
use crate::objects::{Listed, PLANS, plan, plan_claim, short_hash};
use crate::seal::random;
use crate::{Error, Flaw, IsWhole, Repository, Result};

impl Repository {
    /// Stores a plan and reads it back.
    ///
    /// Chunks that the plan refers to have to be stored before: call it after [`Writer::finish`](crate::Writer::finish).
    ///
    /// Fails with [`Error::Pruned`] where anything that was relied on is being deleted and `is_whole` says that what stays lacks
    /// something that the plan needs.
    pub async fn store_plan(&self, content: &[u8], is_whole: IsWhole<'_>) -> Result<PlanId> {
        self.still_there().await?;
        let object = document::seal(self.sealer(), PLAN, &random()?, content, "the plan")?;
        let id = PlanId(short_hash(&object));
        self.objects().write(&plan(&id), Bytes::from(object)).await?;
        if self.read_plan(&id).await? != content {
            return Err(Error::at(plan(&id), Flaw::ReadBack));
        }
        if let Err(error) = self.look_once_more("the plan", is_whole).await {
            let _ = self.objects().delete(&plan(&id)).await;
            return Err(error);
        }
        Ok(id)
    }

    /// Lists the plans by name, executed or not.
    pub async fn plans(&self) -> Result<Vec<PlanId>> {
        let mut ids: Vec<PlanId> = self.objects().list(PLANS).await?.iter().filter_map(id_of).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads a plan.
    pub async fn read_plan(&self, id: &PlanId) -> Result<Vec<u8>> {
        let name = plan(id);
        let object = match self.objects().find(&name, MAX_OBJECT_BYTES).await? {
            Some(object) => object,
            None => return Err(Error::NotFound { object: format!("plan {id}") }),
        };
        if short_hash(&object) != id.0 {
            return Err(Error::at(name, Flaw::Name));
        }
        document::open(self.sealer(), PLAN, &object).map_err(|flaw| Error::at(name, flaw))
    }

    /// Claims a plan for whoever is about to execute it, with words on that; says whether the claim is theirs.
    ///
    /// Of several that try at the same time, one is given it; none, where the store ignores conditions and a probe found that out.
    pub async fn claim_plan(&self, id: &PlanId, words: &[u8]) -> Result<bool> {
        let name = plan_claim(id);
        let object = document::seal(self.sealer(), PLAN, &random()?, words, "the claim")?;
        if self.objects().exists(&name).await? {
            return Ok(false);
        }
        if self.lacks(Lack::ConditionalCreate).await? && !self.is_alone_with(id).await? {
            return Ok(false);
        }
        self.objects().create(&name, Bytes::from(object.clone())).await?;
        // What the store holds decides, not what it answered: it may ignore the condition, or repeat the request.
        Ok(self.objects().read(&name, MAX_OBJECT_BYTES).await? == object)
    }

    /// Bids for a plan, and withdraws where anybody else has bid for it, or claimed it.
    ///
    /// Whoever comes second sees the first, so at most one goes on. A bid stays beside its claim, for whoever lists both may see
    /// the claim not yet and the bid no more.
    async fn is_alone_with(&self, id: &PlanId) -> Result<bool> {
        let bid = format!("{}-{}", plan_claim(id), hex::encode(random::<16>()?));
        self.objects().write(&bid, Bytes::new()).await?;
        let others = self.claims(id).await?.into_iter().any(|name| name != bid);
        if others {
            self.objects().delete(&bid).await?;
        }
        Ok(!others)
    }

    /// The claim of a plan, and the bids for it.
    async fn claims(&self, id: &PlanId) -> Result<Vec<String>> {
        let claim = plan_claim(id);
        let listed = self.objects().list(PLANS).await?.into_iter().map(|object| object.name);
        Ok(listed.filter(|name| name.starts_with(&claim)).collect())
    }

    /// The words of whoever executes a plan, or did; nothing when nobody does.
    pub async fn plan_claim(&self, id: &PlanId) -> Result<Option<Vec<u8>>> {
        let name = plan_claim(id);
        let Some(object) = self.objects().find(&name, MAX_OBJECT_BYTES).await? else { return Ok(None) };
        document::open(self.sealer(), PLAN, &object).map(Some).map_err(|flaw| Error::at(name, flaw))
    }

    /// Gives a claim up: the plan was not executed, and may be.
    pub async fn release_plan(&self, id: &PlanId) -> Result<()> {
        self.delete_claims(id).await
    }

    async fn delete_claims(&self, id: &PlanId) -> Result<()> {
        let bids =
            if self.lacks(Lack::ConditionalCreate).await? { self.claims(id).await? } else { Vec::new() };
        self.objects().delete(&plan_claim(id)).await?;
        self.objects().delete_all(&bids).await
    }

    /// Deletes a plan with its claim; its chunks stay.
    pub async fn delete_plan(&self, id: &PlanId) -> Result<()> {
        if !self.objects().exists(&plan(id)).await? {
            return Err(Error::NotFound { object: format!("plan {id}") });
        }
        self.objects().delete(&plan(id)).await?;
        self.delete_claims(id).await
    }
}

/// The id in the name of a plan.
fn id_of(object: &Listed) -> Option<PlanId> {
    PlanId::from_hex(object.within(PLANS)?).ok()
}

/// Whether an object in the folder of the plans is one, or the claim of one, or a bid for one.
pub(crate) fn is_ours(object: &Listed) -> bool {
    let Some((id, bid)) = object.last().split_once("-claim") else { return id_of(object).is_some() };
    let is_bid = bid.strip_prefix('-').is_some_and(|id| PlanId::from_hex(id).is_ok());
    PlanId::from_hex(id).is_ok_and(|id| object.name.starts_with(&plan_claim(&id)))
        && (bid.is_empty() || is_bid)
}
