//! Passwords: what is kept of them is an Argon2id hash, and making one costs so much that guessing does not pay.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use crate::Error;
use crate::queue::Queue;
use crate::state::users::NO_PASSWORD;

/// The fewest and the most bytes of a password.
const SHORTEST: usize = 12;
const LONGEST: usize = 1024;

/// So many are hashed at once: each takes 19 MiB.
const AT_ONCE: usize = 2;

/// What is hashed for a name that nobody has, so that it takes as long as for one that somebody has.
const OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyBpdCE$yZqoL9Yq0ZAXgMNIWcnhlDs7cPs5vO0AWb5XGwz3B1c";

/// A password that somebody may have.
#[derive(Debug, Clone)]
pub(crate) struct Password(SecretString);

impl Password {
    /// Takes a password for a user, or says why it is none.
    pub(crate) fn new(text: SecretString, of_user: &str) -> Result<Self, String> {
        let password = text.expose_secret();
        match password.len() {
            ..SHORTEST => Err(format!("a password has at least {SHORTEST} characters")),
            LONGEST.. => Err(format!("a password has fewer than {LONGEST} bytes")),
            _ if password.to_lowercase().contains(&of_user.to_lowercase()) => {
                Err("a password does not hold the name of its user".to_owned())
            }
            _ if password.chars().all(|character| password.starts_with(character)) => {
                Err("a password has more than one character".to_owned())
            }
            _ => Ok(Self(text)),
        }
    }
}

/// A password that nobody chose, to be used once and written down by hand at worst.
pub(crate) fn random_password(queue: &Queue) -> Result<Password, Error> {
    // No letters that look like others.
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567892";
    let bytes = queue.random_bytes::<20>()?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    let groups: Vec<String> = bytes.chunks(5).map(|group| group.iter().map(letter).collect()).collect();
    Ok(Password(groups.join("-").into()))
}

impl ExposeSecret<str> for Password {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Turns at hashing passwords, on threads of their own, with memory that is used again: were it taken anew for each, many at once would
/// leave the process large.
#[derive(Debug)]
pub(super) struct Hashing(Sender<Work>);

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// What hashing works in.
#[derive(Default)]
struct Memory(Vec<Block>);

/// Memory is given back when nothing was hashed for so long.
const IDLE: Duration = Duration::from_secs(10);

/// What the threads that hash have in common.
struct Workshop {
    asked: Mutex<Receiver<Work>>,
    /// Memory that nobody works in.
    unused: Mutex<Vec<Memory>>,
}

impl Default for Hashing {
    fn default() -> Self {
        let (sender, receiver) = channel::<Work>();
        let workshop = Arc::new(Workshop::new(receiver));
        for _ in 0..AT_ONCE {
            let workshop = Arc::clone(&workshop);
            std::thread::spawn(move || workshop.work(IDLE));
        }
        Self(sender)
    }
}

impl Workshop {
    fn new(asked: Receiver<Work>) -> Self {
        Self { asked: Mutex::new(asked), unused: Mutex::default() }
    }

