//! A file that is being written: compressed where that is wanted, with the checksum of what is then there.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};
use tokio::task::JoinHandle;

use super::checksum::Checksum;
use super::compression::Encoder;
use crate::{Error, units};

/// So many bytes are read back at once.
const PART: usize = 256 << 10;

/// Fewer bytes are gathered until there are more.
const FEW: usize = 64 << 10;

/// Where the bytes of an export go.
#[async_trait]
pub(super) trait Sink: Send {
    /// Adds bytes.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Adds bytes that nobody else needs.
    async fn take(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.write(&bytes).await
    }
}

/// How much may still be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) at_most: Option<u64>,
    pub(super) written: u64,
}

impl Room {
    /// Takes some of it.
    fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.written = self.written.saturating_add(bytes as u64);
        match self.at_most {
            Some(at_most) if self.written > at_most => Err(Error::Export(format!(
                "the rows need more than {}, and no more may be written; choose fewer tables",
                units::bytes(at_most)
            ))),
            _ => Ok(()),
        }
    }
}

/// A file that is being written. Whoever writes does not wait for what was written last, but only for what was before that.
pub(super) struct Sheet {
    name: String,
    to: String,
    gathered: Vec<u8>,
    state: State,
}

enum State {
    Idle(Box<Work>),
    /// On a thread where it may block.
    Writing(JoinHandle<Result<Box<Work>, Error>>),
    /// It has failed, or somebody no longer waits for it.
    Failed,
}

/// What is done to the bytes.
struct Work {
    out: Out,
    /// Nothing where all is written as it is.
    encoder: Option<Encoder>,
    room: Room,
    checksum: Checksum,
    bytes: u64,
    to: String,
}

/// What the bytes go to.
pub(super) enum Out {
    File(File),
    Stream(Box<dyn Write + Send>),
}

/// A file that was written but may not be on the disk yet.
pub(super) struct Unsynced {
    file: File,
    to: String,
}

impl Unsynced {
    /// Waits until it is on the disk, on a thread where that may take its time.
    pub(super) fn sync(self) -> JoinHandle<Result<(), Error>> {
        tokio::task::spawn_blocking(move || self.file.sync_all().map_err(cannot(&self.to)))
    }
}

/// A file that was written.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) checksum: String,
    pub(super) room: Room,
}

impl Sheet {
    pub(super) fn new(name: &str, to: String, out: Out, encoder: Option<Encoder>, room: Room) -> Self {
        let work = Work { out, encoder, room, checksum: Checksum::new(), bytes: 0, to: to.clone() };
        Self { name: name.to_owned(), to, gathered: Vec::new(), state: State::Idle(Box::new(work)) }
    }

    /// Ends it, and gives the file that is to go to the disk, where it is one.
    pub(super) async fn finish(mut self) -> Result<(Done, Option<Unsynced>), Error> {
        let rest = std::mem::take(&mut self.gathered);
        self.begin(rest).await?;
        let work = self.idle().await?;
        let name = self.name;
        blocking(move || work.finish(name)).await.map_err(cannot(&self.to))?
    }

    /// Begins to write, once what was written before is done.
    async fn begin(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        let mut work = self.idle().await?;
        self.state = State::Writing(tokio::task::spawn_blocking(move || work.add(&bytes).map(|()| work)));
        Ok(())
    }

    async fn idle(&mut self) -> Result<Box<Work>, Error> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(work) => Ok(work),
            State::Writing(writing) => {
                writing.await.map_err(|failed| cannot(&self.to)(io::Error::other(failed)))?
            }
            State::Failed => Err(cannot(&self.to)(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl Work {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.encoder {
            None => self.put(bytes),
            Some(encoder) => {
                let made = encoder.push(bytes).map_err(cannot(&self.to))?;
                self.put(&made)
            }
        }
    }

    /// Writes bytes as they are in the end.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.room.take(bytes.len())?;
        self.checksum.add(bytes);
        self.bytes += bytes.len() as u64;
        let written = match &mut self.out {
            Out::File(file) => file.write_all(bytes),
            Out::Stream(stream) => stream.write_all(bytes),
        };
        written.map_err(cannot(&self.to))
    }

    fn finish(mut self: Box<Self>, name: String) -> io::Result<Result<(Done, Option<Unsynced>), Error>> {
        if let Some(encoder) = self.encoder.take() {
            let rest = encoder.finish()?;
            if let Err(error) = self.put(&rest) {
                return Ok(Err(error));
            }
        }
        let unsynced = match self.out {
            Out::Stream(mut stream) => {
                stream.flush()?;
                None
            }
            Out::File(file) => Some(Unsynced { file, to: self.to }),
        };
        let done = Done { name, bytes: self.bytes, checksum: self.checksum.finish(), room: self.room };
        Ok(Ok((done, unsynced)))
    }
}

#[async_trait]
impl Sink for Sheet {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() < FEW {
            return Ok(());
        }
        let gathered = std::mem::take(&mut self.gathered);
        self.begin(gathered).await
    }

    async fn take(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        if bytes.len() < FEW {
            return self.write(&bytes).await;
        }
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.begin(gathered).await?;
        }
        self.begin(bytes).await
    }
}

/// A part of a file that is written before what comes before it in the file, kept in a file without a name.
pub(super) struct Spool {
    file: BufWriter<tokio::fs::File>,
    /// What it is called in errors.
    called: String,
    room: Room,
    /// Of all of it, and of the part that was begun last, both without line ends.
    all: (Checksum, u64),
    part: Checksum,
}

impl Spool {
    /// Begins one in a folder, or where the system keeps such files.
    pub(super) fn new(folder: Option<&Path>, room: Room) -> Result<Self, Error> {
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        let called = format!("a temporary file in {}", folder.display());
        let file = tempfile::tempfile_in(&folder).map_err(cannot(&called))?;
        let file = BufWriter::new(tokio::fs::File::from_std(file));
        Ok(Self { file, called, room, all: (Checksum::new(), 0), part: Checksum::new() })
    }

    /// Begins a part with a checksum of its own.
    pub(super) fn begin(&mut self) {
        self.part = Checksum::new();
    }

    /// The checksum of the part.
    pub(super) fn part(&self) -> String {
        self.part.clone().finish()
    }

    /// The checksum and the size of all of it.
    pub(super) fn all(&self) -> (String, u64) {
        (self.all.0.clone().finish(), self.all.1)
    }

    /// Writes all of it where it belongs.
    pub(super) async fn pour(mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        let failed = cannot(&self.called);
        self.file.flush().await.map_err(&failed)?;
        let mut file = self.file.into_inner();
        file.rewind().await.map_err(&failed)?;
        let mut part = vec![0; PART];
        loop {
            match file.read(&mut part).await.map_err(&failed)? {
                0 => return Ok(()),
                read => sink.write(&part[..read]).await?,
            }
        }
    }
}

#[async_trait]
impl Sink for Spool {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.room.take(bytes.len())?;
        for line in bytes.split(|byte| *byte == b'\n') {
            self.part.add(line);
            self.all.0.add(line);
            self.all.1 += line.len() as u64;
        }
        self.file.write_all(bytes).await.map_err(cannot(&self.called))
    }
}

fn cannot(to: &str) -> impl Fn(io::Error) -> Error + use<> {
    let to = to.to_owned();
    move |source| Error::Write { to: to.clone(), source }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
