//! Prose on a terminal: broken between words where a line is longer than the terminal is wide.

use unicode_width::UnicodeWidthStr;

/// Up to where what follows a gap of spaces counts as a column of its own, which further lines keep to.
const LABEL: usize = 24;

/// How many places a line of the results has, where they go to a terminal.
pub(crate) fn width_of_results() -> Option<usize> {
    width(&console::Term::stdout())
}

/// The same of what is said beside them.
pub(crate) fn width_of_messages() -> Option<usize> {
    width(&console::Term::stderr())
}

fn width(terminal: &console::Term) -> Option<usize> {
    terminal.is_term().then(|| usize::from(terminal.size().1))
}

/// Breaks lines that are longer than that between words. Commands, which may be copied, stay in one piece, as do rows and
/// definitions that differ, and what is in backticks.
pub(crate) fn wrapped(text: &str, most: Option<usize>) -> String {
    let Some(most) = most else { return text.to_owned() };
    let lines = text.split('\n').map(|line| match line.width() <= most || is_kept(line) {
        true => line.to_owned(),
        false => broken(line, most),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_kept(line: &str) -> bool {
    let line = line.trim_start();
    ["rowkeep ", "$ ", "+ ", "- ", "~ "].iter().any(|mark| line.starts_with(mark))
}

fn broken(line: &str, most: usize) -> String {
    let hang = Some(hanging(line)).filter(|hang| *hang <= most / 2).unwrap_or(0);
    let first = line.len() - line[hang.min(line.len())..].len();
    let (mut told, rest) = (line[..first].to_owned(), &line[first..]);
    let mut used = told.width();
    let mut is_first = true;
    for piece in pieces(rest) {
        let width = piece.width();
        if !is_first && used + 1 + width > most {
            told.push('\n');
            told.push_str(&" ".repeat(hang));
            used = hang;
        } else if !is_first {
            told.push(' ');
            used += 1;
        }
        told.push_str(piece);
        used += width;
        is_first = false;
    }
    told
}

/// How far further lines of a line are set in: under what follows its label or number, else as it is itself.
fn hanging(line: &str) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[indent..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && rest[digits..].starts_with(". ") {
        return indent + digits + 2;
    }
    match rest.find("  ") {
        Some(gap) if indent + gap < LABEL && rest[..gap].is_ascii() => {
            let after = rest[gap..].len() - rest[gap..].trim_start_matches(' ').len();
            indent + gap + after
        }
        _ => indent,
    }
}

/// What stays in one piece: words, and what is in backticks.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut from, mut is_quoted) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            '`' => is_quoted = !is_quoted,
            ' ' if !is_quoted => {
                pieces.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_between_words() {
        for (line, expected) in [
            ("no more than that", "no more than that"),
            ("a line that is too long for it", "a line that is too\nlong for it"),
            ("  set in as it is, and long", "  set in as it is,\n  and long"),
            ("ok   a finding which is long", "ok   a finding which\n     is long"),
            ("  1. a step that takes long", "  1. a step that\n     takes long"),
            ("run `rowkeep undo it` again", "run\n`rowkeep undo it`\nagain"),
            ("     rowkeep restore latest --to x", "     rowkeep restore latest --to x"),
            ("one-word-that-is-longer-than-a-line", "one-word-that-is-longer-than-a-line"),
            ("grüße aus 東京都 und noch mehr", "grüße aus 東京都 und\nnoch mehr"),
        ] {
            assert_eq!(wrapped(line, Some(20)), expected, "{line}");
            assert_eq!(wrapped(line, None), line);
        }
        assert_eq!(
            wrapped("short\n\na line that is too long for it\n", Some(20)),
            "short\n\na line that is too\nlong for it\n"
        );
    }
}
