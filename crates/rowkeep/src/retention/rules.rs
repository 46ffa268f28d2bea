//! Rules: what is to be kept, as it is written and as it is meant.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::length::Length;
use super::period::Period;

/// How long safety snapshots are kept where rules say nothing of them.
const SAFETY_DAYS: u64 = 14;

/// Rules as they are written: in `rowkeep.toml`, or as options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatedRules {
    /// The last so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Stated>,
    /// The newest of each hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<Stated>,
    /// The newest of each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<Stated>,
    /// The newest of each week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Stated>,
    /// The newest of each month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Stated>,
    /// The newest of each year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yearly: Option<Stated>,
    /// All that are not older.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Stated>,
    /// The same in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Stated>,
    /// Those with a tag: `release`, or `release=2.0`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Stated>,
    /// Safety snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<Stated>,
}

/// A number of snapshots, or a length of time, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stated {
    /// How many.
    Number(i64),
    /// How long; or how many, where an option says so.
    Text(String),
}

/// How many snapshots a rule keeps, or how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many.
    Count(u64),
    /// So long.
    For(Length),
    /// All, for ever.
    Forever,
}

/// Rules as they are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The last so many.
    pub last: Option<Limit>,
    /// The newest of each period.
    pub periods: Vec<(Period, Limit)>,
    /// All that are not older; never a count.
    pub within: Option<Limit>,
    /// Those with a tag, or with a tag of this value; never counts.
    pub tags: Vec<(String, Limit)>,
    /// Safety snapshots.
    pub safety: Limit,
}

impl Rules {
    /// Those for the states of the service: the newest 30, and the last of each of 30 days.
    pub fn of_service() -> Self {
        let periods = vec![(Period::Daily, Limit::Count(30))];
        let safety = Limit::For(Length::days(SAFETY_DAYS));
        Self { last: Some(Limit::Count(30)), periods, within: None, tags: Vec::new(), safety }
    }

    /// Whether they say which backups are kept. Else all are, and the rules are of safety snapshots alone.
    pub fn say_of_backups(&self) -> bool {
        self.last.is_some() || !self.periods.is_empty() || self.within.is_some()
    }
}

impl StatedRules {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is meant. Fails where that would keep nothing, or contradicts itself.
    pub fn rules(&self) -> Result<Rules, String> {
        if self.is_empty() {
            return Err("there is no rule in keep; leave it out to keep everything".to_owned());
        }
        let last = self.last.as_ref().map(|stated| stated.count("last")).transpose()?;
        let stated = [&self.hourly, &self.daily, &self.weekly, &self.monthly, &self.yearly];
        let mut periods = Vec::new();
        for (period, stated) in Period::ALL.into_iter().zip(stated) {
            if let Some(stated) = stated {
                periods.push((period, stated.limit(period.name())?));
            }
        }
        let within = match (&self.within, &self.days) {
            (Some(_), Some(_)) => return Err("days and within say the same; write one of them".to_owned()),
            (Some(within), None) => Some(within.length("within")?),
            (None, Some(days)) => match days.limit("days")? {
                Limit::Count(days) if days <= 100_000 => Some(Limit::For(Length::days(days))),
                Limit::Count(_) => {
                    return Err("days is longer than can be counted; write \"forever\"".to_owned());
                }
                length => Some(length),
            },
            (None, None) => None,
        };
        let mut tags = Vec::new();
        for (tag, stated) in &self.tags {
            if tag.is_empty() || tag.starts_with('=') {
                return Err("a rule in keep.tags names no tag".to_owned());
            }
            tags.push((tag.clone(), stated.length(&format!("tag {tag}"))?));
        }
        let safety = self.safety.as_ref().map(|stated| stated.limit("safety")).transpose()?;
        let safety = safety.unwrap_or(Limit::For(Length::days(SAFETY_DAYS)));
        let rules = Rules { last, periods, within, tags, safety };
        if !rules.tags.is_empty() && !rules.say_of_backups() {
            return Err("rules for tags alone do not say how long others are kept; add one such as \
                        daily = \"30 days\", or within = \"forever\""
                .to_owned());
        }
        Ok(rules)
    }
}

