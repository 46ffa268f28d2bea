//! One chunk on its way: encoded, named, and stored where it is new.

use std::sync::Arc;

use rowkeep_format::cut::Cut;
use rowkeep_format::tree::{ChunkRef, Node};
use rowkeep_format::{ChunkId, ContentKeys, chunk};
use rowkeep_repository::{Compressed, Writer};

use super::increment::{EarlierTable, compress};
use super::sink::Sink;
use crate::{Context, Error};

/// The level of zstd: what follows is a few percent smaller and twice as slow.
const LEVEL: i32 = 3;

/// Encodes a chunk, and stores it where it is to be stored.
pub(super) async fn put(
    context: Context,
    cut: Cut,
    keys: ContentKeys,
    sink: Sink,
    earlier: Option<Arc<EarlierTable>>,
) -> Result<ChunkRef, Error> {
    let (bytes, of_chunk, of_keys) = (cut.rows.bytes(), sink.clone(), keys.clone());
    let is_whole = earlier.is_none();
    let encode = move || encode_chunk(cut, &of_keys, &of_chunk, is_whole);
    let Encoded { chunk, stored } = context.compute_on(bytes, encode).await?;
    match (stored, earlier) {
        (Some(Stored::Compressed(compressed)), _) => sink.add(compressed).await?,
        (Some(Stored::Plain(plain)), earlier) => {
            let like = match &earlier {
                Some(earlier) => earlier.like(&chunk.first_key, plain.len()).await,
                None => None,
            };
            let id = chunk.id;
            let compress = move || compress(&keys, id, &plain, LEVEL, like.as_ref());
            let (compressed, base) = context.compute_on(bytes, compress).await?;
            if let Some(base) = base {
                sink.note_base(&base);
            }
            sink.add(compressed).await?;
        }
        (None, _) => {}
    }
    Ok(chunk)
}

struct Encoded {
    chunk: ChunkRef,
    /// What is to be stored of it, where it is not.
    stored: Option<Stored>,
}

enum Stored {
    Compressed(Compressed),
    Plain(Vec<u8>),
}

/// Encodes and names the rows; compresses them only when the writer does not have them yet, and they are to be stored whole.
fn encode_chunk(cut: Cut, keys: &ContentKeys, sink: &Sink, is_whole: bool) -> Result<Encoded, Error> {
    let plain = chunk::encode_rows(&cut.rows);
    let id = keys.chunk_id(&plain);
    let chunk =
        ChunkRef { id, rows: cut.rows.rows() as u64, bytes: plain.len() as u64, first_key: cut.first_key };
    let stored = match sink.claim(&id) {
        true => {
            if !chunk::decodes_to(&plain, &cut.rows) {
                let detail = "its rows decode to other rows".to_owned();
                return Err(Error::ReadBack { object: format!("chunk {id}"), detail });
            }
            drop(cut.rows);
            Some(match is_whole {
                true => Stored::Compressed(Compressed::new(keys, id, &plain, LEVEL)?),
                false => Stored::Plain(plain),
            })
        }
        false => None,
    };
    Ok(Encoded { chunk, stored })
}

pub(super) async fn store_nodes(keys: &ContentKeys, sink: &Sink, nodes: &mut Vec<Node>) -> Result<(), Error> {
    for node in nodes.drain(..) {
        if sink.claim(&node.id) {
            sink.add(Compressed::new(keys, node.id, &node.plain, LEVEL)?).await?;
        }
    }
    Ok(())
}

/// Stores a small chunk, unless it is there.
pub(crate) async fn store(
    keys: &ContentKeys,
    writer: &Writer,
    id: ChunkId,
    plain: &[u8],
) -> Result<(), Error> {
    if writer.claim(&id) {
        writer.add(Compressed::new(keys, id, plain, LEVEL)?).await?;
    }
    Ok(())
}
