//! A file that is being written: compressed where that is wanted, with the checksum of what is then there.

use std::io;
use std::path::Path;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

use super::checksum::Checksum;
use super::compression::Encoder;
use crate::{Error, units};

/// So many bytes are read back at once.
const PART: usize = 256 << 10;

/// Where the bytes of an export go.
#[async_trait]
pub(super) trait Sink: Send {
    /// Adds bytes.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;
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

/// A file that is being written.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) room: Room,
    to: String,
    out: Out,
    /// Nothing where all is written as it is; taken while it works, and when it has failed.
    encoder: Option<Option<Encoder>>,
    checksum: Checksum,
    bytes: u64,
}

/// What the bytes go to.
pub(super) enum Out {
    File(BufWriter<tokio::fs::File>),
    /// Nothing while somebody writes, and when that has failed.
    Stream(Option<Box<dyn io::Write + Send>>),
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
        let encoder = encoder.map(Some);
        Self { name: name.to_owned(), room, to, out, encoder, checksum: Checksum::new(), bytes: 0 }
    }

    /// Ends it: all of it is on the disk.
    pub(super) async fn finish(mut self) -> Result<Done, Error> {
        if let Some(encoder) = self.encoder.take().flatten() {
            let rest = blocking(move || encoder.finish()).await.map_err(cannot(&self.to))?;
            self.put(&rest).await?;
        }
        let flushed = match &mut self.out {
            Out::Stream(None) => Ok(()),
            Out::Stream(Some(stream)) => stream.flush(),
            Out::File(file) => match file.flush().await {
                Ok(()) => file.get_ref().sync_all().await,
                failed => failed,
            },
        };
        flushed.map_err(cannot(&self.to))?;
        Ok(Done { name: self.name, bytes: self.bytes, checksum: self.checksum.finish(), room: self.room })
    }

    /// Writes bytes as they are in the end.
    async fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.room.take(bytes.len())?;
        self.checksum.add(bytes);
        self.bytes += bytes.len() as u64;
        let written = match &mut self.out {
            Out::File(file) => file.write_all(bytes).await,
            Out::Stream(stream) => on_thread(stream, bytes).await,
        };
        written.map_err(cannot(&self.to))
    }
}

#[async_trait]
impl Sink for Sheet {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(encoder) = &mut self.encoder else { return self.put(bytes).await };
        let failed = cannot(&self.to);
        let mut working =
            encoder.take().ok_or(io::ErrorKind::BrokenPipe).map_err(|kind| failed(kind.into()))?;
        let bytes = bytes.to_vec();
        let made = blocking(move || working.push(&bytes).map(|made| (working, made))).await;
        let (working, made) = made.map_err(failed)?;
        *encoder = Some(working);
        self.put(&made).await
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

/// Writes where it does not matter that a slow reader is waited for.
async fn on_thread(stream: &mut Option<Box<dyn io::Write + Send>>, bytes: &[u8]) -> io::Result<()> {
    let mut out = stream.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let bytes = bytes.to_vec();
    *stream = Some(blocking(move || out.write_all(&bytes).map(|()| out)).await?);
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
