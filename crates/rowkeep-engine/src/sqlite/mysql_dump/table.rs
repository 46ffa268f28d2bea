//! A table as a dump of MySQL defines it.

use super::cursor::Cursor;
use super::lexer::Token;
use super::literals::default_of;
use super::types::{Kind, Type};

/// Character sets whose text is UTF-8.
const UTF8: [&str; 4] = ["utf8", "utf8mb3", "utf8mb4", "ascii"];

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) primary: Vec<String>,
    pub(super) indexes: Vec<Index>,
    pub(super) references: Vec<Reference>,
    /// The number that the next row gets, where the table counts.
    pub(super) next: Option<u64>,
    /// The character set of its text where a column does not say.
    pub(super) charset: Option<String>,
    /// How its text is compared where a column does not say.
    pub(super) collation: Option<String>,
    /// What is not taken over, in words.
    pub(super) left_out: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) of: Type,
    pub(super) not_null: bool,
    /// What it is where an `INSERT` does not say, in SQL for SQLite.
    pub(super) default: Option<String>,
    /// The expression that its values follow from.
    pub(super) generated: Option<String>,
    pub(super) counts: bool,
    pub(super) charset: Option<String>,
    pub(super) collation: Option<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) unique: bool,
    /// Columns, and whether each descends.
    pub(super) columns: Vec<(String, bool)>,
}

/// A foreign key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) columns: Vec<String>,
    pub(super) table: String,
    pub(super) referenced: Vec<String>,
    /// What happens to rows when those that they refer to change: `ON DELETE CASCADE`.
    pub(super) actions: String,
}

impl Table {
    /// The column of a name; names of columns are the same in any case.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The column that is the row's own number in SQLite. The largest numbers without a sign are none, which only a column that
    /// counts up from one does not have.
    pub(super) fn numbered(&self) -> Option<&Column> {
        let [only] = self.primary.as_slice() else { return None };
        let column = self.column(only)?;
        let is_number = match column.of.kind {
            Kind::Integer => true,
            Kind::Unsigned => column.counts && self.next.is_none_or(|next| i64::try_from(next).is_ok()),
            _ => false,
        };
        (is_number && column.generated.is_none()).then_some(column)
    }

    /// A column whose text may be in another encoding than UTF-8.
    pub(super) fn other_text(&self) -> Option<&Column> {
        let of_table = self.charset.as_deref().or_else(|| of_collation(self.collation.as_deref()));
        self.columns.iter().filter(|column| column.of.is_collated).find(|column| {
            let own = column.charset.as_deref().or_else(|| of_collation(column.collation.as_deref()));
            let charset = own.or(of_table).unwrap_or_default().to_ascii_lowercase();
            !UTF8.contains(&charset.as_str())
        })
    }

    /// Takes the definition of a column; what is said of it besides goes to the table.
    pub(super) fn add_column(&mut self, mut cursor: Cursor<'_>) -> Option<()> {
        let column = self.read_column(&mut cursor)?;
        self.columns.push(column);
        Some(())
    }

