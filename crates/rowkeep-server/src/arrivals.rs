//! States that pages send: in pieces, of which only those are sent that are not there, until they are files.
//!
//! A piece is a part of a file by itself, packed by gzip, under the SHA-256 of what it holds; so a file is its pieces one behind the other.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use rowkeep::private_files;

/// The most bytes of a piece, unpacked.
const PIECE_BYTES: u64 = 1 << 20;

/// How long pieces stay that no state was sent with.
const STAY: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What was touched so lately may be of a state that is being sent.
const BEING_SENT: SignedDuration = SignedDuration::from_hours(6);

/// The states that are on their way to a service.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    folder: Arc<PathBuf>,
    at_most: u64,
    /// How many bytes are there, as far as that is known.
    taken: Arc<Mutex<Option<u64>>>,
}

/// Why something is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// It has more bytes than a piece has.
    TooLong,
    /// It is not packed by gzip.
    Other,
    /// Pieces of it are not there.
    Missing,
    /// What is there and may not go leaves it no room.
    NoRoom,
}

impl Arrivals {
    /// Those in a folder, which take so many bytes together.
    pub(crate) fn at(folder: PathBuf, at_most: u64) -> Self {
        Self { folder: Arc::new(folder), at_most, taken: Arc::default() }
    }

    /// How many bytes they take together at most.
    pub(crate) fn at_most(&self) -> u64 {
        self.at_most
    }

    /// Whether a name may be that of a piece.
    pub(crate) fn is_name(name: &str) -> bool {
        name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Which of these pieces of a database are not there, each once; those that are there stay from now on.
    pub(crate) fn missing(
        &self,
        database: &str,
        pieces: &[String],
        now: Timestamp,
    ) -> io::Result<Vec<String>> {
        let folder = self.pieces(database);
        private_files::make_folder(&folder)?;
        let mut missing: Vec<String> = Vec::new();
        for piece in pieces {
            match std::fs::File::options().append(true).open(folder.join(piece)) {
                Ok(file) => file.set_modified(SystemTime::from(now))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(piece.clone()),
                Err(error) => return Err(error),
            }
        }
        missing.sort();
        missing.dedup();
        Ok(missing)
    }

    /// Keeps pieces of a database, packed one behind the other; gives their names. Of several, the first may be kept where another is not.
    pub(crate) fn keep(
        &self,
        database: &str,
        packed: &[u8],
        now: Timestamp,
    ) -> io::Result<Result<Vec<String>, NotKept>> {
        let folder = self.pieces(database);
        private_files::make_folder(&folder)?;
        let (mut left, mut kept) = (packed, Vec::new());
        while !left.is_empty() || kept.is_empty() {
            let mut unpacked = Vec::new();
            let mut packing = flate2::bufread::GzDecoder::new(left);
            let read = packing.by_ref().take(PIECE_BYTES + 1).read_to_end(&mut unpacked);
            if read.is_err() {
                return Ok(Err(NotKept::Other));
            }
            if unpacked.len() as u64 > PIECE_BYTES {
                return Ok(Err(NotKept::TooLong));
            }
            let behind = packing.into_inner();
            let piece = &left[..left.len() - behind.len()];
            if !self.take_room(piece.len() as u64, now)? {
                return Ok(Err(NotKept::NoRoom));
            }
            let name = hex::encode(digest(&SHA256, &unpacked));
            let file = folder.join(&name);
            private_files::write(&file, piece)?;
            std::fs::File::options().append(true).open(file)?.set_modified(SystemTime::from(now))?;
            kept.push(name);
            left = behind;
        }
        Ok(Ok(kept))
    }

    /// Puts a file together of pieces of a database, and gives its name. One that is there under that name is replaced by the whole
    /// new one. Removes what no state was sent with for long.
    pub(crate) fn assemble(
        &self,
        database: &str,
        id: &str,
        pieces: &[String],
        now: Timestamp,
    ) -> io::Result<Result<String, NotKept>> {
        if !self.missing(database, pieces, now)?.is_empty() {
            return Ok(Err(NotKept::Missing));
        }
        self.forget(now)?;
        let folder = self.pieces(database);
        let length = |piece: &String| Ok(std::fs::metadata(folder.join(piece))?.len());
        let bytes = pieces.iter().map(length).sum::<io::Result<u64>>()?;
        if !self.take_room(bytes, now)? {
            return Ok(Err(NotKept::NoRoom));
        }
        let name = Self::name_of(id);
        let written = self.write(&folder, &name, pieces);
        if written.is_err() {
            *self.taken() = None;
        }
        written.map(|()| Ok(name))
    }

    fn write(&self, folder: &Path, name: &str, pieces: &[String]) -> io::Result<()> {
        let mut out = tempfile::NamedTempFile::new_in(&*self.folder)?;
        for piece in pieces {
            io::copy(&mut std::fs::File::open(folder.join(piece))?, &mut out)?;
        }
        out.as_file().sync_all()?;
        out.persist(self.file(name)).map(drop).map_err(|error| error.error)
    }

    /// What a file is called that is put together.
    pub(crate) fn name_of(id: &str) -> String {
        format!("{id}.ndjson.gz")
    }

    /// Where a file is that was put together.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes a file that was put together; its pieces stay.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        *self.taken() = None;
        removed(&self.file(name))
    }

