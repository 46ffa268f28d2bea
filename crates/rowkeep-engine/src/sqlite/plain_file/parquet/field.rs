//! The columns of a file, of which some have others below them, and the values of a row in them.

use std::ops::Range;

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::schema::types::Type;
use rusqlite::types::Value;
use serde_json::Value as Json;

use super::failed::Failed;
use super::kind::Kind;
use super::leaf::Leaf;
use super::value::{kept, to_json};
use crate::sqlite::plain_file::json::LONGEST_BYTES;

/// How deep columns stand in one another at most.
const DEEPEST: usize = 100;

/// A column, or one below it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// From which definition level on it is there, where it need not be.
    optional: Option<i16>,
    /// Which of the columns with values are its own.
    leaves: Range<usize>,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Leaf(Kind),
    Struct(Vec<Field>),
    List(Repeated, Box<Field>),
    /// With what names a value, and the value, where there is one.
    Map(Repeated, Box<Field>, Option<Box<Field>>),
}

/// From which definition level on a list has an element, and the repetition level of those behind the first.
#[derive(Debug, Clone, Copy)]
struct Repeated {
    definition: i16,
    repetition: i16,
}

/// The levels around a column, and how many columns with values stand before it.
#[derive(Clone, Copy)]
struct Around {
    definition: i16,
    repetition: i16,
    leaf: usize,
    depth: usize,
}

/// The columns of a file.
pub(super) fn fields(schema: &Type) -> Result<Vec<Field>, Failed> {
    members(schema, Around { definition: 0, repetition: 0, leaf: 0, depth: 0 })
}

fn members(group: &Type, mut around: Around) -> Result<Vec<Field>, Failed> {
    let mut fields = Vec::new();
    for member in group.get_fields() {
        let field = Field::of(member, around)?;
        around.leaf = field.leaves.end;
        fields.push(field);
    }
    Ok(fields)
}

impl Field {
    fn of(column: &Type, around: Around) -> Result<Self, Failed> {
        let name = column.name().to_owned();
        let around = Around { depth: around.depth + 1, ..around };
        if around.depth > DEEPEST {
            return Err(Failed::Unread(format!("column {name} stands deeper than {DEEPEST} others")));
        }
        match repetition(column) {
            // Without a word, a list of what is there.
            Repetition::REPEATED => {
                let (repeated, within) = around.repeated();
                let element = Self::within(column, None, within)?;
                let leaves = element.leaves.clone();
                Ok(Self { name, optional: None, leaves, shape: Shape::List(repeated, Box::new(element)) })
            }
            Repetition::REQUIRED => Self::within(column, None, around),
            Repetition::OPTIONAL => {
                let definition = around.definition + 1;
                Self::within(column, Some(definition), Around { definition, ..around })
            }
        }
    }

    /// The same where its own repetition has been seen to.
    fn within(column: &Type, optional: Option<i16>, around: Around) -> Result<Self, Failed> {
        let name = column.name().to_owned();
        let of = |leaves: Range<usize>, shape| Self { name, optional, leaves, shape };
        if column.is_primitive() {
            return Ok(of(around.leaf..around.leaf + 1, Shape::Leaf(Kind::of(column))));
        }
        let shape = match (annotation(column), column.get_fields()) {
            (Annotation::List, [repeated]) if repetition(repeated) == Repetition::REPEATED => {
                list(repeated, around)?
            }
            (Annotation::Map, [entries]) if is_map(entries) => map(entries, around)?,
            _ => Shape::Struct(members(column, around)?),
        };
        let end = match &shape {
            Shape::Leaf(_) => around.leaf + 1,
            Shape::Struct(fields) => fields.last().map_or(around.leaf, |last| last.leaves.end),
            Shape::List(_, element) => element.leaves.end,
            Shape::Map(_, key, value) => value.as_ref().unwrap_or(key).leaves.end,
        };
        Ok(of(around.leaf..end, shape))
    }

