//! The names of files, as file systems like them.

use std::collections::HashSet;
use std::fmt::Write as _;

use rowkeep_format::Table;

/// The name of a file.
pub(super) fn file_name(name: &str, extension: &str) -> String {
    let mut out = String::new();
    for (at, character) in name.chars().enumerate() {
        let is_plain = !character.is_control() && !"/\\:*?\"<>|%".contains(character);
        if is_plain && !(at == 0 && character == '.') {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                // Writing into a text cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    format!("{out}.{extension}")
}

/// The names of the files of tables; no two are the same where case does not count.
pub(super) fn file_names(tables: &[&Table], extension: &str) -> Vec<String> {
    let mut taken = HashSet::new();
    let name = |table: &&Table| {
        let plain = table.name.to_string();
        let mut name = file_name(&plain, extension);
        let mut number = 2;
        while !taken.insert(name.to_lowercase()) {
            name = file_name(&format!("{plain}-{number}"), extension);
            number += 1;
        }
        name
    };
    tables.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use rowkeep_format::{Key, TableKind, TableName};

    use super::*;

    #[test]
    fn files_are_called_what_file_systems_take() {
        let table = |name: &str| Table {
            name: TableName::plain(name),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(0),
            identity: None,
            foreign_keys: Vec::new(),
        };
        let tables = ["a/b", "..", "Users", "users", "é 1"].map(table);
        let names = file_names(&tables.iter().collect::<Vec<_>>(), "csv.gz");
        assert_eq!(names, ["a%2Fb.csv.gz", "%2E..csv.gz", "Users.csv.gz", "users-2.csv.gz", "é 1.csv.gz"]);
    }
}
