//! Progress: bars on a terminal, plain lines in a log, nothing when asked for silence.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rowkeep::clock::{Clock, Stopwatch};
use rowkeep::{AtMoment, Event, Observer, Phase};

use super::units::{bytes, count, counted, duration, plain, short};
use crate::allocator;
use crate::fail::say;
use crate::out;
use crate::wrap::{width_of_messages, wrapped};

/// In a log, at most one line in this time.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Watches operations for a person or a log. Warnings are shown in every mode but silence.
pub(crate) fn observer(quiet: bool, clock: Arc<dyn Clock>) -> Observer {
    let shown = match quiet {
        true => Arc::new(|_: Event<'_>| {}),
        false if std::io::stderr().is_terminal() => terminal(),
        false => log(clock),
    };
    Arc::new(move |event| {
        match event {
            Event::AtMoment(found) => out::note_moment(found),
            Event::Freed => allocator::give_back(),
            _ => {}
        }
        shown(event);
    })
}

/// Which snapshot a time means.
fn at_moment(found: &AtMoment) -> String {
    format!(
        "note: {} is snapshot {}, taken {}, {}",
        plain(&found.asked),
        short(found.snapshot),
        found.told_time,
        found.distance()
    )
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
        Phase::Copy => "copying",
    }
}

fn unit(phase: Phase) -> &'static str {
    if phase == Phase::Check { "objects" } else { "rows" }
}

/// Columns of the bar; of the words after it those are shown that have their place.
const BAR: usize = 20;

fn terminal() -> Observer {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let clear = {
        let bar = bar.clone();
        move || {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    };
    out::clearing(clear.clone());
    let now = Mutex::new(Now { phase: Phase::Backup, expected: 0, done: 0, bytes: 0 });
    let show = |now: &Now, bar: &ProgressBar| {
        bar.set_position(now.done);
        bar.set_length(now.expected.max(now.done));
        let places = width_of_messages().unwrap_or(80).saturating_sub(BAR + 3);
        bar.set_message(now.words(bar.per_sec(), bar.eta(), places));
    };
    Arc::new(move |event| {
        let Ok(mut now) = now.lock() else { return };
        match event {
            Event::Phase { .. } | Event::Advanced { .. } | Event::Checked { .. } if out::is_streamed() => {}
            Event::Phase { phase, rows, .. } => {
                *now = Now { phase, expected: rows, done: 0, bytes: 0 };
                bar.reset();
                let template = match rows {
                    0 => "{spinner} {wide_msg}".to_owned(),
                    _ => format!("[{{bar:{BAR}}}] {{wide_msg}}"),
                };
                if let Ok(style) = ProgressStyle::with_template(&template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                show(&now, &bar);
                bar.enable_steady_tick(Duration::from_millis(120));
            }
            Event::Advanced { rows: more, bytes, .. } | Event::Checked { objects: more, bytes } => {
                now.done += more;
                now.bytes += bytes;
                show(&now, &bar);
            }
            Event::TableAgain { rows, bytes, .. } => {
                now.done = now.done.saturating_sub(rows);
                now.bytes = now.bytes.saturating_sub(bytes);
                show(&now, &bar);
            }
            Event::Pause => clear(),
            Event::AtMoment(found) => {
                out::clear();
                say(&at_moment(found));
            }
            Event::Warning(warning) => bar.suspend(|| say_warning(warning)),
            Event::Hook { moment, hook } => bar.suspend(|| say_hook(moment, hook)),
            Event::HookLine { hook, line } => bar.suspend(|| say_line(hook, line)),
            _ => {}
        }
    })
}

/// How far a phase is.
struct Now {
    phase: Phase,
    /// Rows or objects in all, as far as is known; 0 when nothing is.
    expected: u64,
    done: u64,
    bytes: u64,
}

impl Now {
    /// What stands beside the bar: what matters most comes first, and the rest is left out where it has no place.
    fn words(&self, per_second: f64, left: Duration, places: usize) -> String {
        let mut words = doing(self.phase).to_owned();
        if self.done == 0 {
            return words;
        }
        let of = match self.expected {
            0 => String::new(),
            expected => format!("/{}", count(expected.max(self.done))),
        };
        let mut parts = vec![format!(" {}{of} {}", count(self.done), unit(self.phase))];
        if self.expected > self.done {
            parts.push(format!(", {} left", duration(left)));
        }
        parts.push(format!(", {}", bytes(self.bytes)));
        parts.push(format!(", {}/s", count(per_second.round() as u64)));
        for part in parts {
            if words.len() + part.len() > places {
                break;
            }
            words += &part;
        }
        words
    }
}

fn say_warning(warning: &str) {
    eprintln!("{}", wrapped(&format!("warning: {}", plain(warning)), width_of_messages()));
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
                    (Phase::Check | Phase::Finish | Phase::Apply, _) => eprintln!("{}", doing(phase)),
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
            Event::AtMoment(found) => say(&at_moment(found)),
            Event::Warning(warning) => say_warning(warning),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beside_the_bar_say_what_matters_in_whole_numbers_and_have_their_place() {
        let now = Now { phase: Phase::Restore, expected: 8_000_000, done: 1_234_567, bytes: 310_000_000 };
        for (columns, words) in [
            (120, "restoring 1,234,567/8,000,000 rows, 3 min 20 s left, 310 MB, 923,982/s"),
            (90, "restoring 1,234,567/8,000,000 rows, 3 min 20 s left, 310 MB"),
            (80, "restoring 1,234,567/8,000,000 rows, 3 min 20 s left"),
            (60, "restoring 1,234,567/8,000,000 rows"),
            (40, "restoring"),
        ] {
            assert_eq!(now.words(923_981.525_8, Duration::from_secs(200), columns - BAR - 3), words);
        }
        let most = Now { phase: Phase::Finish, expected: 0, done: 0, bytes: 0 };
        assert_eq!(most.words(0.0, Duration::ZERO, 57), "building indexes and constraints");
        let more_than_guessed = Now { phase: Phase::Backup, expected: 10, done: 12, bytes: 1000 };
        assert_eq!(more_than_guessed.words(3.4, Duration::ZERO, 57), "backing up 12/12 rows, 1.0 kB, 3/s");
    }
}
