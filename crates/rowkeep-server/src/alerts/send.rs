//! One message over one channel.

use jiff::Timestamp;
use reqwest::Method;
use rowkeep::config::Secret;
use rowkeep::config::channels::{Channel, Delivery};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::formats;
pub(crate) use super::http::Failure;
use super::http::{self, Outgoing};
use super::mail;
use super::message::Message;

/// Sends a message over a channel, and gives what the other side said when it took it.
///
/// The `id` of a message is the same however often it is sent. Neither what the other side says nor why it failed shows a secret.
pub(crate) async fn send(
    channel: &Channel,
    message: &Message,
    id: &str,
    now: Timestamp,
) -> Result<String, Failure> {
    let mut secrets = Vec::new();
    for secret in channel.delivery.secrets() {
        secrets.push(read(secret)?);
    }
    let hide = |text: String| {
        secrets
            .iter()
            .map(ExposeSecret::expose_secret)
            .filter(|secret| !secret.is_empty())
            .fold(text, |text, secret| text.replace(secret, "***"))
    };
    match attempt(channel, message, id, now).await {
        Ok(said) => Ok(hide(said)),
        Err(failure) => Err(Failure { told: hide(failure.told), ..failure }),
    }
}

async fn attempt(channel: &Channel, message: &Message, id: &str, now: Timestamp) -> Result<String, Failure> {
    if let Delivery::Email(mail) = &channel.delivery {
        return mail::send(mail, message, id, now, channel.private_network).await;
    }
    let mut said = "there is nothing to send of this".to_owned();
    for outgoing in outgoing(&channel.delivery, message, id, now)? {
        check_scheme(&outgoing.url, channel.private_network)?;
        said = http::send(outgoing, channel.private_network).await?;
    }
    Ok(said)
}

/// The requests that carry a message.
fn outgoing(
    delivery: &Delivery,
    message: &Message,
    id: &str,
    now: Timestamp,
) -> Result<Vec<Outgoing>, Failure> {
    let one = |outgoing| Ok(vec![outgoing]);
    match delivery {
        Delivery::Email(_) => Ok(Vec::new()),
        Delivery::Slack { url } => one(Outgoing::json(address(url)?, &formats::slack(message))),
        Delivery::Discord { url } => one(Outgoing::json(address(url)?, &formats::discord(message))),
        Delivery::Teams { url } => one(Outgoing::json(address(url)?, &formats::teams(message))),
        Delivery::Telegram { token, chat, url } => {
            let (mut url, token) = (address(url)?, read(token)?);
            let cannot = |()| Failure::lasting("the address is none that has a path");
            let method = [&format!("bot{}", token.expose_secret()), "sendMessage"];
            url.path_segments_mut().map_err(cannot)?.pop_if_empty().extend(method);
            one(Outgoing::json(url, &formats::telegram(message, chat)))
        }
        Delivery::Ntfy { url, token } => {
            let (root, body) = formats::ntfy(message, &address(url)?).map_err(Failure::lasting)?;
            let mut outgoing = Outgoing::json(root, &body);
            if let Some(token) = token {
                let bearer = format!("Bearer {}", read(token)?.expose_secret());
                outgoing.headers.push(("authorization", bearer));
            }
            one(outgoing)
        }
        Delivery::Pagerduty { key, url } => {
            let (url, key) = (address(url)?, read(key)?);
            let events = formats::pagerduty(message, key.expose_secret(), id);
            Ok(events.iter().map(|event| Outgoing::json(url.clone(), event)).collect())
        }
        Delivery::Webhook { url, secret } => {
            let (url, secret) = (address(url)?, read(secret)?);
            let signed = formats::webhook(message, secret.expose_secret(), id, now);
            let (headers, body) = signed.map_err(Failure::lasting)?;
            one(Outgoing { method: Method::POST, url, headers, body })
        }
    }
}

fn read(secret: &Secret) -> Result<SecretString, Failure> {
    secret.read().map_err(Failure::lasting)
}

fn address(url: &Secret) -> Result<Url, Failure> {
    parse(read(url)?.expose_secret())
}

/// An address that may be a secret.
pub(super) fn parse(url: &str) -> Result<Url, Failure> {
    Url::parse(url).map_err(|_| Failure::lasting("its address is none; it begins with https://"))
}

/// Fails where an address could be read on the way that must not be.
pub(super) fn check_scheme(url: &Url, is_private: bool) -> Result<(), Failure> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_private => Ok(()),
        _ => Err(Failure::lasting("its address is not https; http is for private_network = true alone")),
    }
}
