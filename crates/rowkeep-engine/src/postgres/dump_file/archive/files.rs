//! The data of the entries of an archive, where each has a file or a block.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::custom::Blocks;
use super::header::Header;
use super::tar::Members;
use crate::file_source::Packing;
use crate::postgres::dump_file::place::{Place, Section};

/// What the names of packed files end with.
const PACKED: [(&str, Packing); 3] =
    [(".gz", Packing::Gzip), (".lz4", Packing::Lz4), (".zst", Packing::Zstd)];

/// The largest list of large objects.
const LONGEST_BYTES: u64 = 256 << 20;

/// Where the data of the entries of an archive is.
pub(super) enum Files {
    /// In a folder.
    Folder(PathBuf),
    /// In a tar file.
    Tar(Members),
    /// In blocks.
    Custom(Blocks),
}

impl Files {
    /// The rows of an entry.
    pub(super) fn data(&self, header: &Header, id: i64, file: Option<&str>) -> Option<Place> {
        match self {
            Self::Custom(blocks) => Some(in_blocks(header, blocks.data.get(&id)?.clone())),
            Self::Folder(_) | Self::Tar(_) => self.file(file?),
        }
    }

    /// The large objects of an entry, by their numbers.
    pub(super) fn objects(
        &self,
        header: &Header,
        id: i64,
        file: Option<&str>,
    ) -> Option<Vec<(String, Place)>> {
        if let Self::Custom(blocks) = self {
            let objects = blocks.objects.get(&id)?.iter();
            return Some(
                objects.map(|(oid, section)| (oid.clone(), in_blocks(header, section.clone()))).collect(),
            );
        }
        // A tar file does not say how its lists are called.
        let names = [file.unwrap_or_default(), &format!("blobs_{id}.toc"), "blobs.toc"];
        let list = names.into_iter().find_map(|name| self.file(name))?;
        let mut text = String::new();
        list.open().ok()?.take(LONGEST_BYTES).read_to_string(&mut text).ok()?;
        let line = |line: &str| -> Option<(String, Place)> {
            let (oid, file) = line.split_once(' ')?;
            Some((oid.to_owned(), self.file(file.trim())?))
        };
        text.lines().filter(|text| !text.is_empty()).map(line).collect()
    }

    /// A file by its name, which may be packed and then has another ending.
    fn file(&self, name: &str) -> Option<Place> {
        // No name leads out of the archive.
        if Path::new(name).components().count() != 1 || name == ".." {
            return None;
        }
        let named = |ending: &str| format!("{}{ending}", name.trim_end_matches(ending));
        match self {
            Self::Folder(folder) => {
                let plain = folder.join(name);
                let packed = PACKED.iter().map(|(ending, packing)| (folder.join(named(ending)), *packing));
                let of_name =
                    PACKED.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, packing)| *packing);
                if plain.is_file() {
                    return Some(Place::File(plain, of_name.unwrap_or(Packing::None)));
                }
                let (path, packing) = packed.into_iter().find(|(path, _)| path.is_file())?;
                Some(Place::File(path, packing))
            }
            Self::Tar(members) => {
                let packing =
                    PACKED.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, packing)| *packing);
                let section = members.section(name)?;
                Some(
                    packing
                        .map_or(Place::Section(section.clone()), |packing| Place::Packed(section, packing)),
                )
            }
            Self::Custom(_) => None,
        }
    }
}

fn in_blocks(header: &Header, section: Section) -> Place {
    Place::Blocks { section, integer_bytes: header.integer_bytes, compression: header.compression }
}
