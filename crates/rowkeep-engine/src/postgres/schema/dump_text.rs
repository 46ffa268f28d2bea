//! What `pg_dump` writes, without what differs between two runs over the same schema.

/// Removes the versions in the header and the `\restrict` lines, whose token is random.
///
/// Only lines before the first statement and the last lines are looked at, so that the text of a function that
/// looks like one of them stays as it is.
pub(crate) fn normalise(dump: &str) -> String {
    let mut lines: Vec<&str> = dump.split_inclusive('\n').collect();
    let header = lines.iter().position(|line| !is_header(line)).unwrap_or(lines.len());
    let token = lines[..header].iter().find_map(|line| line.strip_prefix("\\restrict ")).map(str::trim);
    if let Some(token) = token {
        let end = format!("\\unrestrict {token}");
        if let Some(at) = lines.iter().rposition(|line| line.trim_end() == end) {
            lines.remove(at);
        }
    }
    let is_kept = |(at, line): &(usize, &&str)| {
        *at >= header
            || !(line.starts_with("\\restrict ")
                || line.starts_with("-- Dumped from database version ")
                || line.starts_with("-- Dumped by pg_dump version "))
    };
    lines.iter().enumerate().filter(is_kept).map(|(_, line)| *line).collect()
}

fn is_header(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with("--") || line.starts_with("\\restrict ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc123\n\n\
        -- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)\n-- Dumped by pg_dump version 15.18\n\n\
        SET statement_timeout = 0;\n\
        CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n-- Dumped by pg_dump version 9\n\\unrestrict abc123x\n\\restrict b\n$$;\n\n\
        --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc123\n\n";

    #[test]
    fn only_what_differs_between_runs_is_removed() {
        let plain = normalise(DUMP);
        assert_eq!(
            plain,
            "--\n-- PostgreSQL database dump\n--\n\n\n\nSET statement_timeout = 0;\n\
             CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n-- Dumped by pg_dump version 9\n\\unrestrict abc123x\n\\restrict b\n$$;\n\n\
             --\n-- PostgreSQL database dump complete\n--\n\n\n"
        );
        assert_eq!(plain, normalise(&DUMP.replace("abc123\n", "zyx987\n").replace("15.18", "15.19")));
    }
}
