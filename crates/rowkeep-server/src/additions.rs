//! What people change on pages stands beside rowkeep.toml, which is the truth: it is kept sealed in the state, and counts at once.

mod configuration;
mod exporting;
mod kept;
mod sealing;
mod settings;

pub use configuration::Configuration;
pub use exporting::AdditionsFile;
pub(crate) use kept::{open_all, usable};
pub(crate) use settings::{Refused, Settings, Shown};
