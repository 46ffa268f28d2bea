//! Which columns of a database look personal, and what could be done to them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures::StreamExt;
use rowkeep_engine::{Engine, View, ViewOptions};
use rowkeep_format::{Column, ContentKeys, RowBatch, Schema, Table, TableName, Value};
use serde::{Deserialize, Serialize};

use super::bind::{Ancestors, Mask, top};
use super::personal::{Personal, by_name};
use super::rules::{MaskRules, Rule};
use crate::state::table_pattern::pattern_of;
use crate::{Context, Error};

/// What tables are partitions or children of.
/// Rows of each table that are looked at.
const SAMPLE: usize = 500;

/// A rule that is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The column, as a rule names it.
    pub column: String,
    /// What it seems to hold.
    pub holds: String,
    /// What it seems so by: its name, its values, or both.
    pub seen_by: String,
    /// The rule, as TOML.
    pub rule: String,
}

/// Proposes rules for the columns of a database by their names and a sample of their values.
///
/// Values stay within: what is returned tells of columns only. Every rule that is proposed can be bound.
pub async fn suggest(context: &Context, engine: &dyn Engine) -> Result<Vec<Suggestion>, Error> {
    context
        .until_cancelled(async {
            let view = engine.open(&ViewOptions::default()).await?;
            let schema = view.schema().clone();
            let ancestors = schema.ancestors();
            let mut found = Vec::new();
            let is_read = |table: &&Table| !view.unread().iter().any(|unread| unread.name == table.name);
            let tables = schema.tables.iter().filter(|table| table.kind.is_user_table());
            for table in tables.filter(is_read) {
                let sample = sample(view.as_ref(), table).await?;
                found.extend(in_table(&schema, &ancestors, table, &sample));
            }
            Ok(without_conflicts(&schema, found))
        })
        .await
}

async fn sample(view: &dyn View, table: &Table) -> Result<RowBatch, Error> {
    let mut sample = RowBatch::new(table.columns.len());
    let mut rows = view.rows(table).await?;
    while sample.rows() < SAMPLE
        && let Some(batch) = rows.next().await
    {
        let batch = batch?;
        let wanted = batch.rows().min(SAMPLE - sample.rows());
        sample.extend(&batch, 0..wanted);
    }
    Ok(sample)
}

fn in_table(
    schema: &Schema,
    ancestors: &Ancestors<'_>,
    table: &Table,
    sample: &RowBatch,
) -> Vec<(Suggestion, Rule)> {
    let mut found = Vec::new();
    for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| !column.hidden) {
        let by_name = by_name(&table.name.name, &column.name);
        let by_values = by_values(sample, place);
        let seen_by = match (by_name, by_values) {
            (Some(name), Some(values)) if name == values => "name and values",
            (_, Some(_)) => "values",
            (Some(_), None) => "name",
            (None, None) => continue,
        };
        let Some(personal) = by_values.or(by_name) else { continue };
        // In full, so that tables of one name in two schemas are told apart.
        let name = format!("{}.{}", written(top(schema, ancestors, table, &column.name)), column.name);
        let fitting = rules(personal, column).into_iter().find(|rule| binds(schema, [(&name, rule)]));
        if let Some(rule) = fitting {
            let suggestion = Suggestion {
                column: name,
                holds: personal.told().to_owned(),
                seen_by: seen_by.to_owned(),
                rule: rule.to_toml(),
            };
            found.push((suggestion, rule));
        }
    }
    found
}

/// The name of a table as people would write it to mean this one alone.
fn written(name: &TableName) -> String {
    let is_plain = |name: &str| !name.contains(['*', '.']) && !name.starts_with('"');
    match &name.schema {
        Some(schema) if is_plain(schema) && is_plain(&name.name) => format!("{schema}.{}", name.name),
        None if is_plain(&name.name) => name.name.clone(),
        _ => pattern_of(name),
    }
}

