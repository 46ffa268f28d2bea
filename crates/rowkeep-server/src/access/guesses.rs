//! Who was wrong how often, so that guessing takes for ever, and nobody is kept out by the guesses of others.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// So many are remembered.
const REMEMBERED: usize = 10_000;

/// How often anybody may be wrong within a time, after which he waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) mistakes: u32,
    pub(crate) window: SignedDuration,
}

/// How often each was wrong within a time.
#[derive(Debug)]
pub(crate) struct Guesses<K> {
    limit: Limit,
    made: Mutex<HashMap<K, (Timestamp, u32)>>,
}

impl<K: Eq + Hash> Guesses<K> {
    /// Nobody was wrong yet; each may be so often within a time.
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit, made: Mutex::default() }
    }

    /// Whether somebody was wrong as often as anybody may be.
    pub(crate) fn are_too_many(&self, who: &K, now: Timestamp) -> bool {
        let made = self.made();
        made.get(who)
            .is_some_and(|(since, count)| *count >= self.limit.mistakes && self.is_within(*since, now))
    }

    /// Somebody was wrong.
    pub(crate) fn note(&self, who: K, now: Timestamp) {
        let mut made = self.made();
        if made.len() >= REMEMBERED {
            made.retain(|_, (since, _)| self.is_within(*since, now));
        }
        if made.len() >= REMEMBERED && !made.contains_key(&who) {
            return;
        }
        let guess = made.entry(who).or_insert((now, 0));
        if !self.is_within(guess.0, now) {
            *guess = (now, 0);
        }
        guess.1 += 1;
    }

    /// Somebody was right.
    pub(crate) fn forget(&self, who: &K) {
        self.made().remove(who);
    }

    fn is_within(&self, since: Timestamp, now: Timestamp) -> bool {
        now.duration_since(since).abs() < self.limit.window
    }

    fn made(&self) -> MutexGuard<'_, HashMap<K, (Timestamp, u32)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where somebody comes from, as far as one person has it to himself: of IPv6 the network, of which everybody has 2^64 addresses.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_and_nobody_else_does() {
        let window = SignedDuration::from_mins(1);
        let guesses = Guesses::new(Limit { mistakes: 10, window });
        let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let later = now.checked_add(window).expect("it is a time");
        for _ in 0..10 {
            assert!(!guesses.are_too_many(&one, now));
            guesses.note(one, now);
        }
        assert!(guesses.are_too_many(&one, now) && !guesses.are_too_many(&other, now));
        assert!(!guesses.are_too_many(&one, later));
        guesses.note(one, later);
        assert!(!guesses.are_too_many(&one, later));
        for _ in 0..10 {
            guesses.note(one, later);
        }
        assert!(guesses.are_too_many(&one, later));
        guesses.forget(&one);
        assert!(!guesses.are_too_many(&one, later));
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| network(text.parse().expect("it is an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
