//! Settings: what is done by itself, what is kept, and who may do what.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::Context;
use rowkeep::jobs::check_config::check;
use rowkeep::jobs::keep::KeepRequest;
use secrecy::{ExposeSecret, SecretString};

use super::configuration::{AdditionRow, addition_rows};
use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{bytes, count, minute, part};
use super::visitor::{Fields, Form, Visitor};
use crate::access::Role;
use crate::state::tokens::{self, Token};
use crate::state::users::{self, User};
use crate::web::access::{self, Scope};
use crate::web::extract::Named;
use crate::web::problem::Problem;
use crate::web::service::Service;
use crate::web::shown_once::Made;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    schedules: Vec<ScheduleRow>,
    broken: Vec<(String, String)>,
    keeping: Vec<Keeping>,
    keeping_problem: Option<String>,
    databases: Vec<String>,
    users: Vec<UserRow>,
    tokens: Vec<TokenRow>,
    /// What was just made, with what nobody can show again.
    made: Option<(String, String)>,
    /// Why rowkeep.toml does not count as it is now.
    problem: Option<String>,
    /// What it says that counts from the next start on.
    waiting: String,
    additions: Vec<AdditionRow>,
}

struct ScheduleRow {
    work: &'static str,
    database: String,
    schedule: String,
    promised: bool,
    next: String,
}

/// What the rules keep of a database.
struct Keeping {
    database: String,
    rules: String,
    kept: String,
    going: String,
    freed: String,
}

struct UserRow {
    id: String,
    name: String,
    role: String,
    databases: String,
    has_second_factor: bool,
    must_change: bool,
    last_seen: String,
}

struct TokenRow {
    id: String,
    name: String,
    role: String,
    databases: String,
    expires: String,
    last_used: String,
}

fn told_databases(databases: Option<&[String]>) -> String {
    databases.map_or_else(|| "all".to_owned(), |names| names.join(", "))
}

fn user_row(user: User) -> UserRow {
    UserRow {
        id: part(&user.id),
        name: user.name,
        role: user.role,
        databases: told_databases(user.databases.as_deref()),
        has_second_factor: user.second_factor.is_some(),
        must_change: user.must_change,
        last_seen: user
            .last_seen
            .map_or_else(|| "never".to_owned(), |time| minute(time, &jiff::tz::TimeZone::UTC)),
    }
}

fn token_row(token: Token) -> TokenRow {
    let told = |time: Option<jiff::Timestamp>| {
        time.map_or_else(|| "never".to_owned(), |time| minute(time, &jiff::tz::TimeZone::UTC))
    };
    TokenRow {
        id: part(&token.id),
        name: token.name,
        role: token.role,
        databases: told_databases(token.databases.as_deref()),
        expires: told(token.expires),
        last_used: told(token.last_used),
    }
}

/// Shows the settings.
pub(super) async fn show(State(service): State<Service>, visitor: Visitor) -> Result<Response, Refused> {
    let queue = service.queue();
    // Taken here and nowhere else: what is shown now is not shown again.
    let made = service.shown_once().take(&visitor.session.csrf);
    let made = made.map(|made| (made.told, made.secret.expose_secret().to_owned()));
    let workspace = queue.workspace();
    let (config, sees) = (workspace.config(), |name: Option<&str>| visitor.caller.0.sees(name));
    let mut checked = check(config, queue.now());
    checked.schedules.retain(|scheduled| sees(scheduled.database.as_deref()));
    checked.broken_promises.retain(|broken| sees(Some(&broken.database)));
    let schedules = checked.schedules.into_iter().map(|scheduled| ScheduleRow {
        work: scheduled.work.name(),
        database: scheduled.database.unwrap_or_default(),
        schedule: scheduled.schedule,
        promised: scheduled.promised,
        next: scheduled.told_next.unwrap_or_default(),
    });
    let context = Context::silent().with_clock(queue.clock());
    let (keeping, keeping_problem) = match KeepRequest::default().run(&context, &workspace).await {
        Ok(kept) => {
            let seen = kept.databases.into_iter().filter(|database| sees(Some(&database.database)));
            (seen.map(keeping).collect(), None)
        }
        // Where nothing is configured, there need not be a repository.
        Err(_) if config.databases.is_empty() => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(error.in_one_line())),
    };
    let is_admin = visitor.caller.0.may(Role::Admin, None);
    let (users, tokens) = match is_admin {
        true => queue.state().transaction(|state| Ok((users::list(state)?, tokens::list(state)?))).await?,
        false => Default::default(),
    };
    let shown = SettingsPage {
        frame: Frame::of(&visitor.session, Section::Settings, "Settings"),
        schedules: schedules.collect(),
        broken: checked.broken_promises.into_iter().map(|broken| (broken.database, broken.reason)).collect(),
        keeping,
        keeping_problem,
        databases: config.databases.keys().filter(|name| sees(Some(name))).cloned().collect(),
        users: users.into_iter().map(user_row).collect(),
        tokens: tokens.into_iter().map(token_row).collect(),
        made,
        problem: service.settings().problem().filter(|_| is_admin),
        waiting: service.settings().waiting().join(", "),
        additions: match is_admin {
            true => addition_rows(&service),
            false => Vec::new(),
        },
    };
    Ok(page(&shown))
}

