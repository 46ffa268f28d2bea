use std::collections::HashSet;

use rowkeep_format::ids::{ChunkId, RepositoryId};

use super::memory::{Collected, PackState};
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

/// An index of packs, each added by itself.
fn index_of(packs: &[PackRecord]) -> Index {
    let mut index = Index::default();
    for pack in packs {
        let mut collected = Collected::with_room(0);
        collected.push(&index, pack, PackState::Named);
        index.add(collected);
    }
    index
}

#[test]
fn memory_gives_every_place_once() {
    let index = index_of(&packs());
    assert_eq!(index.chunks(), 3);
    assert_eq!(index.packs().count(), 3);
    assert!(!index.contains(&ChunkId([9; 32])));

    let places: HashSet<_> = index
        .places(&ChunkId([1; 32]))
        .map(|place| (index.pack(place.pack).id, place.offset, place.entry.encoding.code()))
        .collect();
    assert_eq!(places, HashSet::from([(PackId([1; 32]), 44, 1), (PackId([2; 32]), 44 + 86, 0)]));

    let difference = index.places(&ChunkId([3; 32])).next().expect("there");
    assert_eq!(difference.entry, entry(3, Encoding::Difference { base: ChunkId([1; 32]) }, 70));
    let all: Vec<u8> = index.all().map(|place| place.entry.id.0[0]).collect();
    assert_eq!(all, [1, 1, 2, 3]);
}

#[test]
fn chunks_of_packs_that_are_gone_are_not_held() {
    let mut index = index_of(&packs());
    index.set_states(|_, pack| match pack.id {
        PackId(id) if id == [1; 32] => PackState::Gone,
        _ => PackState::Named,
    });
    assert!(!index.contains(&ChunkId([2; 32])));
    assert!(index.contains(&ChunkId([1; 32])));
    let packs: Vec<_> = index.places(&ChunkId([1; 32])).map(|place| index.pack(place.pack).id).collect();
    assert_eq!(packs, [PackId([2; 32]), PackId([1; 32])], "copies that are there are tried first");
}

#[test]
fn what_an_index_object_says_of_a_pack_comes_out_of_memory() {
    let mut index = index_of(&packs());
    index.set_states(|_, _| PackState::Unnamed);
    let records: Vec<_> = index.without_name().into_iter().map(|(_, record)| record).collect();
    assert_eq!(records, packs().into_iter().map(Some).collect::<Vec<_>>());
}

#[test]
fn a_difference_without_its_base_is_none() {
    let index = index_of(&packs()[1..2]);
    assert_eq!(index.places(&ChunkId([3; 32])).count(), 1, "the base has a copy in the same pack");
    let base = ChunkId([1; 32]);
    let lonely = PackRecord {
        directory: Directory { entries: vec![entry(3, Encoding::Difference { base }, 70)] },
        ..packs()[1].clone()
    };
    let mut index = index_of(&[lonely]);
    assert_eq!(index.places(&ChunkId([3; 32])).count(), 0);
    assert!(!index.contains(&ChunkId([3; 32])), "nobody can read it");
    index.set_states(|_, _| PackState::Unnamed);
    assert!(index.without_name()[0].1.is_none());
}

/// Bases are kept by the beginning of their names, so two that begin alike are both given.
#[test]
fn bases_that_begin_alike_are_both_tried() {
    let (mut one, mut other) = ([7; 32], [7; 32]);
    (one[31], other[31]) = (1, 2);
    let (one, other) = (ChunkId(one), ChunkId(other));
    let whole = |id| Entry { id, ..entry(0, Encoding::Plain, 10) };
    let entries = vec![whole(one), whole(other), entry(9, Encoding::Difference { base: other }, 70)];
    let index = index_of(&[PackRecord { directory: Directory { entries }, ..packs()[0].clone() }]);
    let bases: Vec<_> = index.places(&ChunkId([9; 32])).map(|place| place.entry.encoding).collect();
    assert_eq!(bases, [Encoding::Difference { base: one }, Encoding::Difference { base: other }]);
}

#[test]
fn many_small_additions_become_few_segments_and_lose_nothing() {
    let many: Vec<PackRecord> = (0..1_000_u32)
        .map(|number| {
            let mut id = [0; 32];
            blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut id);
            let entry = Entry { id: ChunkId(id), ..entry(0, Encoding::Plain, number) };
            PackRecord { id: PackId(id), directory: Directory { entries: vec![entry] }, ..packs()[0].clone() }
        })
        .collect();
    let index = index_of(&many);
    assert!(index.segments() <= 12, "{} segments", index.segments());
    for pack in &many {
        let id = pack.directory.entries[0].id;
        let place = index.places(&id).next().expect("there");
        assert_eq!((place.entry, index.pack(place.pack).id), (pack.directory.entries[0], pack.id));
    }
    let all: Vec<ChunkId> = index.all().map(|place| place.entry.id).collect();
    assert!(all.is_sorted() && all.len() == 1_000);
}
