//! `[databases.NAME.refresh]`: from which other database one is made again, and how.

use std::collections::BTreeMap;

use serde::Deserialize;

/// From which other database one is made again: staging from production.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The other database, by its configured name: its newest snapshot is what this one becomes.
    pub from: String,
    /// Whether rows are masked by the rules of the other database.
    #[serde(default = "yes")]
    pub mask: bool,
    /// Whether a safety snapshot is taken of what is replaced.
    #[serde(default = "yes")]
    pub safety: bool,
    /// Whether other connections to this database are ended first.
    #[serde(default)]
    pub end_connections: bool,
}

fn yes() -> bool {
    true
}

/// What a file says of a database, as far as a refresh has to do with it.
pub(super) struct Said<'a> {
    pub(super) refresh: Option<&'a Refresh>,
    /// Whether there is a schedule for it.
    pub(super) is_scheduled: bool,
    /// Whether there are rules by which its rows are masked.
    pub(super) has_rules: bool,
}

/// Fails for a refresh from a database that is not there or has no rules, and for the schedule of one that is not described.
pub(super) fn check(databases: &BTreeMap<&str, Said<'_>>) -> Result<(), String> {
    for (name, said) in databases {
        let Some(refresh) = said.refresh else {
            if said.is_scheduled {
                return Err(format!(
                    "database {name}: schedule: refresh: say from which database in [databases.{name}.refresh]"
                ));
            }
            continue;
        };
        let from = &refresh.from;
        if from == *name {
            return Err(format!("database {name}: refresh: it cannot be made from itself"));
        }
        let Some(other) = databases.get(&**from) else {
            return Err(format!("database {name}: refresh: there is no [databases.{from}] in this file"));
        };
        if refresh.mask && !other.has_rules {
            return Err(format!(
                "database {name}: refresh: {from} has no mask rules; write [databases.{from}.mask], or mask = false if its rows may be seen as they are"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Config;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("rowkeep.toml"), &|_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_refreshed_says_from_where() {
        let shop = "[databases.shop]\nurl = 'shop.db'\n";
        let mask = "[databases.shop.mask]\n'users.email' = 'hash'\n";
        let staging = "[databases.staging]\nurl = 'staging.db'\nschedule = { refresh = 'daily at 05:00' }\n";
        let config = parse(&format!("{shop}{mask}{staging}refresh = {{ from = 'shop' }}")).expect("it holds");
        let refresh = config.databases["staging"].refresh.clone().expect("it is described");
        assert!(refresh.mask && refresh.safety && !refresh.end_connections, "{refresh:?}");
        let timetable = config.timetable();
        assert_eq!(timetable.len(), 1);
        assert_eq!(timetable[0].database.as_deref(), Some("staging"));
        // What is written for all is for those alone that say from where.
        let all = format!(
            "[schedule]\nrefresh = 'daily at 05:00'\n{shop}{mask}[databases.staging]\nurl = 'staging.db'\nrefresh = {{ from = 'shop' }}"
        );
        assert_eq!(parse(&all).expect("it holds").timetable().len(), 1);

        for (text, problem) in [
            (format!("{shop}{staging}"), "say from which database in [databases.staging.refresh]"),
            (format!("{shop}{staging}refresh = {{ from = 'shop' }}"), "shop has no mask rules"),
            (format!("{shop}{mask}{staging}refresh = {{ from = 'other' }}"), "no [databases.other]"),
            (
                format!("{mask}{staging}refresh = {{ from = 'staging' }}")
                    .replace("[databases.shop.mask]\n'users.email' = 'hash'\n", ""),
                "from itself",
            ),
        ] {
            let told = parse(&text).expect_err("it does not hold");
            assert!(told.contains(problem), "{told}");
        }
        parse(&format!("{shop}{staging}refresh = {{ from = 'shop', mask = false }}")).expect("it is said");
    }
}
