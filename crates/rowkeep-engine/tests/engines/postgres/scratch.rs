//! Databases that are only tried: they go, whatever is in them, and what stays of others is named.

use rowkeep_engine::postgres::ScratchServer;
use rowkeep_engine::{Contents, CreateOptions, LibpqEnvironment, ViewOptions};

use super::server::{Server, chain};

super::on_every_server!(
    what_follows_another_server_keeps_no_database,
    what_dead_drills_left_is_dropped_or_named,
    restores_that_fail_leave_no_database,
);

const FOLLOWING: &str = "CREATE SUBSCRIPTION following CONNECTION 'host=127.0.0.1 port=1 dbname=none' PUBLICATION p \
    WITH (connect = false, slot_name = 'a_slot')";

/// Takes the subscription from a database that is to be dropped by somebody else.
const RELEASE: &str = "ALTER SUBSCRIPTION following SET (slot_name = NONE); DROP SUBSCRIPTION following";

fn on(server: &Server) -> ScratchServer {
    ScratchServer::new(&server.url("postgres").into(), &LibpqEnvironment::default()).expect("it is a URL")
}

/// Held while scratch databases are made or looked for: one test would take those of another for abandoned.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn what_follows_another_server_keeps_no_database(server: Server) {
    let _alone = ALONE.lock().await;
    let original = server.database().await;
    let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let scratch = on(&server).make(view.schema(), 2_000_000_000, 1).await.expect("it is made");
    let url = secrecy::ExposeSecret::expose_secret(scratch.url()).to_owned();
    let name = url.rsplit('/').next().expect("it names a database").to_owned();
    super::server::connect(&url).await.batch_execute(FOLLOWING).await.expect("it subscribes");
    scratch.remove().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(original.value(&there).await, "0");
}

async fn what_dead_drills_left_is_dropped_or_named(server: Server) {
    let _alone = ALONE.lock().await;
    let original = server.database().await;
    let names = ["rowkeep_drill_1000_00000000000000aa", "rowkeep_drill_1000_00000000000000ab"];
    let [following, template] = names;
    original.run(&format!("CREATE DATABASE {following}")).await;
    super::server::connect(&server.url(following))
        .await
        .batch_execute(FOLLOWING)
        .await
        .expect("it subscribes");
    original.run(&format!("CREATE DATABASE {template} IS_TEMPLATE true")).await;
    let connected =
        format!("SELECT count(*) FROM pg_stat_activity WHERE datname IN ('{following}', '{template}')");
    original.until(&connected, |count| count == "0").await;
    let found = on(&server).clear_abandoned(2000).await.expect("the server is asked");
    assert_eq!(found.dropped, [following]);
    assert_eq!(found.left.len(), 1, "{found:?}");
    assert!(found.left[0].0 == template && found.left[0].1.contains("template"), "{found:?}");
    original.run(&format!("ALTER DATABASE {template} IS_TEMPLATE false")).await;
    let found = on(&server).clear_abandoned(2000).await.expect("the server is asked");
    assert_eq!((found.dropped, found.left.len()), (vec![template.to_owned()], 0));
}

async fn restores_that_fail_leave_no_database(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer)").await;
    original.run(FOLLOWING).await;
    let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let mut schema = view.schema().clone();
    let after = schema.ddl.iter_mut().find(|part| part.sql.contains("CREATE SUBSCRIPTION"));
    after.expect("there is one").sql.push_str("\nALTER TABLE public.nowhere ENABLE ROW LEVEL SECURITY;\n");
    let database = server.absent();
    let engine = server.engine(&database.name);
    let target = engine.create(&schema, &CreateOptions::default()).await.expect("the target is created");
    target.finish().await.expect_err("there is no such table");
    target.abandon().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(engine.contents().await.expect("the server is asked"), Contents::Missing);
    original.run(RELEASE).await;
}
