//! A last look: whether what somebody relied on while writing is being deleted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rowkeep_format::ids::PackId;

use super::records::Records;
use crate::index::{PackNumber, Packs};
use crate::listings::Folder;
use crate::objects::{Listed, PRUNE};
use crate::pack::pack_id_of;
use crate::{Error, IsWhole, Reader, Repository, Result};

impl Repository {
    /// Reads which packs are marked or condemned, as far as listings are fresh, and has nobody here rely on them from now on.
    pub(crate) async fn prune_records(&self) -> Result<Records> {
        let [listing] = self.listings().get([Folder::Prune]).await?;
        self.read_prune_records(&listing.objects).await
    }

    /// The same as of now. What is listed of packs afterwards is not older than what the records say.
    pub(crate) async fn prune_records_now(&self) -> Result<Records> {
        self.listings().forget().await;
        let records = self.prune_records().await?;
        // One request may have listed everything, packs before records, and a record that is gone now tells of packs that went.
        self.listings().forget_folder(Folder::Packs).await;
        Ok(records)
    }

    async fn read_prune_records(&self, listed: &[Listed]) -> Result<Records> {
        let records = self.record_reader().read(self.objects(), self.sealer(), listed).await?;
        for error in &records.damaged {
            tracing::warn!(%error, "a record of a prune is left out");
        }
        self.index().set_doomed(records.doomed()).await;
        Ok(records)
    }

    /// Makes sure that nothing is deleted that an object needs which was just written and which is not to count before.
    ///
    /// `is_whole` says whether a reader that knows nothing but what stays has all that the object needs. It is asked only where
    /// packs are being deleted that anything written here relied on.
    pub(crate) async fn look_once_more(&self, object: &str, is_whole: IsWhole<'_>) -> Result<()> {
        // Only what is listed from now on counts: whoever condemns packs after this sees the object.
        let listed = self.objects().list(PRUNE).await?;
        if self.record_reader().are_those_of_the_beginning(&listed) {
            let vanishing = self.read_prune_records(&listed).await?.vanishing();
            let index = self.index().current();
            let stays =
                |number: &PackNumber| index.is_there(*number) && !vanishing.contains(&index.pack(*number).id);
            // A deletion that came to its end meanwhile would have left a record that stays until the next one.
            if self.index().relied_on().iter().all(stays) {
                return Ok(());
            }
        }
        let vanishing = self.prune_records_now().await?.vanishing();
        let [packs] = self.listings().get([Folder::Packs]).await?;
        let there: HashMap<PackId, u64> =
            packs.objects.iter().filter_map(|object| Some((pack_id_of(object)?, object.bytes))).collect();
        let index = self.index().current();
        let stays = |number| {
            let pack = index.pack(number);
            !vanishing.contains(&pack.id) && there.get(&pack.id) == Some(&pack.size)
        };
        if self.index().relied_on().into_iter().all(stays) {
            return Ok(());
        }
        if is_whole(self.reader_of_what_stays(&vanishing).await?).await? {
            return Ok(());
        }
        Err(Error::Pruned { object: object.to_owned() })
    }

    /// What reads chunks that are in packs which are there and not being deleted, by a new list of index objects and packs.
    pub(crate) async fn reader_of_what_stays(&self, vanishing: &HashSet<PackId>) -> Result<Reader> {
        let [index, packs] = self.listings().get([Folder::Index, Folder::Packs]).await?;
        self.index().update(&index).await?;
        let sizes = packs.objects.iter().filter_map(|object| Some((pack_id_of(object)?, object.bytes)));
        let there = Packs { sizes: sizes.collect(), began: packs.began };
        self.index().compare_with(&there).await;
        Ok(self.reader_of(Arc::new(self.index().current().without(vanishing))))
    }
}
