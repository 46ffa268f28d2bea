//! `[service]`: how people reach `rowkeep serve`.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use rowkeep_engine::is_url_of_server;
use secrecy::SecretString;
use serde::Deserialize;

use super::beside;
use super::keep_state::KeepState;
use super::oidc::{FileOidc, Oidc};
use super::room::Room;
use crate::variables::expand;

/// How people reach the service.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// The address that they type, without a slash at its end: `https://backups.example.org`.
    pub url: Option<String>,
    /// The proxies that say truly for whom they ask (`X-Forwarded-For`).
    pub trusted_proxies: Vec<IpNet>,
    /// What the service speaks TLS with; it speaks plain HTTP where there is nothing.
    pub tls: Option<TlsFiles>,
    /// How often the service keeps its own state in the repository.
    pub keep_state: KeepState,
    /// Where the service keeps its state: a file, or the URL of a database on a server, which may hold a password.
    pub state: Option<SecretString>,
    /// The file of the key that seals secrets in the state.
    pub state_key: Option<PathBuf>,
    /// Where people sign in beside the service itself.
    pub oidc: Option<Oidc>,
    /// How many bytes the exports take together that wait to be downloaded.
    pub exports: Room,
    /// How many bytes the pieces take together of states that pages send.
    pub arrivals: Room,
    /// Whether databases can be added on pages and over the API.
    pub databases_on_pages: bool,
    /// The sites whose pages may load modules from the service and use its API, as browsers name them: `https://numbers.example.org`.
    pub sites: Vec<String>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            url: None,
            trusted_proxies: Vec::new(),
            tls: None,
            keep_state: KeepState::default(),
            state: None,
            state_key: None,
            oidc: None,
            exports: Room::default(),
            arrivals: Room::default(),
            databases_on_pages: true,
            sites: Vec::new(),
        }
    }
}

/// The files with which the service shows who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that lead from it to one that browsers trust (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

impl ServiceSettings {
    /// Takes over what cannot change while a service runs, and names what it says otherwise.
    pub fn keep_fixed(&mut self, fixed: &Self) -> Vec<&'static str> {
        let changed = [
            ("url", self.url != fixed.url),
            ("certificate and key", self.tls != fixed.tls),
            ("oidc", self.oidc != fixed.oidc),
        ];
        (self.url, self.tls, self.oidc) = (fixed.url.clone(), fixed.tls.clone(), fixed.oidc.clone());
        changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect()
    }

    /// Whether people reach the service over TLS: its own, or a proxy's.
    pub fn is_reached_over_tls(&self) -> bool {
        self.tls.is_some() || self.url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// What a file says of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileService {
    url: Option<String>,
    trusted_proxies: Vec<String>,
    certificate: Option<String>,
    key: Option<String>,
    keep_state: Option<String>,
    state: Option<String>,
    state_key: Option<String>,
    oidc: Option<FileOidc>,
    databases_on_pages: Option<String>,
    sites: Vec<String>,
    exports: Option<String>,
    arrivals: Option<String>,
}

impl FileService {
    /// Reads what the file in a folder says; `variable` looks up what `${NAME}` in a path stands for.
    pub(super) fn read(
        self,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ServiceSettings, String> {
        let url = self.url.map(|text| {
            let url = reqwest::Url::parse(&text).ok().filter(|url| {
                let has_host = matches!(url.scheme(), "http" | "https") && url.has_host();
                has_host && url.path() == "/" && url.query().is_none() && url.username().is_empty()
            });
            let url = url.ok_or_else(|| {
                format!(
                    "service: url: {text:?} is no address of a service; write \"https://backups.example.org\""
                )
            })?;
            Ok::<_, String>(url.as_str().trim_end_matches('/').to_owned())
        });
        let proxy = |text: &String| -> Result<IpNet, String> {
            let net = text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
            net.map_err(|_| {
                format!(
                    "service: trusted_proxies: {text:?} is no address; write \"10.0.0.7\" or \"10.0.0.0/8\""
                )
            })
        };
        let url = url.transpose()?;
        let path = |path: &str| expand(path, variable).map(|path| beside::file(folder, path).into());
        let tls = match (&self.certificate, &self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: path(certificate)?, key: path(key)? })
            }
            (Some(_), None) => return Err("service: certificate needs its private key: write key too".into()),
            (None, Some(_)) => return Err("service: key is of a certificate: write certificate too".into()),
        };
        if tls.is_some()
            && let Some(url) = url.as_ref().filter(|url| url.starts_with("http://"))
        {
            return Err(format!(
                "service: url: with a certificate the service is reached over https; write \"https{}\"",
                &url["http".len()..]
            ));
        }
        let keep_state = self.keep_state.as_deref().map(KeepState::read).transpose();
        let keep_state = keep_state.map_err(|problem| format!("service: keep_state: {problem}"))?;
        if self.oidc.is_some() && url.is_none() {
            return Err("service: oidc: people are sent back to the service: write its url".into());
        }
        let state = self.state.as_deref().map(|state| expand(state, variable)).transpose()?;
        // What is no URL of a database is a file.
        let state = state.map(|state| match is_url_of_server(&state) {
            true => state,
            false => beside::file(folder, state),
        });
        let room = |name: &str, text: &Option<String>| {
            Ok::<_, String>(
                text.as_deref().map(|text| Room::read(name, text)).transpose()?.unwrap_or_default(),
            )
        };
        let databases_on_pages = match self.databases_on_pages.as_deref().map(str::trim) {
            None | Some("on") => true,
            Some("off") => false,
            Some(other) => {
                return Err(format!("service: databases_on_pages: {other:?} is neither \"on\" nor \"off\""));
            }
        };
        Ok(ServiceSettings {
            databases_on_pages,
            sites: self.sites.iter().map(|text| site(text)).collect::<Result<_, _>>()?,
            state: state.map(SecretString::from),
            state_key: self.state_key.as_deref().map(path).transpose()?,
            oidc: self.oidc.map(|oidc| oidc.read(folder, variable)).transpose()?,
            url,
            tls,
            trusted_proxies: self.trusted_proxies.iter().map(proxy).collect::<Result<_, _>>()?,
            keep_state: keep_state.unwrap_or_default(),
            exports: room("exports", &self.exports)?,
            arrivals: room("arrivals", &self.arrivals)?,
        })
    }
}

