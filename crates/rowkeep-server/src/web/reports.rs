//! Reports of a period, for whoever may see what they are about.

use jiff::tz::TimeZone;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::report::{Month, Period, Report, report};
use crate::state::transaction::Transaction;
use crate::state::{audit, runs};

/// So many months can be chosen on a page.
const MONTHS: usize = 24;

/// The time zone by whose days and months periods are named.
pub(crate) fn zone(service: &Service) -> TimeZone {
    service.queue().workspace().config().timezone.clone().unwrap_or(TimeZone::UTC)
}

/// The report of a period, about what somebody may see.
pub(crate) async fn of(service: &Service, caller: &Caller, period: &Period) -> Result<Report, Problem> {
    let sees = |name: &str| caller.0.sees(Some(name));
    Ok(report(service.queue(), period, sees, caller.0.sees(None)).await?)
}

/// The months of which the state knows something, the newest first: the one that goes on, and those before.
pub(crate) async fn months(service: &Service) -> Result<Vec<Month>, Problem> {
    let known = |state: &Transaction<'_>| Ok([audit::first_time(state)?, runs::first(state)?]);
    let since = service.queue().state().transaction(known).await?.into_iter().flatten().min();
    let (now, zone) = (service.queue().now(), zone(service));
    let first = Month::of(since.unwrap_or(now), &zone);
    let all = std::iter::successors(Some(Month::of(now, &zone)), |month| Some(month.before()));
    let mut months = Vec::new();
    for month in all.take(MONTHS) {
        months.push(month);
        if month == first {
            break;
        }
    }
    Ok(months)
}
