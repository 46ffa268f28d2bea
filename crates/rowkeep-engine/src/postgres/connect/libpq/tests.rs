use std::collections::BTreeMap;
use std::fs;

use super::*;

fn with(variables: &[(&str, &str)], home: Option<&Path>) -> LibpqEnvironment {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LibpqEnvironment { variables, home: home.map(Path::to_owned) }
}

fn completed(url: &str, variables: &[(&str, &str)]) -> String {
    complete(url, &with(variables, None)).expect("nothing is missing")
}

#[test]
fn what_a_url_says_stays() {
    let all = [
        ("PGHOST", "other"),
        ("PGPORT", "6000"),
        ("PGUSER", "eve"),
        ("PGPASSWORD", "p@ss/word"),
        ("PGDATABASE", "else"),
        ("PGSSLMODE", "require"),
    ];
    for url in [
        "postgres://ann:s3cret@db.example:5432/shop?sslmode=disable",
        "postgres://a:b@[::1]:5432/shop?sslmode=disable",
        "postgresql://a:b@one:1,two:2/shop?sslmode=disable&connect_timeout=3",
        "postgres:///?host=/tmp&port=1&user=a&password=b&dbname=c&sslmode=disable",
        "postgres://ann:s3?cret@db.example:6000/shop?sslmode=disable",
    ] {
        assert_eq!(completed(url, &[]), url, "{url}");
        assert_eq!(completed(url, &all), url, "{url}");
    }
    assert_eq!(completed("postgres://h", &all), "postgres://eve:p%40ss%2Fword@h:6000/else?sslmode=require");
    assert_eq!(
        completed("postgres:///shop", &all),
        "postgres://eve:p%40ss%2Fword@other:6000/shop?sslmode=require"
    );
    assert_eq!(completed("postgres://a@h1,h2:7/d", &[("PGPORT", "1,2")]), "postgres://a@h1:1,h2:7/d");
    assert_eq!(
        completed("postgres:///d", &[("PGHOST", "/run/a b"), ("PGUSER", "")]),
        "postgres://%2Frun%2Fa%20b/d"
    );
    assert_eq!(completed("postgres:///d", &[("PGHOST", "::1")]), "postgres://[::1]/d");
    let address = [("PGHOST", "db"), ("PGHOSTADDR", "192.0.2.1")];
    assert_eq!(completed("postgres:///d", &address), "postgres://db/d?hostaddr=192.0.2.1");
    assert_eq!(completed("postgres:///d", &address[1..]), "postgres:///d?hostaddr=192.0.2.1");
    assert_eq!(completed("postgres://h/d", &address), "postgres://h/d");
    assert_eq!(
        completed("postgres://h/d", &[("PGCHANNELBINDING", "require"), ("PGREQUIREAUTH", "none")]),
        "postgres://h/d?channel_binding=require&require_auth=none"
    );
    assert_eq!(
        completed("postgres://h/d", &[("PGOPTIONS", "-c search_path=x"), ("PGTZ", "x")]),
        "postgres://h/d"
    );
}

#[test]
fn services_come_before_variables() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let own = folder.path().join(".pg_service.conf");
    fs::write(
        &own,
        "# of a test\n[other]\nhost=no\n[shop]\nhost = db\nport=7\n#user=x\nuser=bo\n[shop]\nhost=no\n",
    )
    .expect("the file is written");
    let home = Some(folder.path());
    let variables = [("PGPORT", "1"), ("PGDATABASE", "d"), ("PGSERVICE", "shop")];
    let found = complete("postgres://", &with(&variables, home)).expect("the service is there");
    assert_eq!(found, "postgres://bo@db:7/d");
    let found =
        complete("postgres:///x?service=other", &with(&variables[..1], home)).expect("the service is there");
    assert_eq!(found, "postgres://no:1/x");
    let error = complete("postgres://h/x?service=none", &with(&[], home)).expect_err("there is none");
    assert!(error.to_string().contains("service none is not in"), "{error}");
    let error = complete("postgres://h/x?service=none", &with(&[], None)).expect_err("there is no file");
    assert!(error.to_string().contains("PGSERVICEFILE"), "{error}");
}

#[cfg(unix)]
#[test]
fn passwords_come_from_a_file_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join(".pgpass");
    fs::write(&file, "# one\ndb:5432:shop:ann:o\\:n\\\\e:x\nlocalhost:*:*:ann:socket\ndb:*:*:*:any\n")
        .expect("the file is written");
    let mode = |mode: u32| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it is the test's own");
    };
    let complete = |url: &str| complete(url, &with(&[], Some(folder.path())));
    mode(0o600);
    for (url, password) in [
        ("postgres://ann@db/shop", "ann:o%3An%5Ce%3Ax@"),
        ("postgres://ann@db:5433/shop", "ann:any@"),
        ("postgres://ann@%2Frun%2Fpg/shop", "ann:socket@"),
        ("postgres:///shop?host=/run/pg&user=ann", ":socket@"),
        ("postgres://ann:own@db/shop", "ann:own@"),
        ("postgres://eve@elsewhere/shop", "eve@"),
    ] {
        let found = complete(url).expect("the file is read");
        assert!(found.contains(password), "{url}: {found}");
    }
    mode(0o640);
    let error = complete("postgres://ann@db/shop").expect_err("others may read it");
    assert!(error.to_string().contains("chmod 600") && !error.to_string().contains("o:n"), "{error}");
    complete("postgres://eve@elsewhere/shop").expect("the file has nothing for it");
}
