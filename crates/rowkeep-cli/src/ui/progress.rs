//! Progress: bars on a terminal, plain lines in a log, nothing when asked for silence.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rowkeep::clock::{Clock, Stopwatch};
use rowkeep::{Event, Observer, Phase};

use super::units::{bytes, count, counted, duration, plain};

/// In a log, at most one line in this time.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Watches operations for a person or a log. Warnings are shown in every mode but silence.
pub(crate) fn observer(quiet: bool, clock: Arc<dyn Clock>) -> Observer {
    if quiet {
        return Arc::new(|_| {});
    }
    if std::io::stderr().is_terminal() { terminal() } else { log(clock) }
}

fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Backup => "backing up",
        Phase::Verify => "verifying",
        Phase::Diff => "comparing",
        Phase::Apply => "changing rows",
        Phase::Restore => "restoring",
        Phase::Finish => "building indexes and constraints",
        Phase::Export => "exporting",
        Phase::Check => "checking",
    }
}

fn unit(phase: Phase) -> &'static str {
    if phase == Phase::Check { "objects" } else { "rows" }
}

fn terminal() -> Observer {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let moved = AtomicU64::new(0);
    Arc::new(move |event| match event {
        Event::Phase { phase, rows, .. } => {
            moved.store(0, Ordering::Relaxed);
            bar.reset();
            let unit = unit(phase);
            let template = match rows {
                0 => format!("{{spinner}} {} {{human_pos}} {unit} {{msg}}", doing(phase)),
                _ => format!(
                    "{} [{{bar:30}}] {{human_pos}}/{{human_len}} {unit}, {{per_sec}} {{msg}}, {{eta}} left",
                    doing(phase)
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_length(rows);
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Event::Advanced { rows, bytes: more, .. } => {
            let moved = moved.fetch_add(more, Ordering::Relaxed) + more;
            bar.inc(rows);
            if bar.length().is_some_and(|length| length > 0 && bar.position() > length) {
                bar.set_length(bar.position());
            }
            bar.set_message(bytes(moved));
        }
        Event::Checked { objects, bytes: more } => {
            let moved = moved.fetch_add(more, Ordering::Relaxed) + more;
            bar.inc(objects);
            bar.set_message(bytes(moved));
        }
        Event::TableAgain { rows, bytes, .. } => {
            moved.fetch_sub(bytes, Ordering::Relaxed);
            bar.dec(rows);
        }
        Event::Pause => {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
        Event::Warning(warning) => bar.suspend(|| eprintln!("warning: {}", plain(warning))),
        Event::Hook { moment, hook } => bar.suspend(|| say_hook(moment, hook)),
        Event::HookLine { hook, line } => bar.suspend(|| say_line(hook, line)),
        _ => {}
    })
}

fn say_hook(moment: &str, hook: &str) {
    eprintln!("{moment}: {}", plain(hook));
}

/// A line of a hook, with whose it is.
fn say_line(hook: &str, line: &str) {
    eprintln!("[{}] {}", plain(hook), plain(line));
}

struct Log {
    phase: Phase,
    expected: u64,
    done: u64,
    bytes: u64,
    phase_watch: Stopwatch,
    line_watch: Stopwatch,
}

fn log(clock: Arc<dyn Clock>) -> Observer {
    let begin = move |phase, expected| {
        let watch = Stopwatch::start(&clock);
        Log { phase, expected, done: 0, bytes: 0, phase_watch: watch.clone(), line_watch: watch }
    };
    let state = Mutex::new(begin(Phase::Backup, 0));
    Arc::new(move |event| {
        let Ok(mut log) = state.lock() else { return };
        match event {
            Event::Phase { phase, tables, rows } => {
                *log = begin(phase, rows);
                match (phase, tables) {
                    (Phase::Check | Phase::Finish, _) => eprintln!("{}", doing(phase)),
                    (_, tables) => eprintln!("{} {}", doing(phase), counted(tables, "table")),
                }
            }
            Event::Advanced { rows, bytes, .. } | Event::Checked { objects: rows, bytes } => {
                log.done += rows;
                log.bytes += bytes;
                if log.line_watch.elapsed() >= LINE_EVERY {
                    log.line_watch.restart();
                    eprintln!("{}", log.line());
                }
            }
            Event::TableAgain { rows, bytes, .. } => {
                log.done -= rows;
                log.bytes -= bytes;
            }
            Event::Warning(warning) => eprintln!("warning: {}", plain(warning)),
            Event::Hook { moment, hook } => say_hook(moment, hook),
            Event::HookLine { hook, line } => say_line(hook, line),
            _ => {}
        }
    })
}

impl Log {
    fn line(&self) -> String {
        let elapsed = self.phase_watch.elapsed();
        let mut line = format!("{}: {} {}", doing(self.phase), count(self.done), unit(self.phase));
        if self.expected > self.done {
            let left = elapsed.as_secs_f64() / self.done.max(1) as f64 * (self.expected - self.done) as f64;
            let left = Duration::try_from_secs_f64(left).unwrap_or_default();
            line += &format!(" of about {}, {} left", count(self.expected), duration(left));
        }
        format!("{line}, {} in {}", bytes(self.bytes), duration(elapsed))
    }
}
