//! What `pg_dump` says in comments.

use rowkeep_format::TableName;

/// What comments said so far, and not yet taken.
#[derive(Debug, Default)]
pub(super) struct Comments {
    pub(super) mentioned: Vec<TableName>,
    pub(super) server: Option<String>,
    pub(super) program: Option<String>,
    /// Whether another dump begins behind one that is complete.
    pub(super) begins_another: bool,
    is_cluster: bool,
    dump_is_complete: bool,
    cluster_is_complete: bool,
}

impl Comments {
    /// Whether the dump said that it is complete.
    pub(super) fn is_complete(&self) -> bool {
        if self.is_cluster { self.cluster_is_complete } else { self.dump_is_complete }
    }

    /// Reads comments, line by line.
    pub(super) fn read(&mut self, comments: &[u8]) {
        let text = String::from_utf8_lossy(comments);
        for line in text.lines() {
            let Some(line) = line.trim_end().strip_prefix("-- ") else { continue };
            match line {
                "PostgreSQL database dump" => {
                    self.begins_another |= self.dump_is_complete && !self.is_cluster;
                    self.dump_is_complete = false;
                }
                "PostgreSQL database cluster dump" => self.is_cluster = true,
                "PostgreSQL database dump complete" => self.dump_is_complete = true,
                "PostgreSQL database cluster dump complete" => self.cluster_is_complete = true,
                _ => self.fact(line),
            }
        }
    }

    fn fact(&mut self, line: &str) {
        if let Some(version) = line.strip_prefix("Dumped from database version ") {
            self.server = Some(version.to_owned());
        } else if let Some(version) = line.strip_prefix("Dumped by pg_dump version ") {
            self.program = Some(version.to_owned());
        } else if let Some((name, rest)) = line
            .strip_prefix("Data for Name: ")
            .and_then(|line| line.rsplit_once("; Type: TABLE DATA; Schema: "))
            && let Some((schema, _)) = rest.rsplit_once("; Owner: ")
        {
            self.mentioned.push(TableName::qualified(schema, name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_understood() {
        let mut comments = Comments::default();
        comments.read(b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18 (Debian)\n-- Dumped by pg_dump version 18.6\n");
        assert!(!comments.is_complete());
        comments.read(b"\n--\n-- Data for Name: a; b; Type: TABLE DATA; Schema: s; Owner: o\n--\n");
        comments.read(b"--\r\n-- PostgreSQL database dump complete\r\n--\n");
        assert!(comments.is_complete());
        assert!(!comments.begins_another);
        comments.read(b"--\n-- PostgreSQL database dump\n--\n");
        assert!(comments.begins_another && !comments.is_complete());
        assert_eq!(comments.mentioned, [TableName::qualified("s", "a; b")]);
        assert_eq!(comments.server.as_deref(), Some("15.18 (Debian)"));
        assert_eq!(comments.program.as_deref(), Some("18.6"));
    }
}
