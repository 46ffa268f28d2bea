//! The URLs of D1 databases.

use std::path::PathBuf;

use url::{Host, Url};

use crate::{EngineError, ErrorKind};

/// Where a database is, and where the secret for it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) way: Way,
    /// A file with the token or the shared secret.
    pub(super) secret_file: Option<PathBuf>,
    /// Tables whose writers promise to mark what they change.
    pub(super) changed_by: Vec<ChangedBy>,
}

/// The promise that whoever inserts or changes a row of a table gives this column a value that no row had a higher one of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangedBy {
    pub(super) table: String,
    pub(super) column: String,
}

/// How it is reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Over Cloudflare's REST API: the account, and the database's id or name.
    Api { account: String, database: String },
    /// Over a Worker: its address.
    Worker { address: Url },
}

impl Address {
    /// The URL without its settings, which shows no secret.
    pub(super) fn shown(&self) -> String {
        match &self.way {
            Way::Api { account, database } => format!("d1://{account}/{database}"),
            Way::Worker { address } => {
                let rest = address.as_str().split_once("://").map_or("", |(_, rest)| rest);
                format!("d1+worker://{}", rest.trim_end_matches('/'))
            }
        }
    }
}

/// Reads a URL.
pub(super) fn parse(text: &str) -> Result<Address, EngineError> {
    // Any part may be a secret that somebody put there, so none is repeated.
    let url = Url::parse(text)
        .map_err(|error| wrong("a D1 URL is d1://ACCOUNT/DATABASE or d1+worker://HOST").with_source(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("the URL of a D1 database holds no secret: see secret-file and token-file"));
    }
    let is_worker = url.scheme() == "d1+worker";
    let (wanted, variable) = match is_worker {
        true => ("secret-file", "ROWKEEP_D1_SECRET"),
        false => ("token-file", "CLOUDFLARE_API_TOKEN"),
    };
    let (mut secret_file, mut changed_by) = (None, Vec::new());
    for (name, value) in url.query_pairs() {
        match &*name {
            name if name == wanted => secret_file = Some(PathBuf::from(value.into_owned())),
            "changed-by" => {
                let (table, column) =
                    value.rsplit_once('.').ok_or_else(|| wrong("changed-by is TABLE.COLUMN"))?;
                changed_by.push(ChangedBy { table: table.to_owned(), column: column.to_owned() });
            }
            _ => {
                let problem = format!(
                    "the settings of such a URL are {wanted}=PATH, without which the secret comes from {variable}, and \
                     changed-by=TABLE.COLUMN"
                );
                return Err(wrong(&problem));
            }
        }
    }
    if url.fragment().is_some() {
        return Err(wrong("the URL of a D1 database has no fragment"));
    }
    let way = if is_worker { worker(&url)? } else { api(&url)? };
    Ok(Address { way, secret_file, changed_by })
}

fn api(url: &Url) -> Result<Way, EngineError> {
    let form = || {
        wrong(
            "over the REST API a D1 database is d1://ACCOUNT/DATABASE: an account's id, and a database's id or name",
        )
    };
    let account = url.host_str().filter(|account| !account.is_empty()).ok_or_else(form)?;
    let database = url.path().trim_matches('/');
    let is_plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if database.is_empty() || url.port().is_some() || !is_plain(account) || !is_plain(database) {
        return Err(form());
    }
    Ok(Way::Api { account: account.to_owned(), database: database.to_owned() })
}

fn worker(url: &Url) -> Result<Way, EngineError> {
    let rest = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split('?').next().unwrap_or_default();
    let form = || wrong("over a Worker a D1 database is d1+worker://HOST");
    // Read as the URL of a website, hosts and ports get the form that these have.
    let mut address = Url::parse(&format!("https://{rest}")).map_err(|_| form())?;
    if is_this_machine(&address) {
        address.set_scheme("http").map_err(|()| form())?;
    }
    Ok(Way::Worker { address })
}

/// Whether a URL leads nowhere else, so that secrets may go there unencrypted.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn wrong(problem: &str) -> EngineError {
    EngineError::new(ErrorKind::InvalidUrl, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_are_read() {
        let api = parse("d1://023e105f4ecef8ad9ca31a8372d0c353/shop?token-file=/run/token").expect("a URL");
        let way = Way::Api { account: "023e105f4ecef8ad9ca31a8372d0c353".into(), database: "shop".into() };
        assert_eq!(api, Address { way, secret_file: Some("/run/token".into()), changed_by: Vec::new() });
        let told = parse("d1+worker://host?changed-by=orders.updated_at&changed-by=a.b.id").expect("a URL");
        let by = |table: &str, column: &str| ChangedBy { table: table.into(), column: column.into() };
        assert_eq!(told.changed_by, [by("orders", "updated_at"), by("a.b", "id")]);
        for (text, address) in [
            ("d1+worker://shop.example.workers.dev", "https://shop.example.workers.dev/"),
            ("d1+worker://d1.example.com:8443/rowkeep/", "https://d1.example.com:8443/rowkeep/"),
            ("d1+worker://127.0.0.1:8787", "http://127.0.0.1:8787/"),
            ("d1+worker://[::1]:8787", "http://[::1]:8787/"),
        ] {
            let Way::Worker { address: read } = parse(text).expect("a URL").way else { panic!("{text}") };
            assert_eq!(read.as_str(), address);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "d1://",
            "d1://account",
            "d1://account/",
            "d1://account/a/b",
            "d1://s3cret@account/shop",
            "d1://account/shop?token=s3cret",
            "d1://account/shop#s3cret",
            "d1+worker://",
            "d1+worker://u:s3cret@host",
            "d1+worker://host?secret=s3cret",
            "d1+worker://host?changed-by=s3cret",
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{text}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
