//! Whether somebody could still read the backups if this machine were gone: how old the recovery kit is.

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::channels::AlertKind;
use rowkeep::repository::Repository;

use super::condition::{Finding, Wrong};
use super::message::Severity;
use super::patience::within_patience;

/// After so long a kit may be lost, or of a key that opens nothing any more.
const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What the alert is about.
const OBJECT: &str = "recovery kit of the repository";

/// Looks when the last kit was made; nothing where the repository does not say, or needs no key.
pub(super) async fn finding(repository: Option<&Repository>, now: Timestamp) -> Option<Finding> {
    let repository = repository.filter(|repository| repository.is_encrypted())?;
    let looked = async {
        let made = repository.last_kit().await?;
        let slots = repository.key_slots().await?;
        Ok::<_, rowkeep::repository::Error>((made, slots.iter().map(|slot| slot.created).min()))
    };
    let (made, begun) = within_patience(looked).await?.ok()?;
    Some(Finding::of(AlertKind::RecoveryKit, OBJECT, wrong(made, begun?, now)))
}

/// What is wrong with a kit that was made then, of a repository whose first key is of that time.
fn wrong(made: Option<Timestamp>, begun: Timestamp, now: Timestamp) -> Wrong {
    let is_old = |since: Timestamp| now.duration_since(since) > YEAR;
    let why = match made {
        Some(made) if is_old(made) => {
            format!("the last recovery kit was made on {}", made.strftime("%Y-%m-%d"))
        }
        None if is_old(begun) => {
            format!("no recovery kit was made since the repository was on {}", begun.strftime("%Y-%m-%d"))
        }
        _ => return None,
    };
    Some((
        Severity::Warning,
        format!("{why}: make one with `rowkeep recovery-kit`, print it and put it into a safe"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_old_after_a_year() {
        let time = |text: &str| text.parse::<Timestamp>().expect("it is a time");
        let (begun, now) = (time("2025-01-01T00:00:00Z"), time("2026-02-01T00:00:00Z"));
        let told = |made: Option<&str>, now| wrong(made.map(time), begun, now).map(|(_, words)| words);
        assert!(
            told(None, now).is_some_and(|words| words.contains("since the repository was on 2025-01-01"))
        );
        assert!(told(Some("2025-01-31T00:00:00Z"), now).is_some_and(|words| words.contains("on 2025-01-31")));
        assert_eq!(told(Some("2025-02-02T00:00:00Z"), now), None);
        assert_eq!(told(None, time("2025-12-31T00:00:00Z")), None);
    }
}
