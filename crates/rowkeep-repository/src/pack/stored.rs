use std::sync::Arc;

use rowkeep_format::ids::PackId;

use super::read::{TRAILER_BYTES, directory_len, open_directory};
use super::record::PackRecord;
use crate::header::{HEADER_BYTES, PACK};
use crate::objects::{self, Listed, Objects};
use crate::seal::Sealer;
use crate::{Error, Flaw, Result};

/// The id in the name of a pack.
pub(crate) fn pack_id_of(object: &Listed) -> Option<PackId> {
    PackId::from_hex(object.last()).ok().filter(|id| objects::pack(id) == object.name)
}

/// Reads of a pack of `size` bytes what an index object would say of it.
pub(crate) async fn read_record(
    objects: &Objects,
    sealer: &Arc<Sealer>,
    id: PackId,
    size: u64,
) -> Result<PackRecord> {
    let name = objects::pack(&id);
    let damaged = |flaw| Error::at(name.as_str(), flaw);
    let end = size.checked_sub(TRAILER_BYTES as u64).filter(|end| *end >= HEADER_BYTES as u64);
    let end = end.ok_or_else(|| damaged(Flaw::Truncated("the header of a pack")))?;

    let header = objects.read_part(&name, 0..HEADER_BYTES as u64, size).await?;
    let salt = PACK.read(&header).map_err(damaged)?;
    let trailer = objects.read_part(&name, end..size, size).await?;
    let len = directory_len(&trailer, size).map_err(damaged)?;
    let sealed = objects.read_part(&name, end - u64::from(len)..end, size).await?;
    let directory = open_directory(sealer, &salt, &sealed, size).map_err(damaged)?;
    Ok(PackRecord { id, size, salt, directory })
}
