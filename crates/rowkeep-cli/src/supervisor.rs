//! What systemd is told of a service: that it is ready, that it is alive, that it stops (sd_notify(3)).

use std::ffi::OsString;

/// Whoever started the process and wants to be told; nobody where the environment names nobody.
pub(crate) struct Supervisor {
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixDatagram>,
}

impl Supervisor {
    /// The one that the environment names.
    pub(crate) fn of_environment() -> Self {
        Self::at(std::env::var_os("NOTIFY_SOCKET"))
    }

    #[cfg(unix)]
    fn at(path: Option<OsString>) -> Self {
        Self { socket: path.and_then(|path| connected(&path).ok()) }
    }

    #[cfg(not(unix))]
    fn at(_: Option<OsString>) -> Self {
        Self {}
    }

    /// The service answers requests.
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", status.replace('\n', " ")));
    }

    /// The service does what it should; said again and again, for a watchdog.
    pub(crate) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The service comes to its end.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=finishing what has begun");
    }

    #[cfg(unix)]
    fn tell(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // Whoever does not listen will notice by himself.
            let _ = socket.send(message.as_bytes());
        }
    }

    #[cfg(not(unix))]
    fn tell(&self, _: &str) {}
}

/// A socket that sends to a path, or to a name that is in no file system.
#[cfg(unix)]
fn connected(path: &std::ffi::OsStr) -> std::io::Result<std::os::unix::net::UnixDatagram> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::UnixDatagram;

    let socket = UnixDatagram::unbound()?;
    // Nobody may keep the service waiting.
    socket.set_nonblocking(true)?;
    match path.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)?;
        }
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(std::io::ErrorKind::Unsupported.into()),
        None => socket.connect(path)?,
    }
    Ok(socket)
}
