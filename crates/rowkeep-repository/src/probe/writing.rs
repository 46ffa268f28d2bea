//! Writing: whether it may be done, whether it is seen at once, who wins where several create the same object.

use bytes::Bytes;

use super::{Seen, Trials, told};
use crate::{Error, Lack};

/// So many create the same object at once.
const WRITERS: usize = 8;

/// So much of it that a store which shows half of an object has the time to.
pub(super) const LARGE: usize = 64 * 1024;

/// The times of stores are exact to a second, and a request takes its time.
const SAME_MS: i64 = 60 * 1000;

const READ_ONLY: &str = "no backup can be stored; restores and checks work";

impl Trials<'_> {
    /// Writes an object and reads it again; says whether it is worth going on.
    pub(super) async fn write(&mut self) -> bool {
        let (name, bytes) = (self.object("written"), self.bytes("written", LARGE));
        let before_ms = self.probe.clock.now().as_millisecond();
        let tried = format!("writing an object of {} KiB", LARGE / 1024);
        match self.put(&name, bytes.clone()).await {
            Ok(()) => self.found("write", tried, Seen::well("it was written")),
            Err(error) => {
                // It may be there nevertheless.
                let _ = self.objects.delete(&name).await;
                let remedy = match &error {
                    Error::Denied { .. } if self.is_folder() => {
                        "let this user write to the folder, and mount it writable"
                    }
                    Error::Denied { .. } => "give a role that may write objects, in S3 s3:PutObject",
                    Error::Full { .. } => "make room",
                    _ => "check the location and the options of the store",
                };
                self.found("write", tried, Seen::error(told(&error), READ_ONLY, remedy));
                return false;
            }
        }
        let after_ms = self.probe.clock.now().as_millisecond();
        let tried = "reading it right afterwards";
        let seen = match self.objects.find(&name, LARGE as u64).await {
            Ok(Some(read)) if read == bytes => Seen::well("it was what was written"),
            Err(error @ Error::Denied { .. }) => Seen::error(
                told(&error),
                "nothing that is stored can be read back, so no snapshot counts",
                "let this role read objects, in S3 s3:GetObject",
            ),
            Err(error) if !error.is_finding() => {
                Seen::error(told(&error), "nothing can be relied on", "look at the store")
            }
            other => {
                self.report.lacks.insert(Lack::Listing);
                let seen = match other {
                    Ok(None) => "it was not there yet",
                    _ => "it was something else",
                };
                Seen::error(
                    seen,
                    "a backup reads back what it has written before it counts, and would fail",
                    "use a store that shows what was written at once, as S3, R2, GCS and Azure do",
                )
            }
        };
        self.found("read after write", tried, seen);
        self.clock(&name, before_ms, after_ms).await;
        true
    }

    /// Compares the store's clock with ours.
    async fn clock(&mut self, name: &str, before_ms: i64, after_ms: i64) {
        let listed = self.objects.list(&self.name).await.unwrap_or_default();
        let Some(object) = listed.iter().find(|object| object.name == name) else { return };
        let off_ms = match object.modified_ms {
            early if early < before_ms => early.saturating_sub(before_ms),
            late => late.saturating_sub(after_ms).max(0),
        };
        let seconds = off_ms.unsigned_abs() / 1000;
        let seen = if off_ms.abs() < SAME_MS {
            Seen::well("both clocks say the same, within a minute")
        } else {
            let which = if off_ms < 0 { "behind" } else { "ahead of" };
            Seen::warning(
                format!("the store's clock is {seconds} s {which} this machine's"),
                "nothing is lost by it, but one of the two gives snapshots wrong times, by which rules keep them; S3 refuses requests from \
                 15 minutes on",
                "synchronise the clock of this machine (NTP), or that of the store",
            )
        };
        self.found("clock", "comparing the time of that object with this machine's", seen);
    }

    /// Has several create the same object at once.
    pub(super) async fn create(&mut self) {
        let name = self.object("created");
        let contents: Vec<Vec<u8>> =
            (0..WRITERS).map(|writer| self.bytes(&format!("writer {writer}"), 64)).collect();
        let creating = contents.iter().map(|bytes| self.objects.create(&name, Bytes::from(bytes.clone())));
        let outcomes = futures::future::join_all(creating).await;
        self.written.insert(name.clone());
        let winners: Vec<usize> =
            (0..WRITERS).filter(|writer| matches!(outcomes[*writer], Ok(true))).collect();
        self.put += winners.len() as u64;
        let failure = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
        let held = self.objects.find(&name, 64).await.ok().flatten();
        let seen = match (winners.as_slice(), failure) {
            ([], Some(error)) => {
                let remedy = if self.is_folder() {
                    "use a file system with hard links, which FAT, exFAT and some network shares lack"
                } else {
                    "use a store, or a version of it, that knows If-None-Match"
                };
                Seen::error(told(error), "no repository can be made here, and no plan executed", remedy)
            }
            ([winner], _) if held.as_deref() == Some(&contents[*winner][..]) => {
                let again = self.objects.create(&name, Bytes::from(self.bytes("late", 64))).await;
                match again {
                    Ok(true) => self.without_conditions("one of them won, and so did one that came later"),
                    _ => Seen::well("exactly one won, and its object is there"),
                }
            }
            ([_], _) => self.without_conditions("one was told that it had won, and the object is another's"),
            (winners, _) => {
                self.without_conditions(&format!("{} of them were told that they had won", winners.len()))
            }
        };
        let tried = format!("{WRITERS} writers at once, each on the condition that there is no such object");
        self.found("conditional create", tried, seen);
    }

    fn without_conditions(&mut self, seen: &str) -> Seen {
        self.report.lacks.insert(Lack::ConditionalCreate);
        Seen::warning(
            seen,
            "two machines that make a repository here at the same instant may overwrite each other; the one that lost is stopped before \
             its first snapshot. Of several that execute the same plan at once, none does: claims go by listing",
            "make the repository from one machine; nothing else needs to be done",
        )
    }

    /// Writes an object again and again while others read it.
    pub(super) async fn overwrite(&mut self) {
        let name = self.object("overwritten");
        let contents = [self.bytes("one", LARGE), self.bytes("other", LARGE)];
        if self.put(&name, contents[0].clone()).await.is_err() {
            return;
        }
        let objects = self.objects.clone();
        let writing = async {
            for turn in [1, 0, 1] {
                objects.write(&name, Bytes::from(contents[turn].clone())).await?;
            }
            Ok::<_, Error>(())
        };
        let readers = (0..WRITERS).map(|_| objects.find(&name, LARGE as u64));
        let (written, read) = futures::join!(writing, futures::future::join_all(readers));
        let is_whole = |read: &Option<Bytes>| {
            read.as_ref().is_some_and(|read| contents.iter().any(|content| *content == read[..]))
        };
        let torn = read.iter().filter(|read| match read {
            Ok(read) => !is_whole(read),
            Err(error) => error.is_finding(),
        });
        let torn = torn.count();
        let last = self.objects.find(&name, LARGE as u64).await;
        let seen = match (written, last) {
            (Err(error @ Error::Denied { .. }), _) => Seen::warning(
                told(&error),
                "of a repository nothing is ever overwritten but `config`, once, when a repository of format 1 is first pruned",
                "nothing, where objects are meant to be immutable",
            ),
            (Err(error), _) => Seen::error(told(&error), "writing is not reliable", "look at the store"),
            _ if torn > 0 => Seen::error(
                format!("{torn} of {WRITERS} readers saw neither the old nor the new object as a whole"),
                "a reader can take half of an object for damage",
                "use a store that shows objects as a whole",
            ),
            (Ok(()), Ok(Some(last))) if last == contents[1] => {
                self.put += 3;
                Seen::well("every reader saw a whole object, and the last is there")
            }
            (Ok(()), _) => Seen::warning(
                "an older object was read after a newer was written",
                "of a repository nothing is ever overwritten but `config`, which may be seen late",
                "nothing",
            ),
        };
        self.found("overwrite", format!("overwriting an object 3 times while {WRITERS} read it"), seen);
    }

    pub(super) async fn put(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.objects.write(name, Bytes::from(bytes)).await?;
        self.written.insert(name.to_owned());
        self.put += 1;
        Ok(())
    }
}
