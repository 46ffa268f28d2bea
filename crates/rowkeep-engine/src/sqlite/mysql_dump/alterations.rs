//! What is said of tables after they were made: phpMyAdmin and others write keys behind the rows.

use super::cursor::Cursor;
use super::definition::counted;
use super::table::Table;

/// What says how a table is stored, and nothing of what is in it.
const STORAGE: [&[&str]; 7] = [
    &["engine"],
    &["row_format"],
    &["comment"],
    &["default", "charset"],
    &["default", "character", "set"],
    &["default", "collate"],
    &["collate"],
];

impl Table {
    /// Takes what follows `ALTER TABLE` and the name of the table; an error gives the part that is not carried out.
    pub(super) fn alter(&mut self, cursor: &mut Cursor<'_>) -> Result<(), String> {
        for mut action in cursor.parts() {
            let whole = action.rest();
            self.action(&mut action).ok_or(whole)?;
        }
        if cursor.is_done() { Ok(()) } else { Err(cursor.rest()) }
    }

    fn action(&mut self, action: &mut Cursor<'_>) -> Option<()> {
        if action.takes(&["add"]) {
            if action.sees(&["system", "versioning"]) || action.sees(&["partition"]) {
                return None;
            }
            if self.key(action) {
                return Some(());
            }
            action.takes(&["column"]);
            return if moves(action) { None } else { self.add_column(action.clone()) };
        }
        if action.takes(&["modify"]) {
            action.takes(&["column"]);
            return if moves(action) { None } else { self.change_column(action.clone()) };
        }
        if action.takes(&["auto_increment"]) {
            action.takes_symbol(b'=');
            self.next = counted(action);
            return action.is_done().then_some(());
        }
        let is_of_loading = action.takes(&["disable", "keys"]) || action.takes(&["enable", "keys"]);
        let is_of_storage = || STORAGE.iter().any(|words| action.sees(words));
        ((is_of_loading && action.is_done()) || is_of_storage()).then_some(())
    }
}

/// Whether a column gets another place among the columns, which rows without names of columns follow.
fn moves(action: &Cursor<'_>) -> bool {
    let mut rest = action.clone();
    // The name of the column itself may be such a word.
    rest.next();
    while !rest.is_done() {
        if rest.sees(&["first"]) || rest.sees(&["after"]) {
            return true;
        }
        rest.next();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_carried_out_is_refused() {
        let table = Table::read(&mut Cursor::new(b"t (a int, b text)")).expect("a table").1;
        for sql in [
            "ADD PRIMARY KEY (a), ADD c int DEFAULT 5",
            "MODIFY a int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7",
            "DISABLE KEYS",
            "ENGINE=InnoDB, COMMENT='x'",
        ] {
            assert_eq!(table.clone().alter(&mut Cursor::new(sql.as_bytes())), Ok(()), "{sql}");
        }
        for sql in [
            "CHANGE a b int",
            "DROP COLUMN a",
            "RENAME TO u",
            "ADD c int FIRST",
            "ADD COLUMN c int AFTER a",
            "MODIFY b text FIRST",
            "ADD SYSTEM VERSIONING",
            "ADD PARTITION (PARTITION p VALUES LESS THAN (5))",
            "ENABLE KEYS { INSERT",
            "MODIFY z int",
            "ORDER BY b",
        ] {
            assert!(table.clone().alter(&mut Cursor::new(sql.as_bytes())).is_err(), "{sql}");
        }
    }
}