    /// Hashes what is asked for, until nobody can ask any more. Of threads that wait, one watches the time for all.
    fn work(&self, idle: Duration) {
        loop {
            let next = self.asked.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(idle);
            match next {
                Ok(work) => {
                    let mut memory = self.unused().pop().unwrap_or_default();
                    work(&mut memory);
                    self.unused().push(memory);
                }
                Err(RecvTimeoutError::Timeout) => self.unused().clear(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn unused(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Whether a password is the one of which that is kept.
    fn is_right(&mut self, password: &SecretString, kept: &str) -> Result<bool, Unreadable> {
        let kept = PasswordHash::new(kept).map_err(|_| Unreadable)?;
        let params = Params::try_from(&kept).map_err(|_| Unreadable)?;
        let (Some(salt), Some(hash)) = (kept.salt, kept.hash) else { return Err(Unreadable) };
        let version = kept.version.map_or(Ok(Version::default()), Version::try_from);
        let algorithm = Algorithm::try_from(kept.algorithm.as_str()).map_err(|_| Unreadable)?;
        self.0.resize_with(params.block_count(), Block::default);
        let argon2 = Argon2::new(algorithm, version.map_err(|_| Unreadable)?, params);
        let mut found = vec![0; hash.len()];
        let password = password.expose_secret().as_bytes();
        let hashed = argon2.hash_password_into_with_memory(password, &salt, &mut found, &mut self.0);
        hashed.map_err(|_| Unreadable)?;
        Ok(Output::new(&found).is_ok_and(|found| found == hash))
    }
}

/// What is kept of a password is no hash.
struct Unreadable;

impl Hashing {
    /// What is kept of a password.
    pub(super) async fn hash(&self, queue: &Queue, password: &Password) -> Result<String, Error> {
        let salt = queue.random_bytes::<16>()?;
        let password = password.clone();
        let hashed = self.turn(move |_| {
            let hashed =
                Argon2::default().hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
            hashed.map(|hash: PasswordHash| hash.to_string())
        });
        let hashed = hashed.await.ok_or_else(|| Error::Content("passwords cannot be hashed".to_owned()))?;
        hashed.map_err(|error| Error::Content(format!("a password cannot be hashed: {error}")))
    }

    /// Whether a password is the one of which that is kept; of nobody's never, and after as long a time.
    pub(super) async fn is_right(&self, password: SecretString, kept: Option<String>) -> bool {
        let kept = kept.filter(|kept| kept != NO_PASSWORD);
        let has_one = kept.is_some();
        let kept = kept.unwrap_or_else(|| OF_NOBODY.to_owned());
        let is_right = self.turn(move |memory| memory.is_right(&password, &kept).unwrap_or(false));
        is_right.await.unwrap_or(false) && has_one
    }

    /// Nothing where the threads are gone.
    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        // Of who has gone away nothing is hashed any more.
        let work = move |memory: &mut Memory| {
            if !done.is_closed() {
                let _ = done.send(work(memory));
            }
        };
        self.0.send(Box::new(work)).ok()?;
        result.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_soon_guessed_are_none() {
        let of_alice = |text: &str| Password::new(text.to_owned().into(), "Alice").map(drop);
        for wrong in ["", "elevenchars", "my alice is mine", "aaaaaaaaaaaaaaaa", &"ab".repeat(512)] {
            assert!(of_alice(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(of_alice("twelve chars"), Ok(()));
    }

    #[test]
    fn nobody_has_a_hash_that_can_be_read() {
        assert!(PasswordHash::new(OF_NOBODY).is_ok());
    }

    #[test]
    fn memory_is_given_back_whichever_thread_worked_in_it() {
        let (sender, receiver) = channel::<Work>();
        let workshop = Workshop::new(receiver);
        workshop.unused().push(Memory(vec![Block::default()]));
        std::thread::scope(|threads| {
            for _ in 0..AT_ONCE {
                threads.spawn(|| workshop.work(Duration::from_millis(10)));
            }
            let given_back = || {
                (0..1000).any(|_| {
                    std::thread::sleep(Duration::from_millis(10));
                    workshop.unused().is_empty()
                })
            };
            assert!(given_back());
            drop(sender);
        });
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_hash_alone() {
        let hashing = Hashing::default();
        let hash: PasswordHash = Argon2::default()
            .hash_password_with_salt(b"correct horse battery", b"some random salt")
            .expect("it is hashed");
        let is_right = async |text: &str, kept| hashing.is_right(text.to_owned().into(), kept).await;
        assert!(is_right("correct horse battery", Some(hash.to_string())).await);
        assert!(!is_right("correct horse batterz", Some(hash.to_string())).await);
        assert!(!is_right("correct horse battery", None).await);
        assert!(!is_right("correct horse battery", Some("no hash".to_owned())).await);
    }
}
