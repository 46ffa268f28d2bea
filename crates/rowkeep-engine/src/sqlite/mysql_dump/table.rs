//! A table as a dump of MySQL defines it.

use super::cursor::Cursor;
use super::lexer::Token;
use super::literals::default_of;
use super::types::Type;

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) primary: Vec<String>,
    pub(super) indexes: Vec<Index>,
    pub(super) references: Vec<Reference>,
    /// The number that the next row gets, where the table counts.
    pub(super) next: Option<i64>,
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
                let expression = cursor.parenthesised().unwrap_or_default();
                self.left_out.push(format!("generated column {} {expression}", column.name));
                column.generated = Some(expression);
            } else if cursor.takes(&["primary", "key"]) || cursor.takes(&["key"]) {
                self.primary = vec![column.name.clone()];
            } else if cursor.takes(&["unique"]) {
                cursor.takes(&["key"]);
                let columns = vec![(column.name.clone(), false)];
                self.indexes.push(Index { name: column.name.clone(), unique: true, columns });
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
