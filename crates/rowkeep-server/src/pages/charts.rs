//! Lines that show how something went, drawn here: a page with them needs no program in the browser.

/// A line in a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The corners of the line, as SVG has them.
    pub(super) points: String,
    /// The same, closed along the bottom.
    pub(super) area: String,
}

/// Room for half the width of the line.
const EDGE: f64 = 2.0;

/// Draws values at their places on the horizontal axis, from the bottom (0) to the highest; nothing where there are fewer than two.
pub(super) fn line(values: &[(i64, u64)], width: u32, height: u32) -> Option<Line> {
    let (first, last) = (values.first()?.0, values.last()?.0);
    if values.len() < 2 || first >= last {
        return None;
    }
    let highest = values.iter().map(|value| value.1).max()?.max(1) as f64;
    let (inner_width, inner_height) = (f64::from(width) - 2.0 * EDGE, f64::from(height) - 2.0 * EDGE);
    let mut points = String::new();
    for (at, value) in values {
        let x = EDGE + inner_width * (at - first) as f64 / (last - first) as f64;
        let y = EDGE + inner_height * (1.0 - *value as f64 / highest);
        points.push_str(&format!("{x:.1},{y:.1} "));
    }
    let bottom = f64::from(height) - EDGE;
    let area = format!("{EDGE:.1},{bottom:.1} {points}{:.1},{bottom:.1}", f64::from(width) - EDGE);
    Some(Line { width, height, points: points.trim_end().to_owned(), area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_in_their_box() {
        assert_eq!(line(&[], 100, 20), None);
        assert_eq!(line(&[(5, 7)], 100, 20), None);
        assert_eq!(line(&[(5, 7), (5, 9)], 100, 20), None);
        let drawn = line(&[(0, 0), (10, 50), (20, 100)], 104, 24).expect("there is something to draw");
        assert_eq!(drawn.points, "2.0,22.0 52.0,12.0 102.0,2.0");
        assert_eq!(drawn.area, "2.0,22.0 2.0,22.0 52.0,12.0 102.0,2.0 102.0,22.0");
        let flat = line(&[(0, 0), (1, 0)], 104, 24).expect("there is something to draw");
        assert_eq!(flat.points, "2.0,22.0 102.0,22.0");
    }
}
