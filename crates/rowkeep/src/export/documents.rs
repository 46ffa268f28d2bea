//! Backups as three applications keep them: all tables in one object of JSON.
//!
//! White space stands between rows and members alone, as line ends; without it the text is what `JSON.stringify` prints.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rowkeep_format::Table;
use rowkeep_repository::Randomness;
use serde::Serialize;

use super::checksum::line;
use super::files::Files;
use super::format::{ExportFormat, WriteRows};
use super::objects::{Elements, Member, iso, json, keys, losses, members, time_of};
use super::options::{ExportOptions, ExportedFile};
use super::sheet::Sink;
use super::source::Source;
use super::tables::file;
use crate::Error;
use crate::rows::plain::BigIntegers;

/// What a full backup of Phone Range Nexus says of itself.
#[derive(Serialize)]
struct PrnMetadata<'a> {
    version: &'a str,
    timestamp: String,
    #[serde(rename = "type")]
    kind: &'a str,
    compression: bool,
    encryption: bool,
    /// Of `data` as `JSON.stringify` prints it.
    checksum: String,
    record_count: u64,
    /// The size of the same.
    size_bytes: u64,
    program: &'a str,
    /// What of the state is in it, where not all is as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
}

#[derive(Serialize)]
struct PrnSchema<'a> {
    version: u32,
    tables: Vec<&'a str>,
    /// The columns that name the rows of each table.
    keys: BTreeMap<&'a str, Vec<String>>,
}

#[derive(Serialize)]
struct PrnIntegrity<'a> {
    table_checksums: BTreeMap<&'a str, String>,
    verification_time: String,
}

/// What a backup of DINO says of itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DinoMetadata<'a> {
    id: &'a str,
    timestamp: String,
    version: &'a str,
    tables: Vec<&'a str>,
    record_counts: BTreeMap<&'a str, u64>,
    /// Of the file; not known within it.
    size: u64,
    checksum: String,
    environment: String,
    /// The columns that name the rows of each table.
    keys: BTreeMap<&'a str, Vec<String>>,
    program: &'a str,
}

/// The program, as the files name it.
pub(super) const PROGRAM: &str = concat!("rowkeep ", env!("CARGO_PKG_VERSION"));

/// A file that was written, and those beside it by their names below the folder.
pub(super) struct Written {
    pub(super) file: ExportedFile,
    pub(super) beside: Vec<(String, String)>,
    pub(super) notes: Vec<String>,
}

/// The name of a file in a folder, without the ending of what compresses it.
pub(super) fn name(source: &Source<'_>, format: ExportFormat) -> Result<String, Error> {
    let time = time_of(source);
    Ok(match format {
        ExportFormat::Dino => {
            let digits = random_digits(source.context.randomness().as_ref())?;
            format!("backup_{}_{digits}.json", time.as_millisecond())
        }
        ExportFormat::Prn => prn_name("full", source),
        _ => format!("backup-{}.json", iso(time).replace([':', '.'], "-")),
    })
}

/// The name of a backup of Phone Range Nexus.
pub(super) fn prn_name(kind: &str, source: &Source<'_>) -> String {
    format!("backup-{kind}-{}.json", time_of(source).strftime("%Y-%m-%dT%H-%M-%SZ"))
}

/// Nine digits of base 36.
fn random_digits(randomness: &dyn Randomness) -> Result<String, Error> {
    let bytes: [u8; 9] = randomness.bytes()?;
    let digit = |byte: u8| char::from_digit(u32::from(byte) % 36, 36).unwrap_or('0');
    Ok(bytes.into_iter().map(digit).collect())
}

/// Writes all tables as a backup of one of those applications.
pub(super) async fn document(
    source: &Source<'_>,
    options: &ExportOptions,
    tables: &[&Table],
    files: &mut Files,
    name: &str,
) -> Result<Written, Error> {
    let document = Document { source, options, members: members(tables, &options.names)? };
    match options.format {
        ExportFormat::Prn => document.prn(files, name).await,
        ExportFormat::Dino => document.dino(files, name).await,
        _ => document.num(files, name).await,
    }
}

struct Document<'a> {
    source: &'a Source<'a>,
    options: &'a ExportOptions,
    members: Vec<Member<'a>>,
}

