//! What a file says of channels.

use std::path::Path;

use jiff::tz::TimeZone;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::super::secret::Secret;
use super::Channel;
use super::alert_kind::AlertKind;
use super::delivery::{Delivery, Mail, MailSecurity};
use super::quiet::Quiet;
use crate::variables::expand;

const TELEGRAM: &str = "https://api.telegram.org";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// What a file says of a channel: what belongs to its kind is checked when it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FileChannel {
    name: String,
    kind: String,
    server: Option<String>,
    port: Option<u16>,
    tls: Option<String>,
    user: Option<String>,
    password: Option<String>,
    password_file: Option<String>,
    from: Option<String>,
    to: Option<Recipients>,
    url: Option<String>,
    url_file: Option<String>,
    token: Option<String>,
    token_file: Option<String>,
    chat: Option<String>,
    key: Option<String>,
    key_file: Option<String>,
    secret: Option<String>,
    secret_file: Option<String>,
    alerts: Option<Vec<String>>,
    databases: Option<Vec<String>>,
    quiet: Option<String>,
    #[serde(default)]
    success: bool,
    summary: Option<String>,
    report: Option<String>,
    #[serde(default)]
    private_network: bool,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "to is an address, or a list of them")]
enum Recipients {
    One(String),
    Several(Vec<String>),
}