/// A site as browsers name it: without a path, and without the port that its scheme has anyway.
fn site(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| {
        // No name stands for several.
        let is_named = url.host_str().is_some_and(|host| !host.contains('*')) && url.username().is_empty();
        let is_site = matches!(url.scheme(), "http" | "https") && is_named;
        is_site && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
    });
    let url = url.ok_or_else(|| {
        format!("service: sites: {text:?} is no address of a site; write \"https://numbers.example.org\"")
    })?;
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = |url: &str, proxy: &str| {
            let trusted_proxies = vec![proxy.to_owned()];
            let file = FileService { url: Some(url.to_owned()), trusted_proxies, ..FileService::default() };
            file.read(Path::new(""), &|_| None)
        };
        let settings = read("https://backups.example.org/", "10.0.0.0/8").expect("it is well formed");
        assert_eq!(settings.url.as_deref(), Some("https://backups.example.org"));
        assert_eq!(read("http://127.0.0.1:8470", "::1").expect("it is well formed").trusted_proxies.len(), 1);
        for (url, proxy) in [
            ("backups.example.org", "::1"),
            ("ftp://example.org", "::1"),
            ("https://example.org/rowkeep", "::1"),
            ("https://user@example.org", "::1"),
            ("https://example.org", "10.0.0.0/33"),
            ("https://example.org", "proxy"),
        ] {
            assert!(read(url, proxy).is_err(), "{url} {proxy}");
        }
    }

    #[test]
    fn sites_are_named_as_browsers_name_them() {
        for (text, named) in [
            ("https://Numbers.example.org/", Some("https://numbers.example.org")),
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("https://example.org:443", Some("https://example.org")),
            ("https://example.org/app", None),
            ("https://*", None),
            ("*", None),
        ] {
            let file = FileService { sites: vec![text.to_owned()], ..FileService::default() };
            let read = file.read(Path::new(""), &|_| None).ok();
            assert_eq!(read.and_then(|read| read.sites.into_iter().next()).as_deref(), named, "{text}");
        }
    }

    #[test]
    fn a_certificate_has_a_key_and_both_are_beside_the_file() {
        let read = |url: Option<&str>, certificate: Option<&str>, key: Option<&str>| {
            let [url, certificate, key] = [url, certificate, key].map(|text| text.map(str::to_owned));
            let file = FileService { url, certificate, key, ..FileService::default() };
            let variable = |name: &str| (name == "SECRETS").then(|| "/run/secrets".to_owned());
            file.read(Path::new("/etc/rowkeep"), &variable)
        };
        let settings = read(None, Some("chain.pem"), Some("${SECRETS}/key.pem")).expect("it is well formed");
        let files =
            TlsFiles { certificate: "/etc/rowkeep/chain.pem".into(), key: "/run/secrets/key.pem".into() };
        assert!(settings.is_reached_over_tls());
        assert_eq!(settings.tls, Some(files));
        assert!(!read(None, None, None).expect("it is well formed").is_reached_over_tls());
        assert!(read(Some("https://a"), None, None).expect("it is well formed").is_reached_over_tls());
        for (url, certificate, key, told) in [
            (None, Some("chain.pem"), None, "write key too"),
            (None, None, Some("key.pem"), "write certificate too"),
            (Some("http://a.example"), Some("chain.pem"), Some("key.pem"), "write \"https://a.example\""),
            (None, Some("${UNSET}"), Some("key.pem"), "UNSET is not set"),
        ] {
            let problem = read(url, certificate, key).expect_err(told);
            assert!(problem.contains(told), "{problem}");
        }
    }
}