/// Whether rules can be bound together.
fn binds<'r>(schema: &Schema, rules: impl IntoIterator<Item = (&'r String, &'r Rule)>) -> bool {
    let rules = rules.into_iter().map(|(name, rule)| (name.clone(), rule.clone())).collect();
    let rules = MaskRules { key: None, rules };
    Mask::new(&rules, &ContentKeys::derive(&[0; 32])).bind(schema).is_ok()
}

/// Leaves out what contradicts what comes before it, as two sides of a reference may.
fn without_conflicts(schema: &Schema, found: Vec<(Suggestion, Rule)>) -> Vec<Suggestion> {
    let mut taken: BTreeMap<String, Rule> = BTreeMap::new();
    let mut suggestions = Vec::new();
    for (suggestion, rule) in found {
        // Partitions of one table are seen one by one; one that holds rows says more than an empty one.
        if let Some(same) =
            suggestions.iter_mut().find(|same: &&mut Suggestion| same.column == suggestion.column)
        {
            if same.seen_by == "name" {
                taken.insert(suggestion.column.clone(), rule);
                *same = suggestion;
            }
            continue;
        }
        taken.insert(suggestion.column.clone(), rule);
        if binds(schema, &taken) {
            suggestions.push(suggestion);
        } else {
            taken.remove(&suggestion.column);
        }
    }
    suggestions
}

/// The rules for what a column holds, the best first; the first that fits the column is taken.
fn rules(personal: Personal, column: &Column) -> Vec<Rule> {
    let fixed = |value: &str| Rule::Fixed(value.to_owned());
    let mut rules = match personal {
        Personal::Email => vec![Rule::FakeEmail, Rule::KeepDomain],
        Personal::Phone => vec![Rule::FakePhone],
        Personal::FirstName => vec![Rule::FakeFirstName],
        Personal::LastName => vec![Rule::FakeLastName],
        Personal::Name => vec![Rule::FakeName],
        Personal::Address => vec![Rule::FakeAddress],
        Personal::Birthday => vec![Rule::Days(180)],
        Personal::Ip => vec![fixed("192.0.2.1")],
        Personal::Secret | Personal::Account => vec![Rule::Hash],
        Personal::FreeText => vec![fixed("masked")],
    };
    if personal == Personal::Secret && !column.not_null {
        rules.insert(0, Rule::Null);
    }
    rules.extend([Rule::Hash, Rule::Null]);
    rules
}

/// Whether text looks like something.
type Test = fn(&str) -> bool;

/// What nine in ten of the values look like.
fn by_values(sample: &RowBatch, column: usize) -> Option<Personal> {
    let texts: Vec<&str> = (0..sample.rows())
        .filter_map(|row| match sample.value(row, column) {
            Value::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        })
        .filter(|text| !text.is_empty())
        .collect();
    let looks = |test: Test| {
        !texts.is_empty() && texts.iter().filter(|text| test(text)).count() * 10 >= texts.len() * 9
    };
    let tests: [(Test, Personal); 5] = [
        (is_email, Personal::Email),
        (is_iban, Personal::Account),
        (is_card, Personal::Account),
        (|text| text.parse::<IpAddr>().is_ok(), Personal::Ip),
        (is_phone, Personal::Phone),
    ];
    tests.into_iter().find(|(test, _)| looks(*test)).map(|(_, personal)| personal)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
        && !text.contains(char::is_whitespace)
        && !domain.contains('@')
}

/// By its check digits: ISO 13616.
fn is_iban(text: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    if !(15..=34).contains(&text.len()) || !text[..2].iter().all(u8::is_ascii_uppercase) {
        return false;
    }
    let turned = text[4..].iter().chain(&text[..4]);
    let rest = turned.into_iter().try_fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    });
    rest == Some(1)
}

/// By its check digit: Luhn's formula.
fn is_card(text: &str) -> bool {
    let digits: Option<Vec<u32>> =
        text.chars().filter(|digit| !matches!(digit, ' ' | '-')).map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (13..=19).contains(&digits.len())) else { return false };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let marks = text.bytes().filter(|byte| b"+() ".contains(byte)).count();
    (7..=15).contains(&digits)
        && marks > 0
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-() ./x".contains(&byte))
}
