//! What is said of tables after they were made: phpMyAdmin and others write keys behind the rows.

use super::cursor::Cursor;
use super::definition::counted;
use super::table::Table;

impl Table {
    /// Takes what follows `ALTER TABLE` and the name of the table.
    pub(super) fn alter(&mut self, cursor: &mut Cursor<'_>) {
        for mut action in cursor.parts() {
            let whole = action.rest();
            if self.action(&mut action).is_none() {
                self.left_out.push(whole);
            }
        }
    }

    fn action(&mut self, action: &mut Cursor<'_>) -> Option<()> {
        if action.takes(&["add"]) {
            if self.key(action) {
                return Some(());
            }
            action.takes(&["column"]);
            return self.add_column(action.clone());
        }
        if action.takes(&["modify"]) {
            action.takes(&["column"]);
            return self.change_column(action.clone());
        }
        if action.takes(&["auto_increment"]) {
            action.takes_symbol(b'=');
            self.next = counted(action);
            return Some(());
        }
        let is_of_loading = action.sees(&["disable", "keys"]) || action.sees(&["enable", "keys"]);
        is_of_loading.then_some(())
    }
}
