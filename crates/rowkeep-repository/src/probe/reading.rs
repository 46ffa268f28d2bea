//! Reading: lists, parts of objects, and names.

use std::collections::BTreeSet;

use super::writing::LARGE;
use super::{Seen, Trials, told};
use crate::{Error, Lack};

/// So many objects are written to be listed, more than fit into some pages.
const LISTED: usize = 7;

const NO_LIST: &str = "nobody can tell which snapshots and packs there are";

impl Trials<'_> {
    /// Writes some objects and lists them right afterwards.
    pub(super) async fn list(&mut self) {
        let tried = format!("writing {LISTED} objects and listing them right afterwards");
        for number in 0..LISTED {
            let name = self.object(&format!("listed-{number}"));
            if let Err(error) = self.put(&name, vec![b'.'; number]).await {
                let seen = Seen::error(told(&error), "writing is not reliable", "look at the store");
                return self.found("list after write", tried, seen);
            }
        }
        let seen = match self.objects.list(&self.name).await {
            Ok(listed) => {
                let listed: BTreeSet<String> = listed.into_iter().map(|object| object.name).collect();
                match self.written.difference(&listed).count() {
                    0 => Seen::well("all were listed"),
                    missing => {
                        self.report.lacks.insert(Lack::Listing);
                        Seen::error(
                            format!("{missing} of {} objects were not listed", self.written.len()),
                            "nobody can tell what snapshots need that are being written, so `rowkeep prune` refuses to delete anything here",
                            "use a store that lists what was written at once, as S3, R2, GCS and Azure do",
                        )
                    }
                }
            }
            Err(error @ Error::Denied { .. }) => {
                Seen::error(told(&error), NO_LIST, "let this role list the bucket, in S3 s3:ListBucket")
            }
            Err(error) => Seen::error(told(&error), NO_LIST, "look at the store"),
        };
        self.found("list after write", tried, seen);
    }

    /// Reads parts of an object.
    pub(super) async fn ranges(&mut self) {
        let (name, bytes) = (self.object("written"), self.bytes("written", LARGE));
        let size = LARGE as u64;
        let mut wrong = Vec::new();
        for (what, range) in
            [("the beginning", 0..100), ("the middle", 30_000..40_000), ("the end", size - 100..size)]
        {
            let part = &bytes[range.start as usize..range.end as usize];
            match self.objects.read_part(&name, range, size).await {
                Ok(read) if read == part => {}
                Ok(_) => wrong.push(format!("{what} was something else")),
                Err(error) => wrong.push(format!("{what}: {}", told(&error))),
            }
        }
        if let Ok(read) = self.objects.read_part(&name, size - 10..size + 10, size).await {
            wrong.push(format!("{} bytes were read up to 10 past the end", read.len()));
        }
        let seen = match wrong.is_empty() {
            true => Seen::well("each part was the right one, and what is past the end is not made up"),
            false => Seen::error(
                wrong.join(", "),
                "restores read packs in parts",
                "use a store that knows ranges (RFC 9110, section 14)",
            ),
        };
        self.found("range reads", "reading the beginning, the middle, the end, and past the end", seen);
    }

    /// Whether a folder tells names apart that differ in case.
    pub(super) async fn names(&mut self) {
        if !self.is_folder() {
            return;
        }
        let name = self.object("case");
        if self.put(&name, Vec::new()).await.is_err() {
            return;
        }
        let seen = match self.objects.exists(&self.object("CASE")).await {
            Ok(true) => "they are the same: no matter, for all names of a repository are lower case",
            _ => "they are told apart",
        };
        self.found("case of names", "looking for an object by its name in capitals", Seen::well(seen));
    }
}