    /// Removes what is older than it stays: pieces, and files that no job has taken.
    fn forget(&self, now: Timestamp) -> io::Result<()> {
        *self.taken() = None;
        let oldest = SystemTime::from(now - STAY);
        let left = self.all()?.into_iter().filter(|entry| entry.touched < oldest);
        left.into_iter().try_for_each(|entry| removed(&entry.path))
    }

    /// Takes room for so many bytes, and makes some where there is too little: what was touched longest ago goes, but not what may
    /// be of a state that is being sent. Says whether there is room then.
    fn take_room(&self, bytes: u64, now: Timestamp) -> io::Result<bool> {
        let mut taken = self.taken();
        let mut there = match *taken {
            Some(there) => there,
            None => self.all()?.iter().map(|entry| entry.bytes).sum(),
        };
        if there.saturating_add(bytes) > self.at_most {
            let mut all = self.all()?;
            all.sort_by_key(|entry| entry.touched);
            there = all.iter().map(|entry| entry.bytes).sum();
            let being_sent = SystemTime::from(now - BEING_SENT);
            for entry in all.into_iter().filter(|entry| entry.is_piece && entry.touched < being_sent) {
                if there.saturating_add(bytes) <= self.at_most {
                    break;
                }
                removed(&entry.path)?;
                there -= entry.bytes;
            }
        }
        let has_room = there.saturating_add(bytes) <= self.at_most;
        *taken = Some(if has_room { there + bytes } else { there });
        Ok(has_room)
    }

    fn taken(&self) -> MutexGuard<'_, Option<u64>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All files that are there: pieces, and what was put together of them.
    fn all(&self) -> io::Result<Vec<Entry>> {
        let mut all = Vec::new();
        let mut folders = vec![self.folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let is_piece = folder != *self.folder;
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                // Another request may have removed it.
                let Ok(known) = entry.metadata() else { continue };
                if known.is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let (path, bytes, touched) = (entry.path(), known.len(), known.modified()?);
                all.push(Entry { path, bytes, touched, is_piece });
            }
        }
        Ok(all)
    }

    /// Where the pieces of a database are. Names of databases may be any text.
    fn pieces(&self, database: &str) -> PathBuf {
        self.folder.join(hex::encode(database))
    }
}

/// A file that is there.
struct Entry {
    path: PathBuf,
    bytes: u64,
    touched: SystemTime,
    /// Whether it is a piece, which can be sent again.
    is_piece: bool,
}

