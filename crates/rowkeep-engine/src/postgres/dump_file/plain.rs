//! A plain dump, read once from its beginning to its end: its statements are kept, and where the rows of each table are.

mod comments;
mod statements;

use std::fs::File;
use std::sync::Arc;

use rowkeep_format::TableName;

use super::contents::{Contents, Form, ObjectData, TableData};
use super::inserts::VALUES;
use super::pieces::{Piece, Pieces, Trouble};
use super::place::{Place, Section};
use crate::file_source::Damage;
use crate::postgres::catalog::{large_objects, sequences};
use comments::Comments;
use statements::{Statement, statement};

/// What a plain dump holds.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Each database in it, in order.
    pub(super) databases: Vec<Contents>,
    /// Where it is not whole.
    pub(super) damage: Option<Damage>,
    /// Tables of the last database whose rows are cut off.
    pub(super) cut: Vec<TableName>,
}

/// Reads a dump that lies in a file as it is.
pub(super) fn read(file: &Arc<File>) -> std::io::Result<Script> {
    let mut reading = Reading {
        file: Arc::clone(file),
        script: Script { databases: vec![Contents::default()], ..Script::default() },
        creates: Vec::new(),
        is_after: false,
        comments: Comments::default(),
        object: None,
        insert: Vec::new(),
        announced: None,
    };
    let whole = Section { file: Arc::clone(file), at: 0, bytes: file.metadata()?.len() };
    let mut pieces = Pieces::new(Place::Section(whole).open()?);
    loop {
        match reading.next(&mut pieces) {
            Ok(true) => {}
            Ok(false) => break,
            Err(Stopped::Io(error)) => return Err(error),
            Err(Stopped::Damaged(damage)) => {
                reading.cut();
                reading.script.damage = Some(damage);
                return Ok(reading.script);
            }
        }
    }
    if !reading.comments.is_complete() {
        reading.cut();
        let what = "the file is cut off: the line that says that the dump is complete is missing".to_owned();
        reading.script.damage = Some(Damage { place: format!("line {}", pieces.line()), what });
    }
    Ok(reading.script)
}

enum Stopped {
    Io(std::io::Error),
    Damaged(Damage),
}

struct Reading {
    file: Arc<File>,
    script: Script,
    /// How databases are made, by their names.
    creates: Vec<(String, String)>,
    /// Whether rows of the present database have come.
    is_after: bool,
    comments: Comments,
    /// The large object whose contents are being written, and where that begins.
    object: Option<(String, u64)>,
    /// What the last `INSERT` begins with, up to its values.
    insert: Vec<u8>,
    /// The table whose rows a comment said to come next. They may be loaded through the root of its partitions, so the statement
    /// names another.
    announced: Option<TableName>,
}