impl FileChannel {
    /// Fails where something is said that its kind does not have.
    fn check_kind(&self) -> Result<(), String> {
        let own: &[&str] = match self.kind.as_str() {
            "email" => &["server", "port", "tls", "user", "password", "from", "to"],
            "slack" | "discord" | "teams" => &["url"],
            "telegram" => &["token", "chat", "url"],
            "ntfy" => &["url", "token"],
            "pagerduty" => &["key", "url"],
            "webhook" => &["url", "secret"],
            other => {
                return Err(format!(
                    "there is no kind {other:?}; there is email, slack, discord, teams, telegram, ntfy, pagerduty and webhook"
                ));
            }
        };
        let stated = [
            ("server", self.server.is_some()),
            ("port", self.port.is_some()),
            ("tls", self.tls.is_some()),
            ("user", self.user.is_some()),
            ("password", self.password.is_some() || self.password_file.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("url", self.url.is_some() || self.url_file.is_some()),
            ("token", self.token.is_some() || self.token_file.is_some()),
            ("chat", self.chat.is_some()),
            ("key", self.key.is_some() || self.key_file.is_some()),
            ("secret", self.secret.is_some() || self.secret_file.is_some()),
        ];
        match stated.iter().find(|(name, is_stated)| *is_stated && !own.contains(name)) {
            Some((name, _)) => Err(format!("{name} is nothing that the kind {} has", self.kind)),
            None => Ok(()),
        }
    }

    fn read(self, surroundings: &Surroundings<'_>) -> Result<Channel, String> {
        self.check_kind()?;
        let is_pager = self.kind == "pagerduty";
        if is_pager && (self.success || self.summary.is_some() || self.report.is_some()) {
            return Err("PagerDuty takes alerts alone; leave success, summary and report out".to_owned());
        }
        let kind = |name: &String| {
            let known = || AlertKind::ALL.map(AlertKind::name).join(", ");
            AlertKind::named(name)
                .ok_or_else(|| format!("alerts: there is no alert {name:?}; there is {}", known()))
        };
        let alerts = self.alerts.as_ref().map(|alerts| alerts.iter().map(kind).collect()).transpose()?;
        let unknown = self.databases.iter().flatten().find(|name| !(surroundings.is_database)(name));
        if let Some(unknown) = unknown {
            return Err(format!("databases: there is no database {unknown}"));
        }
        let quiet = self.quiet.as_deref().map(Quiet::read).transpose()?;
        let summary = self.summary.as_deref().map(str::parse).transpose();
        let summary = summary.map_err(|problem| format!("summary: {problem}"))?;
        let report = self.report.as_deref().map(str::parse).transpose();
        let report = report.map_err(|problem| format!("report: {problem}"))?;
        let delivery = self.delivery(surroundings)?;
        if let Some(Secret::Value(value)) = delivery.url()
            && let Ok(url) = value.value()
        {
            check_url(url.expose_secret(), self.private_network)
                .map_err(|problem| format!("url: {problem}"))?;
        }
        Ok(Channel {
            name: self.name,
            delivery,
            alerts,
            databases: self.databases,
            quiet,
            zone: surroundings.zone.clone(),
            success: self.success,
            summary,
            report,
            private_network: self.private_network,
        })
    }

    fn delivery(&self, surroundings: &Surroundings<'_>) -> Result<Delivery, String> {
        let secret = |name: &str, value: &Option<String>, file: &Option<String>| {
            Secret::of(name, value.as_ref(), file.as_ref(), surroundings.folder, surroundings.variable)
        };
        let needed = |name: &str, value: &Option<String>, file: &Option<String>| {
            secret(name, value, file)?.ok_or_else(|| format!("{name} is missing"))
        };
        let url = || needed("url", &self.url, &self.url_file);
        let url_or = |default: &str| {
            let default = self.url_file.is_none().then(|| default.to_owned());
            needed("url", &self.url.clone().or(default), &self.url_file)
        };
        Ok(match self.kind.as_str() {
            "email" => Delivery::Email(self.mail(surroundings)?),
            "slack" => Delivery::Slack { url: url()? },
            "discord" => Delivery::Discord { url: url()? },
            "teams" => Delivery::Teams { url: url()? },
            "telegram" => Delivery::Telegram {
                token: needed("token", &self.token, &self.token_file)?,
                chat: surroundings.text("chat", self.chat.as_ref())?,
                url: url_or(TELEGRAM)?,
            },
            "ntfy" => Delivery::Ntfy { url: url()?, token: secret("token", &self.token, &self.token_file)? },
            "pagerduty" => Delivery::Pagerduty {
                key: needed("key", &self.key, &self.key_file)?,
                url: url_or(PAGERDUTY)?,
            },
            _ => {
                let secret = needed("secret", &self.secret, &self.secret_file)?;
                if let Secret::Value(value) = &secret
                    && let Ok(value) = value.value()
                {
                    check_signing_secret(value.expose_secret())?;
                }
                Delivery::Webhook { url: url()?, secret }
            }
        })
    }

    fn mail(&self, surroundings: &Surroundings<'_>) -> Result<Mail, String> {
        let security = match self.tls.as_deref() {
            None | Some("starttls") => MailSecurity::StartTls,
            Some("implicit") => MailSecurity::Implicit,
            Some("none") => MailSecurity::None,
            Some(other) => {
                return Err(format!("tls is {other:?}, and can be \"starttls\", \"implicit\" or \"none\""));
            }
        };
        let password = Secret::of(
            "password",
            self.password.as_ref(),
            self.password_file.as_ref(),
            surroundings.folder,
            surroundings.variable,
        )?;
        let account = match (&self.user, password) {
            (Some(user), Some(password)) => Some((surroundings.text("user", Some(user))?, password)),
            (None, None) => None,
            (Some(_), None) => return Err("password is missing".to_owned()),
            (None, Some(_)) => return Err("user is missing".to_owned()),
        };
        if account.is_some() && security == MailSecurity::None && !self.private_network {
            return Err(
                "tls = \"none\" would show the password to everybody between here and the server".to_owned()
            );
        }
        let to = match &self.to {
            Some(Recipients::One(one)) => vec![one.clone()],
            Some(Recipients::Several(several)) => several.clone(),
            None => Vec::new(),
        };
        let address = |name: &str, text: &String| {
            let text = surroundings.text(name, Some(text))?;
            let is_one = text.contains('@') && !text.contains(char::is_control);
            if is_one { Ok(text) } else { Err(format!("{name}: {text:?} is no address of mail")) }
        };
        let to = to.iter().map(|to| address("to", to)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err("to is missing".to_owned());
        }
        Ok(Mail {
            server: surroundings.text("server", self.server.as_ref())?,
            port: self.port.unwrap_or(match security {
                MailSecurity::StartTls => 587,
                MailSecurity::Implicit => 465,
                MailSecurity::None => 25,
            }),
            security,
            account,
            from: address("from", self.from.as_ref().ok_or("from is missing")?)?,
            to,
        })
    }
}

/// Fails where an address is none that messages can go to.
pub(in super::super) fn check_url(url: &str, is_private: bool) -> Result<(), String> {
    // The address may be a secret itself.
    let parsed = Url::parse(url).map_err(|_| "it is no address; it begins with https://".to_owned())?;
    match parsed.scheme() {
        "https" if parsed.has_host() => Ok(()),
        "http" if parsed.has_host() && is_private => Ok(()),
        "http" => Err("write https; http is for private_network = true alone".to_owned()),
        _ => Err("it is no address; it begins with https://".to_owned()),
    }
}

/// Fails where nothing can be signed with a secret; 24 to 64 bytes in base64 come to 32 to 88 letters.
fn check_signing_secret(secret: &str) -> Result<(), String> {
    let encoded = secret.strip_prefix("whsec_").unwrap_or_default();
    let is_base64 = encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    match is_base64 && (32..=88).contains(&encoded.len()) {
        true => Ok(()),
        false => Err("secret is whsec_ and 24 to 64 random bytes in base64".to_owned()),
    }
}

/// What channels are read with.
pub(in super::super) struct Surroundings<'a> {
    pub(in super::super) folder: &'a Path,
    pub(in super::super) zone: TimeZone,
    pub(in super::super) variable: &'a dyn Fn(&str) -> Option<String>,
    pub(in super::super) is_database: &'a dyn Fn(&str) -> bool,
}

impl Surroundings<'_> {
    fn text(&self, name: &str, value: Option<&String>) -> Result<String, String> {
        let value = value.ok_or_else(|| format!("{name} is missing"))?;
        let text = expand(value, self.variable)?;
        if text.is_empty() { Err(format!("{name} is empty")) } else { Ok(text) }
    }
}

/// Reads all of them: each has a name that no other has.
pub(in super::super) fn read_all(
    channels: Vec<FileChannel>,
    surroundings: &Surroundings<'_>,
) -> Result<Vec<Channel>, String> {
    let mut read: Vec<Channel> = Vec::new();
    for channel in channels {
        let name = channel.name.clone();
        if name.is_empty() || name.contains(['/', ':']) || name.contains(char::is_control) {
            return Err(format!("{name:?} is no name for a channel"));
        }
        if read.iter().any(|other| other.name == name) {
            return Err(format!("there are two channels {name}"));
        }
        read.push(channel.read(surroundings).map_err(|problem| format!("channel {name}: {problem}"))?);
    }
    Ok(read)
}
