//! Rules as they stand in a configuration.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toml::Value;

use crate::toml_problem::toml_problem;
use crate::variables::expand;

/// Which columns are masked, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct MaskRules {
    /// The secret that values are masked with, in place of the repository's.
    pub key: Option<SecretString>,
    /// The rules by `table.column`, where need be `schema.table.column`; `*` in the table stands for anything.
    pub rules: BTreeMap<String, Rule>,
}

/// What is done to the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// They stay as they are, although they look personal.
    Keep,
    /// They become NULL.
    Null,
    /// They become this value.
    Fixed(String),
    /// Digits become digits and letters letters of the same case; unequal values stay unequal.
    Hash,
    /// A first and a last name.
    FakeName,
    /// A first name.
    FakeFirstName,
    /// A last name.
    FakeLastName,
    /// An e-mail address at example.org, unequal for unequal values.
    FakeEmail,
    /// A telephone number.
    FakePhone,
    /// A street, a number and a city.
    FakeAddress,
    /// Of an e-mail address the part before `@` is hashed, the domain stays.
    KeepDomain,
    /// Numbers become the multiple of this next to them on the way to zero.
    Bucket(u64),
    /// Numbers become one of those from low to high.
    Between(i64, i64),
    /// Dates move by up to that many days, either way.
    Days(u32),
}

/// The names of rules without options.
const PLAIN: [(&str, Rule); 10] = [
    ("null", Rule::Null),
    ("hash", Rule::Hash),
    ("fake-name", Rule::FakeName),
    ("fake-first-name", Rule::FakeFirstName),
    ("fake-last-name", Rule::FakeLastName),
    ("fake-email", Rule::FakeEmail),
    ("fake-phone", Rule::FakePhone),
    ("fake-address", Rule::FakeAddress),
    ("keep-domain", Rule::KeepDomain),
    ("keep", Rule::Keep),
];

impl MaskRules {
    /// Reads the text of a file of rules; `variable` looks up what `${NAME}` in the key stands for.
    ///
    /// The error says what is wrong, with the line where that is known.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut rules: Self = toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
        rules.expand(variable)?;
        Ok(rules)
    }

    /// Puts in what `${NAME}` in the key stands for.
    pub(crate) fn expand(&mut self, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
        if let Some(key) = &mut self.key {
            *key = expand(key.expose_secret(), variable)?.into();
        }
        Ok(())
    }
}

impl TryFrom<toml::Table> for MaskRules {
    type Error = String;

    fn try_from(table: toml::Table) -> Result<Self, String> {
        let mut rules = Self::default();
        for (name, value) in table {
            match value {
                Value::String(key) if name == "key" => rules.key = Some(key.into()),
                value => {
                    let rule =
                        rule(&value).map_err(|problem| format!("the mask rule for {name} {problem}"))?;
                    rules.rules.insert(name, rule);
                }
            }
        }
        Ok(rules)
    }
}

fn rule(value: &Value) -> Result<Rule, String> {
    let options = match value {
        Value::String(name) => return plain(name),
        Value::Table(options) => options,
        _ => return Err("is neither a name nor a table of options".to_owned()),
    };
    let name = options.get("rule").and_then(Value::as_str).ok_or("lacks its name: rule = \"...\"")?;
    let takes: &[&str] = match name {
        "fixed" => &["value"],
        "range" => &["bucket", "low", "high"],
        "days" => &["days"],
        _ => &[],
    };
    if let Some(unknown) = options.keys().find(|key| *key != "rule" && !takes.contains(&key.as_str())) {
        return Err(format!("has an option {unknown}, which {name} does not know"));
    }
    let number = |option: &str| options.get(option).and_then(Value::as_integer);
    match name {
        "fixed" => match options.get("value") {
            Some(Value::String(text)) => Ok(Rule::Fixed(text.clone())),
            Some(value @ (Value::Integer(_) | Value::Boolean(_))) => Ok(Rule::Fixed(value.to_string())),
            _ => Err("lacks its value: value = \"...\"".to_owned()),
        },
        "range" => match (number("bucket"), number("low"), number("high")) {
            (Some(bucket), None, None) if bucket > 0 => Ok(Rule::Bucket(bucket.unsigned_abs())),
            (None, Some(low), Some(high)) if low <= high => Ok(Rule::Between(low, high)),
            _ => Err("needs either bucket = 10 or low = 1 and high = 100".to_owned()),
        },
        "days" => match number("days").and_then(|days| u32::try_from(days).ok()) {
            Some(days @ 1..=36_500) => Ok(Rule::Days(days)),
            _ => Err("needs days = 1 to 36500".to_owned()),
        },
        name => plain(name),
    }
}

fn plain(name: &str) -> Result<Rule, String> {
    match PLAIN.into_iter().find(|(known, _)| *known == name) {
        Some((_, rule)) => Ok(rule),
        None => {
            let known: Vec<&str> = PLAIN.iter().map(|(known, _)| *known).collect();
            Err(format!("is {name}; there are {} and, with options, fixed, range, days", known.join(", ")))
        }
    }
}

impl Rule {
    /// The rule as it is written in TOML.
    pub fn to_toml(&self) -> String {
        match self {
            Rule::Fixed(value) => format!("{{ rule = \"fixed\", value = {} }}", Value::String(value.clone())),
            Rule::Bucket(bucket) => format!("{{ rule = \"range\", bucket = {bucket} }}"),
            Rule::Between(low, high) => format!("{{ rule = \"range\", low = {low}, high = {high} }}"),
            Rule::Days(days) => format!("{{ rule = \"days\", days = {days} }}"),
            plain => {
                let name = PLAIN.iter().find(|(_, rule)| rule == plain).map_or("", |(name, _)| name);
                format!("\"{name}\"")
            }
        }
    }

    /// Whether unequal values become unequal values.
    pub(super) fn keeps_unequal(&self) -> bool {
        matches!(self, Rule::Hash | Rule::FakeEmail | Rule::KeepDomain)
    }
}
