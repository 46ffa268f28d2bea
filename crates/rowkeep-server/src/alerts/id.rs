//! Names of incidents and of what is sent.

/// Something that nobody else has, and that is the same whenever it is made of the same.
pub(super) fn id_of(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("rowkeep 2026-11-29 alerts and deliveries");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hex::encode(&hasher.finalize().as_bytes()[..16])
}
