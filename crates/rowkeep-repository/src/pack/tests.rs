use rowkeep_format::ids::RepositoryId;

use super::build::frame;
use super::*;
use crate::Encryption;
use crate::compress::Compressed;
use crate::cursor::Cursor;
use crate::header::PACK;
use crate::seal::Sealer;

const MASTER: [u8; 32] = [7; 32];

fn keys() -> ContentKeys {
    ContentKeys::derive(&MASTER)
}

fn sealer(encryption: Encryption) -> Sealer {
    Sealer::new(RepositoryId([0xab; 16]), encryption, &MASTER)
}

fn compressed(plain: &[u8]) -> Compressed {
    Compressed::new(&keys(), keys().chunk_id(plain), plain, 3).expect("compresses")
}

/// One chunk stored as it is, one compressed, one as a difference to that.
fn chunks() -> Vec<(Vec<u8>, Compressed)> {
    let long = b"a row like many others, ".repeat(40);
    let mut changed = long.clone();
    changed[500] = b'!';
    let base = keys().chunk_id(&long);
    let difference = Compressed::difference(&keys(), keys().chunk_id(&changed), &changed, 3, (base, &long))
        .expect("compresses");
    vec![
        (b"short".to_vec(), compressed(b"short")),
        (long.clone(), compressed(&long)),
        (changed, difference),
        (Vec::new(), compressed(b"")),
    ]
}

fn pack(encryption: Encryption) -> Vec<u8> {
    let sealer = sealer(encryption);
    let mut builder = PackBuilder::with_salt(&sealer, 1 << 20, [3; 32]).expect("a pack");
    for (_, chunk) in chunks() {
        builder.push(&chunk).expect("room");
    }
    builder.finish(&sealer).expect("a pack").file.to_vec()
}

/// Reads everything in a pack; fails with the first flaw.
fn read(sealer: &Sealer, file: &[u8]) -> Result<Vec<Vec<u8>>, Flaw> {
    let (salt, directory) = open_pack(sealer, file)?;
    let object = sealer.object(PACK, &salt).expect("a key");
    let base = b"a row like many others, ".repeat(40);
    with_offsets(&directory.entries)
        .map(|(offset, entry)| entry.open(&object, &keys(), offset, frame(file, offset, entry)?, Some(&base)))
        .collect()
}

#[test]
fn what_went_in_comes_out() {
    for encryption in [Encryption::Aes256Gcm, Encryption::None] {
        let plain: Vec<Vec<u8>> = chunks().into_iter().map(|(plain, _)| plain).collect();
        assert_eq!(read(&sealer(encryption), &pack(encryption)), Ok(plain), "{encryption:?}");
    }
}

#[test]
fn a_difference_costs_little_and_needs_its_base() {
    let chunks = chunks();
    assert!(chunks[2].1.bytes.len() < 40, "{} bytes", chunks[2].1.bytes.len());
    let (file, sealer) = (pack(Encryption::Aes256Gcm), sealer(Encryption::Aes256Gcm));
    let (salt, directory) = open_pack(&sealer, &file).expect("opens");
    let object = sealer.object(PACK, &salt).expect("a key");
    let (offset, entry) = with_offsets(&directory.entries).nth(2).expect("three chunks");
    let frame = frame(&file, offset, entry).expect("there");
    let open = |base| entry.open(&object, &keys(), offset, frame, base);
    assert_eq!(open(None), Err(Flaw::Malformed("the difference")));
    assert!(open(Some(b"something else")).is_err());
}

#[test]
fn bytes_are_pinned() {
    let hash = |encryption| blake3::hash(&pack(encryption)).to_hex().to_string();
    // zstd's output may differ between its versions, so this pins a pack of chunks that are stored as they are.
    let plain_pack = |encryption| {
        let sealer = sealer(encryption);
        let mut builder = PackBuilder::with_salt(&sealer, 1 << 20, [3; 32]).expect("a pack");
        builder.push(&compressed(b"short")).expect("room");
        builder.push(&compressed(b"")).expect("room");
        let file = builder.finish(&sealer).expect("a pack").file;
        hex::encode(file)
    };
    assert_eq!(
        plain_pack(Encryption::Aes256Gcm),
        concat!(
            "726f776b7061636b0100000003030303030303030303030303030303030303030303030303030303030303035436cf2a",
            "5775dd06ef8bf8ffcbe038117adb228250a6e7dd7ebfd25f52e11da2e25f8ccb0d9f69b75b771c7d956f530f664adc1a",
            "8952a4bb6360470311f8affad465b856793e70a76ffa7523e7901c9d84958879a2b753e7993911e7790bf53742576364",
            "24d84e034030cad589d8bf75ee50b0bbfc7d15b988f78ce5809efd01523532f21fc10ced5b622266000000726f776b70",
            "656e64",
        )
    );
    assert_eq!(
        plain_pack(Encryption::None),
        concat!(
            "726f776b7061636b01000000030303030303030303030303030303030303030303030303030303030303030373686f72",
            "74ca75f366e7b3da88276727a3c4c07bb5be4a2066bb3da6d50c63dc6ab4c7600202000000e99ff24bde1222030178b9",
            "c82dba67fa341909be5a5122674cd2613ccfc3822b001500000005000000bc890690a97c323d0eba03d5efa65c7d56aa",
            "e2023dd5b35f0ddea7a1ef1054bc0010000000000000002cdc840f543ea0918d493267fa6c3c3c66000000726f776b70",
            "656e64",
        )
    );
    assert_ne!(hash(Encryption::Aes256Gcm), hash(Encryption::None));
}

