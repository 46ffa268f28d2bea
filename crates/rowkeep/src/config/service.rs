//! `[service]`: how people reach `rowkeep serve`.

use ipnet::IpNet;
use serde::Deserialize;

use super::keep_state::KeepState;

/// How people reach the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The address that they type, without a slash at its end: `https://backups.example.org`.
    pub url: Option<String>,
    /// The proxies that say truly for whom they ask (`X-Forwarded-For`).
    pub trusted_proxies: Vec<IpNet>,
    /// How often the service keeps its own state in the repository.
    pub keep_state: KeepState,
}

/// What a file says of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileService {
    url: Option<String>,
    trusted_proxies: Vec<String>,
    keep_state: Option<String>,
}

impl FileService {
    pub(super) fn read(self) -> Result<ServiceSettings, String> {
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
        let keep_state = self.keep_state.as_deref().map(KeepState::read).transpose();
        let keep_state = keep_state.map_err(|problem| format!("service: keep_state: {problem}"))?;
        Ok(ServiceSettings {
            url: url.transpose()?,
            trusted_proxies: self.trusted_proxies.iter().map(proxy).collect::<Result<_, _>>()?,
            keep_state: keep_state.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = |url: &str, proxy: &str| {
            let trusted_proxies = vec![proxy.to_owned()];
            FileService { url: Some(url.to_owned()), trusted_proxies, keep_state: None }.read()
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
}
