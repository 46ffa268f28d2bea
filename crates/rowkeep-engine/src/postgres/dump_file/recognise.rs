//! What dumps of `pg_dump` look like.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::archive::header::{Header, MAGIC, TAR, header};
use super::loaded::load;
use super::salvage::leave_out;
use super::state::state;
use super::view::DumpView;
use crate::file_source::{About, FileOptions, FileTime, Format, Head, Source};
use crate::postgres::schema::ddl;
use crate::{EngineError, View};

/// Dumps in every format that `pg_dump` has, and those of `pg_dumpall`.
pub(crate) struct PostgresDump;

/// How many lines are looked at for what a plain dump says of itself.
const HEAD_LINES: usize = 60;

impl Format for PostgresDump {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        let bytes = head.bytes;
        if bytes.starts_with(MAGIC) {
            return Some(archive(header(&mut &bytes[..]).ok(), head.is_folder));
        }
        let is_tar = bytes.get(257..262) == Some(b"ustar") && bytes.starts_with(b"toc.dat\0");
        if is_tar {
            return Some(archive(bytes.get(512..).and_then(|mut toc| header(&mut toc).ok()), false));
        }
        plain(bytes).filter(|_| !head.is_folder)
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        let loaded = load(file, options)?;
        let mut state = state(file, loaded, options)?;
        if options.salvage {
            leave_out(&mut state);
        }
        Ok(Arc::new(DumpView::new(state, file, options)))
    }
}

fn archive(header: Option<Header>, is_folder: bool) -> About {
    let format = match header.as_ref().map(|header| header.format) {
        _ if is_folder => "directory",
        Some(TAR) => "tar",
        _ => "custom",
    };
    About {
        engine: ddl::ENGINE,
        what: format!("an archive of pg_dump in {format} format"),
        written_by: header
            .as_ref()
            .and_then(|header| header.program.as_ref())
            .map(|program| format!("pg_dump {program}")),
        time: header.as_ref().and_then(|header| header.created).map(FileTime::Local),
        database: header.and_then(|header| header.database),
    }
}

fn plain(bytes: &[u8]) -> Option<About> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(16 * 1024)]);
    let comments = || text.lines().take(HEAD_LINES).map(str::trim_end);
    let is_cluster = comments().any(|line| line == "-- PostgreSQL database cluster dump");
    if !is_cluster && !comments().any(|line| line == "-- PostgreSQL database dump") {
        return None;
    }
    let program = comments().find_map(|line| line.strip_prefix("-- Dumped by pg_dump version "));
    let what = if is_cluster { "a dump of pg_dumpall" } else { "a plain dump of pg_dump" };
    Some(About {
        engine: ddl::ENGINE,
        what: what.to_owned(),
        written_by: program.map(|version| format!("pg_dump {version}")),
        database: None,
        time: comments().find_map(|line| started(line.strip_prefix("-- Started on ")?)),
    })
}

/// The time that `pg_dump --verbose` notes: `2024-05-01 10:00:00 UTC`.
fn started(text: &str) -> Option<FileTime> {
    let (time, zone) = text.rsplit_once(' ')?;
    let local: DateTime = time.parse().ok()?;
    match zone {
        "UTC" | "GMT" => TimeZone::UTC.to_timestamp(local).ok().map(FileTime::Exact),
        // What others are short for depends on who wrote it.
        _ => Some(FileTime::Local(local)),
    }
}
