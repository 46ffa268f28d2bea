use std::collections::VecDeque;

use rowkeep_format::Value;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::*;
use crate::ErrorKind;
use crate::postgres::read::copy_decoder::CopyDecoder;
use crate::postgres::read::reading::Reading;

/// A stream that gives its pieces one by one, and then ends.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let pieces = &mut self.get_mut().0;
        if let Some(mut piece) = pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(out.remaining()));
            out.put_slice(&piece);
            if !rest.is_empty() {
                pieces.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message").to_be_bytes();
    [&[kind][..], &length, body].concat()
}

fn intercepted(bytes: &[u8], piece_bytes: usize) -> (Intercepted<Pieces>, CopyInterceptor) {
    let interceptor = CopyInterceptor::default();
    let pieces = bytes.chunks(piece_bytes).map(<[u8]>::to_vec).collect();
    (Intercepted::new(Pieces(pieces), interceptor.clone()), interceptor)
}

fn reading() -> Reading {
    Reading { what: "table t".to_owned(), copy: String::new(), columns: 2, blobs: false }
}

/// All rows of some batches, as text.
fn rows(batches: &mut mpsc::Receiver<rowkeep_format::RowBatch>) -> Vec<String> {
    let mut rows = Vec::new();
    while let Ok(batch) = batches.try_recv() {
        for row in 0..batch.rows() {
            let values = batch.row(row).map(|value| match value {
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            });
            rows.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

async fn release(interceptor: &CopyInterceptor) -> Result<(), EngineError> {
    let mut sink = interceptor.release()?.expect("rows were caught");
    std::future::poll_fn(|context| sink.poll_hand_on(context)).await.expect("somebody takes them");
    Ok(())
}

#[tokio::test]
async fn rows_are_caught_and_the_rest_passes_however_it_is_cut() {
    let begin = [message(b'2', b""), message(b'H', b"\0\0\0")].concat();
    let end = [message(b'c', b""), message(b'S', b"a\0b\0"), message(b'Z', b"I")].concat();
    let data: Vec<u8> = (0..50).flat_map(|n| message(b'd', format!("{n}\t\\N\n").as_bytes())).collect();
    let bytes = [&begin[..], &data, &message(b'N', b"a notice"), &message(b'd', b"x\ty\n"), &end].concat();
    for piece_bytes in 1..=bytes.len() {
        let (mut stream, interceptor) = intercepted(&bytes, piece_bytes);
        let (sender, mut batches) = mpsc::channel(3);
        interceptor.catch(Box::new(CopyDecoder::new(&reading(), &sender)));
        let mut passed = Vec::new();
        stream.read_to_end(&mut passed).await.expect("nothing is wrong");
        assert_eq!(
            passed,
            [&begin[..], &message(b'N', b"a notice"), &end].concat(),
            "in pieces of {piece_bytes}"
        );
        release(&interceptor).await.expect("nothing is wrong");
        let rows = rows(&mut batches);
        assert_eq!((rows.len(), rows[49].as_str(), rows[50].as_str()), (51, "49|Null", "x|y"));
    }
}

#[tokio::test]
async fn nothing_is_caught_that_nobody_asked_for() {
    let bytes = [message(b'd', b"1\t2\n"), message(b'c', b""), message(b'd', b"3\t4\n")].concat();
    let (mut stream, interceptor) = intercepted(&bytes, 4);
    let mut passed = Vec::new();
    stream.read_to_end(&mut passed).await.expect("nothing is wrong");
    assert_eq!(passed, bytes);
    assert!(interceptor.release().expect("nothing is wrong").is_none());
}

#[tokio::test]
async fn rows_larger_than_the_buffer_are_read_and_their_room_is_given_back() {
    let large = format!("{}\tz\n", "y".repeat(5 * BUFFER_BYTES + 7));
    let small = message(b'd', b"1\t2\n");
    let bytes = [small.clone(), message(b'd', large.as_bytes()), small.repeat(40_000)].concat();
    let (mut stream, interceptor) = intercepted(&bytes, 3 * BUFFER_BYTES);
    let (sender, mut batches) = mpsc::channel(1_000);
    interceptor.catch(Box::new(CopyDecoder::new(&reading(), &sender)));
    stream.read_to_end(&mut Vec::new()).await.expect("nothing is wrong");
    release(&interceptor).await.expect("nothing is wrong");
    let rows = rows(&mut batches);
    assert_eq!(rows.len(), 40_002);
    assert_eq!(rows[1].len() + 1, large.len());
    assert!(rows[2..].iter().all(|row| row == "1|2"));
    assert_eq!(stream.input.buffer.len(), BUFFER_BYTES);
}

#[tokio::test]
async fn reading_waits_for_whoever_takes_the_batches() {
    let rows_of_three_batches = 3 * rowkeep_format::RowBatch::TARGET_BYTES / 4;
    let bytes = message(b'd', b"1\t2\n").repeat(rows_of_three_batches);
    let (mut stream, interceptor) = intercepted(&bytes, 10_000);
    let (sender, mut batches) = mpsc::channel(1);
    interceptor.catch(Box::new(CopyDecoder::new(&reading(), &sender)));
    let reading = tokio::spawn(async move {
        let mut passed = Vec::new();
        stream.read_to_end(&mut passed).await.expect("nothing is wrong");
        assert!(passed.is_empty());
    });
    drop(sender);
    let mut count = 0;
    while count < rows_of_three_batches / 2 {
        assert!(!reading.is_finished(), "there is no room for all");
        count += batches.recv().await.expect("there is more").rows();
    }
    drop(batches);
    let error = reading.await.expect_err("nobody takes the rest");
    assert!(error.is_panic());
    assert!(interceptor.release().expect("it is nobody's fault").is_none());
}

#[tokio::test]
async fn what_is_no_row_ends_the_connection() {
    let too_large = [&[b'd'][..], &0x7fff_ffffu32.to_be_bytes(), b"1\t"].concat();
    for (bytes, kind) in [
        (message(b'd', b"1\t2\t3\n"), ErrorKind::Other),
        (message(b'd', b"1\t2"), ErrorKind::Other),
        (too_large, ErrorKind::Unstorable),
    ] {
        let (mut stream, interceptor) = intercepted(&bytes, 1_000);
        let (sender, _batches) = mpsc::channel(3);
        interceptor.catch(Box::new(CopyDecoder::new(&reading(), &sender)));
        stream.read_to_end(&mut Vec::new()).await.expect_err("it is no row");
        let error = interceptor.release().err().expect("it is told what is wrong");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("table t"), "{error}");
    }
    let (mut stream, _) = intercepted(&[b'Z', 0, 0, 0, 3], 10);
    stream.read_to_end(&mut Vec::new()).await.expect_err("no message is so short");
}
