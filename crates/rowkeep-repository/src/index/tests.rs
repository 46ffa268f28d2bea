use rowkeep_format::ids::{ChunkId, RepositoryId};

use super::*;
use crate::Encryption;
use crate::encoding::Encoding;
use crate::pack::Entry;

fn sealer() -> Sealer {
    Sealer::new(RepositoryId([0xab; 16]), Encryption::Aes256Gcm, &[7; 32])
}

fn entry(id: u8, encoding: Encoding, plain_len: u32) -> Entry {
    Entry { id: ChunkId([id; 32]), encoding, frame_len: plain_len + 16, plain_len }
}

fn packs() -> Vec<PackRecord> {
    let base = ChunkId([1; 32]);
    let pack = |id: u8, entries: &[Entry]| PackRecord {
        id: PackId([id; 32]),
        size: 1000 + u64::from(id),
        salt: [id; 32],
        directory: Directory { entries: entries.to_vec() },
    };
    vec![
        pack(1, &[entry(1, Encoding::Zstd, 100), entry(2, Encoding::Plain, 5)]),
        pack(2, &[entry(3, Encoding::Difference { base }, 70), entry(1, Encoding::Plain, 100)]),
        pack(3, &[]),
    ]
}

#[test]
fn objects_open_as_they_were_sealed() {
    let (id, object) = seal(&sealer(), &packs()).expect("seals");
    assert_eq!(open(&sealer(), &id, &object), Ok(packs()));
    assert_eq!(open(&sealer(), &IndexId([0; 32]), &object), Err(Flaw::Name));
}

#[test]
fn bytes_are_pinned() {
    let plain = encode(&packs());
    assert_eq!(
        blake3::hash(&plain).to_hex().as_str(),
        "6ded886c5bbd21dec55b7a5e93bd26c01aa3a2862d25714d82a04336ccdb4b80"
    );
    assert_eq!(plain.len(), 4 + 3 * RECORD_BYTES + 4 * 41 + 32);
}

#[test]
fn malformed_lists_are_refused() {
    let plain = encode(&packs());
    assert_eq!(decode(&plain), Ok(packs()));
    for len in 0..plain.len() {
        assert!(decode(&plain[..len]).is_err(), "{len} bytes");
    }
    assert!(decode(&[&plain[..], &[0]].concat()).is_err());
    for seed in 0_u32..2_000 {
        let mut bytes = vec![0; (seed % 400) as usize];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let _ = decode(&bytes);
    }
}

#[test]
fn memory_gives_every_place_once() {
    let mut builder = IndexBuilder::default();
    for pack in packs().iter().chain(&packs()) {
        builder.add(pack);
    }
    let index = builder.finish();
    assert_eq!(index.chunks(), 3);
    assert_eq!(index.packs().count(), 3);
    assert!(!index.contains(&ChunkId([9; 32])));

    let twice: Vec<Place> = index.places(&ChunkId([1; 32])).collect();
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].entry, entry(1, Encoding::Plain, 100));
    assert_eq!((twice[0].offset, index.pack(twice[0].pack).salt), (44 + 86, [2; 32]));
    assert_eq!(twice[1].entry, entry(1, Encoding::Zstd, 100));
    assert_eq!((twice[1].offset, index.pack(twice[1].pack).id), (44, PackId([1; 32])));

    let difference = index.places(&ChunkId([3; 32])).next().expect("there");
    assert_eq!(difference.entry, entry(3, Encoding::Difference { base: ChunkId([1; 32]) }, 70));
}

#[test]
fn chunks_of_packs_that_are_gone_are_forgotten() {
    let mut builder = IndexBuilder::default();
    packs().iter().for_each(|pack| builder.add(pack));
    builder.keep_chunks_of(|pack| pack.id != PackId([1; 32]));
    assert!(builder.has(&PackId([1; 32])));
    let index = builder.finish();
    assert!(!index.contains(&ChunkId([2; 32])));
    assert_eq!(index.places(&ChunkId([1; 32])).count(), 1);
}
