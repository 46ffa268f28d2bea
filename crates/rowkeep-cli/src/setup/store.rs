//! Options of object stores, as the environment and the command have them.

use rowkeep::jobs::workspace::StoreOptions;
use rowkeep::repository::StoreRates;

use crate::args::Global;

/// Settings of object stores that are taken from the environment: the prefix of their names, and those names.
const STORE_VARIABLES: [(&str, &[&str]); 3] = [
    (
        "s3",
        &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_ALLOW_HTTP",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        ],
    ),
    ("gs", &["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"]),
    (
        "az",
        &[
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_SAS_TOKEN",
            "AZURE_STORAGE_CLIENT_ID",
            "AZURE_STORAGE_CLIENT_SECRET",
            "AZURE_STORAGE_TENANT_ID",
            "AZURE_ENDPOINT",
        ],
    ),
];

/// Those of them that are credentials. Half of a pair is of use to nobody, and keeps a program from looking elsewhere.
pub(super) const SECRETS: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
];

/// The options that the environment has, and those that were given.
pub(super) fn options(global: &Global) -> StoreOptions {
    let variables =
        STORE_VARIABLES.iter().flat_map(|(scheme, names)| names.iter().map(move |name| (*scheme, *name)));
    let found = variables.filter_map(|(scheme, name)| {
        Some((scheme.to_owned(), name.to_ascii_lowercase(), std::env::var(name).ok()?.into()))
    });
    let rates = StoreRates { upload: global.max_upload_rate, download: global.max_download_rate };
    StoreOptions { found: found.collect(), given: global.store_options.clone(), rates }
}
