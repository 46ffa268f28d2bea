//! Binding rules to the tables of a schema.

use rowkeep_engine::dialect::{Content, Dialect, OwnedValue};
use rowkeep_engine::dialect_of;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, HashMap, HashSet};
use zeroize::Zeroizing;

use rowkeep_format::{Column, ContentKeys, Key, Schema, Table, TableName};

use super::bound::{BoundMask, TableMask, Unruled};
use super::fake;
use super::groups::{ColumnPlace, Groups};
use super::personal::looks_personal;
use super::rules::{MaskRules, Rule};
use super::value::ColumnMask;
use crate::Error;
use crate::state::table_pattern::TablePattern;

/// Rules, and the key that makes what they do unpredictable.
#[derive(Clone)]
pub struct Mask {
    rules: MaskRules,
    key: Zeroizing<[u8; 32]>,
}

impl Mask {
    /// Takes the key from the rules, or else from the secrets of a repository.
    ///
    /// Whoever has the key can try values until one masks to what he sees. The repository's secrets are known to all
    /// who can open it, and to everybody when it is not encrypted; masked rows for them need a key of their own.
    pub fn new(rules: &MaskRules, keys: &ContentKeys) -> Self {
        let secret = match &rules.key {
            Some(key) => Zeroizing::new(key.expose_secret().as_bytes().to_vec()),
            // A keyed hash of something that is no chunk: it begins like none.
            None => Zeroizing::new(keys.chunk_id(b"rowkeep mask key").0.to_vec()),
        };
        Self {
            rules: rules.clone(),
            key: Zeroizing::new(blake3::derive_key("rowkeep v1 2026 mask", &secret)),
        }
    }

    /// Looks the rules' tables and columns up in a schema. A rule for a table is one for its partitions and children too.
    ///
    /// A rule for a column that others refer to, or that refers to others, is applied to all of them. Fails for a table
    /// or column that is not there, and where a rule cannot give values that the column takes: NULL where that is
    /// refused, values that are not unique in a key, another rule on the other side of a reference.
    pub fn bind(&self, schema: &Schema) -> Result<BoundMask, Error> {
        bind(self, schema)
    }

    /// The same for rows of these tables, and refuses if one of their columns looks personal by its name and has no rule.
    pub fn bind_all<'t>(
        &self,
        schema: &Schema,
        tables: impl Iterator<Item = &'t TableName>,
    ) -> Result<BoundMask, Error> {
        let bound = self.bind(schema)?;
        bound.refuse_unruled(tables)?;
        Ok(bound)
    }
}

/// A schema, and what its types mean.
struct Types<'s> {
    schema: &'s Schema,
    dialect: &'static dyn Dialect,
}

impl Types<'_> {
    fn declared(&self, place: ColumnPlace) -> &str {
        &self.schema.tables[place.0].columns[place.1].type_name
    }

    fn content(&self, place: ColumnPlace) -> Content {
        self.dialect.content(self.declared(place))
    }
}

fn bind(mask: &Mask, schema: &Schema) -> Result<BoundMask, Error> {
    let types = Types { schema, dialect: dialect_of(&schema.engine)? };
    let mut rules = found(&mask.rules, schema)?;
    let kept: HashSet<ColumnPlace> =
        rules.extract_if(.., |_, rule| *rule == Rule::Keep).map(|(place, _)| place).collect();
    let groups = Groups::of(schema);
    let mut limits: HashMap<ColumnPlace, Option<usize>> = HashMap::new();
    let masked: Vec<(ColumnPlace, Rule)> = rules.iter().map(|(place, rule)| (*place, rule.clone())).collect();
    for (place, rule) in masked {
        check(&types, place, &rule, groups.has_unknown(place))?;
        // A reference that becomes NULL refers to nothing any more.
        let members = if rule == Rule::Null { vec![place] } else { groups.members(place) };
        let limit = members.iter().filter_map(|member| types.dialect.longest(types.declared(*member))).min();
        for member in &members {
            if types.content(*member) != types.content(place) {
                return Err(Error::Mask(format!(
                    "{} and {} refer to one another but are of types that are masked differently",
                    told(schema, place),
                    told(schema, *member)
                )));
            }
            let other = rules.entry(*member).or_insert_with(|| rule.clone());
            if *other != rule {
                return Err(Error::Mask(format!(
                    "{} and {} refer to one another and need the same rule",
                    told(schema, place),
                    told(schema, *member)
                )));
            }
            check(&types, *member, &rule, false)?;
            if members.len() > 1 && !rule.keeps_unequal() {
                return Err(Error::Mask(format!(
                    "{} is part of a reference, so its rule must keep unequal values unequal: hash, fake-email or keep-domain",
                    told(schema, place)
                )));
            }
            limits.insert(*member, limit);
        }
    }
    let mut tables = HashMap::new();
    for (at, table) in schema.tables.iter().enumerate() {
        let of_table = rules.iter().filter(|((of, _), _)| *of == at);
        let columns: Vec<(usize, ColumnMask)> = of_table
            .map(|(place, rule)| {
                let limit = limits.get(place).copied().flatten();
                (place.1, column_mask(&types, *place, rule, limit))
            })
            .collect();
        if columns.is_empty() {
            continue;
        }
        let is_key = |column: usize| table.key.columns.iter().any(|part| part.column == column);
        let changes_key = columns.iter().any(|(column, _)| is_key(*column));
        tables.insert(
            table.name.clone(),
            TableMask {
                table: table.name.to_string().into(),
                columns: columns.into(),
                changes_key,
                key: mask.key.clone(),
            },
        );
    }
    let unruled = unruled(schema, |place| rules.contains_key(&place) || kept.contains(&place));
    Ok(BoundMask { tables, unruled })
}

