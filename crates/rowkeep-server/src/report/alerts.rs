//! Alerts that were open in a period.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::incidents::Incident;

/// An alert that was open in a period.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AlertEntry {
    /// The alert: `overdue`, `drill_failed`.
    pub(crate) kind: String,
    /// What it was about.
    pub(crate) object: String,
    pub(crate) severity: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) opened: Timestamp,
    /// When it was over; missing where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) cleared: Option<Timestamp>,
    /// What was wrong.
    pub(crate) words: String,
}

impl From<&Incident> for AlertEntry {
    fn from(incident: &Incident) -> Self {
        Self {
            kind: incident.kind.clone(),
            object: incident.object.clone(),
            severity: incident.severity.clone(),
            opened: incident.opened,
            cleared: incident.cleared,
            words: incident.words.clone(),
        }
    }
}
