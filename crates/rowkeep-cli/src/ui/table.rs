//! Tables of text: aligned, without lines, headings in capitals.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::units::plain;
use crate::wrap::width_of_results;

/// A column: its heading, and whether it holds numbers.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) bool);

/// Columns of text are not cut to less than this.
const LEAST: usize = 10;

/// The longest that an id or a time is.
const FIXED: usize = 24;

/// Spaces between columns.
const BETWEEN: usize = 2;

/// Lays rows out under headings. On a terminal, the widest texts are cut until a line fits.
pub(crate) fn render(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let widths = fitting(columns, &rows, width_of_results());
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.0));
    for row in rows {
        table.add_row(row.into_iter().zip(&widths).map(|(cell, width)| cut(cell, *width)));
    }
    for (index, column) in columns.iter().enumerate() {
        if let Some(laid_out) = table.column_mut(index) {
            laid_out.set_padding((0, BETWEEN as u16));
            if column.1 {
                laid_out.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The width of each column, so that a line has no more than so many places: the widest texts give way first.
fn fitting(columns: &[Column], rows: &[Vec<String>], most: Option<usize>) -> Vec<usize> {
    let width = |(at, column): (usize, &Column)| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
        cells.max().unwrap_or_default().max(column.0.width())
    };
    let mut widths: Vec<usize> = columns.iter().enumerate().map(width).collect();
    let Some(most) = most else { return widths };
    // What has the same length everywhere, such as an id or a time, is of no use in part.
    let is_fixed = |at: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
        let first = cells.next();
        widths[at] <= FIXED && cells.all(|width| Some(width) == first)
    };
    let uncut: Vec<bool> = (0..columns.len()).map(|at| columns[at].1 || is_fixed(at)).collect();
    let least = |at: usize| if uncut[at] { usize::MAX } else { LEAST.max(columns[at].0.width()) };
    while widths.iter().sum::<usize>() + BETWEEN * widths.len().saturating_sub(1) > most {
        let can_give = (0..widths.len()).filter(|at| widths[*at] > least(*at));
        let Some(widest) = can_give.max_by_key(|at| widths[*at]) else { break };
        widths[widest] -= 1;
    }
    widths
}

/// A text in no more than so many places, with `…` where it was cut.
fn cut(text: String, most: usize) -> String {
    if text.width() <= most {
        return text;
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or_default();
        if used > most {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_texts_give_way_on_a_narrow_terminal() {
        let columns = [Column("ID", false), Column("NAME", false), Column("ROWS", true)];
        let row = |name: &str| vec!["b967c63e".to_owned(), name.to_owned(), "25,000".to_owned()];
        let rows = [row("before-christmas-and-new-year"), row("日本語のとても長い名前です"), row("short")];
        assert_eq!(fitting(&columns, &rows, None), [8, 29, 6]);
        let widths = fitting(&columns, &rows, Some(36));
        assert_eq!(widths, [8, 18, 6]);
        assert_eq!(cut(rows[0][1].clone(), widths[1]), "before-christmas-…");
        assert_eq!(cut(rows[1][1].clone(), widths[1]).width(), 17);
        assert_eq!(cut(rows[2][1].clone(), widths[1]), "short");
        // Numbers are never cut, and texts keep something to be known by.
        assert_eq!(fitting(&columns, &rows, Some(5)), [8, 10, 6]);
    }
}
