use std::collections::BTreeMap;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::config::{AddedDatabase, Exported};
use crate::retention::{Stated, StatedRules};

fn database(name: &str, url: &str) -> Addition {
    let added = AddedDatabase {
        url: url.into(),
        promise: Some(("6h".to_owned(), Some("30min".to_owned()))),
        ..AddedDatabase::default()
    };
    Addition::of_database(name, &added).expect("it is written")
}

fn combined(text: &str, additions: &[Addition]) -> Result<Combined, String> {
    let variable = |name: &str| (name == "SECRET").then(|| "from-environment".to_owned());
    let read = Combined::read(text, Path::new("/etc/rowkeep.toml"), additions, &variable);
    read.map_err(|error| error.to_string())
}

#[test]
fn additions_stand_beside_the_file_and_the_file_counts() {
    let additions = [
        Addition::of_repository("backups", Some(&"a ${SECRET} phrase".into())),
        database("shop", "postgres://u:${SECRET}@h/shop"),
        database("orders", "orders.db"),
    ];
    let both = combined("environment = 'x'\n[databases.orders]\nurl = 'other.db'", &additions);
    let Combined { config, left_out } = both.expect("it holds");
    assert_eq!(config.repository.as_deref(), Some("/etc/backups"));
    let passphrase = config.passphrase.as_ref().and_then(|known| known.value().ok());
    assert_eq!(passphrase.map(|known| known.expose_secret()), Some("a ${SECRET} phrase"));
    let url = |name: &str| config.databases[name].url.value().map(|url| url.expose_secret().to_owned());
    assert_eq!(url("shop").as_deref(), Ok("postgres://u:${SECRET}@h/shop"), "it is no variable");
    assert_eq!(url("orders").as_deref(), Ok("/etc/other.db"));
    assert_eq!(config.databases["shop"].promise.map(|promise| promise.lose_seconds), Some(21_600));
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].subject, Subject::Database("orders".to_owned()));
    assert!(left_out[0].problem.contains("rowkeep.toml says it too"));
    let named = combined("repository = 'elsewhere'", &additions[..1]).expect("it holds");
    assert_eq!(named.config.repository.as_deref(), Some("/etc/elsewhere"));
    assert_eq!(named.left_out[0].subject, Subject::Repository);
}

