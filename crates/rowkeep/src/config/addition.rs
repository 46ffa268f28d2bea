//! What is configured beside the file: a piece of TOML for each subject, as the file would have it.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use toml::{Table, Value};

use crate::retention::StatedRules;
use crate::without_secrets::without_secrets;

/// What an addition is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Where backups live.
    Repository,
    /// A database, by its name.
    Database(String),
    /// When what is done of all databases, and of the repository.
    Schedule,
    /// Which snapshots of all databases are kept.
    Keep,
}

/// The table with the databases.
pub(super) const DATABASES: &str = "databases";

/// What a file says of one repository, and additions too.
pub(super) const OF_REPOSITORY: [&str; 2] = ["repository", "passphrase"];

/// What a file says when things are done, of all databases.
const SCHEDULE: &str = "schedule";

/// What a file says of what is kept, of all databases.
const KEEP: &str = "keep";

/// What can be said of a database that is added: nothing that runs a program, or asks somebody else.
const OF_DATABASE: [&str; 5] = ["url", "promise", "schedule", "keep", "timezone"];

impl Subject {
    /// That of a name.
    pub fn named(name: &str) -> Option<Self> {
        match name.split_once('.') {
            None => match name {
                "repository" => Some(Self::Repository),
                SCHEDULE => Some(Self::Schedule),
                KEEP => Some(Self::Keep),
                _ => None,
            },
            Some((DATABASES, database)) => Some(Self::Database(database.to_owned())),
            Some(_) => None,
        }
    }

    /// Its name: `repository`, `databases.shop`.
    pub fn name(&self) -> String {
        match self {
            Self::Repository => "repository".to_owned(),
            Self::Database(name) => format!("{DATABASES}.{name}"),
            Self::Schedule => SCHEDULE.to_owned(),
            Self::Keep => KEEP.to_owned(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository => f.write_str("the repository"),
            Self::Database(name) => write!(f, "database {name}"),
            Self::Schedule => f.write_str("the schedule of all databases"),
            Self::Keep => f.write_str("what is kept of all databases"),
        }
    }
}

/// A database as somebody adds it. What he writes stands for itself: `${NAME}` is no variable in it.
#[derive(Debug, Clone, Default)]
pub struct AddedDatabase {
    /// Its URL or path.
    pub url: SecretString,
    /// What is promised of it: how much work may be lost, and how soon it is back.
    pub promise: Option<(String, Option<String>)>,
    /// When what is done, by the names of the work.
    pub schedule: BTreeMap<String, String>,
    /// Which of its snapshots are kept; as for all databases when empty.
    pub keep: StatedRules,
    /// The time zone of its days.
    pub timezone: Option<String>,
}

/// What is configured beside the file of one subject.
#[derive(Debug, Clone)]
pub struct Addition {
    subject: Subject,
    /// TOML, as a file would have it.
    text: SecretString,
}

impl Addition {
    /// That of a database.
    pub fn of_database(name: &str, added: &AddedDatabase) -> Result<Self, String> {
        let mut table = Table::new();
        table.insert("url".to_owned(), literal(added.url.expose_secret()));
        if let Some((lose, back_in)) = &added.promise {
            let mut promise = Table::from_iter([("lose".to_owned(), literal(lose))]);
            promise.extend(back_in.as_ref().map(|back_in| ("back_in".to_owned(), literal(back_in))));
            table.insert("promise".to_owned(), promise.into());
        }
        if !added.schedule.is_empty() {
            let schedule = added.schedule.iter().map(|(work, when)| (work.clone(), literal(when)));
            table.insert("schedule".to_owned(), Table::from_iter(schedule).into());
        }
        if !added.keep.is_empty() {
            let keep = Value::try_from(&added.keep).map_err(|error| error.to_string())?;
            table.insert("keep".to_owned(), keep);
        }
        table.extend(added.timezone.as_ref().map(|zone| ("timezone".to_owned(), literal(zone))));
        let databases = Table::from_iter([(name.to_owned(), table.into())]);
        let whole = Table::from_iter([(DATABASES.to_owned(), databases.into())]);
        Ok(Self { subject: Subject::Database(name.to_owned()), text: whole.to_string().into() })
    }

    /// That of the repository: where it is, and the passphrase that opens it, if it is not opened by something else.
    pub fn of_repository(location: &str, passphrase: Option<&SecretString>) -> Self {
        let mut whole = Table::from_iter([("repository".to_owned(), literal(location))]);
        whole.extend(passphrase.map(|secret| ("passphrase".to_owned(), literal(secret.expose_secret()))));
        Self { subject: Subject::Repository, text: whole.to_string().into() }
    }

