//! What a bucket keeps of what was deleted.

use rowkeep::repository::KeptVersions;

/// What stays, and when it goes, in words.
pub(crate) fn told(kept: &KeptVersions) -> String {
    let rule = match kept.deleted_after_days {
        Some(1) => "a rule of the bucket deletes them after a day".to_owned(),
        Some(days) => format!("a rule of the bucket deletes them after {days} days"),
        None if kept.tells_rules => "no rule of the bucket ever deletes them".to_owned(),
        None => "its own rules say when they go".to_owned(),
    };
    match kept.retained_until {
        Some(until) => {
            let until = until.strftime("%Y-%m-%d %H:%M UTC");
            format!(
                "the bucket keeps older versions of what was deleted, and nobody can delete them before {until}; {rule}"
            )
        }
        None => format!("the bucket keeps older versions of what was deleted; {rule}"),
    }
}
