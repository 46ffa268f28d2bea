//! Messages as each channel takes them.

mod discord;
mod ntfy;
mod pagerduty;
mod slack;
mod teams;
mod telegram;
mod webhook;

pub(super) use discord::discord;
pub(super) use ntfy::ntfy;
pub(super) use pagerduty::pagerduty;
pub(super) use slack::slack;
pub(super) use teams::teams;
pub(super) use telegram::telegram;
pub(super) use webhook::webhook;
