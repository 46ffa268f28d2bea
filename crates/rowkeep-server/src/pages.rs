//! The pages: what people see who sign in with a browser. All of it is made here; nothing runs in the browser.

mod account;
mod added;
mod adding;
mod alerts;
mod assets;
mod audit;
mod charts;
mod compare;
mod configuration;
mod database;
mod devices;
mod differences;
mod drills;
mod exports;
mod for_all;
mod frame;
mod history;
mod jobs;
mod oidc;
mod overview;
mod plans;
mod promises;
mod refresh;
mod refused;
mod reports;
mod rows;
mod settings;
mod sign_in;
mod snapshot;
mod units;
mod values;
mod visitor;

use axum::Router;
use axum::routing::{get, post};

use crate::web::service::Service;
pub(crate) use refused::{not_found, other_method};

/// The pages, by their addresses.
pub(crate) fn routes() -> Router<Service> {
    Router::new()
        .route("/", get(overview::show))
        .route("/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/sign-in/oidc", get(oidc::begin))
        .route("/sign-in/oidc/return", get(oidc::finish))
        .route("/sign-out", post(sign_in::end))
        .route("/account", get(account::show))
        .route("/account/password", get(account::password).post(account::change))
        .route("/account/second-factor", post(account::begin_factor))
        .route("/account/second-factor/confirmation", post(account::confirm_factor))
        .route("/account/second-factor/removal", post(account::remove_factor))
        .route("/new-database", get(adding::begin).post(adding::connect))
        .route("/new-database/{id}", get(adding::show).post(adding::add))
        .route("/new-database/{id}/examinations", post(adding::look_again))
        .route("/new-database/{id}/repository", post(adding::place))
        .route("/databases/{database}", get(database::show))
        .route("/databases/{database}/settings", get(added::show).post(added::change))
        .route("/databases/{database}/removal", post(added::remove))
        .route("/databases/{database}/backups", post(database::back_up))
        .route("/databases/{database}/drills", get(drills::list).post(database::drill))
        .route("/databases/{database}/devices", get(devices::list))
        .route("/databases/{database}/undos", post(plans::undo))
        .route("/databases/{database}/comparisons", post(compare::begin))
        .route("/databases/{database}/differences", get(differences::show))
        .route("/databases/{database}/refreshes", post(refresh::create))
        .route("/databases/{database}/restores", post(plans::restore))
        .route("/databases/{database}/drills/{id}/report", get(drills::download))
        .route("/databases/{database}/history", get(history::show))
        .route("/databases/{database}/exports", post(exports::create))
        .route("/exports", get(exports::list))
        .route("/databases/{database}/exports/{id}", get(exports::show))
        .route("/databases/{database}/exports/{id}/removal", post(exports::delete))
        .route("/databases/{database}/exports/{id}/files/{file}", get(exports::file))
        .route("/databases/{database}/snapshots/{snapshot}", get(snapshot::show))
        .route("/databases/{database}/snapshots/{snapshot}/hold", post(snapshot::hold))
        .route("/databases/{database}/snapshots/{snapshot}/release", post(snapshot::release))
        .route("/databases/{database}/snapshots/{snapshot}/tables/{table}", get(rows::list))
        .route("/databases/{database}/snapshots/{snapshot}/tables/{table}/rows/{key}", get(rows::show))
        .route("/comparisons/{id}", get(compare::show))
        .route("/plans/{id}", get(plans::show))
        .route("/plans/{id}/executions", post(plans::execute))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::show))
        .route("/jobs/{id}/stop", post(jobs::stop))
        .route("/alerts", get(alerts::list))
        .route("/alerts/channels/{name}/tests", post(alerts::test))
        .route("/reports", get(reports::show))
        .route("/audit", get(audit::list))
        .route("/settings", get(settings::show))
        .route("/settings/all-databases", get(for_all::show))
        .route("/settings/schedule", post(for_all::schedule))
        .route("/settings/keep", post(for_all::keep))
        .route("/settings/reloads", post(configuration::reload))
        .route("/settings/additions", get(configuration::export))
        .route("/settings/removals", post(configuration::remove_addition))
        .route("/settings/users", post(settings::add_user))
        .route("/settings/users/{id}/password-resets", post(settings::reset_password))
        .route("/settings/users/{id}/removal", post(settings::remove_user))
        .route("/settings/tokens", post(settings::add_token))
        .route("/settings/tokens/{id}/revocation", post(settings::revoke_token))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/icon.svg", get(assets::icon))
}
