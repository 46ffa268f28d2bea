//! How messages get to a channel.

use super::super::secret::Secret;

/// How messages get to a channel.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// By mail.
    Email(Mail),
    /// By an incoming webhook of Slack.
    Slack {
        /// Its address.
        url: Secret,
    },
    /// By a webhook of Discord.
    Discord {
        /// Its address.
        url: Secret,
    },
    /// By a workflow of Teams that takes Adaptive Cards.
    Teams {
        /// Its address.
        url: Secret,
    },
    /// By a bot of Telegram.
    Telegram {
        /// The bot's token.
        token: Secret,
        /// Where it writes to.
        chat: String,
        /// Where the API is.
        url: Secret,
    },
    /// To a topic of ntfy.
    Ntfy {
        /// The address of the topic.
        url: Secret,
        /// An access token.
        token: Option<Secret>,
    },
    /// To a service of PagerDuty, by its Events API v2.
    Pagerduty {
        /// The integration's key.
        key: Secret,
        /// Where the API is.
        url: Secret,
    },
    /// To any address, signed by Standard Webhooks.
    Webhook {
        /// The address.
        url: Secret,
        /// What it is signed with.
        secret: Secret,
    },
}

/// A server that takes mail, and who gets it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The name of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailSecurity,
    /// With whose account.
    pub account: Option<(String, Secret)>,
    /// From whom the mail is.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
}

/// How a connection to a mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// By STARTTLS, which the server must know.
    StartTls,
    /// By TLS from the first byte on.
    Implicit,
    /// Not at all.
    None,
}

impl Delivery {
    /// What it is called.
    pub fn kind(&self) -> &'static str {
        match self {
            Delivery::Email(_) => "email",
            Delivery::Slack { .. } => "slack",
            Delivery::Discord { .. } => "discord",
            Delivery::Teams { .. } => "teams",
            Delivery::Telegram { .. } => "telegram",
            Delivery::Ntfy { .. } => "ntfy",
            Delivery::Pagerduty { .. } => "pagerduty",
            Delivery::Webhook { .. } => "webhook",
        }
    }

    /// Everything of it that only the other side may know.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let secrets = match self {
            Delivery::Email(mail) => [mail.account.as_ref().map(|(_, password)| password), None],
            Delivery::Slack { url } | Delivery::Discord { url } | Delivery::Teams { url } => {
                [Some(url), None]
            }
            Delivery::Telegram { token, url, .. } => [Some(url), Some(token)],
            Delivery::Ntfy { url, token } => [Some(url), token.as_ref()],
            Delivery::Pagerduty { key, url } => [Some(url), Some(key)],
            Delivery::Webhook { url, secret } => [Some(url), Some(secret)],
        };
        secrets.into_iter().flatten()
    }

    /// The address that it goes to by HTTP.
    pub fn url(&self) -> Option<&Secret> {
        match self {
            Delivery::Email(_) => None,
            Delivery::Slack { url }
            | Delivery::Discord { url }
            | Delivery::Teams { url }
            | Delivery::Telegram { url, .. }
            | Delivery::Ntfy { url, .. }
            | Delivery::Pagerduty { url, .. }
            | Delivery::Webhook { url, .. } => Some(url),
        }
    }
}
