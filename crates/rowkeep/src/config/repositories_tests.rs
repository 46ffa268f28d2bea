use std::path::Path;

use super::Config;

fn parse(text: &str) -> Result<Config, String> {
    let variable = |name: &str| (name == "SECRET").then(|| "s3cret".to_owned());
    Config::parse(text, Path::new("/etc/rowkeep.toml"), &variable).map_err(|error| error.to_string())
}

#[test]
fn several_are_read_in_their_order() {
    let config = parse(
        "[[repositories]]\nname = 'here'\nurl = 'backups'\ncreate = true\n\
             [[repositories]]\nname = 'offsite'\nurl = 's3://offsite/shop'\nkey_file = 'offsite.key'\n\
             store = { aws_secret_access_key = '${SECRET}', max_upload_rate = '2MB/s' }",
    )
    .expect("it is well formed");
    let names: Vec<&str> = config.repositories.iter().map(|repository| &*repository.name).collect();
    assert_eq!(names, ["here", "offsite"]);
    let here = config.repository_named("here").expect("it is there");
    assert_eq!((&*here.location, here.create), ("/etc/backups", true));
    let offsite = config.repository_named("s3://offsite/shop").expect("it is there");
    assert_eq!(offsite.key_file.as_deref(), Some("/etc/offsite.key"));
    assert_eq!(config.store_variables, ["SECRET"]);
    assert!(!format!("{config:?}").contains("s3cret"));
    let alone = config.with_repository(offsite);
    assert_eq!(alone.repository.as_deref(), Some("s3://offsite/shop"));
    assert!(alone.repositories.is_empty() && !alone.create && alone.store.len() == 1);
    assert_eq!(alone.store_rates.upload.map(u64::from), Some(2_000_000));
    assert_eq!(config.without_repository().store_rates.upload, None);
}

#[test]
fn mistakes_are_named() {
    const ONE: &str = "[[repositories]]\nname = 'one'\nurl = 'a'\n";
    for (text, problem) in [
        (format!("repository = 'a'\n{ONE}"), "write repository or [[repositories]], not both"),
        (format!("key_file = 'a'\n{ONE}"), "key_file belongs to one of [[repositories]]"),
        (format!("passphrase_file = 'a'\n{ONE}"), "passphrase_file belongs to one of [[repositories]]"),
        (format!("create = true\n{ONE}"), "create belongs to one of [[repositories]]"),
        (format!("{ONE}[store]\ntimeout = '1s'"), "store belongs to one of [[repositories]]"),
        (format!("{ONE}{ONE}"), "there are two repositories one"),
        (
            format!("{ONE}[[repositories]]\nname = 'two'\nurl = 'a/'"),
            "repositories one and two are at the same place",
        ),
        ("[[repositories]]\nname = ''\nurl = 'a'".to_owned(), "\"\" is no name for a repository"),
        ("[[repositories]]\nname = 's3://a'\nurl = 'a'".to_owned(), "is no name for a repository"),
        ("[[repositories]]\nname = 'one'\nurl = ''".to_owned(), "repository one: its url is empty"),
        ("[[repositories]]\nname = 'one'".to_owned(), "url"),
        (format!("{ONE}url_file = 'b'"), "url_file"),
        (
            format!("{ONE}key_file = 'b'\npassphrase_file = 'c'"),
            "write key_file or passphrase_file, not both",
        ),
        (
            "[[repositories]]\nname = 'one'\nurl = '${NOWHERE}'".to_owned(),
            "repository one: the environment variable NOWHERE",
        ),
    ] {
        let error = parse(&text).expect_err(&text);
        assert!(error.contains(problem), "{text}: {error}");
    }
}
