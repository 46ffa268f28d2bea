//! The service as one process: its state, its jobs, its schedules, and whoever asks it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rowkeep::clock::Clock;
use rowkeep::repository::Randomness;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::{Role, hash_of, is_name, new_token, new_user, reset_password};
use crate::additions::{Configuration, Settings};
use crate::alerts::{self, Outbox};
use crate::arrivals::Arrivals;
use crate::connections::serve;
use crate::export_files::ExportFiles;
use crate::keeping::Keeper;
use crate::queue::{Queue, random_bytes};
use crate::site::router;
use crate::state::audit::{self, Deed};
use crate::state::place::StatePlace;
use crate::state::{State, tokens, users};
use crate::tls::Certificate;
use crate::web::service::Service;
use crate::{Error, exports, heartbeat, scheduler};

/// The user who is made where there is none.
const FIRST_USER: &str = "admin";

/// For how long a state that is away is waited for at the end.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// How a service is to be.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where it listens: an address and a port, which is chosen when it is 0.
    pub listen: String,
    /// Where its state is.
    pub state: StatePlace,
    /// Whether a token for everything is made.
    pub new_token: bool,
    /// The user who gets a password for one sign-in, and is made an administrator where there is no such user: for whoever has lost
    /// theirs.
    pub new_password: Option<String>,
}

/// A service that listens, and does nothing yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    certificate: Option<Certificate>,
    queue: Queue,
    service: Service,
    settings: Settings,
    keeper: Keeper,
    made: MadeAtStart,
    pulse: Pulse,
}

/// What opens the service to whoever started it; nobody can show it again.
#[derive(Debug, Default)]
pub struct MadeAtStart {
    /// A token for everything.
    pub token: Option<SecretString>,
    /// A user who may do everything, and the password for the first sign-in.
    pub user: Option<(String, SecretString)>,
}

/// What is called as long as jobs are begun when they are due.
type Pulse = Arc<dyn Fn() + Send + Sync>;

/// What became of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served;

/// Has a service read its configuration again.
#[derive(Clone)]
pub struct Reloading {
    queue: Queue,
    settings: Settings,
}

impl Reloading {
    /// Reads it again. Where it does not hold, the one before goes on, and the log says so.
    pub async fn reload(&self) {
        match self.settings.reload(&self.queue).await {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(problem) => {
                tracing::error!(
                    "the configuration was not taken over, and the one before goes on: {problem}"
                );
            }
        }
    }
}

