//! Who somebody is, and what he may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody may do; each may do all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Looks at databases, snapshots and jobs.
    Viewer,
    /// Backs up, tests recoveries, checks.
    Operator,
    /// Restores into databases.
    Restorer,
    /// Everything.
    Admin,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Restorer, Role::Admin];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Restorer => "restorer",
            Role::Admin => "admin",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Somebody who has shown who he is.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// As the audit names him.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The databases that he has to do with; all when there is no list.
    pub(crate) databases: Option<Vec<String>>,
    pub(crate) address: String,
}

impl Principal {
    /// Whether he may do what needs a role, with a database or, when none is named, with everything.
    pub(crate) fn may(&self, role: Role, database: Option<&str>) -> bool {
        self.role >= role
            && match (&self.databases, database) {
                (None, _) => true,
                (Some(own), Some(database)) => own.iter().any(|name| name == database),
                (Some(_), None) => false,
            }
    }

    /// Whether he may see what a database is named in, or, where none is, what belongs to all.
    pub(crate) fn sees(&self, database: Option<&str>) -> bool {
        self.may(Role::Viewer, database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_scopes_are_kept_to() {
        let principal = |role, databases: Option<&[&str]>| Principal {
            name: "token t".to_owned(),
            role,
            databases: databases.map(|names| names.iter().map(ToString::to_string).collect()),
            address: "::1".to_owned(),
        };
        let shop = principal(Role::Operator, Some(&["shop"]));
        assert!(shop.may(Role::Operator, Some("shop")) && shop.may(Role::Viewer, Some("shop")));
        assert!(!shop.may(Role::Restorer, Some("shop")) && !shop.may(Role::Viewer, Some("orders")));
        assert!(!shop.may(Role::Viewer, None), "what belongs to all is not his");
        let admin = principal(Role::Admin, None);
        assert!(Role::ALL.iter().all(|role| admin.may(*role, None) && admin.may(*role, Some("shop"))));
        assert!(!principal(Role::Admin, Some(&[])).may(Role::Viewer, Some("shop")));
    }
}