    /// Puts another definition of a column in the place of that of the same name.
    pub(super) fn change_column(&mut self, mut cursor: Cursor<'_>) -> Option<()> {
        let column = self.read_column(&mut cursor)?;
        let known = self.columns.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&column.name))?;
        *known = column;
        Some(())
    }

    fn read_column(&mut self, cursor: &mut Cursor<'_>) -> Option<Column> {
        let name = cursor.name()?;
        let is_serial = cursor.sees(&["serial"]);
        let of = Type::read(cursor)?;
        let mut column = Column {
            name,
            of,
            not_null: is_serial,
            default: None,
            generated: None,
            counts: is_serial,
            charset: None,
            collation: None,
        };
        while !cursor.is_done() {
            if cursor.takes(&["not", "null"]) {
                column.not_null = true;
            } else if cursor.takes(&["default"]) {
                self.default(&mut column, cursor);
            } else if cursor.takes(&["on", "update"]) {
                cursor.name();
                cursor.list();
                self.left_out.push(format!("ON UPDATE of {}", column.name));
            } else if cursor.takes(&["auto_increment"]) {
                column.counts = true;
            } else if cursor.takes(&["generated", "always", "as"]) || cursor.takes(&["as"]) {
                let period = ["start", "end"].into_iter().find(|end| cursor.takes(&["row", end]));
                let expression = match period {
                    Some(end) => format!("row {end}"),
                    None => cursor.parenthesised().unwrap_or_default(),
                };
                self.left_out.push(format!("generated column {} {expression}", column.name));
                column.generated = Some(expression);
            } else if cursor.takes(&["primary", "key"]) || cursor.takes(&["key"]) {
                self.primary = vec![column.name.clone()];
            } else if cursor.takes(&["unique"]) {
                cursor.takes(&["key"]);
                let columns = vec![(column.name.clone(), false)];
                self.indexes.push(Index { name: column.name.clone(), unique: true, columns });
            } else if cursor.takes(&["character", "set"]) || cursor.takes(&["charset"]) {
                column.charset = cursor.name().or_else(|| cursor.quoted());
            } else if cursor.takes(&["collate"]) {
                column.collation = cursor.name().or_else(|| cursor.quoted());
            } else if cursor.takes(&["check"]) {
                let condition = cursor.parenthesised().unwrap_or_default();
                // What MariaDB's type JSON is.
                if !condition.to_ascii_lowercase().starts_with("(json_valid(") {
                    self.left_out.push(format!("CHECK {condition}"));
                }
            } else {
                // Comments, character sets, and how the server stores it.
                cursor.next();
            }
        }
        column.not_null &= column.generated.is_none();
        Some(column)
    }

    fn default(&mut self, column: &mut Column, cursor: &mut Cursor<'_>) {
        let mut literal = cursor.clone();
        if let Some(default) = default_of(&mut literal, &column.of)
            && !literal.sees_symbol(b'(')
        {
            column.default = default;
            *cursor = literal;
            return;
        }
        let from = cursor.clone();
        if !cursor.sees_symbol(b'(') {
            cursor.next();
        }
        let arguments = cursor.parenthesised().unwrap_or_default();
        let name = match from.peek() {
            Some(Token::Word(word)) => word.to_ascii_lowercase(),
            _ => String::new(),
        };
        if matches!(name.as_str(), "current_timestamp" | "now" | "localtime" | "localtimestamp") {
            column.default = Some("CURRENT_TIMESTAMP".to_owned());
        } else {
            self.left_out.push(format!("DEFAULT {name}{arguments} of {}", column.name));
        }
    }
}

/// The character set that a collation is of: its name begins with it.
fn of_collation(collation: Option<&str>) -> Option<&str> {
    collation.and_then(|collation| collation.split('_').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(sql: &str) -> Table {
        Table::read(&mut Cursor::new(sql.as_bytes())).expect("a table").1
    }

    #[test]
    fn texts_in_other_encodings_are_found() {
        for (sql, other) in [
            ("t (a text) CHARSET=utf8mb4 COLLATE=utf8mb4_bin", None),
            ("t (a text) COLLATE=utf8mb3_bin", None),
            ("t (a int, b text) DEFAULT CHARSET=latin1", Some("b")),
            ("t (a text CHARACTER SET utf8mb4, b varchar(5) CHARACTER SET utf16) CHARSET=utf8", Some("b")),
            ("t (a enum('x') COLLATE latin1_bin) CHARSET=utf8", Some("a")),
            ("t (a int, b blob, c date, d decimal(20,2)) CHARSET=latin1", None),
            ("t (a text)", Some("a")),
        ] {
            assert_eq!(table(sql).other_text().map(|column| column.name.as_str()), other, "{sql}");
        }
    }

    #[test]
    fn keys_without_a_sign_are_numbers_of_rows_where_they_count() {
        for (sql, is_numbered) in [
            ("t (a int unsigned PRIMARY KEY)", true),
            ("t (a bigint unsigned PRIMARY KEY)", false),
            ("t (a bigint unsigned AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=9", true),
            ("t (a bigint unsigned AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=9223372036854775808", false),
            ("t (a int, b int, PRIMARY KEY (a, b))", false),
        ] {
            assert_eq!(table(sql).numbered().is_some(), is_numbered, "{sql}");
        }
        // Rows of other tables are not read.
        for sql in
            ["t (a int) ENGINE=InnoDB SELECT 1 AS a", "t (a int) AS VALUES ROW(1)", "t SELECT 1", "t LIKE u"]
        {
            assert!(Table::read(&mut Cursor::new(sql.as_bytes())).is_none(), "{sql}");
        }
    }
}
