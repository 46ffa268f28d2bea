//! From the text that names a place to the store that is there.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{HttpConnector, ReqwestConnector};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use crate::bucket::{Bucket, Client};
use crate::folder_store::FolderStore;
use crate::patience::{self, Patient};
use crate::{Error, Result};

/// How long one request may take unless the options say otherwise: a pack over a slow line.
const TIMEOUT: &str = "600 s";

/// The option that says with which checksum objects are written, and what else it is called; `none` is one of ours.
const CHECKSUM: [&str; 2] = ["aws_checksum_algorithm", "checksum_algorithm"];

/// Opens the store that a path or a URL names, without asking whether there is a repository.
///
/// A path, or a `file://` URL, is a folder of this machine; everything written to it is synchronised to the disk.
/// `s3://bucket/prefix`, `gs://bucket/prefix` and `az://container/prefix` are object storage, with options named as in
/// the crate `object_store` (`aws_access_key_id`, `aws_endpoint`, `timeout`, …); an option that the kind of store does
/// not have is refused. `memory://` is new, empty and forgotten with the last reference to it.
///
/// A folder that does not exist is [`Error::NotARepository`].
pub fn open_store(location: &str, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>> {
    store(location, options, false, patience::later())
}

/// Does what [`open_store`] does for somebody who wants to know how the store answers: it is never waited for longer than seconds.
pub fn open_store_to_probe(location: &str, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>> {
    store(location, options, false, patience::at_first())
}

/// Does what [`open_store`] does, but makes the folder, for its owner only, if it does not exist.
pub fn create_store(location: &str, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>> {
    store(location, options, true, patience::later())
}

/// What S3 tells of the bucket that a URL names, beside what every store does; nothing where it is another kind of store.
pub fn open_bucket(location: &str, options: &[(String, String)]) -> Result<Option<Bucket>> {
    if !location.starts_with("s3://") {
        return Ok(None);
    }
    let failed = |source| Error::store("open the store", without_secrets(location), source);
    let url = Url::parse(location)
        .map_err(|_| Error::Location { location: without_secrets(location), reason: "it is not a URL" })?;
    let prefix = Path::from_url_path(url.path()).map_err(|source| failed(source.into()))?;
    // Options that are wrong are refused now.
    s3(&url, options)?;
    let (location, options) = (location.to_owned(), options.to_vec());
    Ok(Some(Bucket::new(prefix, move || {
        let failed = |source| Error::store("open the store", without_secrets(&location), source);
        let mut client = ClientOptions::new();
        for (name, value) in with_defaults("s3", &options) {
            if let Ok(AmazonS3ConfigKey::Client(key)) = name.to_ascii_lowercase().parse() {
                client = client.with_config(key, value);
            }
        }
        let http = ReqwestConnector::default().connect(&client).map_err(failed)?;
        let s3 = s3(&url, &options)?.with_retry(patience::at_first()).build().map_err(failed)?;
        Ok(Client { s3, http })
    })))
}

fn store(
    location: &str,
    options: &[(String, String)],
    create: bool,
    later: RetryConfig,
) -> Result<Arc<dyn ObjectStore>> {
    let refused = |reason| Error::Location { location: without_secrets(location), reason };
    if location.is_empty() {
        return Err(refused("it is empty"));
    }
    let Some((scheme, _)) = location.split_once("://") else {
        return folder(FilePath::new(location), options, create);
    };
    let url = Url::parse(location).map_err(|_| refused("it is not a URL"))?;
    match scheme {
        "file" => {
            let path = url.to_file_path().map_err(|()| refused("a file:// URL needs an absolute path"))?;
            folder(&path, options, create)
        }
        "memory" => {
            no_options("memory", options)?;
            Ok(Arc::new(InMemory::new()))
        }
        "s3" | "gs" | "az" => {
            if url.host_str().is_none_or(str::is_empty) {
                return Err(refused("it names no bucket"));
            }
            if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
                return Err(refused("credentials and settings are given as options"));
            }
            bucket(scheme, &url, options, location, later)
        }
        _ => Err(refused("the known kinds are a path, file://, s3://, gs:// and az://")),
    }
}

fn folder(path: &FilePath, options: &[(String, String)], create: bool) -> Result<Arc<dyn ObjectStore>> {
    no_options("a local folder", options)?;
    let failed = |action, source| Error::Io { action, path: path.display().to_string(), source };
    if create {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|source| failed("create the folder", source))?;
    }
    let real: PathBuf = match std::fs::canonicalize(path) {
        Ok(real) => real,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Err(Error::NotARepository),
        Err(source) => return Err(failed("open the folder", source)),
    };
    if !real.is_dir() {
        return Err(failed("open the folder", std::io::ErrorKind::NotADirectory.into()));
    }
    let store = FolderStore::open(real)
        .map_err(|source| Error::store("open the folder", path.display().to_string(), source))?;
    Ok(Arc::new(store))
}

fn no_options(store: &'static str, options: &[(String, String)]) -> Result<()> {
    match options.first() {
        None => Ok(()),
        Some((option, _)) => Err(Error::UnknownOption { store, option: option.clone() }),
    }
}

/// What builds a store, by the options.
macro_rules! configured {
    ($builder:ty, $key:ty, $store:literal, $url:expr, $options:expr) => {{
        // Of the URL only the bucket; the prefix becomes part of every object's name.
        let builder = <$builder>::new().with_url(&$url[..url::Position::BeforePath]);
        with_defaults($store, $options).into_iter().try_fold(builder, |builder, (name, value)| {
            let key: $key = name
                .to_ascii_lowercase()
                .parse()
                .map_err(|_| Error::UnknownOption { store: $store, option: name.clone() })?;
            Ok::<_, Error>(builder.with_config(key, value))
        })
    }};
}

fn bucket(
    scheme: &str,
    url: &Url,
    options: &[(String, String)],
    location: &str,
    later: RetryConfig,
) -> Result<Arc<dyn ObjectStore>> {
    let failed = |source| Error::store("open the store", without_secrets(location), source);

    macro_rules! build {
        ($builder:expr) => {{
            let builder = $builder;
            let first = builder.clone().with_retry(patience::at_first()).build().map_err(failed)?;
            let later = builder.with_retry(later.clone()).build().map_err(failed)?;
            within(Patient::new(Arc::new(first), Arc::new(later)), url).map_err(failed)
        }};
    }
    match scheme {
        "s3" => build!(s3(url, options)?),
        "gs" => {
            build!(configured!(GoogleCloudStorageBuilder, GoogleConfigKey, "gs", url, options)?)
        }
        _ => build!(configured!(MicrosoftAzureBuilder, AzureConfigKey, "az", url, options)?),
    }
}

fn s3(url: &Url, options: &[(String, String)]) -> Result<AmazonS3Builder> {
    configured!(AmazonS3Builder, AmazonS3ConfigKey, "s3", url, options)
}

/// Options with those before them that count unless others do.
fn with_defaults(scheme: &str, options: &[(String, String)]) -> Vec<(String, String)> {
    let mut all = vec![("timeout".to_owned(), TIMEOUT.to_owned())];
    // Whoever names such an address means it.
    if is_plain_http(options) {
        all.push(("allow_http".to_owned(), "true".to_owned()));
    }
    let is_checksum = |name: &str| CHECKSUM.iter().any(|known| name.eq_ignore_ascii_case(known));
    let without = |(name, value): &&(String, String)| is_checksum(name) && value.eq_ignore_ascii_case("none");
    if scheme == "s3" && !options.iter().any(|option| without(&option)) {
        // Buckets with Object Lock take nothing without one, and every other store notices what was altered on the way.
        all.push((CHECKSUM[0].to_owned(), "sha256".to_owned()));
    }
    all.extend(options.iter().filter(|option| scheme != "s3" || !without(option)).cloned());
    all
}

/// Whether the address of the store itself is without TLS.
fn is_plain_http(options: &[(String, String)]) -> bool {
    let mut endpoints = options.iter().filter(|(name, _)| name.to_ascii_lowercase().contains("endpoint"));
    endpoints.any(|(_, value)| value.starts_with("http://"))
}

/// A location without what may be credentials or settings in it.
fn without_secrets(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let place = match rest.rsplit_once('@') {
        // Either a secret key holds such a character, or a setting an @.
        Some((before, _)) if before.contains(['?', '#']) => "…",
        // A secret key may hold slashes, so the last @ ends it.
        Some((before, place)) if before.contains(':') => place,
        _ => rest,
    };
    format!("{scheme}://{}", place.split(['?', '#']).next().unwrap_or_default())
}

/// The part of a store below the URL's path.
fn within(store: impl ObjectStore, url: &Url) -> object_store::Result<Arc<dyn ObjectStore>> {
    let prefix = Path::from_url_path(url.path())?;
    if prefix.as_ref().is_empty() {
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn options(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_folder_is_made_only_when_asked() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("new/repository");
        let text = path.to_str().expect("text");
        assert_eq!(open_store(text, &[]).expect_err("absent").kind(), ErrorKind::NotARepository);
        create_store(text, &[]).expect("made");
        assert!(path.is_dir());
        open_store(text, &[]).expect("there");
        open_store(&format!("file://{text}"), &[]).expect("there");
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = open_store(file.path().to_str().expect("text"), &[]).expect_err("a file");
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }

    #[test]
    fn object_storage_takes_its_own_options_only() {
        let own =
            options(&[("AWS_ACCESS_KEY_ID", "a"), ("aws_secret_access_key", "b"), ("aws_region", "eu")]);
        let store = open_store("s3://bucket/some/prefix", &own).expect("a store");
        assert!(store.to_string().contains("some/prefix"), "{store}");
        for (location, option) in
            [("s3://bucket", "aws_acess_key"), ("memory://", "timeout"), ("/tmp", "timeout")]
        {
            let error = open_store(location, &options(&[(option, "x")])).expect_err("refused");
            assert!(
                matches!(&error, Error::UnknownOption { option: told, .. } if told == option),
                "{error:?}"
            );
        }
    }

    #[test]
    fn objects_are_written_to_s3_with_a_checksum_unless_somebody_wants_none() {
        let checksum = |scheme: &str, pairs: &[(&str, &str)]| {
            let all = with_defaults(scheme, &options(pairs));
            let last =
                all.iter().rfind(|(name, _)| name.to_ascii_lowercase().ends_with("checksum_algorithm"));
            last.map(|(_, value)| value.clone())
        };
        assert_eq!(checksum("s3", &[("aws_region", "eu")]).as_deref(), Some("sha256"));
        let other = [("AWS_CHECKSUM_ALGORITHM", "crc64nvme")];
        assert_eq!(checksum("s3", &other).as_deref(), Some("crc64nvme"));
        let none = [("checksum_algorithm", "none")];
        assert_eq!(checksum("s3", &none), None);
        assert_eq!(checksum("gs", &[]), None);
        open_store("s3://bucket", &options(&none)).expect("a store");
        assert!(open_store("s3://bucket", &options(&[("checksum_algorithm", "md5")])).is_err());
        assert!(open_store("gs://bucket", &options(&none)).is_err(), "only S3 has it");
    }

    #[test]
    fn other_places_are_refused() {
        for location in ["", "ftp://host/x", "s3://", "s3://bucket?region=eu", "file://relative", "://"] {
            let error = open_store(location, &[]).expect_err(location);
            assert!(matches!(error, Error::Location { .. } | Error::NotARepository), "{location}: {error:?}");
        }
    }

    #[test]
    fn refusals_show_no_credentials() {
        for (location, shown) in [
            ("s3://KEY:s3/cr@t@bucket/a", "s3://bucket/a"),
            ("s3://bucket/a@b?secret=s3cret", "s3://bucket/a@b"),
            ("s3://bucket/a?secret=s3@cret", "s3://…"),
            ("s3://KEY:s3#cret@bucket", "s3://…"),
            ("https://u:s3cret@h/x", "https://h/x"),
        ] {
            let error = open_store(location, &[]).expect_err(location);
            assert!(matches!(&error, Error::Location { location, .. } if location == shown), "{error:?}");
        }
    }
}