    /// When what is done of all databases, by the names of the work, as `[schedule]` of a file has it.
    pub fn of_schedule(stated: &BTreeMap<String, String>) -> Self {
        let schedule = stated.iter().map(|(name, when)| (name.clone(), literal(when)));
        let whole = Table::from_iter([(SCHEDULE.to_owned(), Table::from_iter(schedule).into())]);
        Self { subject: Subject::Schedule, text: whole.to_string().into() }
    }

    /// Which snapshots of all databases are kept, as `[keep]` of a file has it.
    pub fn of_keep(stated: &StatedRules) -> Result<Self, String> {
        let keep = Value::try_from(stated).map_err(|error| error.to_string())?;
        let whole = Table::from_iter([(KEEP.to_owned(), keep)]);
        Ok(Self { subject: Subject::Keep, text: whole.to_string().into() })
    }

    /// What one says of schedules; nothing where it is about something else.
    pub fn schedule(&self) -> Option<BTreeMap<String, String>> {
        let table = self.table().ok()?;
        let stated = table.get(SCHEDULE).filter(|_| self.subject == Subject::Schedule)?.as_table()?.iter();
        let text = |value: &Value| value.as_str().map(|text| text.replace("$${", "${"));
        Some(stated.filter_map(|(name, when)| Some((name.clone(), text(when)?))).collect())
    }

    /// What one says of what is kept; nothing where it is about something else.
    pub fn keep(&self) -> Option<StatedRules> {
        let keep = self.table().ok()?.remove(KEEP).filter(|_| self.subject == Subject::Keep)?;
        keep.try_into().ok()
    }

    /// One that was kept as text. Fails where it says something of anything else than its subject.
    pub fn kept(subject: Subject, text: SecretString) -> Result<Self, String> {
        let kept = Self { subject, text };
        let table = kept.table()?;
        let allowed: (&dyn Fn(&str) -> bool, Table) = match &kept.subject {
            Subject::Repository => (&|name| OF_REPOSITORY.contains(&name), table),
            Subject::Schedule => (&|name| name == SCHEDULE, table),
            Subject::Keep => (&|name| name == KEEP, table),
            Subject::Database(name) => {
                let mut databases = match (table.len(), table.into_iter().next()) {
                    (1, Some((only, Value::Table(databases)))) if only == DATABASES => databases,
                    _ => return Err(format!("it is about more than {}", kept.subject)),
                };
                match (databases.len(), databases.remove(name)) {
                    (1, Some(Value::Table(database))) => (&|name| OF_DATABASE.contains(&name), database),
                    _ => return Err(format!("it is about more than {}", kept.subject)),
                }
            }
        };
        match allowed.1.keys().find(|name| !allowed.0(name)) {
            Some(other) => Err(format!("{other} is not added beside the file")),
            None => Ok(kept),
        }
    }

    /// What it is about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// As a file would have it.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// The URL of the database without what is secret in it, or where the repository is.
    pub fn place(&self) -> String {
        let table = self.table().unwrap_or_default();
        let place = match &self.subject {
            Subject::Schedule | Subject::Keep => None,
            Subject::Repository => table.get("repository"),
            Subject::Database(name) => table
                .get(DATABASES)
                .and_then(|databases| databases.get(name))
                .and_then(|database| database.get("url")),
        };
        without_secrets(&place.and_then(Value::as_str).unwrap_or_default().replace("$${", "${"))
    }

    /// The same as a table.
    pub(super) fn table(&self) -> Result<Table, String> {
        // What the library says of a mistake may show the line.
        self.text.expose_secret().parse().map_err(|_: toml::de::Error| "it is no TOML".to_owned())
    }
}

/// A text that stands for itself.
fn literal(text: &str) -> Value {
    Value::String(text.replace("${", "$${"))
}

impl AddedDatabase {
    /// What an addition says of a database; nothing where it is about something else.
    pub fn of(addition: &Addition) -> Option<Self> {
        let Subject::Database(name) = addition.subject() else { return None };
        let table = addition.table().ok()?;
        let table = table.get(DATABASES)?.get(name)?.as_table()?;
        let text = |value: &Value| value.as_str().map(|text| text.replace("$${", "${"));
        let promise = table
            .get("promise")
            .and_then(|promise| Some((text(promise.get("lose")?)?, promise.get("back_in").and_then(text))));
        let schedule = table.get("schedule").and_then(Value::as_table);
        let schedule = schedule.into_iter().flatten();
        Some(Self {
            url: text(table.get("url")?)?.into(),
            promise,
            schedule: schedule.filter_map(|(work, when)| Some((work.clone(), text(when)?))).collect(),
            keep: table.get("keep").and_then(|keep| keep.clone().try_into().ok()).unwrap_or_default(),
            timezone: table.get("timezone").and_then(text),
        })
    }
}
