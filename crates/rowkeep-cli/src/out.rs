//! Standard output: results go there, and nothing else.
//!
//! Whoever reads it may have seen enough and be gone; that is no failure. A disk that is full is one.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rowkeep::AtMoment;
use serde::Serialize;
use serde_json::{Value, json};

/// Whether anything could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether a result goes to the terminal bit by bit, so that nothing else may be drawn there.
static STREAMED: AtomicBool = AtomicBool::new(false);

/// Takes away what shows progress on the terminal.
static CLEAR: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// The snapshots that were found by times, which a result in JSON says beside the rest.
static MOMENTS: Mutex<Vec<AtMoment>> = Mutex::new(Vec::new());

/// Takes note of a snapshot that was found by a time.
pub(crate) fn note_moment(found: &AtMoment) {
    MOMENTS.lock().unwrap_or_else(PoisonError::into_inner).push(found.clone());
}

/// Has `clear` called before anything is written, to take away what shows progress on the terminal: it would be drawn over
/// what is written.
pub(crate) fn clearing(clear: impl Fn() + Send + Sync + 'static) {
    let _ = CLEAR.set(Box::new(clear));
}

/// Takes away what shows progress, before something is written to the terminal.
pub(crate) fn clear() {
    if let Some(clear) = CLEAR.get() {
        clear();
    }
}

/// Standard output, for a result that is written while it is made.
pub(crate) fn stream() -> Box<dyn Write + Send> {
    clear();
    STREAMED.store(io::stdout().is_terminal(), Ordering::Relaxed);
    Box::new(io::stdout())
}

/// Whether the terminal is for a result that is being written.
pub(crate) fn is_streamed() -> bool {
    STREAMED.load(Ordering::Relaxed)
}

/// Writes text and ends the line.
pub(crate) fn line(text: impl AsRef<str>) {
    write(|out| writeln!(out, "{}", text.as_ref()));
}

/// Writes text as it is.
pub(crate) fn text(text: impl AsRef<str>) {
    write(|out| out.write_all(text.as_ref().as_bytes()));
}

/// Writes a value as a line of JSON, straight to where it goes: a list of many snapshots is large. What was asked for by a
/// time is said beside it.
pub(crate) fn json(value: &impl Serialize) {
    let moments = MOMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if !moments.is_empty()
        && let Ok(Value::Object(mut object)) = serde_json::to_value(value)
    {
        object.insert("at_times".to_owned(), json!(&*moments));
        return json_line(&object);
    }
    json_line(value);
}

fn json_line(value: &impl Serialize) {
    write(|out| {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)
    });
}

/// Whether a part of the result could not be written, which was said then.
pub(crate) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

fn write(write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>) {
    clear();
    let mut out = BufWriter::new(io::stdout().lock());
    if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
        lost(&error);
    }
}

/// Takes note that something could not be written.
pub(crate) fn lost(error: &io::Error) {
    if error.kind() != io::ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) {
        eprintln!("rowkeep: cannot write the result: {error}");
    }
}