#[test]
fn every_truncation_and_every_altered_bit_is_noticed() {
    for encryption in [Encryption::Aes256Gcm, Encryption::None] {
        let (file, sealer) = (pack(encryption), sealer(encryption));
        let plain = read(&sealer, &file);
        for len in 0..file.len() {
            assert!(read(&sealer, &file[..len]).is_err(), "{len} bytes");
        }
        for bit in 0..file.len() * 8 {
            let mut altered = file.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&sealer, &altered) != plain, "bit {bit}");
            assert!(read(&sealer, &altered).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn frames_cannot_be_moved_or_taken_for_others() {
    let (file, sealer) = (pack(Encryption::Aes256Gcm), sealer(Encryption::Aes256Gcm));
    let (salt, directory) = open_pack(&sealer, &file).expect("opens");
    let object = sealer.object(PACK, &salt).expect("a key");
    let (offset, entry) = with_offsets(&directory.entries).next().expect("chunks");
    let sealed = frame(&file, offset, entry).expect("there");
    assert!(entry.open(&object, &keys(), offset, sealed, None).is_ok());

    let seal = Err(Flaw::Seal("a chunk"));
    assert_eq!(entry.open(&object, &keys(), offset + 1, sealed, None), seal);
    let renamed = Entry { id: ChunkId([1; 32]), ..*entry };
    assert_eq!(renamed.open(&object, &keys(), offset, sealed, None), seal);
    let reencoded = Entry { encoding: Encoding::Zstd, ..*entry };
    assert_eq!(reencoded.open(&object, &keys(), offset, sealed, None), seal);
    let elsewhere = Sealer::new(RepositoryId([0xac; 16]), Encryption::Aes256Gcm, &MASTER);
    let object = elsewhere.object(PACK, &salt).expect("a key");
    assert_eq!(entry.open(&object, &keys(), offset, sealed, None), seal);
}

#[test]
fn a_chunk_under_a_wrong_name_is_refused() {
    let wrong = Compressed::new(&keys(), ChunkId([1; 32]), b"short", 3);
    assert!(matches!(wrong, Err(crate::Error::Damaged { flaw: Flaw::Content(_), .. })));
}

#[test]
fn malformed_directories_are_refused() {
    let (file, sealer) = (pack(Encryption::Aes256Gcm), sealer(Encryption::Aes256Gcm));
    let (_, directory) = open_pack(&sealer, &file).expect("opens");
    let mut bytes = Vec::new();
    directory.encode(&mut bytes);
    assert_eq!(bytes.len(), directory.encoded_len());
    let decode = |bytes: &[u8]| {
        let mut cursor = Cursor::new(bytes, "the directory");
        let directory = Directory::decode(&mut cursor)?;
        cursor.end().map(|()| directory)
    };
    assert_eq!(decode(&bytes), Ok(directory));
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len]).is_err(), "{len} bytes");
    }
    let alter = |at: usize, with: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        decode(&bytes)
    };
    assert!(alter(0, &[0xff; 4]).is_err(), "a count beyond the bytes");
    assert!(alter(36, &[3]).is_err(), "an unknown encoding");
    assert!(alter(37, &15_u32.to_le_bytes()).is_err(), "a frame shorter than its seal");
    assert!(alter(41, &6_u32.to_le_bytes()).is_err(), "plain bytes of another length than stored");
    assert!(alter(4 + 41 + 33, &[0xff; 4]).is_err(), "frames beyond 4 GiB");
    assert!(alter(4 + 41 + 37, &[0xff; 4]).is_err(), "a chunk beyond the limit");
}

#[test]
fn random_bytes_are_refused() {
    let sealer = sealer(Encryption::None);
    for seed in 0_u32..2_000 {
        let mut bytes = vec![0; (seed % 300) as usize];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
        assert!(read(&sealer, &bytes).is_err());
        let _ = Directory::decode(&mut Cursor::new(&bytes, "the directory"));
    }
}