/// The rule of each column. One for a table itself is stronger than one for what it is a partition or child of, and one for a
/// nearer of these is stronger than one for a farther.
fn found(rules: &MaskRules, schema: &Schema) -> Result<BTreeMap<ColumnPlace, Rule>, Error> {
    let mut found: BTreeMap<ColumnPlace, (usize, Rule)> = BTreeMap::new();
    let ancestors = schema.ancestors();
    for (name, rule) in &rules.rules {
        for (place, distance) in places(name, schema, &ancestors)? {
            match found.get(&place) {
                Some((other_distance, other)) if *other_distance == distance && other != rule => {
                    return Err(Error::Mask(format!("there are two rules for {}", told(schema, place))));
                }
                Some((nearer, _)) if *nearer < distance => {}
                _ => {
                    found.insert(place, (distance, rule.clone()));
                }
            }
        }
    }
    Ok(found.into_iter().map(|(place, (_, rule))| (place, rule)).collect())
}

/// What every partition and child is one of, the nearest first.
pub(super) type Ancestors<'s> = HashMap<&'s TableName, Vec<&'s TableName>>;

/// The topmost table that a table has a column of, so that a rule for it covers partitions that are made later.
pub(super) fn top<'s>(
    schema: &'s Schema,
    ancestors: &Ancestors<'s>,
    table: &'s Table,
    column: &str,
) -> &'s TableName {
    let above = ancestors.get(&table.name).map(Vec::as_slice).unwrap_or_default();
    // A partitioned table has all columns of its partitions, and is not among the tables.
    let has = |parent: &&&TableName| {
        schema.table(parent).is_none_or(|parent| parent.columns.iter().any(|known| known.name == column))
    };
    above.iter().rfind(has).copied().unwrap_or(&table.name)
}

/// The columns of the application's tables that look personal by their names and have no rule.
fn unruled(schema: &Schema, has_rule: impl Fn(ColumnPlace) -> bool) -> Vec<Unruled> {
    let mut unruled = Vec::new();
    let ancestors = schema.ancestors();
    for (at, table) in schema.tables.iter().enumerate().filter(|(_, table)| table.kind.is_user_table()) {
        for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| !column.hidden) {
            if looks_personal(&table.name.name, &column.name) && !has_rule((at, place)) {
                let top = top(schema, &ancestors, table, &column.name);
                let called = format!("{top}.{}", column.name);
                unruled.push(Unruled { table: table.name.clone(), called });
            }
        }
    }
    unruled
}

