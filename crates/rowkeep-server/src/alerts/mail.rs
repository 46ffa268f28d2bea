//! Mail: plain text over SMTP.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Letter};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{AsyncTransport as _, Tokio1Executor};
use rowkeep::config::channels::{Mail, MailSecurity};
use secrecy::ExposeSecret as _;
use url::Host;

use super::http::Failure;
use super::message::Message;
use super::network::addresses;

/// How long a letter may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many addresses of a server are tried.
const TRIED: usize = 3;

/// Sends a message by mail, and gives what the server said when it took it.
pub(super) async fn send(
    mail: &Mail,
    message: &Message,
    id: &str,
    now: Timestamp,
    is_private_allowed: bool,
) -> Result<String, Failure> {
    let letter = letter(mail, message, id, now).map_err(Failure::lasting)?;
    let sending = deliver(mail, letter, is_private_allowed);
    let late = |_| Failure::passing(format!("the server took longer than {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, sending).await.map_err(late)?
}

/// A letter: its `Message-ID` is the same however often it is sent, and what is about one incident is one conversation.
fn letter(mail: &Mail, message: &Message, id: &str, now: Timestamp) -> Result<Letter, String> {
    let mailbox = |text: &str| {
        text.parse::<Mailbox>().map_err(|error| format!("{text:?} is no address of mail: {error}"))
    };
    let from = mailbox(&mail.from)?;
    let domain = from.email.domain().to_owned();
    let mut letter = Letter::builder()
        .from(from)
        .subject(format!("[Rowkeep] {}", message.title))
        .date(SystemTime::from(now))
        .message_id(Some(format!("<{id}@{domain}>")))
        .header(ContentType::TEXT_PLAIN)
        // So that nobody's holiday answers.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &mail.to {
        letter = letter.to(mailbox(to)?);
    }
    if let Some(incident) = &message.incident {
        letter = letter.references(format!("<{incident}@{domain}>"));
    }
    let text = format!("{}\n\n{:.0}, severity {}\n", message.text, message.time, message.severity.name());
    letter.body(text.replace('\n', "\r\n")).map_err(|error| error.to_string())
}

async fn deliver(mail: &Mail, letter: Letter, is_private_allowed: bool) -> Result<String, Failure> {
    let host = Host::parse(&mail.server)
        .map_err(|_| Failure::lasting(format!("{:?} is no name of a server", mail.server)))?;
    let host = match &host {
        Host::Domain(name) => Host::Domain(name.as_str()),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    };
    let found = addresses(host, mail.port, is_private_allowed).await.map_err(Failure::passing)?;
    let credentials = match &mail.account {
        Some((user, password)) => {
            let password = password.read().map_err(Failure::lasting)?;
            Some(Credentials::new(user.clone(), password.expose_secret().to_owned()))
        }
        None => None,
    };
    let mut last = Failure::passing("the server has no address");
    for address in found.iter().take(TRIED) {
        let tls = match mail.security {
            MailSecurity::None => Tls::None,
            security => {
                let parameters = TlsParameters::new(mail.server.clone()).map_err(|error| told(&error))?;
                if security == MailSecurity::Implicit {
                    Tls::Wrapper(parameters)
                } else {
                    Tls::Required(parameters)
                }
            }
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(mail.port)
            .tls(tls)
            .timeout(Some(PATIENCE / 3));
        if let Some(sender) = letter.envelope().from() {
            transport = transport.hello_name(ClientId::Domain(sender.domain().to_owned()));
        }
        if let Some(credentials) = &credentials {
            transport = transport.credentials(credentials.clone());
        }
        match transport.build().send(letter.clone()).await {
            Ok(answer) => {
                let said: Vec<&str> = answer.message().collect();
                return Ok(format!("{} {}", answer.code(), said.join(" ")));
            }
            Err(error) => {
                last = told(&error);
                // The server was there: another address of it says the same.
                if error.status().is_some() || error.is_tls() {
                    break;
                }
            }
        }
    }
    Err(last)
}

/// An error with its causes.
fn told(error: &SmtpError) -> Failure {
    let told = rowkeep::format::in_one_line(error);
    if error.is_permanent() || error.is_client() { Failure::lasting(told) } else { Failure::passing(told) }
}

#[cfg(test)]
mod tests {
    use rowkeep::config::channels::MailSecurity;

    use super::super::message::{Event, Severity};
    use super::*;

    #[test]
    fn a_title_changes_no_header() {
        let mail = Mail {
            server: "mail.example.com".to_owned(),
            port: 25,
            security: MailSecurity::None,
            account: None,
            from: "Rowkeep <rowkeep@example.com>".to_owned(),
            to: vec!["a@example.com".to_owned(), "Ö <b@example.com>".to_owned()],
        };
        let time = Timestamp::UNIX_EPOCH;
        let title = "backup of x\r\nBcc: evil@example.com\r\n\r\n<b> failed";
        let mut message = Message::new(Event::Opened, Severity::Warning, title, "line\n.\nend", time);
        message.incident = Some("1".to_owned());
        let letter = letter(&mail, &message, "42", time).expect("it is written");
        let text = String::from_utf8(letter.formatted()).expect("it is text");
        let (headers, body) = text.split_once("\r\n\r\n").expect("it has both");
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
        assert!(
            headers.contains("Message-ID: <42@example.com>")
                && headers.contains("References: <1@example.com>"),
            "{headers}"
        );
        assert!(headers.contains("Subject: [Rowkeep] backup of x Bcc: evil@example.com"), "{headers}");
        assert!(body.contains("line\r\n.\r\nend"), "{body}");
        assert_eq!(letter.envelope().to().len(), 2);
    }
}
