use super::*;

const PLACE: Place = Place { repository: RepositoryId([0xab; 16]), encryption: Encryption::Aes256Gcm };

fn master() -> MasterKey {
    Zeroizing::new([9; 32])
}

fn new_slot(lock: Lock) -> NewSlot {
    NewSlot { lock, label: "laptop".to_owned(), created: Timestamp::UNIX_EPOCH }
}

fn passphrase_slot() -> Slot {
    let kdf = Kdf { memory_kib: 64, passes: 1, lanes: 1 };
    let new = new_slot(Lock::Passphrase("correct horse".into(), kdf));
    Slot::wrap_with_salt(PLACE, &new, &master(), [3; 32]).expect("a slot")
}

#[test]
fn bytes_are_pinned() {
    let json = String::from_utf8(passphrase_slot().encode()).expect("text");
    assert_eq!(
        json,
        concat!(
            r#"{"format":1,"repository":"abababababababababababababababab","kind":"passphrase","label":"laptop","#,
            r#""created":"1970-01-01T00:00:00Z","kdf":{"memory_kib":64,"passes":1,"lanes":1},"#,
            r#""salt":"0303030303030303030303030303030303030303030303030303030303030303","#,
            r#""wrapped":"13877faccb8fa8bb143f66582664d6f78d058f9ae32ee923"#,
            r#"0a9612f65933319e71d31ca988ee987671f586199a7934e1"}"#,
            "\n"
        )
    );
}

#[test]
fn opens_with_its_own_secret_only() {
    let slot = passphrase_slot();
    let open = |slot: &Slot, place, secret| slot.unwrap_with_passphrase(place, secret).expect("derived");
    assert_eq!(open(&slot, PLACE, "correct horse"), Some(master()));
    assert_eq!(open(&slot, PLACE, "battery staple"), None);

    let file = KeyFile::generate().expect("random bytes");
    assert_eq!(slot.unwrap_with_key_file(PLACE, &file).expect("derived"), None);
    let same = KeyFile::parse(file.contents().expose_secret().as_bytes()).expect("a key file");
    let slot = Slot::wrap(PLACE, &new_slot(Lock::KeyFile(file)), &master()).expect("a slot");
    assert_eq!(slot.unwrap_with_key_file(PLACE, &same).expect("derived"), Some(master()));
    let other = KeyFile::generate().expect("random bytes");
    assert_eq!(slot.unwrap_with_key_file(PLACE, &other).expect("derived"), None);
}

#[test]
fn nothing_in_the_slot_or_around_it_can_be_exchanged() {
    let open = |slot: Slot, place| slot.unwrap_with_passphrase(place, "correct horse").expect("derived");
    let elsewhere = Place { repository: RepositoryId([0xac; 16]), ..PLACE };
    assert_eq!(open(passphrase_slot(), elsewhere), None);
    let weaker = Place { encryption: Encryption::None, ..PLACE };
    assert_eq!(open(passphrase_slot(), weaker), None);
    assert_eq!(open(Slot { label: "office".to_owned(), ..passphrase_slot() }, PLACE), None);
    assert_eq!(open(Slot { created: Timestamp::MAX, ..passphrase_slot() }, PLACE), None);
    assert_eq!(open(Slot { salt: Hex([4; 32]), ..passphrase_slot() }, PLACE), None);
}

#[test]
fn an_empty_passphrase_is_refused() {
    let new = new_slot(Lock::Passphrase("".into(), Kdf::DEFAULT));
    assert!(matches!(Slot::wrap(PLACE, &new, &master()), Err(Error::EmptyPassphrase)));
}

#[test]
fn malformed_slots_are_refused() {
    let json = passphrase_slot().encode();
    assert!(Slot::decode(&json).is_ok());
    for len in 0..json.len() - 1 {
        assert!(Slot::decode(&json[..len]).is_err(), "{len} bytes");
    }
    let text = String::from_utf8(json).expect("text");
    let newer = text.replace("\"format\":1", "\"format\":7");
    assert_eq!(Slot::decode(newer.as_bytes()).err(), Some(Flaw::NewerVersion { found: 7, supported: 1 }));
    for (from, to) in
        [("passphrase", "keyfile"), ("\"salt\"", "\"sugar\""), ("\"kdf\"", "\"kind\""), ("0303", "03")]
    {
        assert!(Slot::decode(text.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
    }
}
