//! Databases in other encodings than UTF-8.

use rowkeep_engine::conformance::{copy, read_all};
use rowkeep_format::Value;

use super::server::{Server, assert_same_text};

super::on_every_server!(single_bytes, bytes_of_no_encoding, encodings_whose_order_is_another);

async fn single_bytes(server: Server) {
    let original = server.database_with("ENCODING LATIN1 LOCALE 'C'").await;
    original
        .run(
            "CREATE TABLE \"Ünï\" (\"clé\" text PRIMARY KEY, v char(3)); INSERT INTO \"Ünï\" SELECT chr(n), 'é' FROM generate_series(32, 255) n;
             COMMENT ON TABLE \"Ünï\" IS 'à';",
        )
        .await;
    let copied = server.absent();
    let notes = copy(&*server.engine(&original.name), &*server.engine(&copied.name)).await;
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(copied.value("SHOW server_encoding").await, "LATIN1");
    assert_same_text(&original.dump().await, &copied.dump().await);
    let (schema, rows) = read_all(&*server.engine(&original.name)).await;
    assert_eq!(schema.tables[0].name.name, "Ünï");
    let rows = rows.values().next().expect("there is a table");
    assert_eq!(rows.value(rows.rows() - 1, 0), Value::Text("ÿ".as_bytes()), "values are UTF-8, in its order");
}

async fn bytes_of_no_encoding(server: Server) {
    let original = server.database_with("ENCODING SQL_ASCII LOCALE 'C'").await;
    let client = original.client().await;
    client
        .batch_execute(
            r"SET client_encoding = SQL_ASCII; CREATE TABLE t (k text PRIMARY KEY, v text);
              INSERT INTO t VALUES (E'\xff\xfe', E'\x80'), ('plain', E'caf\xe9\t\\'), (E'\xc3\xa9', ''), (E'\xc3', NULL);",
        )
        .await
        .expect("bytes are taken as they are");
    let copied = server.absent();
    let notes = copy(&*server.engine(&original.name), &*server.engine(&copied.name)).await;
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(copied.value("SHOW server_encoding").await, "SQL_ASCII");
    let same = "SELECT md5(string_agg(encode(convert_to(k || '|' || coalesce(v, 'null'), 'SQL_ASCII'), 'hex'), ',' ORDER BY k)) FROM t";
    assert_eq!(original.value(same).await, copied.value(same).await);
    let (_, rows) = read_all(&*server.engine(&copied.name)).await;
    let rows = rows.values().next().expect("there is a table");
    assert_eq!(rows.value(3, 0), Value::Text(b"\xff\xfe"));
}

/// Their bytes compare in another order than the same text in UTF-8, so the server cannot sort.
async fn encodings_whose_order_is_another(server: Server) {
    for encoding in ["WIN1251", "EUC_JP", "LATIN2"] {
        let original = server.database_with(&format!("ENCODING {encoding} LOCALE 'C'")).await;
        let letters = match encoding {
            "EUC_JP" => "あ,い,ん,日,本,亜,ー,Ａ,漢,a,Z",
            "WIN1251" => "ё,а,я,Ё,№,b,Ђ,€",
            _ => "ą,ż,Ł,č,Ő,z,á,˘",
        };
        original
            .run(&format!("CREATE TABLE t (k text PRIMARY KEY); INSERT INTO t SELECT unnest(string_to_array('{letters}', ','))"))
            .await;
        let copied = server.absent();
        // The copy checks nothing of the order; reading does.
        copy(&*server.engine(&original.name), &*server.engine(&copied.name)).await;
        let (_, rows) = read_all(&*server.engine(&copied.name)).await;
        assert_eq!(rows.values().next().expect("there is a table").rows(), letters.split(',').count());
        assert_same_text(&original.dump().await, &copied.dump().await);
    }
}
