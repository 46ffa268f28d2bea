//! Health: how databases stand to what was promised of them, by what is in the repository and by reports of drills; no service has to
//! run, and no database is asked.

mod devices;
mod figures;
mod outcome;
mod overdue;
mod request;
mod standing;

pub use devices::{DeviceHealth, devices, has_undrilled, told_of_devices};
pub use outcome::{DatabaseHealth, HealthOutcome, LastDrill, NewestSnapshot};
pub use overdue::overdue_since;
pub use request::HealthRequest;
pub use standing::{Known, Standing, summary};
