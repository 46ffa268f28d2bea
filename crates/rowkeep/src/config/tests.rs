//! What a configuration says.

use std::num::NonZeroU64;

use secrecy::ExposeSecret;

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    let variable = |name: &str| (name == "DATABASE_URL").then(|| "postgres://u:p@h/app".to_owned());
    Config::parse(text, Path::new("rowkeep.toml"), &variable).map_err(|error| error.to_string())
}

#[test]
fn variables_are_put_in() {
    let config = parse("[databases.app]\nurl = '${DATABASE_URL}?sslmode=require'\nexclude = ['sessions']")
        .expect("it is well formed");
    let app = &config.databases["app"];
    let url = app.url.value().map(|url| url.expose_secret());
    assert_eq!(url, Ok("postgres://u:p@h/app?sslmode=require"));
    let unset =
        parse("[databases.app]\nurl = 'postgres://${HOST}/${DATABASE_URL}'").expect("it is well formed");
    let problem = unset.databases["app"].url.value().map(|_| ());
    assert_eq!(problem, Err("the environment variable HOST is not set"));
    assert_eq!(app.selection.exclude, ["sessions"]);
    assert_eq!(
        parse("repository = 'a$${b}'").expect("it is well formed").repository.as_deref(),
        Some("a${b}")
    );
}

#[test]
fn variables_of_the_store_are_known() {
    let text = "[store]\naws_secret_access_key = '${SECRET}${SECRET_2}'\naws_region = 'eu'\n\
         [databases.app]\nurl = '${DATABASE_URL}'";
    let variable = |name: &str| Some(format!("value of {name}"));
    let config = Config::parse(text, Path::new("rowkeep.toml"), &variable).expect("it is well formed");
    assert_eq!(config.store_variables, ["SECRET", "SECRET_2"]);
}

#[test]
fn rates_are_no_options_of_the_store() {
    let config = parse(
        "[store]\naws_region = 'eu'\nmax_rate = '10MB/s'\nmax_upload_rate = '2MB/s'\n\
         [databases.app]\nurl = 'x'\nmax_rate = '1MiB/s'",
    );
    let config = config.expect("it is well formed");
    assert_eq!(config.store.keys().collect::<Vec<_>>(), ["aws_region"]);
    let rate = NonZeroU64::new;
    assert_eq!(config.store_rates, StoreRates { upload: rate(2_000_000), download: rate(10_000_000) });
    assert_eq!(config.databases["app"].max_rate, rate(1 << 20));
    for wrong in ["[store]\nmax_rate = '10'", "[databases.app]\nurl = 'x'\nmax_rate = '0MB/s'"] {
        let error = parse(wrong).expect_err(wrong);
        assert!(error.contains("max_rate: ") && error.contains("10MB/s"), "{error}");
    }
}

#[test]
fn mistakes_are_named() {
    let unset = parse("repository = '${NOWHERE}'").expect_err("not set");
    assert_eq!(unset, "rowkeep.toml: the environment variable NOWHERE is not set");
    let open = parse("repository = '${NOWHERE'").expect_err("no end");
    assert!(open.contains("has no }"), "{open}");
    let unknown = parse("[databases.app]\nurl = 'x'\nexlude = []").expect_err("misspelt");
    assert!(unknown.contains("exlude"), "{unknown}");
}

#[test]
fn secrets_are_in_no_debug_form_and_no_error() {
    let text = "[store]\naws_secret_access_key = 's3cret-store'\n\
         [databases.app]\nurl = 'postgres://u:s3cret-url@h/app'\n\
         [databases.app.mask]\nkey = 's3cret-mask'\n\
         [[hooks]]\nwhen = 'after-backup'\nrun = 'curl -u u:s3cret-command example.org'\n\
         [[hooks]]\nwhen = 'after-backup'\nurl = 'https://example.org/s3cret-hook'\n\
         headers = { authorization = 's3cret-header' }";
    let config = parse(text).expect("it is well formed");
    assert_eq!(config.store.len() + config.hooks.len() + config.databases.len(), 4);
    let shown = format!("{config:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    for wrong in [
        "[databases.app]\nurl = 'postgres://u:s3cret@h/app${NO'",
        "[databases.app]\nurl = 'postgres://u:a${s3cret@h/app}'",
        "[databases.app]\nurl = postgres://u:s3cret@h/app",
        "[databases]\napp = 'postgres://u:s3cret@h/app'",
        "[databases.app]\nurl = ['postgres://u:s3cret@h/app']",
    ] {
        let error = parse(wrong).expect_err("it is wrong");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn checks_and_objectives_belong_to_a_database() {
    let config = parse(
        "[databases.app]\nurl = 'x'\nmax_recovery_time = '30min'\nmax_data_loss = '24h'\n\
         [[databases.app.checks]]\ntable = 'users'\nmin_rows = 1",
    );
    let app = &config.expect("it is well formed").databases["app"];
    assert_eq!(app.checks.len(), 1);
    let limits = Objectives { recovery_seconds: Some(1800), data_loss_seconds: Some(86_400) };
    assert_eq!(app.objectives, limits);
    let wrong = parse("[databases.app]\nurl = 'x'\n[[databases.app.checks]]\nmin_rows = 1");
    let wrong = wrong.expect_err("no table");
    assert_eq!(wrong, "rowkeep.toml: database app: check 1: table is missing");
    let misspelt = parse("[databases.app]\nurl = 'x'\n[[databases.app.checks]]\ntabel = 'users'");
    assert!(misspelt.is_err_and(|error| error.contains("tabel")));
}
