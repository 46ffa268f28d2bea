//! Key slots, secrets, and what an unencrypted or newer repository means.

use rowkeep_repository::{
    Encryption, Error, ErrorKind, Kdf, KeyFile, Lock, Protection, Repository, SlotKind, Unlock,
};
use secrecy::ExposeSecret;

use crate::stores::{Place, delete, get, names, put};
use crate::support::*;

fn key_file_unlock(file: &KeyFile) -> Unlock {
    Unlock::KeyFile(file.contents().expose_secret().as_bytes().to_vec().into())
}

fn same(file: &KeyFile) -> KeyFile {
    KeyFile::parse(file.contents().expose_secret().as_bytes()).expect("a key file")
}

#[test]
fn debug_forms_show_no_secret() {
    let file = KeyFile::generate().expect("random bytes").contents();
    let digits = file.expose_secret().trim_end().rsplit(' ').next().expect("a key").to_owned();
    let by_file = Unlock::KeyFile(file.expose_secret().as_bytes().to_vec().into());
    let by_words = Unlock::Passphrase(passphrase(SECRET));
    let shown = format!("{:?} {:?} {:?} {:?}", passphrase(SECRET), by_words, file, by_file);
    assert!(!shown.contains(SECRET) && !shown.contains(&digits), "{shown}");
    let bytes: Vec<String> = digits.bytes().map(|digit| digit.to_string()).collect();
    assert!(!shown.contains(&bytes.join(", ")), "{shown}");
}

#[tokio::test]
async fn only_the_right_secret_opens() {
    let place = Place::memory();
    init(&place.store).await;
    let open = |unlock: Unlock| {
        let store = place.store.clone();
        async move { Repository::open(store, &unlock).await }
    };
    assert!(open(Unlock::Passphrase(passphrase(SECRET))).await.is_ok());
    for wrong in ["", "correct horse battery stapl", "correct horse battery staple "] {
        let error = error_of(open(Unlock::Passphrase(passphrase(wrong))).await);
        assert!(matches!(error, Error::WrongPassphrase), "{wrong:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::Locked);
    }
    let file = KeyFile::generate().expect("random bytes");
    assert!(matches!(error_of(open(key_file_unlock(&file)).await), Error::WrongKeyFile));
    let garbage = Unlock::KeyFile(b"not a key file".to_vec().into());
    assert!(matches!(error_of(open(garbage).await), Error::MalformedKeyFile));
    assert!(matches!(error_of(open(Unlock::Unencrypted).await), Error::SecretNeeded));
    assert_eq!(
        Repository::probe(place.store.clone()).await.expect("probed").encryption,
        Encryption::Aes256Gcm
    );
}

#[tokio::test]
async fn slots_are_added_listed_replaced_and_removed() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let (snapshot, _) = backup(&repository, &chunks(0..5)).await.expect("stored");
    let first = repository.unlocked_by().expect("a slot");

    let file = KeyFile::generate().expect("random bytes");
    let second = repository.add_key_slot(slot(Lock::KeyFile(same(&file)), "safe")).await.expect("added");
    let listed = repository.key_slots().await.expect("listed");
    assert_eq!(listed.len(), 2);
    let safe = listed.iter().find(|slot| slot.id == second).expect("listed");
    assert_eq!((safe.kind, safe.label.as_str()), (SlotKind::KeyFile, "safe"));

    let with_file = Repository::open(place.store.clone(), &key_file_unlock(&file)).await.expect("opens");
    assert_eq!(with_file.unlocked_by(), Some(second));
    assert_eq!(restore(&with_file, &snapshot).await.expect("read"), chunks(0..5));

    let third = with_file.replace_key_slot(first, passphrase_slot("new")).await.expect("replaced");
    assert!(matches!(error_of(try_open(&place.store).await), Error::WrongPassphrase));
    let with_new = Unlock::Passphrase(passphrase("new"));
    let opened = Repository::open(place.store.clone(), &with_new).await.expect("opens");
    assert_eq!(opened.unlocked_by(), Some(third));
    assert_eq!(restore(&opened, &snapshot).await.expect("read"), chunks(0..5));

    opened.remove_key_slot(second).await.expect("removed");
    assert!(Repository::open(place.store.clone(), &key_file_unlock(&file)).await.is_err());
    assert!(matches!(error_of(opened.remove_key_slot(second).await), Error::NotFound { .. }));
    let error = error_of(opened.remove_key_slot(third).await);
    assert!(matches!(error, Error::LastKeySlot { slot } if slot == third), "{error}");
    assert_eq!(check(&opened).await.findings, []);
}