    /// The type that it is declared with in SQLite.
    pub(super) fn declared(&self) -> &'static str {
        self.kind().map_or("JSON TEXT", Kind::declared)
    }

    /// What its values are, where it has none below it.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.shape {
            Shape::Leaf(kind) => Some(kind),
            _ => None,
        }
    }

    /// The value of the next row, as SQLite keeps it: what has others below it as JSON.
    pub(super) fn next(&self, leaves: &mut [Leaf]) -> Result<Value, Failed> {
        if let Shape::Leaf(kind) = self.shape {
            return self.value(kind, leaves);
        }
        if self.is_missing(leaves)? {
            self.pass_over(leaves)?;
            return Ok(Value::Null);
        }
        let mut out = String::new();
        self.inner(leaves, &mut out)?;
        Ok(Value::Text(out))
    }

    fn value(&self, kind: Kind, leaves: &mut [Leaf]) -> Result<Value, Failed> {
        let leaf = &mut leaves[self.leaves.start];
        match leaf.take()? {
            Some(stored) => kept(kind, stored).map_err(|what| leaf.wrong(what)),
            None => Ok(Value::Null),
        }
    }

    /// Whether it is not there in the next row or element.
    fn is_missing(&self, leaves: &mut [Leaf]) -> Result<bool, Failed> {
        let Some(there) = self.optional.filter(|_| !self.leaves.is_empty()) else { return Ok(false) };
        Ok(leaves[self.leaves.start].definition()? < there)
    }

    /// Takes what stands for one that is not there.
    fn pass_over(&self, leaves: &mut [Leaf]) -> Result<(), Failed> {
        for leaf in &mut leaves[self.leaves.clone()] {
            if leaf.take()?.is_some() {
                return Err(leaf.wrong("it has a value where the columns beside it have none"));
            }
        }
        Ok(())
    }

    fn json(&self, leaves: &mut [Leaf], out: &mut String) -> Result<(), Failed> {
        if !matches!(self.shape, Shape::Leaf(_)) && self.is_missing(leaves)? {
            self.pass_over(leaves)?;
            out.push_str("null");
            return Ok(());
        }
        self.inner(leaves, out)
    }

    /// The same of what is there.
    fn inner(&self, leaves: &mut [Leaf], out: &mut String) -> Result<(), Failed> {
        match &self.shape {
            Shape::Leaf(kind) => to_json(*kind, &self.value(*kind, leaves)?, out),
            Shape::Struct(fields) => {
                out.push('{');
                for (at, field) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&Json::from(field.name.as_str()).to_string());
                    out.push(':');
                    field.json(leaves, out)?;
                }
                out.push('}');
            }
            Shape::List(repeated, element) => {
                out.push('[');
                self.each(*repeated, leaves, out, |leaves, out| element.json(leaves, out))?;
                out.push(']');
            }
            Shape::Map(repeated, key, value) => {
                let value = value.as_deref();
                let is_named = key.kind().is_some();
                out.push(if is_named { '{' } else { '[' });
                self.each(*repeated, leaves, out, |leaves, out| entry(key, value, leaves, out))?;
                out.push(if is_named { '}' } else { ']' });
            }
        }
        if out.len() > LONGEST_BYTES {
            let what = format!("a value is longer than {} MiB", LONGEST_BYTES >> 20);
            return Err(Failed::Unread(format!("{}: {what}", self.name)));
        }
        Ok(())
    }

    /// The elements of a list, with commas between them.
    fn each(
        &self,
        repeated: Repeated,
        leaves: &mut [Leaf],
        out: &mut String,
        mut write: impl FnMut(&mut [Leaf], &mut String) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        if self.leaves.is_empty() {
            return Ok(());
        }
        let first = self.leaves.start;
        if leaves[first].definition()? < repeated.definition {
            return self.pass_over(leaves);
        }
        loop {
            write(leaves, out)?;
            if !leaves[first].goes_on(repeated.repetition)? {
                return Ok(());
            }
            out.push(',');
            if out.len() > LONGEST_BYTES {
                let longest = LONGEST_BYTES >> 20;
                return Err(Failed::Unread(format!("{}: a value is longer than {longest} MiB", self.name)));
            }
        }
    }
}

/// A member of a map: by its name where that is one value, else as an object of both.
fn entry(key: &Field, value: Option<&Field>, leaves: &mut [Leaf], out: &mut String) -> Result<(), Failed> {
    let mut name = String::new();
    key.json(leaves, &mut name)?;
    match key.kind() {
        // Names are texts, whatever they are the text of.
        Some(_) if !name.starts_with('"') => out.push_str(&Json::from(name).to_string()),
        Some(_) => out.push_str(&name),
        None => {
            out.push_str("{\"key\":");
            out.push_str(&name);
            out.push_str(",\"value\"");
        }
    }
    out.push(':');
    match value {
        Some(value) => value.json(leaves, out)?,
        None => out.push_str("null"),
    }
    if key.kind().is_none() {
        out.push('}');
    }
    Ok(())
}

impl Around {
    /// The levels within a list.
    fn repeated(self) -> (Repeated, Self) {
        let (definition, repetition) = (self.definition + 1, self.repetition + 1);
        (Repeated { definition, repetition }, Self { definition, repetition, ..self })
    }
}

/// What a group says that it is.
enum Annotation {
    List,
    Map,
    Nothing,
}

fn annotation(group: &Type) -> Annotation {
    let info = group.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::List), _) | (None, ConvertedType::LIST) => Annotation::List,
        (Some(LogicalType::Map), _) | (None, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            Annotation::Map
        }
        _ => Annotation::Nothing,
    }
}

fn repetition(column: &Type) -> Repetition {
    let info = column.get_basic_info();
    if info.has_repetition() { info.repetition() } else { Repetition::REQUIRED }
}

fn is_map(entries: &Type) -> bool {
    entries.is_group()
        && repetition(entries) == Repetition::REPEATED
        && (1..=2).contains(&entries.get_fields().len())
}

/// A list, in the form of today or in one of those that were before it (`LogicalTypes.md` of the format, "Lists").
fn list(repeated: &Type, around: Around) -> Result<Shape, Failed> {
    let (levels, within) = around.repeated();
    let is_element = !repeated.is_group()
        || repeated.get_fields().len() != 1
        || repeated.name() == "array"
        || repeated.name().ends_with("_tuple")
        || repetition(&repeated.get_fields()[0]) == Repetition::REPEATED;
    let element = match is_element {
        true => Field::within(repeated, None, within)?,
        false => Field::of(&repeated.get_fields()[0], within)?,
    };
    Ok(Shape::List(levels, Box::new(element)))
}

fn map(entries: &Type, around: Around) -> Result<Shape, Failed> {
    let (levels, within) = around.repeated();
    let mut both = members(entries, within)?.into_iter();
    let Some(key) = both.next() else { return Ok(Shape::Struct(Vec::new())) };
    Ok(Shape::Map(levels, Box::new(key), both.next().map(Box::new)))
}
