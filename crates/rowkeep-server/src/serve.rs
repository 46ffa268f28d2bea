//! The service as one process: its state, its jobs, its schedules, and whoever asks it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rowkeep::clock::Clock;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::repository::Randomness;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::{Role, hash_of, new_token};
use crate::alerts::{self, Attempts, Outbox};
use crate::api::{Service, router};
use crate::connections::serve;
use crate::queue::Queue;
use crate::state::audit::{self, Deed};
use crate::state::{State, tokens};
use crate::{Error, scheduler};

/// How a service is to be.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where it listens: an address and a port, which is chosen when it is 0.
    pub listen: String,
    /// The file of its state.
    pub state: PathBuf,
    /// Whether a token for everything is made, though there are others: for whoever has lost theirs.
    pub new_token: bool,
}

/// A service that listens, and does nothing yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    queue: Queue,
    first_token: Option<String>,
}

/// What became of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served;

impl Server {
    /// Opens the state, which is made where there is none, and listens.
    ///
    /// Jobs run in the workspace, whose configuration says what is done by itself.
    pub async fn open(
        options: &ServerOptions,
        workspace: Arc<Workspace>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: options.listen.clone(), source };
        let listener = TcpListener::bind(&options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let state = State::open(&options.state).await?;
        let queue = Queue::open(state, workspace, clock, randomness).await?;
        let first_token = first_token(&queue, options.new_token).await?;
        Ok(Self { listener, address, queue, first_token })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A token for everything that was just made, which nobody can show again.
    pub fn first_token(&self) -> Option<&str> {
        self.first_token.as_deref()
    }

    /// Serves until that is to stop. Requests that have begun are answered, jobs that are being done are stopped, and done again by
    /// the next process where they change no database.
    pub async fn run(self, stop: CancellationToken) -> Served {
        let attempts = Arc::new(Attempts::default());
        let outbox = Outbox::default();
        let app = router(Service::new(self.queue.clone(), Arc::clone(&attempts)));
        let looking = async {
            if let Err(problem) = self.queue.repository().await {
                tracing::warn!("the repository cannot be used: {problem}");
            }
        };
        tokio::join!(
            looking,
            self.queue.run(&stop),
            scheduler::run(&self.queue, &stop),
            alerts::watch(&self.queue, &attempts, &outbox, &stop),
            alerts::deliver(&self.queue, &outbox, &stop),
            serve(self.listener, app, stop.clone()),
        );
        Served
    }
}

/// Makes a token for everything where there is none or it is wanted, which opens the service to whoever started it.
async fn first_token(queue: &Queue, is_wanted: bool) -> Result<Option<String>, Error> {
    let made = new_token(queue, "first".to_owned(), Role::Admin, None, None)?;
    let (token, hash, now) = (made.token, hash_of(&made.secret), queue.now());
    let is_first = queue
        .state()
        .transaction(move |state| {
            if !is_wanted && !tokens::list(state)?.is_empty() {
                return Ok(false);
            }
            tokens::add(state, &token, &hash)?;
            let (who, object) = ("service".to_owned(), format!("{}: {}", token.name, token.id));
            let deed = Deed {
                who,
                address: String::new(),
                action: "token.create",
                object,
                outcome: "done".to_owned(),
            };
            audit::note(state, now, &deed)?;
            Ok(true)
        })
        .await?;
    Ok(is_first.then_some(made.secret))
}
