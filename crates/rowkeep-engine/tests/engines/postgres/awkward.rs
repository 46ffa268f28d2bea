//! A database with one of everything, copied and compared by the server's own dump.

use rowkeep_engine::conformance::{assert_same_rows, copy, read_all};
use rowkeep_engine::{Contents, ViewOptions};

use super::server::{Database, Server, assert_same_text};

/// The database, and the script that made it.
pub(super) async fn awkward(server: &Server) -> Database {
    let database = server.database().await;
    let (reader, keeper) = (server.role("").await, server.role("").await);
    let more =
        if server.major >= 18 { include_str!("awkward_18.sql") } else { include_str!("awkward_15.sql") };
    let script = format!("{}{more}", include_str!("awkward.sql"));
    database.run(&script.replace("READER", &reader).replace("KEEPER", &keeper)).await;
    database
}

super::on_every_server!(everything_is_copied, schemas_are_the_same_each_time, clearing_leaves_nothing);

async fn everything_is_copied(server: Server) {
    let original = awkward(&server).await;
    let copied = server.absent();
    let (from, to) = (server.engine(&original.name), server.engine(&copied.name));
    let notes = copy(&*from, &*to).await;
    assert_eq!(notes, Vec::<String>::new(), "everything is restored exactly");
    assert_same_text(&original.dump().await, &copied.dump().await);

    let (schema, rows) = read_all(&*from).await;
    let (copied_schema, copied_rows) = read_all(&*to).await;
    assert_same_rows(&rows, &copied_rows);
    assert!(schema == copied_schema, "the schemas are the same");
}

async fn schemas_are_the_same_each_time(server: Server) {
    let original = awkward(&server).await;
    let engine = server.engine(&original.name);
    let mut texts = Vec::new();
    for _ in 0..2 {
        let view = engine.open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
        texts.push(String::from_utf8(view.schema().to_json()).expect("JSON is UTF-8"));
    }
    assert_same_text(&texts[0], &texts[1]);
    assert!(!texts[0].contains("estrict "), "without the tokens of psql");
}

async fn clearing_leaves_nothing(server: Server) {
    let original = awkward(&server).await;
    let target = server.database().await;
    let empty = target.dump().await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let engine = server.engine(&target.name);
    let making = engine.create(view.schema(), &Default::default()).await.expect("the copy is created");
    for table in &view.schema().tables {
        making
            .load(table, view.rows(table).await.expect("the rows are read"))
            .await
            .expect("rows are loaded");
    }
    making.abandon().await.expect("the copy is abandoned");
    assert_same_text(&target.dump().await, &empty);
    assert_eq!(engine.contents().await.expect("the database is looked at"), Contents::Empty);
}