fn keeping(database: rowkeep::jobs::keep::DatabaseKeeping) -> Keeping {
    let (kept, going): (Vec<_>, Vec<_>) =
        database.snapshots.iter().partition(|snapshot| snapshot.decision.is_kept());
    Keeping {
        database: database.database.clone(),
        rules: database.rules.clone().unwrap_or_else(|| "everything is kept".to_owned()),
        kept: count(kept.len() as u64),
        going: count(going.len() as u64),
        freed: bytes(going.iter().map(|snapshot| snapshot.summary.new_bytes).sum()),
    }
}

/// Has the page that the browser is sent to show what was just made, so that loading it again makes nothing.
fn shown_next(service: &Service, visitor: &Visitor, told: String, secret: SecretString) -> Response {
    service.shown_once().put(&visitor.session.csrf, Made { told, secret });
    Redirect::to("/settings").into_response()
}

fn scope(fields: &Fields) -> Result<Scope, Problem> {
    let role = fields.must("role")?;
    let role = Role::named(role).ok_or_else(|| Problem::unprocessable(format!("there is no role {role}")))?;
    let databases = fields.all("database");
    Ok(Scope { role, databases: (!databases.is_empty()).then_some(databases) })
}

/// Makes a user, whose first password is shown this once.
pub(super) async fn add_user(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let name = fields.must("name")?.trim().to_owned();
    let (user, password) = access::create_user(&service, &visitor.caller, name, scope(&fields)?).await?;
    let told = format!("{} signs in with this password once, and chooses another then:", user.name);
    Ok(shown_next(&service, &visitor, told, password.expose_secret().into()))
}

/// Gives a user another first password.
pub(super) async fn reset_password(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    let (user, password) = access::reset_user(&service, &visitor.caller, &id).await?;
    let told = format!("{} signs in with this password once, and chooses another then:", user.name);
    Ok(shown_next(&service, &visitor, told, password.expose_secret().into()))
}

/// Removes a user.
pub(super) async fn remove_user(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    access::remove_user(&service, &visitor.caller, &id).await?;
    Ok(Redirect::to("/settings#users").into_response())
}

/// Makes a token, which is shown this once.
pub(super) async fn add_token(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let name = fields.must("name")?.trim().to_owned();
    let days = fields.get("days").map(|text| text.trim().parse::<u16>());
    let days =
        days.transpose().map_err(|_| Problem::unprocessable("a token is valid for 1 to 65,535 days"))?;
    let now = service.queue().now();
    let expires = days.map(|days| now.saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(days))));
    let expires = expires.and_then(Result::ok);
    let made = access::create_token(&service, &visitor.caller, name, scope(&fields)?, expires).await?;
    let told = format!("The token {}, which is not shown again:", made.token.name);
    Ok(shown_next(&service, &visitor, told, made.secret.into()))
}

/// Revokes a token.
pub(super) async fn revoke_token(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    access::revoke_token(&service, &visitor.caller, &id).await?;
    Ok(Redirect::to("/settings#tokens").into_response())
}
