//! Prometheus' text format, version 0.0.4.

use std::fmt::Write as _;

use super::families::{BUILD_INFO, Family, Kind};

/// What an answer in this format is, for HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One figure: its labels, and its value.
pub type Sample<'a> = (Vec<(&'static str, &'a str)>, f64);

/// Figures that are written down.
///
/// ```
/// use rowkeep::metrics::{REPOSITORY_BYTES, Text};
///
/// let mut text = Text::of_version("1.0.0");
/// text.family(&REPOSITORY_BYTES, [(Vec::new(), 4_096.0)]);
/// assert!(text.into_string().ends_with("# TYPE rowkeep_repository_bytes gauge\nrowkeep_repository_bytes 4096\n"));
/// ```
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Begins with the version of the program that writes.
    pub fn of_version(version: &str) -> Self {
        let mut text = Self::default();
        text.family(&BUILD_INFO, [(vec![("version", version)], 1.0)]);
        text
    }

    /// Writes figures of one name; their heading also where there are none, so that it is known which ones there could be.
    pub fn family<'a>(&mut self, family: &Family, samples: impl IntoIterator<Item = Sample<'a>>) {
        self.begin(family);
        for (labels, value) in samples {
            self.sample(family.name, &labels, value);
        }
    }

    /// Writes the heading of figures.
    pub(super) fn begin(&mut self, family: &Family) {
        let Family { name, kind, help } = family;
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Writes one figure.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&'static str, &str)], value: f64) {
        self.0.push_str(name);
        for (number, (label, stated)) in labels.iter().enumerate() {
            let before = if number == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(stated));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// What was written.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The value of a label, as the format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_end_where_they_should() {
        let mut text = Text::default();
        text.sample("name", &[("a", "a\"b\\c\nd"), ("b", "")], 0.5);
        assert_eq!(text.into_string(), "name{a=\"a\\\"b\\\\c\\nd\",b=\"\"} 0.5\n");
    }
}