fn removed(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::slice::from_ref;

    use super::*;

    fn packed(content: &[u8]) -> (String, Vec<u8>) {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(content).expect("it is packed");
        (hex::encode(digest(&SHA256, content)), packer.finish().expect("it is packed"))
    }

    #[test]
    fn pieces_are_kept_and_become_files() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let arrivals = Arrivals::at(folder.path().join("state.arrivals"), 10_000);
        let now: Timestamp = "2026-11-30T02:00:00Z".parse().expect("it is a time");
        let ((one, first), (two, second)) = (packed(b"one\n"), packed(b"two\n"));
        let pieces = [two.clone(), one.clone(), two.clone()];
        let missing = |now| arrivals.missing("shop/app", &pieces, now).expect("it is looked for");
        assert_eq!(missing(now).len(), 2);
        let keep = |packed: &[u8]| arrivals.keep("shop/app", packed, now).expect("it is looked at");
        assert_eq!(keep(&first), Ok(vec![one.clone()]));
        assert_eq!(
            arrivals.assemble("shop/app", "0a", &pieces, now).expect("it is looked for"),
            Err(NotKept::Missing)
        );
        assert_eq!(missing(now), from_ref(&two));
        for other in [&b"no gzip"[..], b"", &second[..second.len() - 1]] {
            assert_eq!(keep(other), Err(NotKept::Other));
        }
        let (long, much) = packed(&vec![0; PIECE_BYTES as usize + 1]);
        assert_eq!(keep(&much), Err(NotKept::TooLong));
        assert_eq!(missing(now), from_ref(&two));
        // Several come as one.
        assert_eq!(keep(&[&second[..], &first].concat()), Ok(vec![two.clone(), one.clone()]));
        assert_eq!(keep(&[&second[..], b"more"].concat()), Err(NotKept::Other));
        assert!(
            arrivals.missing("shop/app", &[long, two.clone()], now).expect("it is looked for").len() == 1
        );
        let name =
            arrivals.assemble("shop/app", "0a", &pieces, now).expect("it is made").expect("all is there");
        let mut text = String::new();
        let bytes = std::fs::read(arrivals.file(&name)).expect("it is read");
        flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut text).expect("it is unpacked");
        assert_eq!(text, "two\none\ntwo\n");
        arrivals.remove(&name).expect("it is removed");
        assert!(!arrivals.file(&name).exists());
        assert_eq!(
            arrivals.missing("other", &pieces, now).expect("it is looked for").len(),
            2,
            "of another database"
        );
        // What was sent with a state lately stays, and else it goes with the next.
        let later = now + STAY + SignedDuration::from_hours(1);
        let made = arrivals.assemble("shop/app", "0b", from_ref(&one), later).expect("it is made");
        assert!(made.is_ok());
        assert_eq!(missing(later), [two]);
    }

    /// What was not asked for lately makes room, and what may be of a state under way does not.
    #[test]
    fn what_is_there_has_a_ceiling() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let pieces: Vec<(String, Vec<u8>)> = (0..4).map(|number| packed(&[number; 100])).collect();
        let bytes = pieces[0].1.len() as u64;
        let arrivals = Arrivals::at(folder.path().join("state.arrivals"), 3 * bytes);
        let now: Timestamp = "2026-11-30T02:00:00Z".parse().expect("it is a time");
        let later = now + BEING_SENT + SignedDuration::from_mins(1);
        let keep = |at: usize, now| {
            let (name, packed) = &pieces[at];
            arrivals
                .keep("shop", packed, now)
                .expect("it is looked at")
                .map(|kept| assert_eq!(&kept, from_ref(name)))
        };
        let missing = || {
            let names: Vec<String> = pieces.iter().map(|(name, _)| name.clone()).collect();
            (0..4)
                .filter(|at| {
                    !folder.path().join("state.arrivals").join(hex::encode("shop")).join(&names[*at]).exists()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!((keep(0, now), keep(1, now), keep(2, now)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((keep(3, now), missing()), (Err(NotKept::NoRoom), vec![3]));
        let asked = [pieces[0].0.clone(), pieces[1].0.clone()];
        assert!(arrivals.missing("shop", &asked, later).expect("it is looked for").is_empty());
        assert_eq!((keep(3, later), missing()), (Ok(()), vec![2]));
        let put_together =
            |pieces: &[String]| arrivals.assemble("shop", "0a", pieces, later).expect("it is looked for");
        assert_eq!(put_together(&asked), Err(NotKept::NoRoom));
        let last = later + BEING_SENT + SignedDuration::from_mins(1);
        assert_eq!(
            arrivals.assemble("shop", "0a", &asked[..1], last).expect("it is made"),
            Ok("0a.ndjson.gz".to_owned())
        );
    }
}