/// The columns that a rule's name means: all that are so called in tables that match, and in their partitions and children;
/// each with how far it is from the table
/// that is named, 0 for that itself.
fn places(
    name: &str,
    schema: &Schema,
    ancestors: &Ancestors<'_>,
) -> Result<Vec<(ColumnPlace, usize)>, Error> {
    let user_tables = || schema.tables.iter().enumerate().filter(|(_, table)| table.kind.is_user_table());
    let mut found = Vec::new();
    let mut nearest: Option<(&str, &Table)> = None;
    for (dot, _) in name.match_indices('.') {
        let (pattern, column) = (&name[..dot], &name[dot + 1..]);
        let pattern = TablePattern::new(pattern);
        for (at, table) in user_tables() {
            let above = ancestors.get(&table.name).map(Vec::as_slice).unwrap_or_default();
            let mut line = std::iter::once(&table.name).chain(above.iter().copied());
            let Some(distance) = line.position(|name| pattern.matches(name)) else { continue };
            match table.columns.iter().position(|known| known.name == column) {
                Some(column) => found.push(((at, column), distance)),
                None => nearest = Some((column, table)),
            }
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match nearest {
        Some((column, table)) => Error::NoneToMask {
            what: "column",
            name: format!("{column} in table {} to mask", table.name),
            candidates: visible(&table.columns),
        },
        None => Error::NoneToMask {
            what: "table",
            name: format!("for the mask rule {name}"),
            candidates: user_tables().map(|(_, table)| table.name.to_string()).collect(),
        },
    })
}

fn visible(columns: &[Column]) -> Vec<String> {
    columns.iter().filter(|column| !column.hidden).map(|column| column.name.clone()).collect()
}

fn told(schema: &Schema, place: ColumnPlace) -> String {
    let table = &schema.tables[place.0];
    format!("{}.{}", table.name, table.columns[place.1].name)
}

fn column_mask(types: &Types<'_>, place: ColumnPlace, rule: &Rule, limit: Option<usize>) -> ColumnMask {
    let fixed = match rule {
        Rule::Fixed(text) => {
            let as_it_is = || OwnedValue::Text(text.as_bytes().to_vec());
            Some(types.dialect.masked_as(types.declared(place), text).unwrap_or_else(as_it_is))
        }
        _ => None,
    };
    let name = types.schema.tables[place.0].columns[place.1].name.clone();
    let (content, dialect) = (types.content(place), types.dialect);
    ColumnMask { name, rule: rule.clone(), content, dialect, fixed, limit }
}

/// Whether a rule gives values that the column takes.
fn check(types: &Types<'_>, place: ColumnPlace, rule: &Rule, refers_elsewhere: bool) -> Result<(), Error> {
    let (schema, dialect) = (types.schema, types.dialect);
    let table = &schema.tables[place.0];
    let column = &table.columns[place.1];
    let content = types.content(place);
    let fail = |problem: &str| Err(Error::Mask(format!("{} {problem}", told(schema, place))));
    if column.hidden {
        return fail("is no column of the application and cannot be masked");
    }
    if refers_elsewhere && *rule != Rule::Null {
        return fail(
            "refers to a table that is not here, so it cannot be masked alike there; use null or no rule",
        );
    }
    let has_column = |key: &Key| key.unique && key.columns.iter().any(|part| part.column == place.1);
    let is_key = has_column(&table.key) || has_column(table.identified_by());
    if is_key && !rule.keeps_unequal() {
        return fail(
            "is part of the key, so its rule must keep unequal values unequal: hash, fake-email or keep-domain",
        );
    }
    let limit = dialect.longest(&column.type_name);
    let shorter = |least: usize| limit.is_some_and(|limit| limit < least);
    match rule {
        Rule::Keep => Ok(()),
        Rule::Null if column.not_null => fail("refuses NULL; use fixed or hash"),
        Rule::Null => Ok(()),
        Rule::Fixed(value) => {
            let fits = dialect.masked_as(&column.type_name, value).is_some();
            if !fits || limit.is_some_and(|limit| value.chars().count() > limit) {
                return fail(&format!(
                    "is of type {}, which does not take the fixed value",
                    column.type_name
                ));
            }
            Ok(())
        }
        Rule::Hash if content.takes_hashes() => Ok(()),
        Rule::Hash => fail(&format!(
            "is of type {}, which a hash does not fit; use {}",
            column.type_name,
            instead(content)
        )),
        Rule::FakeEmail if shorter(fake::SHORT_EMAIL_CHARACTERS) => {
            fail("is too short for an e-mail address that stays unique; use hash or keep-domain")
        }
        Rule::FakePhone if shorter(fake::PHONE_CHARACTERS) => {
            fail("is too short for a telephone number; use hash")
        }
        Rule::FakeName
        | Rule::FakeFirstName
        | Rule::FakeLastName
        | Rule::FakeEmail
        | Rule::FakePhone
        | Rule::FakeAddress
        | Rule::KeepDomain => {
            if content.is_text() {
                Ok(())
            } else {
                fail(&format!("is of type {}, which takes no such text", column.type_name))
            }
        }
        Rule::Bucket(_) | Rule::Between(..) => {
            if !content.holds_numbers() {
                return fail(&format!("is of type {}, which holds no numbers", column.type_name));
            }
            match rule {
                Rule::Between(low, high)
                    if !dialect.takes_integer(&column.type_name, *low)
                        || !dialect.takes_integer(&column.type_name, *high) =>
                {
                    fail(&format!("is of type {}, which does not hold all of the range", column.type_name))
                }
                _ => Ok(()),
            }
        }
        Rule::Days(_) => {
            if content.holds_dates() {
                Ok(())
            } else {
                fail(&format!("is of type {}, which holds no dates", column.type_name))
            }
        }
    }
}

/// The rule that fits a type that a hash does not.
fn instead(content: Content) -> &'static str {
    match content {
        Content::Date | Content::LocalTime | Content::Instant => "days",
        Content::Single | Content::Double => "range",
        _ => "null or fixed",
    }
}
