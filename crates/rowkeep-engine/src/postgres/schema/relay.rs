//! `pg_dump` over a connection of ours.
//!
//! It sets what it needs for all of its connection, prepares statements there, and wants an exported snapshot. On a connection
//! that a pooler lends for a transaction, the next application would find all that. So it is given a socket in a private
//! folder, and what it asks there is asked in the transaction of a view: what it sets, it sets for that alone.

use std::io;

use bytes::{BufMut, BytesMut};
use rowkeep_format::TableName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::DbError;

use super::pg_dump::PgDump;
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind};

/// The port in the name of the socket.
const PORT: u16 = 5432;

/// What the names of the statements that it prepares are made to begin with, so that they are no application's.
const OURS: &str = "rowkeep_";

/// Has `pg_dump` write a section of the schema in the transaction of a session, which is then as it was before.
pub(crate) async fn section(
    pg_dump: &PgDump,
    session: &Session,
    section: &str,
    passed_over: &[TableName],
) -> Result<String, EngineError> {
    let no_socket = |error: io::Error| {
        EngineError::new(ErrorKind::Other, "cannot make a socket for pg_dump in the temporary folder")
            .with_source(error)
    };
    let folder = tempfile::tempdir().map_err(no_socket)?;
    let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
    let listener = UnixListener::bind(&socket).map_err(no_socket)?;
    session.prepare("SAVEPOINT rowkeep_schema").await?;
    let running = pg_dump.section_at(folder.path(), PORT, section, &session.encoding, passed_over);
    let serving = async {
        let (stream, _) = listener.accept().await?;
        serve(stream, session).await
    };
    tokio::pin!(running);
    let written = tokio::select! {
        biased;
        written = &mut running => written,
        // It says itself what it could not do without.
        _ = serving => running.await,
    };
    session.prepare("ROLLBACK TO SAVEPOINT rowkeep_schema; RELEASE SAVEPOINT rowkeep_schema").await?;
    session.forget_prepared().await?;
    written
}

/// Answers a client as a server does (PostgreSQL manual, "Message Flow"), as far as simple queries go.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, session: &Session) -> io::Result<()> {
    const VERSION_3: u32 = 3;
    loop {
        let length = stream.read_u32().await?;
        let message = body(&mut stream, length).await?;
        // Else it asks for encryption.
        if message.first_chunk().is_some_and(|code| u32::from_be_bytes(*code) >> 16 == VERSION_3) {
            break;
        }
        stream.write_all(b"N").await?;
    }
    let mut out = BytesMut::new();
    put(&mut out, b'R', |out| out.put_u32(0));
    let encoding = if session.encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" };
    for (name, value) in [
        ("server_version", session.version.as_str()),
        ("server_encoding", session.encoding.as_str()),
        ("client_encoding", encoding),
        ("standard_conforming_strings", "on"),
        ("integer_datetimes", "on"),
        ("DateStyle", "ISO, YMD"),
        ("TimeZone", "UTC"),
    ] {
        put(&mut out, b'S', |out| [name, value].iter().for_each(|text| string(out, text)));
    }
    put(&mut out, b'K', |out| out.put_u64(0));
    ready(&mut out);
    stream.write_all(&out).await?;
    loop {
        let Ok(kind) = stream.read_u8().await else { return Ok(()) };
        let length = stream.read_u32().await?;
        let message = body(&mut stream, length).await?;
        out.clear();
        match kind {
            b'X' => return Ok(()),
            b'Q' => {
                let query =
                    String::from_utf8_lossy(message.strip_suffix(&[0]).unwrap_or(&message)).into_owned();
                answer(session, &query, &mut out).await?;
            }
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        ready(&mut out);
        stream.write_all(&out).await?;
    }
}