#[tokio::test]
async fn a_repository_with_a_key_file_alone() {
    let place = Place::memory();
    let file = KeyFile::generate().expect("random bytes");
    let protection = Protection::Encrypted(slot(Lock::KeyFile(same(&file)), "safe"));
    let made = Repository::init(place.store.clone(), protection).await.expect("made");
    let (snapshot, _) = backup(&made, &chunks(0..5)).await.expect("stored");
    let opened = Repository::open(place.store.clone(), &key_file_unlock(&file)).await.expect("opens");
    assert_eq!(restore(&opened, &snapshot).await.expect("read"), chunks(0..5));
    assert!(matches!(error_of(try_open(&place.store).await), Error::WrongPassphrase));
}

#[tokio::test]
async fn an_exchanged_unencrypted_repository_is_refused() {
    let place = Place::memory();
    Repository::init(place.store.clone(), Protection::Unencrypted).await.expect("made");
    let error = error_of(try_open(&place.store).await);
    assert!(matches!(error, Error::NotEncrypted), "{error}");
    assert_eq!(error.kind(), ErrorKind::Downgrade);
    let file = KeyFile::generate().expect("random bytes");
    let error = error_of(Repository::open(place.store.clone(), &key_file_unlock(&file)).await);
    assert_eq!(error.kind(), ErrorKind::Downgrade);
    let opened = Repository::open(place.store.clone(), &Unlock::Unencrypted).await.expect("opens");
    assert!(matches!(error_of(opened.add_key_slot(passphrase_slot("x")).await), Error::NotEncrypted));
}

#[tokio::test]
async fn a_key_slot_from_elsewhere_opens_nothing() {
    let (here, there) = (Place::memory(), Place::memory());
    let repository = init(&here.store).await;
    init(&there.store).await;
    let foreign =
        names(&there.store).await.into_iter().find(|name| name.starts_with("keys/")).expect("a slot");
    put(&here.store, &foreign, get(&there.store, &foreign).await).await;
    let own = repository.key_slots().await.expect("listed");
    assert_eq!(own.len(), 1);
    let report = check(&repository).await;
    assert!(report.is_clean());
    assert!(report.findings.iter().any(|finding| finding.object == foreign), "{report:#?}");
    delete(&here.store, &format!("keys/{}", own[0].id)).await;
    assert_eq!(error_of(try_open(&here.store).await).kind(), ErrorKind::Missing);
}

#[tokio::test]
async fn a_forged_slot_cannot_exhaust_the_machine() {
    let place = Place::memory();
    init(&place.store).await;
    let name = names(&place.store).await.into_iter().find(|name| name.starts_with("keys/")).expect("a slot");
    let slot = String::from_utf8(get(&place.store, &name).await).expect("text");
    let forged = slot.replace("\"memory_kib\":8", "\"memory_kib\":4294967295").into_bytes();
    delete(&place.store, &name).await;
    let forged_name = format!("keys/{}", &blake3::hash(&forged).to_hex()[..32]);
    put(&place.store, &forged_name, forged).await;
    assert_eq!(error_of(try_open(&place.store).await).kind(), ErrorKind::Damaged);
}

#[tokio::test]
async fn costs_that_nobody_could_open_again_are_refused() {
    let place = Place::memory();
    let absurd = Kdf { memory_kib: u32::MAX, ..CHEAP };
    let protection = Protection::Encrypted(slot(Lock::Passphrase(passphrase(SECRET), absurd), "absurd"));
    let error = error_of(Repository::init(place.store.clone(), protection).await);
    assert!(matches!(error, Error::Kdf { .. }), "{error}");
    let empty = Protection::Encrypted(passphrase_slot(""));
    let error = error_of(Repository::init(place.store.clone(), empty).await);
    assert!(matches!(error, Error::EmptyPassphrase), "{error}");
    assert_eq!(names(&place.store).await, [""; 0]);
}

#[tokio::test]
async fn a_newer_format_is_told_from_damage() {
    let place = Place::memory();
    init(&place.store).await;
    let config = String::from_utf8(get(&place.store, "config").await).expect("text");
    let newer = config.replace("\"format\":2", "\"format\":3").replace("\"checksum\"", "\"novelty\"");
    put(&place.store, "config", newer.into_bytes()).await;
    let error = error_of(try_open(&place.store).await);
    assert!(
        matches!(&error, Error::NewerFormat { object, found: 3, supported: 2 } if object == "config"),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::NewerFormat);
}

#[tokio::test]
async fn a_lost_config_is_told_from_an_empty_place() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    backup(&repository, &chunks(0..5)).await.expect("stored");
    delete(&place.store, "config").await;
    let error = error_of(try_open(&place.store).await);
    assert!(matches!(&error, Error::Missing { object } if object == "config"), "{error}");
    let error = error_of(Repository::init(place.store.clone(), Protection::Unencrypted).await);
    assert!(matches!(error, Error::LeftOver { .. }), "{error}");
    assert!(!check(&repository).await.is_clean());
}
