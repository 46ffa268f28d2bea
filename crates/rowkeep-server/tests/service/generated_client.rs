//! A client that a generator makes of the description of the API works.

use super::schemathesis::python;
use super::support::Service;

/// Its own formatter is another program, and nobody reads what it made.
const SETTINGS: &str =
    "project_name_override: rowkeep-client\npackage_name_override: rowkeep_client\npost_hooks: []\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_backs_up_and_restores() {
    let service = Service::new().await;
    let folder = tempfile::tempdir().expect("a folder is made");
    std::fs::write(folder.path().join("settings.yml"), SETTINGS).expect("it is written");
    let description = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let generator = "from openapi_python_client.cli import app; app()";
    let options = ["--config", "settings.yml", "--output-path", "client", "--fail-on-warning"];
    let said = python(
        folder.path(),
        &[&["-c", generator, "generate", "--path", description], &options[..]].concat(),
        &[],
    )
    .await;
    assert!(folder.path().join("client/rowkeep_client").is_dir(), "{said}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/generated_client.py");
    let database = service.folder.path().join("shop.db");
    let database = database.to_str().expect("it is text");
    let named = [("URL", &*service.address()), ("TOKEN", &service.token), ("DATABASE", database)];
    assert_eq!(python(folder.path(), &[script], &named).await.trim(), "done");
}
