//! What handlers work with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;
use tokio::sync::Semaphore;

use super::drafts::Drafts;
use super::kept_differences::KeptDifferences;
use super::known_answers::KnownAnswers;
use super::known_health::KnownHealth;
use super::known_snapshots::KnownSnapshots;
use super::shown_once::ShownOnce;
use crate::access::Doors;
use crate::additions::Settings;
use crate::alerts::Attempts;
use crate::queue::Queue;
use crate::size::RepositorySize;
use crate::state::remembered::Remembered;

/// The databases that alerts are about which are open.
pub(crate) type OpenAlerts = Arc<[Option<String>]>;

/// How many requests read rows of snapshots at once.
const READING: usize = 4;

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Service(Arc<Inner>);

struct Inner {
    queue: Queue,
    settings: Settings,
    doors: Doors,
    differences: KeptDifferences,
    reading: Arc<Semaphore>,
    health: KnownHealth,
    snapshots: KnownSnapshots,
    answers: KnownAnswers,
    open_alerts: Remembered<(), OpenAlerts>,
    repository_size: RepositorySize,
    attempts: Arc<Attempts>,
    drafts: Drafts,
    shown_once: ShownOnce,
    /// What cannot change while it runs.
    url: Option<String>,
    is_secure: bool,
}

impl Service {
    /// The service of these jobs.
    pub(crate) fn new(queue: Queue, settings: Settings) -> Self {
        let differences = KeptDifferences::new(queue.clock());
        let repository_size = RepositorySize::default();
        let drafts = Drafts::new(queue.clock());
        let shown_once = ShownOnce::new(queue.clock());
        let workspace = queue.workspace();
        let reached = &workspace.config().service;
        let (url, is_secure) = (reached.url.clone(), reached.is_reached_over_tls());
        Self(Arc::new(Inner {
            queue,
            settings,
            doors: Doors::default(),
            differences,
            reading: Arc::new(Semaphore::new(READING)),
            health: KnownHealth::default(),
            snapshots: KnownSnapshots::default(),
            answers: KnownAnswers::default(),
            open_alerts: Remembered::default(),
            repository_size,
            attempts: Arc::default(),
            drafts,
            shown_once,
            url,
            is_secure,
        }))
    }

    /// The jobs.
    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// The configuration.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What is needed to let people and programs in.
    pub(crate) fn doors(&self) -> &Doors {
        &self.0.doors
    }

    /// How many requests were refused lately.
    pub(crate) fn attempts(&self) -> &Arc<Attempts> {
        &self.0.attempts
    }

    /// How much the repository holds.
    pub(crate) fn repository_size(&self) -> &RepositorySize {
        &self.0.repository_size
    }

    /// The differences that are read page by page.
    pub(crate) fn differences(&self) -> &KeptDifferences {
        &self.0.differences
    }

    /// The databases that somebody is about to add.
    pub(crate) fn drafts(&self) -> &Drafts {
        &self.0.drafts
    }

    /// The secrets that were just made and wait to be shown.
    pub(crate) fn shown_once(&self) -> &ShownOnce {
        &self.0.shown_once
    }

    /// The turns of those who read rows of snapshots.
    pub(crate) fn reading(&self) -> &Arc<Semaphore> {
        &self.0.reading
    }

    /// How the databases are.
    pub(crate) fn health(&self) -> &KnownHealth {
        &self.0.health
    }

    /// The snapshots of databases.
    pub(crate) fn snapshots(&self) -> &KnownSnapshots {
        &self.0.snapshots
    }

    /// What was answered in this moment.
    pub(crate) fn answers(&self) -> &KnownAnswers {
        &self.0.answers
    }

    /// The alerts that are open.
    pub(crate) fn open_alerts(&self) -> &Remembered<(), OpenAlerts> {
        &self.0.open_alerts
    }

    /// Where people reach the service, where the configuration says it.
    pub(crate) fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Whether people reach the service over TLS, so that browsers send its cookies over nothing else.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.is_secure
    }

    /// From where a request comes: what a trusted proxy says, else who has connected.
    pub(crate) fn address(&self, connected: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let workspace = self.queue().workspace();
        let trusted = &workspace.config().service.trusted_proxies;
        let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let chain: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
        // Each proxy adds who asked it; what stands before the first that is not trusted, anybody can have written.
        let mut address = connected.ip().to_canonical();
        for stated in chain.into_iter().rev() {
            if !is_trusted(&address) {
                break;
            }
            let Ok(stated) = stated.trim().parse::<IpAddr>() else { break };
            address = stated.to_canonical();
        }
        address
    }
}
