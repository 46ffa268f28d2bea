//! `[service.oidc]`: people who sign in where their company keeps its people (OpenID Connect).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::secret::Secret;
use crate::variables::expand;

/// The name that stands for all databases.
const ALL: &str = "*";

/// Roles, from the least to the most.
const ROLES: [&str; 4] = ["viewer", "operator", "restorer", "admin"];

/// Where people sign in, and what they may do then.
#[derive(Debug, Clone, PartialEq)]
pub struct Oidc {
    /// The provider, as it names itself.
    pub issuer: String,
    /// The name that the service has there.
    pub client_id: String,
    /// What shows there that it is the service.
    pub client_secret: Secret,
    /// What the button on the sign-in page says.
    pub name: String,
    /// The claim with a person's name.
    pub user_claim: String,
    /// The claim with a person's groups.
    pub claim: String,
    /// The groups whose members have a role.
    roles: BTreeMap<String, Vec<String>>,
    /// The groups whose members have to do with a database; where there is nothing, everybody has to do with all.
    databases: Option<BTreeMap<String, Vec<String>>>,
}

/// What somebody may do by his groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role that may do the most.
    pub role: &'static str,
    /// The databases that he has to do with; all when there is no list.
    pub databases: Option<Vec<String>>,
}

impl Oidc {
    /// What somebody may do who is in these groups; nothing where they give him no role, or no database.
    pub fn grant(&self, groups: &BTreeSet<String>) -> Option<Grant> {
        let is_in = |named: &Vec<String>| named.iter().any(|group| groups.contains(group));
        let role = *ROLES.iter().rev().find(|role| self.roles.get(**role).is_some_and(is_in))?;
        let databases = match &self.databases {
            None => None,
            Some(named) if named.get(ALL).is_some_and(is_in) => None,
            Some(named) => {
                let own: Vec<String> =
                    named.iter().filter(|(_, groups)| is_in(groups)).map(|(name, _)| name.clone()).collect();
                if own.is_empty() {
                    return None;
                }
                Some(own)
            }
        };
        Some(Grant { role, databases })
    }

    /// Fails where a database is not configured.
    pub(super) fn check<T>(&self, databases: &BTreeMap<String, T>) -> Result<(), String> {
        let named = self.databases.iter().flat_map(BTreeMap::keys);
        match named.into_iter().find(|name| *name != ALL && !databases.contains_key(*name)) {
            Some(unknown) => Err(format!("service: oidc: databases: there is no database {unknown}")),
            None => Ok(()),
        }
    }
}

/// What a file says of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileOidc {
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    client_secret_file: Option<String>,
    name: Option<String>,
    user_claim: Option<String>,
    claim: Option<String>,
    roles: BTreeMap<String, Vec<String>>,
    databases: Option<BTreeMap<String, Vec<String>>>,
}

impl FileOidc {
    pub(super) fn read(
        self,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Oidc, String> {
        let wrong = |problem: String| format!("service: oidc: {problem}");
        let (value, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        let client_secret = Secret::of("client_secret", value, file, folder, variable).map_err(wrong)?;
        let client_secret = client_secret.ok_or_else(|| wrong("client_secret is missing".to_owned()))?;
        let issuer = expand(&self.issuer, variable).map_err(wrong)?;
        if !is_issuer(&issuer) {
            return Err(wrong(format!(
                "issuer: {issuer:?} is no address of a provider; write \"https://login.example.org\""
            )));
        }
        if let Some(unknown) = self.roles.keys().find(|role| !ROLES.contains(&role.as_str())) {
            return Err(wrong(format!("roles: {unknown:?} is no role; there are {}", ROLES.join(", "))));
        }
        if self.roles.values().all(Vec::is_empty) {
            return Err(wrong("roles: no group has a role, so that nobody could sign in".to_owned()));
        }
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        Ok(Oidc {
            issuer,
            client_id: expand(&self.client_id, variable).map_err(wrong)?,
            client_secret,
            name: or(self.name, "Single sign-on"),
            user_claim: or(self.user_claim, "preferred_username"),
            claim: or(self.claim, "groups"),
            roles: self.roles,
            databases: self.databases,
        })
    }
}

/// Whether something is the address of a provider: over TLS, or on this machine.
fn is_issuer(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    let is_here = url.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    is_safe
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str =
        "issuer = 'https://login.example.org/a'\nclient_id = 'rowkeep'\nclient_secret = '${S}'\n";

    fn read(more: &str) -> Result<Oidc, String> {
        let file: FileOidc = toml::from_str(&format!("{BASE}{more}")).expect("it is well formed");
        file.read(Path::new(""), &|name| (name == "S").then(|| "s3cret".to_owned()))
    }

    #[test]
    fn groups_give_the_greatest_role_and_the_databases_that_name_them() {
        let text = "roles = { viewer = ['all'], admin = ['dba'] }\n\
            [databases]\n'*' = ['dba']\nshop = ['shop-team']\norders = ['shop-team', 'x']";
        let oidc = read(text).expect("it is well formed");
        let grant = |groups: &[&str]| oidc.grant(&groups.iter().map(ToString::to_string).collect());
        let named = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        assert_eq!(grant(&["all", "dba"]), Some(Grant { role: "admin", databases: None }));
        assert_eq!(
            grant(&["all", "shop-team"]),
            Some(Grant { role: "viewer", databases: named(&["orders", "shop"]) })
        );
        assert_eq!(grant(&["all", "x"]), Some(Grant { role: "viewer", databases: named(&["orders"]) }));
        for nothing in [&["all"][..], &["shop-team"], &[], &["*"], &["DBA"]] {
            assert_eq!(grant(nothing), None, "{nothing:?}");
        }
        let known = BTreeMap::from([("shop".to_owned(), ())]);
        assert!(oidc.check(&known).is_err_and(|problem| problem.contains("there is no database orders")));
        let for_all = read("roles = { viewer = ['all'] }").expect("it is well formed");
        let all = BTreeSet::from(["all".to_owned()]);
        assert_eq!(for_all.grant(&all), Some(Grant { role: "viewer", databases: None }));
        assert!(!format!("{oidc:?}").contains("s3cret"));
    }

    #[test]
    fn mistakes_are_named() {
        for (more, told) in [
            ("roles = { owner = ['a'] }", "\"owner\" is no role"),
            ("roles = { admin = [] }", "nobody could sign in"),
            ("client_secret_file = 'x'\nroles = { admin = ['a'] }", "not both"),
        ] {
            let problem = read(more).expect_err(told);
            assert!(problem.contains(told), "{problem}");
        }
        for issuer in ["http://login.example.org", "login.example.org", "https://u@h/", "https://h/?a=b"] {
            assert!(!is_issuer(issuer), "{issuer}");
        }
        for issuer in ["https://login.example.org", "https://h/realms/a/", "http://127.0.0.1:8080"] {
            assert!(is_issuer(issuer), "{issuer}");
        }
    }
}