impl Stated {
    /// Reads a number of snapshots or a length of time.
    fn limit(&self, rule: &str) -> Result<Limit, String> {
        let number = match self {
            Stated::Number(number) => Some(*number),
            Stated::Text(text) if matches!(text.trim(), "forever" | "unlimited") => Some(-1),
            Stated::Text(text) => text.trim().parse().ok(),
        };
        match (number, self) {
            (Some(-1), _) => Ok(Limit::Forever),
            (Some(0), _) => Err(format!("{rule} = 0 keeps nothing; leave the rule out")),
            (Some(number), _) => match u64::try_from(number) {
                Ok(count) => Ok(Limit::Count(count)),
                Err(_) => Err(format!("{rule} = {number} is no number of snapshots")),
            },
            (None, Stated::Text(text)) => {
                Length::parse(text).map(Limit::For).map_err(|problem| format!("{rule}: {problem}"))
            }
            (None, Stated::Number(_)) => Err(format!("{rule} is no number of snapshots")),
        }
    }

    /// Reads what can only be a number of snapshots.
    fn count(&self, rule: &str) -> Result<Limit, String> {
        match self.limit(rule)? {
            Limit::For(_) => {
                Err(format!("{rule} is a number of snapshots; for a length of time write within"))
            }
            limit => Ok(limit),
        }
    }

    /// Reads what can only be a length of time.
    fn length(&self, rule: &str) -> Result<Limit, String> {
        match self.limit(rule)? {
            Limit::Count(count) => {
                Err(format!("{rule} = {count} needs a unit; write 48h, \"30 days\" or \"forever\""))
            }
            limit => Ok(limit),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Count(count) => write!(f, "{count}"),
            Limit::For(length) => write!(f, "{length}"),
            Limit::Forever => f.write_str("forever"),
        }
    }
}

/// The rules in words: `last 5, daily 30 days, safety 14 days`.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last.map(|limit| format!("last {limit}"));
        let periods = self.periods.iter().map(|(period, limit)| format!("{} {limit}", period.name()));
        let within = self.within.map(|limit| format!("within {limit}"));
        let tags = self.tags.iter().map(|(tag, limit)| format!("tag {tag} {limit}"));
        let told = last.into_iter().chain(periods).chain(within).chain(tags);
        let told = told.chain([format!("safety {}", self.safety)]);
        f.write_str(&told.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Rules, String> {
        let stated: StatedRules = toml::from_str(text).map_err(|error| error.to_string())?;
        stated.rules()
    }

    #[test]
    fn rules_are_counts_or_lengths_of_time() {
        let rules = rules(
            "last = 5\nhourly = '7 days'\ndaily = 30\nweekly = '3'\nmonthly = '1 year'\nyearly = 'forever'\n\
             within = '48h'\nsafety = 3\n[tags]\nrelease = 'forever'\n'env=prod' = '1y'",
        )
        .expect("they are well formed");
        assert_eq!(rules.last, Some(Limit::Count(5)));
        let told: Vec<String> =
            rules.periods.iter().map(|(period, limit)| format!("{} {limit}", period.name())).collect();
        assert_eq!(told, ["hourly 7 days", "daily 30", "weekly 3", "monthly 1 year", "yearly forever"]);
        assert_eq!(rules.within.map(|limit| limit.to_string()).as_deref(), Some("48 hours"));
        assert_eq!(rules.safety, Limit::Count(3));
        assert_eq!(rules.tags.len(), 2);
        let days = super::tests::rules("days = 30").expect("they are well formed");
        assert_eq!(days.within.map(|limit| limit.to_string()).as_deref(), Some("30 days"));
        assert_eq!(days.safety.to_string(), "14 days");
        assert!(!super::tests::rules("safety = '7 days'").expect("they are well formed").say_of_backups());
        assert_eq!(super::tests::rules("last = -1").map(|rules| rules.last), Ok(Some(Limit::Forever)));
    }

    #[test]
    fn rules_that_keep_nothing_or_contradict_each_other_are_refused() {
        for (text, said) in [
            ("", "there is no rule in keep"),
            ("last = 0", "last = 0 keeps nothing"),
            ("last = 0\ndaily = 7", "last = 0 keeps nothing"),
            ("last = -2", "is no number of snapshots"),
            ("last = '3 days'", "for a length of time write within"),
            ("daily = '0 days'", "keeps nothing"),
            ("daily = 'often'", "daily: \"often\" is no length of time"),
            ("within = 48", "within = 48 needs a unit"),
            ("days = 30\nwithin = '48h'", "say the same"),
            ("days = 99999999", "longer than can be counted"),
            ("[tags]\nrelease = 'forever'", "do not say how long others are kept"),
            ("last = 1\n[tags]\nrelease = 3", "tag release = 3 needs a unit"),
            ("last = 1\n[tags]\n'' = '1y'", "names no tag"),
            ("minutely = 5", "minutely"),
            ("daily = 1.5", "daily"),
            ("daily = [1]", "daily"),
        ] {
            let error = rules(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