#[test]
fn an_addition_that_does_not_hold_is_left_out_and_says_why() {
    let mut broken = AddedDatabase { url: "x.db".into(), ..AddedDatabase::default() };
    broken.schedule.insert("backup".to_owned(), "sometimes".to_owned());
    let additions = [
        Addition::of_database("broken", &broken).expect("it is written"),
        database("live", "y.db"),
        database("shop", "z.db"),
    ];
    let Combined { config, left_out } = combined("", &additions).expect("the rest holds");
    assert_eq!(config.databases.keys().collect::<Vec<_>>(), ["shop"]);
    assert_eq!(left_out.len(), 2);
    assert!(
        left_out[0].problem.starts_with("database broken: schedule: backup: "),
        "{}",
        left_out[0].problem
    );
    assert!(left_out[1].problem.contains("cannot be named live"), "{}", left_out[1].problem);
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line() {
    let additions = [database("shop", "shop.db")];
    let problem = combined("\n[databases.orders]\nurl = 'x'\nexlude = []", &additions).expect_err("misspelt");
    assert!(problem.contains("line 4") && problem.contains("exlude"), "{problem}");
    // What is only beside it, it cannot rely on.
    let problem =
        combined("[compatibility.backup]\ndatabase = 'shop'", &additions).expect_err("it is not there");
    assert!(problem.contains("shop"), "{problem}");
}

#[test]
fn what_was_kept_is_of_its_subject_alone_and_shows_no_secret() {
    let shop = database("shop", "postgres://u:s3cret@h/shop?sslmode=require");
    assert_eq!(shop.place(), "postgres://u@h/shop");
    assert!(!format!("{shop:?}").contains("s3cret"));
    let again = |subject: Subject, text: &str| Addition::kept(subject, text.into());
    let kept = again(shop.subject().clone(), shop.text().expose_secret()).expect("it is the same");
    let read = AddedDatabase::of(&kept).expect("it is a database");
    assert_eq!(read.url.expose_secret(), "postgres://u:s3cret@h/shop?sslmode=require");
    assert_eq!(read.promise, Some(("6h".to_owned(), Some("30min".to_owned()))));
    let of_shop = || Subject::Database("shop".to_owned());
    for (subject, text) in [
        (of_shop(), "repository = 'x'"),
        (of_shop(), "[databases.shop]\nurl = 'x'\n[databases.orders]\nurl = 'x'"),
        (of_shop(), "[databases.shop]\nurl = 'x'\n[[databases.shop.hooks]]\nrun = 'x'"),
        (of_shop(), "[databases.shop"),
        (Subject::Repository, "repository = 'x'\nkey_file = 'y'"),
    ] {
        assert!(again(subject, text).is_err(), "{text}");
    }
    for subject in [Subject::Repository, Subject::Database("a.b c".to_owned())] {
        assert_eq!(Subject::named(&subject.name()), Some(subject));
    }
    assert_eq!(Subject::named("schedule.shop"), None);
}

#[test]
fn what_is_said_of_all_databases_stands_beside_a_file_that_says_nothing_of_it() {
    let stated = BTreeMap::from([("backup".to_owned(), "daily at 03:00".to_owned())]);
    let keep = StatedRules { daily: Some(Stated::Number(7)), ..StatedRules::default() };
    let additions = [Addition::of_keep(&keep).expect("it is said"), Addition::of_schedule(&stated)];
    assert_eq!((additions[0].keep(), additions[0].schedule()), (Some(keep), None));
    assert_eq!((additions[1].keep(), additions[1].schedule()), (None, Some(stated)));
    let shop = "[databases.shop]\nurl = 'shop.db'\n";
    let Combined { config, left_out } = combined(shop, &additions).expect("it holds");
    assert_eq!((left_out.len(), config.timetable().len()), (0, 1));
    assert!(config.keep("shop").is_some());
    let file = format!("[schedule]\nbackup = 'off'\n{shop}");
    let Combined { config, left_out } = combined(&file, &additions).expect("it holds");
    assert_eq!((left_out[0].subject.clone(), config.timetable().len()), (Subject::Schedule, 0));
    let wrong = BTreeMap::from([("backup".to_owned(), "sometimes".to_owned())]);
    let left_out = combined(shop, &[Addition::of_schedule(&wrong)]).expect("the rest holds").left_out;
    assert!(left_out[0].problem.contains("schedule: backup"), "{left_out:?}");
    for subject in [Subject::Schedule, Subject::Keep] {
        let kept = additions.iter().find(|addition| *addition.subject() == subject).expect("it is one");
        assert!(Addition::kept(subject.clone(), kept.text().clone()).is_ok());
        assert!(Addition::kept(subject.clone(), "repository = 'x'".into()).is_err());
        assert_eq!(Subject::named(&subject.name()), Some(subject));
    }
    let exported = Exported::of(&additions, false).expect("it is written");
    let text = exported.text.expose_secret();
    assert!(text.contains("[schedule]") && text.contains("[keep]"), "{text}");
}

#[test]
fn what_is_exported_says_the_same_in_a_file() {
    let additions = [
        Addition::of_repository("/srv/backups", Some(&"a passphrase".into())),
        database("shop-eu", "postgres://u:s3cret@h/shop"),
        database("shop_eu", "postgres://u:0ther@h/shop"),
        database("orders", "/srv/orders.db"),
    ];
    let exported = Exported::of(&additions, false).expect("it is written");
    let text = exported.text.expose_secret();
    assert!(!text.contains("s3cret") && !text.contains("0ther") && !text.contains("a passphrase"), "{text}");
    let names: Vec<&str> = exported.variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ROWKEEP_PASSPHRASE", "SHOP_EU_URL", "SHOP_EU_URL_2"]);
    let variable = |name: &str| match name {
        "SHOP_EU_URL" => Some("postgres://u:s3cret@h/shop".to_owned()),
        name => Some(format!("value of {name}")),
    };
    let read = Config::parse(text, Path::new("/etc/rowkeep.toml"), &variable).expect("it is a file");
    let url = read.databases["shop-eu"].url.value().map(|url| url.expose_secret().to_owned());
    assert_eq!(url.as_deref(), Ok("postgres://u:s3cret@h/shop"));
    assert_eq!(read.databases.len(), 3);
    let clear = Exported::of(&additions, true).expect("it is written");
    let clear = combined(clear.text.expose_secret(), &[]).expect("it is a file").config;
    let secret = clear.passphrase.and_then(|known| known.value().ok().cloned());
    assert_eq!(secret.as_ref().map(SecretString::expose_secret), Some("a passphrase"));
    assert!(Exported::of(&[], true).expect("it is written").is_empty());
}
