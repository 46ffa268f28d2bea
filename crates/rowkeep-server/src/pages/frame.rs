//! What all pages have in common.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::units::part;
use crate::access::{Role, Session};
use crate::web::problem::Problem;

/// What a browser may do with a page: show it and what this service draws it with, and send its forms here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// A section of the pages, by which people find their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Jobs,
    Alerts,
    Reports,
    Audit,
    Settings,
    Account,
    /// A page that is in none.
    Other,
}

/// What stands around each page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) section: Section,
    /// The name of the user, where somebody has signed in.
    pub(super) user: String,
    pub(super) csrf: String,
    pub(super) role: Option<Role>,
    /// Whether all databases are his.
    pub(super) sees_all: bool,
    /// How many alerts are open that he may see.
    pub(super) open_alerts: usize,
    /// After how many seconds a browser asks again, while something goes on; 0 for never.
    pub(super) refresh: u32,
}

impl Frame {
    /// The frame of a page for somebody.
    pub(super) fn of(session: &Session, section: Section, title: impl Into<String>) -> Self {
        let principal = &session.principal;
        Self {
            title: title.into(),
            section,
            user: session.user.name.clone(),
            csrf: session.csrf.clone(),
            role: Some(principal.role),
            sees_all: principal.databases.is_none(),
            open_alerts: session.open_alerts,
            refresh: 0,
        }
    }

    /// The frame of a page for whoever has not signed in.
    pub(super) fn bare(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            section: Section::Other,
            user: String::new(),
            csrf: String::new(),
            role: None,
            sees_all: false,
            open_alerts: 0,
            refresh: 0,
        }
    }

    fn is_in(&self, section: Section) -> bool {
        self.section == section
    }

    pub(super) fn is_overview(&self) -> bool {
        self.is_in(Section::Overview)
    }

    pub(super) fn is_jobs(&self) -> bool {
        self.is_in(Section::Jobs)
    }

    pub(super) fn is_alerts(&self) -> bool {
        self.is_in(Section::Alerts)
    }

    pub(super) fn is_reports(&self) -> bool {
        self.is_in(Section::Reports)
    }

    pub(super) fn is_audit(&self) -> bool {
        self.is_in(Section::Audit)
    }

    pub(super) fn is_settings(&self) -> bool {
        self.is_in(Section::Settings)
    }

    pub(super) fn is_account(&self) -> bool {
        self.is_in(Section::Account)
    }

    /// Whether somebody may do what needs a role, with databases that he sees.
    fn has(&self, role: Role) -> bool {
        self.role.is_some_and(|own| own >= role)
    }

    /// Whether he deals with what belongs to all.
    pub(super) fn is_admin(&self) -> bool {
        self.has(Role::Admin) && self.sees_all
    }
}

/// A page.
pub(super) fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// Where a job is shown.
pub(super) fn to_job(id: &str) -> Response {
    Redirect::to(&format!("/jobs/{}", part(id))).into_response()
}

/// A page with a status.
pub(super) fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => {
            let mut response = (status, Html(text)).into_response();
            let policy = HeaderValue::from_static(POLICY);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(error) => {
            tracing::error!("a page cannot be made: {error}");
            Problem::broken("the page cannot be made").into_response()
        }
    }
}
