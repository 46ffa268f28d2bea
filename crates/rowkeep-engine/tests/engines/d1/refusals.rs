//! What cannot be reached or read is said in words.

use rowkeep_engine::conformance::Sandbox;
use rowkeep_engine::{Contents, DatabaseUrl, ErrorKind, Meant, Surroundings, ViewOptions, connect};

use super::server::{Database, engine, surroundings};

/// Each kind of failure has its own, and none shows the secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_told_apart() {
    let database = Database::new();
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let cloudflare = rowkeep_engine::CloudflareEnvironment {
        token: Some("s3cret-token".into()),
        worker_secret: Some("s3cret-of-the-worker".into()),
        ..surroundings().cloudflare
    };
    let strange = Surroundings { cloudflare, ..surroundings() };
    for url in [database.worker_url(), database.api_url()] {
        let engine = connect(&DatabaseUrl::parse(&url).expect("a URL"), &strange).expect("an engine");
        let error = engine.identity().await.expect_err("the secret is another");
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        assert!(error.to_string().contains(&url), "{error}");
    }
    for (url, kind) in [
        ("d1://account/nothing-of-the-sort".to_owned(), ErrorKind::NotFound),
        ("d1://account/00000000-0000-4000-8000-000000009999".to_owned(), ErrorKind::NotFound),
        ("d1://another/shop-1".to_owned(), ErrorKind::PermissionDenied),
        (Database::not_a_worker_url(), ErrorKind::Unsupported),
    ] {
        let error = match engine(&url) {
            Ok(engine) => engine.identity().await.expect_err(&url),
            Err(error) => error,
        };
        assert_eq!(error.kind(), kind, "{url}: {error:?}");
    }
    let none = Surroundings::default();
    let error =
        connect(&DatabaseUrl::parse("d1://account/shop").expect("a URL"), &none).err().expect("no token");
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.to_string().contains("CLOUDFLARE_API_TOKEN"), "{error}");
}

/// What it is, what is in it, and that nothing is written to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_are_looked_at() {
    let database = Database::new();
    let (worker, api) = (database.over_worker(), database.over_api());
    assert_eq!(api.contents().await.expect("it is there"), Contents::Empty);
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7)").await;
    for engine in [&worker, &api] {
        assert_eq!(engine.contents().await.expect("it is there"), Contents::Occupied(vec!["t".into()]));
        let identity = engine.identity().await.expect("it answers");
        assert_eq!((identity.place, identity.mark.is_some()), (engine.place(), true));
    }
    // Rows come when they are asked for.
    let view = api.open_of(&ViewOptions::default(), &Meant::nothing()).await.expect("it opens");
    let table = &view.schema().tables[0];
    assert_eq!(rowkeep_engine::conformance::read(&*view, table).await.rows(), 1);
}