impl Document<'_> {
    async fn prn(&self, files: &mut Files, name: &str) -> Result<Written, Error> {
        let mut spool = files.spool()?;
        let (mut checksums, mut rows, mut elements) = (BTreeMap::new(), 0, Vec::new());
        spool.write(b"{").await?;
        for (number, member) in self.members.iter().enumerate() {
            spool.write(before(number, &member.name).as_bytes()).await?;
            spool.begin();
            let writer = self.elements(member, BigIntegers::Numbers, &mut elements);
            spool.write(b"[").await?;
            rows += self.source.write(member.table, &writer, &mut spool).await?;
            spool.write(b"\n]").await?;
            checksums.insert(member.name.as_str(), format!("sha256:{}", spool.part()));
        }
        spool.write(b"\n}").await?;
        let (checksum, size_bytes) = spool.all();
        let metadata = PrnMetadata {
            version: "4.0",
            timestamp: iso(time_of(self.source)),
            kind: "full_backup",
            compression: self.options.compression.is_some(),
            encryption: false,
            checksum: format!("sha256:{checksum}"),
            record_count: rows,
            size_bytes,
            program: PROGRAM,
            part: self.options.part(),
        };
        let tables = self.members.iter().map(|member| member.name.as_str()).collect();
        let schema = PrnSchema { version: 4, tables, keys: keys(&self.members, self.source.state.dialect()) };
        let now = iso(self.source.context.now());
        let integrity = PrnIntegrity { table_checksums: checksums, verification_time: now };
        let mut sheet = files.sheet(name)?;
        let head = format!("{{\"metadata\":{},\n\"schema\":{},\n\"data\":", json(&metadata), json(&schema));
        sheet.write(head.as_bytes()).await?;
        spool.pour(&mut sheet).await?;
        sheet.write(format!(",\n\"integrity\":{}}}\n", json(&integrity)).as_bytes()).await?;
        let file = file(files.keep(sheet).await?, self.names(), rows);
        Ok(Written { file, beside: Vec::new(), notes: losses(&elements).collect() })
    }

    async fn dino(&self, files: &mut Files, name: &str) -> Result<Written, Error> {
        let mut sheet = files.sheet(name)?;
        let mut elements = Vec::new();
        sheet.write(b"{\"data\":").await?;
        let counts = self.data(&mut sheet, &mut elements).await?;
        let environment = self.source.state.environment("environment").unwrap_or_default();
        let named = files.named().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let called = named.unwrap_or_else(|| name.to_owned());
        let id = called.split(".json").next().unwrap_or_default();
        let rows = counts.values().sum();
        let mut metadata = DinoMetadata {
            id,
            timestamp: iso(time_of(self.source)),
            version: "1.0",
            tables: self.members.iter().map(|member| member.name.as_str()).collect(),
            record_counts: counts,
            size: 0,
            checksum: String::new(),
            environment,
            keys: keys(&self.members, self.source.state.dialect()),
            program: PROGRAM,
        };
        sheet.write(format!(",\n\"metadata\":{}}}\n", json(&metadata)).as_bytes()).await?;
        let file = file(files.keep(sheet).await?, self.names(), rows);
        let mut beside = Vec::new();
        if files.is_folder() && !self.options.alone {
            (metadata.size, metadata.checksum) = (file.bytes, file.sha256.clone());
            beside.push((format!("metadata/{id}.meta.json"), json(&metadata) + "\n"));
            beside.push((format!("checksums/{id}.sha256"), line(&file.sha256, name)));
        }
        Ok(Written { file, beside, notes: losses(&elements).collect() })
    }

    async fn num(&self, files: &mut Files, name: &str) -> Result<Written, Error> {
        let mut sheet = files.sheet(name)?;
        let mut elements = Vec::new();
        let timestamp = json(&iso(time_of(self.source)));
        sheet.write(format!("{{\"timestamp\":{timestamp},\n\"data\":").as_bytes()).await?;
        let counts = self.data(&mut sheet, &mut elements).await?;
        sheet.write(b"}\n").await?;
        let file = file(files.keep(sheet).await?, self.names(), counts.values().sum());
        Ok(Written { file, beside: Vec::new(), notes: losses(&elements).collect() })
    }

    /// Writes the object of all tables; gives how many rows each has.
    async fn data(
        &self,
        sink: &mut dyn Sink,
        elements: &mut Vec<Arc<Elements>>,
    ) -> Result<BTreeMap<&str, u64>, Error> {
        let mut counts = BTreeMap::new();
        sink.write(b"{").await?;
        for (number, member) in self.members.iter().enumerate() {
            sink.write(format!("{}[", before(number, &member.name)).as_bytes()).await?;
            let writer = self.elements(member, BigIntegers::Text, elements);
            let rows = self.source.write(member.table, &writer, sink).await?;
            sink.write(b"\n]").await?;
            counts.insert(member.name.as_str(), rows);
        }
        sink.write(b"\n}").await?;
        Ok(counts)
    }

    fn elements(
        &self,
        member: &Member<'_>,
        big: BigIntegers,
        all: &mut Vec<Arc<Elements>>,
    ) -> Arc<dyn WriteRows> {
        let own = Arc::new(Elements::whole(self.source.state.dialect(), member.table, big));
        all.push(Arc::clone(&own));
        own
    }

    fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.table.name.to_string()).collect()
    }
}

/// What comes before the value of a member.
pub(super) fn before(number: usize, name: &str) -> String {
    let comma = if number > 0 { "," } else { "" };
    format!("{comma}\n{}:", json(&name))
}