impl Server {
    /// Opens the state, which is made where there is none, and listens.
    ///
    /// What is done by itself, and in which databases, the configuration says, and what was changed on pages.
    pub async fn open(
        options: &ServerOptions,
        configuration: Configuration,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, Error> {
        let certificate = configuration.service()?.tls.map(Certificate::open).transpose()?;
        let failed = |source| Error::Listen { address: options.listen.clone(), source };
        let listener = TcpListener::bind(&options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (key, name) = (random_bytes(&*randomness)?, hex::encode(random_bytes::<16>(&*randomness)?));
        let state = State::open(&options.state, key, name).await?;
        let (settings, workspace) = Settings::open(configuration, &state).await?;
        let files =
            ExportFiles::at(options.state.beside(".exports"), workspace.config().service.exports.bytes);
        let arrivals =
            Arrivals::at(options.state.beside(".arrivals"), workspace.config().service.arrivals.bytes);
        let queue = Queue::open(state, workspace, (files, arrivals), clock, randomness).await?;
        let service = Service::new(queue.clone(), settings.clone());
        let keeper = Keeper::new(queue.clone(), settings.clone());
        let token = if options.new_token { Some(new_master_token(&queue).await?) } else { None };
        let user = new_administrator(&service, options.new_password.as_deref()).await?;
        Ok(Self {
            listener,
            address,
            certificate,
            queue,
            service,
            settings,
            keeper,
            made: MadeAtStart { token, user },
            pulse: Arc::new(|| {}),
        })
    }

    /// The same, for whoever wants to know whether it lives: it is called about once a second as long as jobs are begun when they are due.
    pub fn watched_by(self, pulse: impl Fn() + Send + Sync + 'static) -> Self {
        Self { pulse: Arc::new(pulse), ..self }
    }

    /// The same, for whoever can give memory back to the system: it is called after work that took much of it for a moment.
    pub fn relieved_by(self, give_back: impl Fn() + Send + Sync + 'static) -> Self {
        self.queue.relief().by(give_back);
        self
    }

    /// What has the service read its configuration again.
    pub fn reloading(&self) -> Reloading {
        Reloading { queue: self.queue.clone(), settings: self.settings.clone() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as browsers and programs take it.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What was just made that opens the service.
    pub fn made(&self) -> &MadeAtStart {
        &self.made
    }

    /// Serves until that is to stop. Requests that have begun are answered, jobs that are being done are stopped, and done again by
    /// the next process where they change no database.
    pub async fn run(self, stop: CancellationToken) -> Served {
        let outbox = Outbox::default();
        let attempts = Arc::clone(self.service.attempts());
        let size = self.service.repository_size().clone();
        let app = router(self.service);
        let looking = async {
            // Where the first backup makes it, or nothing is configured yet, that it is not there is nothing to be told.
            let workspace = self.queue.workspace();
            let is_made = workspace.config().create || workspace.config().databases.is_empty();
            if let (Err(problem), false) = (self.queue.usable().await, is_made) {
                tracing::warn!("the repository cannot be used: {problem}");
            }
        };
        let letting_go = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST_PATIENCE).await;
            self.queue.state().give_up();
        };
        let working = async {
            tokio::join!(
                looking,
                self.queue.run(&stop, &*self.pulse),
                scheduler::run(&self.queue, &stop),
                self.keeper.run(&stop),
                exports::sweep(&self.queue, &stop),
                heartbeat::run(&self.queue, &size, &stop),
                alerts::watch(&self.queue, &attempts, &outbox, &stop),
                alerts::deliver(&self.queue, &outbox, &stop),
                serve(self.listener, app, self.certificate, stop.clone()),
            )
        };
        tokio::pin!(letting_go);
        tokio::pin!(working);
        tokio::select! {
            _ = &mut working => {}
            () = &mut letting_go => {
                working.await;
            }
        }
        self.keeper.keep_last().await;
        self.queue.workspace().settle().await;
        Served
    }
}

/// What the audit says of the service itself.
fn own_deed(action: &'static str, object: String) -> Deed {
    Deed { who: "service".to_owned(), address: String::new(), action, object, outcome: "done".to_owned() }
}

/// Makes a token for everything.
async fn new_master_token(queue: &Queue) -> Result<SecretString, Error> {
    let made = new_token(queue, "first".to_owned(), Role::Admin, None, None)?;
    let (token, hash, now) = (made.token, hash_of(&made.secret), queue.now());
    let deed = own_deed("token.create", format!("{}: {}", token.name, token.id));
    let keep = queue.state().transaction(move |state| {
        tokens::add(state, &token, &hash)?;
        audit::note(state, now, &deed)
    });
    keep.await?;
    Ok(made.secret.into())
}

/// Makes a user who may do everything where there is none, or one is wanted; of one who is there, a password.
async fn new_administrator(
    service: &Service,
    wanted: Option<&str>,
) -> Result<Option<(String, SecretString)>, Error> {
    let (queue, doors) = (service.queue(), service.doors());
    let known = queue.state().transaction(users::list).await?;
    let name = match wanted {
        None if known.is_empty() => FIRST_USER,
        None => return Ok(None),
        Some(name) => name,
    };
    if !is_name(name) {
        return Err(Error::UserName { name: name.to_owned() });
    }
    if let Some(user) = known.iter().find(|user| user.name.eq_ignore_ascii_case(name)) {
        let deed = own_deed("user.reset", user.name.clone());
        let reset = reset_password(queue, doors, &user.id, deed).await?;
        return Ok(reset.map(|(user, password)| (user.name, password.expose_secret().into())));
    }
    let made = new_user(queue, doors, name.to_owned(), Role::Admin, None).await?;
    let (user, hash, now) = (made.user, made.hash, queue.now());
    let (deed, name) =
        (own_deed("user.create", format!("user {}: {}", user.name, user.role)), user.name.clone());
    let keep = queue.state().transaction(move |state| {
        users::add(state, &user, &hash)?;
        audit::note(state, now, &deed)
    });
    keep.await?;
    Ok(Some((name, made.password.expose_secret().into())))
}