async fn body<S: AsyncRead + Unpin>(stream: &mut S, length: u32) -> io::Result<Vec<u8>> {
    let mut body = vec![0; (length as usize).saturating_sub(4)];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn answer(session: &Session, query: &str, out: &mut BytesMut) -> io::Result<()> {
    let word = query.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let Some(query) = within_transaction(query) else {
        put(out, b'C', |out| string(out, &word));
        return Ok(());
    };
    if let Some(prepared) = query.strip_prefix("prepare ") {
        let name = prepared.split(|c: char| !c.is_alphanumeric() && c != '_').next();
        session.note_prepared(name.unwrap_or_default().to_owned());
    }
    let messages = match session.client.simple_query(&query).await {
        Ok(messages) => messages,
        Err(error) => match error.as_db_error() {
            Some(said) => {
                refusal(said, out);
                return Ok(());
            }
            None => return Err(io::Error::other(error)),
        },
    };
    for message in &messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => put(out, b'T', |out| {
                out.put_u16(columns.len() as u16);
                for column in columns.iter() {
                    string(out, column.name());
                    // No table's column, and a text.
                    out.put_u32(0);
                    out.put_u16(0);
                    out.put_u32(25);
                    out.put_i16(-1);
                    out.put_i32(-1);
                    out.put_u16(0);
                }
            }),
            SimpleQueryMessage::Row(row) => put(out, b'D', |out| {
                out.put_u16(row.len() as u16);
                for value in (0..row.len()).map(|at| row.get(at)) {
                    out.put_i32(value.map_or(-1, |text| text.len() as i32));
                    out.put_slice(value.unwrap_or_default().as_bytes());
                }
            }),
            SimpleQueryMessage::CommandComplete(rows) => {
                put(out, b'C', |out| string(out, &format!("{word} {rows}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The query as it is asked within the transaction of a view; nothing where it begins or ends one, or says in which encoding it
/// asks, which is the view's.
fn within_transaction(query: &str) -> Option<String> {
    let (word, rest) = query.split_once(|c: char| c.is_whitespace()).unwrap_or((query, ""));
    let next = rest.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    match word.to_ascii_lowercase().trim_end_matches(';') {
        "begin" | "start" | "commit" | "rollback" | "end" => None,
        "set" if next == "transaction" || next == "client_encoding" => None,
        "set" => Some(format!("SET LOCAL {rest}")),
        word @ ("prepare" | "execute") => Some(format!("{word} {OURS}{rest}")),
        _ if query.contains("set_config(") => {
            let local = query.replace(", false)", ", true)").replace(",false)", ",true)");
            // Else an application's temporary tables would come before the catalogs.
            Some(local.replace("'search_path', ''", "'search_path', 'pg_catalog, pg_temp'"))
        }
        _ => Some(query.to_owned()),
    }
}

fn refusal(said: &DbError, out: &mut BytesMut) {
    put(out, b'E', |out| {
        let fields = [
            (b'S', Some(said.severity())),
            (b'V', Some("ERROR")),
            (b'C', Some(said.code().code())),
            (b'M', Some(said.message())),
            (b'D', said.detail()),
            (b'H', said.hint()),
        ];
        for (field, text) in fields {
            if let Some(text) = text {
                out.put_u8(field);
                string(out, text);
            }
        }
        out.put_u8(0);
    });
}

fn ready(out: &mut BytesMut) {
    put(out, b'Z', |out| out.put_u8(b'T'));
}

/// Appends a message: its kind, its length, what it says.
fn put(out: &mut BytesMut, kind: u8, say: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    let start = out.len();
    out.put_u32(0);
    say(out);
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

fn string(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_set_or_ended_beyond_the_transaction() {
        for (asked, expected) in [
            ("BEGIN", None),
            ("COMMIT;", None),
            ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", None),
            ("set client_encoding to 'UTF8'", None),
            ("SET statement_timeout = 0", Some("SET LOCAL statement_timeout = 0")),
            ("PREPARE dumpFunc(oid) AS\nSELECT $1", Some("prepare rowkeep_dumpFunc(oid) AS\nSELECT $1")),
            ("EXECUTE dumpFunc('1')", Some("execute rowkeep_dumpFunc('1')")),
            (
                "SELECT pg_catalog.set_config('search_path', '', false);",
                Some("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);"),
            ),
            ("SELECT ', false)'", Some("SELECT ', false)'")),
            ("LOCK TABLE a IN ACCESS SHARE MODE", Some("LOCK TABLE a IN ACCESS SHARE MODE")),
        ] {
            assert_eq!(within_transaction(asked).as_deref(), expected, "{asked}");
        }
    }

    #[test]
    fn messages_say_how_long_they_are() {
        let mut out = BytesMut::new();
        put(&mut out, b'C', |out| string(out, "BEGIN"));
        ready(&mut out);
        assert_eq!(&out[..], b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T");
    }
}