impl Reading {
    fn next(&mut self, pieces: &mut Pieces<impl std::io::Read>) -> Result<bool, Stopped> {
        let line = pieces.line();
        let piece = match pieces.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(false),
            Err(trouble) => return Err(stopped(trouble, line)),
        };
        if !piece.comments.is_empty() {
            self.comments.read(piece.comments);
            self.take_comments();
        }
        if piece.code.is_empty() {
            return Ok(true);
        }
        let (at, line, end) = (piece.at, piece.line, piece.at + piece.code.len() as u64);
        let found = self.statement(piece);
        let found = found.map_err(|what| Stopped::Damaged(Damage { place: format!("line {line}"), what }))?;
        let Some(Statement::Copy { table, columns }) = found else {
            if let Some(Statement::LargeObjectEnds) = found
                && let Some((oid, begins)) = self.object.take()
            {
                let place = self.section(begins, end - begins);
                self.database().object_data.push(ObjectData { oid, place, is_script: true });
            }
            let _ = at;
            return Ok(true);
        };
        self.is_after = true;
        let announced = self.announced.take();
        match pieces.copy_rows() {
            Ok(rows) => {
                let place = self.section(rows.at, rows.bytes);
                let begins = format!("line {}", line + 1);
                self.database().data.push(TableData {
                    table,
                    announced,
                    columns,
                    form: Form::Copy,
                    place,
                    begins,
                });
                Ok(true)
            }
            Err(trouble) => {
                self.script.cut.extend(announced.into_iter().chain([table]));
                Err(stopped(trouble, pieces.line()))
            }
        }
    }

    /// Takes what a statement says; gives back those that the caller goes on with.
    fn statement(&mut self, piece: Piece<'_>) -> Result<Option<Statement>, String> {
        let is_alike = |rest: &[u8]| rest.starts_with(VALUES);
        if !self.insert.is_empty() && piece.code.strip_prefix(&self.insert[..]).is_some_and(is_alike) {
            return Ok(self.insert_again(&piece));
        }
        let found = statement(piece.code)?;
        match found {
            Statement::Copy { .. } | Statement::LargeObjectEnds => return Ok(Some(found)),
            Statement::Insert { table, opening } => {
                self.is_after = true;
                self.insert = opening;
                let place = self.section(piece.at, piece.code.len() as u64);
                let begins = format!("line {}", piece.line);
                let announced = self.announced.take();
                let data = TableData { table, announced, columns: None, form: Form::Inserts, place, begins };
                self.database().data.push(data);
            }
            Statement::Connect(name) => {
                self.insert.clear();
                self.announced = None;
                // Settings of the database make a dump connect to it again.
                if self.database().name.as_ref() == Some(&name) {
                    return Ok(None);
                }
                self.is_after = false;
                let create = self.creates.iter().find(|(made, _)| *made == name).map(|(_, sql)| sql.clone());
                self.script.databases.push(Contents { name: Some(name), create, ..Contents::default() });
            }
            Statement::CreateDatabase(name, sql) => self.creates.push((name, sql)),
            Statement::Sequence(sql) => {
                self.is_after = true;
                self.database().sequences.push(sql);
            }
            Statement::LargeObject(sql) => self.database().objects.push(sql),
            Statement::LargeObjectBegins(oid) => {
                self.is_after = true;
                self.object = Some((oid, piece.at));
            }
            Statement::Refresh(sql) => self.database().refresh.push(sql),
            Statement::Encoding(encoding) => self.database().encoding = Some(encoding),
            Statement::Definition { sql, is_after } => {
                self.is_after |= is_after;
                let is_after = self.is_after;
                let database = self.database();
                if is_after { database.after.push(sql) } else { database.before.push(sql) }
            }
            Statement::Nothing => {}
        }
        Ok(None)
    }

    /// One more `INSERT` into the same table: the rows go on.
    fn insert_again(&mut self, piece: &Piece<'_>) -> Option<Statement> {
        let last = self.database().data.last_mut();
        if let Some(TableData { place: Place::Section(section), .. }) = last {
            section.bytes = piece.at + piece.code.len() as u64 - section.at;
        }
        None
    }

    fn take_comments(&mut self) {
        if std::mem::take(&mut self.comments.begins_another) {
            // Dumps one behind the other in a file are of several databases.
            self.insert.clear();
            self.is_after = false;
            self.script.databases.push(Contents::default());
        }
        let Comments { mentioned, server, program, .. } = &mut self.comments;
        let (mentioned, server, program) = (std::mem::take(mentioned), server.take(), program.take());
        let database = self.database();
        if let Some(last) = mentioned.last() {
            let announced = last.clone();
            database.mentioned.extend(mentioned);
            self.is_after = true;
            self.announced = Some(announced);
            // What follows are rows of that table, even where the statements begin alike.
            self.insert.clear();
        }
        let database = self.database();
        database.server = server.or(database.server.take());
        database.program = program.or(database.program.take());
    }

    /// Notes that the rows which came last may not be all of their table: whether `COPY` has ended says its own line.
    fn cut(&mut self) {
        let database = self.database();
        let last = database.data.last();
        let inserted = last.filter(|data| data.form == Form::Inserts);
        let inserted = inserted.into_iter().flat_map(|data| data.announced.iter().chain([&data.table]));
        // One that is announced and has no rows is empty, or its rows are cut off.
        let announced = database.mentioned.last().filter(|name| last.is_none_or(|data| data.table != **name));
        let tables: Vec<TableName> = inserted.chain(announced).cloned().collect();
        // Where nothing has come that comes after all of them, sequences and large objects may be missing too.
        let others = database.after.is_empty().then(|| [sequences::table().name, large_objects::data().name]);
        self.script.cut.extend(tables.into_iter().chain(others.into_iter().flatten()));
    }

    fn section(&self, at: u64, bytes: u64) -> Place {
        Place::Section(Section { file: Arc::clone(&self.file), at, bytes })
    }

    fn database(&mut self) -> &mut Contents {
        if self.script.databases.is_empty() {
            self.script.databases.push(Contents::default());
        }
        let last = self.script.databases.len() - 1;
        &mut self.script.databases[last]
    }
}

fn stopped(trouble: Trouble, line: u64) -> Stopped {
    let place = format!("line {line}");
    match trouble {
        Trouble::Io(error) => Stopped::Io(error),
        Trouble::Unended(what) => {
            let what = format!("the file is cut off in the middle of {what}");
            Stopped::Damaged(Damage { place, what })
        }
        Trouble::TooLong => {
            Stopped::Damaged(Damage { place, what: "a statement is longer than 128 MiB".to_owned() })
        }
    }
}
