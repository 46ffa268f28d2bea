//! A database that was looked at.

use rowkeep_engine::Finding;
use serde::{Deserialize, Serialize};

/// A database that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Examined {
    /// Its name.
    pub database: String,
    /// Where it is, in words that show no secret.
    pub target: String,
    /// Facts by name, in the order in which they matter.
    pub facts: Vec<(String, String)>,
    /// What was looked at.
    pub findings: Vec<Finding>,
}
