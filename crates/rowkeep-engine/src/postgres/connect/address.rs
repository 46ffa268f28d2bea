//! Where a server is, from a URL as libpq reads it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::parameters::{Treatment, library_value, treatment, variable_of};
use crate::{EngineError, ErrorKind};

/// How sure the client wants to be of the server, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// `disable`, `prefer`, `require`: whoever answers.
    Anybody,
    /// `verify-ca`: a certificate of a known authority.
    Authority,
    /// `verify-full`: and its name is that of the host.
    Full,
}

/// Which of the versions of TLS that are spoken (1.2 and 1.3) a URL excludes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TlsVersions {
    /// `ssl_min_protocol_version=TLSv1.3`
    pub(crate) is_newest_only: bool,
    /// `ssl_max_protocol_version=TLSv1.2`
    pub(crate) is_without_newest: bool,
}

/// What a URL says; where it says nothing, what rowkeep takes.
#[derive(Clone)]
pub(crate) struct Address {
    /// Everything that the client library knows.
    pub(crate) config: Config,
    /// How certificates are checked, once TLS is spoken.
    pub(crate) trust: Trust,
    /// A file of certificates to trust instead of the system's.
    pub(crate) root_certificates: Option<PathBuf>,
    /// The client's own certificate and key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// Which versions of TLS are spoken.
    pub(crate) versions: TlsVersions,
    /// Whether the database has login triggers that the role can keep from firing, once that is known.
    pub(crate) without_login_triggers: Arc<AtomicBool>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?settings`.
    pub(crate) fn parse(url: &str) -> Result<Self, EngineError> {
        let (base, query) = split_query(url);
        let mut ours = Settings::default();
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match treatment(name) {
                None => rest.push(pair.to_owned()),
                Some(Treatment::Ignored) => {}
                Some(Treatment::Kept) => {
                    if !ours.take(name, value)? {
                        let value = library_value(name, value).map_err(|why| refused(name, why))?;
                        rest.push(format!("{name}={value}"));
                    }
                }
                Some(Treatment::KeptAs(other)) => rest.push(format!("{other}={value}")),
                Some(Treatment::Only(values, _)) if values.contains(&value) => {}
                Some(Treatment::Only(_, why) | Treatment::Refused(why)) => return Err(refused(name, why)),
            }
        }
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            invalid("the URL of the PostgreSQL database cannot be read")
                .with_source(super::failure::words(&error))
        })?;
        // The first @ ends user and password: another before the database is one of a password, whose end would be shown.
        let after = base.split_once('@').map_or("", |(_, after)| after);
        if after.rsplit_once('/').map_or(after, |(place, _)| place).contains('@') {
            return Err(invalid("the URL has a second @: one in a user name or password is written %40"));
        }
        ours.finish(config)
    }

    /// The URL without user, password and settings.
    pub(crate) fn place(&self) -> String {
        Place(self).to_string()
    }

    /// The name of the database that is meant.
    pub(crate) fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres")
    }
}

/// The URL without password and settings.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        self.write_place(f)
    }
}

/// The URL without user, password and settings.
struct Place<'a>(&'a Address);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        self.0.write_place(f)
    }
}

impl Address {
    /// Hosts, ports and database.
    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]")?,
                Host::Tcp(name) => f.write_str(name)?,
                Host::Unix(folder) => write!(f, "{}", folder.display())?,
            }
            let ports = self.config.get_ports();
            match ports.get(at).or(ports.first()) {
                Some(5432) | None => {}
                Some(port) => write!(f, ":{port}")?,
            }
        }
        write!(f, "/{}", self.database())
    }
}

fn refused(name: &str, why: &str) -> EngineError {
    let variable = variable_of(name).map(|variable| format!(", or {variable},")).unwrap_or_default();
    invalid(format!("the setting {name} of the URL{variable} cannot be had: {why}"))
}

fn invalid(message: impl Into<String>) -> EngineError {
    EngineError::new(ErrorKind::InvalidUrl, message)
}

/// The settings begin at the first `?` after the password, which may hold one itself.
pub(crate) fn split_query(url: &str) -> (&str, &str) {
    let start = url.find('@').unwrap_or(0);
    match url[start..].find('?') {
        Some(at) => (&url[..start + at], &url[start + at + 1..]),
        None => (url, ""),
    }
}

/// Settings that the client library does not know.
#[derive(Default)]
struct Settings {
    mode: Option<(SslMode, Trust)>,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    /// Whether the system's certificates are named, so that no less than all is checked.
    is_system: bool,
    /// Whether no certificate of the client's own is sent.
    sends_none: bool,
    versions: TlsVersions,
}

impl Settings {
    fn take(&mut self, name: &str, value: &str) -> Result<bool, EngineError> {
        match name {
            "sslmode" => {
                self.mode = Some(match value {
                    "disable" => (SslMode::Disable, Trust::Anybody),
                    "allow" | "prefer" => (SslMode::Prefer, Trust::Anybody),
                    "require" => (SslMode::Require, Trust::Anybody),
                    "verify-ca" => (SslMode::Require, Trust::Authority),
                    "verify-full" => (SslMode::Require, Trust::Full),
                    _ => {
                        let known = "disable, allow, prefer, require, verify-ca, verify-full";
                        return Err(invalid(format!("the sslmode of the URL is none of {known}")));
                    }
                });
            }
            "sslrootcert" if value == "system" => self.is_system = true,
            "sslrootcert" => self.root = Some(path(value)?),
            "sslcert" => self.certificate = Some(path(value)?),
            "sslkey" => self.key = Some(path(value)?),
            "sslcertmode" => match value {
                "allow" => {}
                "disable" => self.sends_none = true,
                _ => {
                    let why = "rowkeep sends its certificate where the server asks for it, and cannot tell whether it did";
                    return Err(refused(name, why));
                }
            },
            "ssl_min_protocol_version" => match value {
                "TLSv1" | "TLSv1.1" | "TLSv1.2" => {}
                "TLSv1.3" => self.versions.is_newest_only = true,
                _ => return Err(refused(name, "there are TLSv1, TLSv1.1, TLSv1.2, TLSv1.3")),
            },
            "ssl_max_protocol_version" => match value {
                "TLSv1.3" => {}
                "TLSv1.2" => self.versions.is_without_newest = true,
                _ => return Err(refused(name, "rowkeep speaks TLSv1.2 and TLSv1.3")),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self, mut config: Config) -> Result<Address, EngineError> {
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        let (mode, mut trust) = match self.mode {
            None if self.is_system => (SslMode::Require, Trust::Full),
            // As libpq does: whatever authority the system trusts would do for any host.
            Some((_, trust)) if self.is_system && trust != Trust::Full => {
                return Err(invalid("sslrootcert=system goes with sslmode=verify-full alone"));
            }
            mode => mode.unwrap_or((SslMode::Prefer, Trust::Anybody)),
        };
        if self.versions.is_newest_only && self.versions.is_without_newest {
            return Err(invalid("no version of TLS is between the two that the URL names"));
        }
        // As libpq does: who names an authority wants it asked, if TLS is a must.
        if self.root.is_some() && mode == SslMode::Require && trust == Trust::Anybody {
            trust = Trust::Authority;
        }
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
            && !config.get_hosts().is_empty();
        config.ssl_mode(if local { SslMode::Disable } else { mode });
        if config.get_application_name().is_none() {
            config.application_name("rowkeep");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        // The client library has no way to say that none was given.
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(Duration::from_secs(60));
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(Duration::from_secs(15));
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(4);
        }
        let identity = match (self.certificate, self.key) {
            _ if self.sends_none => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(invalid("sslcert and sslkey go together")),
        };
        let without_login_triggers = Arc::default();
        let (root_certificates, versions) = (self.root, self.versions);
        Ok(Address { config, trust, root_certificates, identity, versions, without_login_triggers })
    }
}

fn path(value: &str) -> Result<PathBuf, EngineError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err(invalid("the URL has a % that is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| invalid("the URL holds a path that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::{ChannelBinding, SslNegotiation, TargetSessionAttrs};

    use super::*;

    fn parse(url: &str) -> Address {
        Address::parse(url).expect("the URL is well formed")
    }

    #[test]
    fn settings_of_tls_are_understood() {
        let full = parse("postgres://a:b@db.example/shop?sslmode=verify-full&sslrootcert=%2Ftmp%2Fca.crt");
        assert_eq!((full.config.get_ssl_mode(), full.trust), (SslMode::Require, Trust::Full));
        assert_eq!(full.root_certificates, Some(PathBuf::from("/tmp/ca.crt")));
        let named = parse("postgres://db.example/shop?sslrootcert=/ca&sslmode=require");
        assert_eq!(named.trust, Trust::Authority);
        let prefer = parse("postgres://db.example/shop?connect_timeout=3");
        assert_eq!((prefer.config.get_ssl_mode(), prefer.trust), (SslMode::Prefer, Trust::Anybody));
        assert_eq!(prefer.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        let local = parse("postgres:///shop?host=/var/run/postgresql&sslmode=require");
        assert_eq!(local.config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn passwords_are_not_shown() {
        let address = parse("postgresql://ann:s3?cret@db.example:6000/shop?sslmode=disable");
        assert_eq!(address.to_string(), "postgres://ann@db.example:6000/shop");
        assert_eq!(address.place(), "postgres://db.example:6000/shop");
        assert_eq!(address.config.get_password(), Some(&b"s3?cret"[..]));
        let error =
            Address::parse("postgres://ann:s3cret@db.example:x/shop").err().expect("a port is a number");
        assert!(!format!("{error:?}").contains("s3cret"));
        for url in [
            "postgres://ann:s3cret@s3cret@db.example/shop",
            "postgres://ann:s3@s3cret/@db.example/shop",
            "postgres://ann:s3@s3cret@db.example",
            "postgres://db.example/shop?sslmode=require?password=s3cret",
            "postgres://db.example/shop?pasword=s3cret",
            "postgres://db.example:s3cret/shop",
        ] {
            let error = Address::parse(url).err().unwrap_or_else(|| panic!("{url} is wrong"));
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        let encoded = parse("postgres://ann:s3%40cret@db.example/a@b");
        assert_eq!((encoded.config.get_password(), encoded.database()), (Some(&b"s3@cret"[..]), "a@b"));
    }

    #[test]
    fn settings_of_libpq_count_or_are_refused_with_a_reason() {
        let system = parse("postgres://h/d?sslrootcert=system");
        assert_eq!((system.config.get_ssl_mode(), system.trust), (SslMode::Require, Trust::Full));
        let many = parse(
            "postgres://a@one:1,[::1]:2/d?keepalives_count=7&target_session_attrs=primary&channel_binding=require\
             &sslnegotiation=direct&sslmode=require&gssencmode=prefer&load_balance_hosts=random&options=-c%20a%3Db\
             &ssl_min_protocol_version=TLSv1.3&sslcert=/a&sslkey=/b&sslcertmode=disable&tcp_user_timeout=5",
        );
        let config = &many.config;
        assert_eq!((config.get_keepalives_retries(), config.get_options()), (Some(7), Some("-c a=b")));
        assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(15)));
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(config.get_ssl_negotiation(), SslNegotiation::Direct);
        assert_eq!((config.get_hosts().len(), config.get_ports()), (2, &[1, 2][..]));
        assert!(many.versions.is_newest_only && many.identity.is_none());
        for (setting, why) in [
            ("require_auth=scram-sha-256", "or PGREQUIREAUTH, cannot be had: rowkeep cannot choose"),
            ("gssencmode=require", "GSSAPI"),
            ("sslcrl=/a", "revoked"),
            ("sslpassword=s3cret", "encrypted key"),
            ("requirepeer=postgres", "socket"),
            ("target_session_attrs=prefer-standby", "in their order"),
            ("requiressl=1", "sslmode=require"),
            ("oauth_issuer=x", "OAuth"),
            ("replication=database", "log of changes"),
            ("scram_client_key=s3cret", "password"),
        ] {
            let error = Address::parse(&format!("postgres://h/d?{setting}")).err().expect("it cannot be had");
            let told = error.to_string();
            assert!(told.contains(why) && !told.contains("s3cret"), "{setting}: {told}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for url in [
            "postgres://h/d?sslmode=maybe",
            "postgres://h/d?sslcert=/a",
            "postgres://h/d?sslrootcert=%zz",
            "postgres://h/d?no_such_setting=1",
            "postgres://h/d?sslrootcert=system&sslmode=require",
            "postgres://h/d?sslmode=verify-ca&sslrootcert=system",
            "postgres://h/d?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
            "postgres://h/d?ssl_max_protocol_version=TLSv1.1",
            "postgres://h/d?sslcertmode=require",
            "postgres://h/d?target_session_attrs=nonsense",
        ] {
            assert_eq!(
                Address::parse(url).err().map(|error| error.kind()),
                Some(ErrorKind::InvalidUrl),
                "{url}"
            );
        }
    }
}
