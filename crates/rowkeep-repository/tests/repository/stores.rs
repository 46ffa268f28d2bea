//! The stores that everything is tried on, and a copy of one in memory.

use std::sync::Arc;

use futures::TryStreamExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rowkeep_repository::{create_store, open_store};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;

pub(crate) type Store = Arc<dyn ObjectStore>;

/// A store, with what has to live as long as it.
pub(crate) struct Place {
    pub(crate) store: Store,
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) fn memory() -> Self {
        Self { store: open_store("memory://", &[]).expect("a store"), _folder: None }
    }

    pub(crate) fn folder() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("repository");
        let store = create_store(path.to_str().expect("text"), &[]).expect("a store");
        Self { store, _folder: Some(folder) }
    }

    /// A prefix of a bucket on an S3 server in this process.
    pub(crate) async fn s3() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("bucket")).expect("a bucket");
        let endpoint = serve_s3(folder.path()).await;
        Self { store: open_s3(&endpoint), _folder: Some(folder) }
    }
}

/// The store at an S3 server.
pub(crate) fn open_s3(endpoint: &str) -> Store {
    open_store(S3, &s3_options(endpoint)).expect("a store")
}

/// Where a repository is on an S3 server of a test.
pub(crate) const S3: &str = "s3://bucket/some/prefix";

pub(crate) fn s3_options(endpoint: &str) -> Vec<(String, String)> {
    let options = [
        ("aws_endpoint", endpoint),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "test"),
        ("aws_secret_access_key", "secret"),
    ];
    options.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// Serves the folders in a folder as buckets; gives the endpoint.
pub(crate) async fn serve_s3(root: &std::path::Path) -> String {
    serve(s3s_fs::FileSystem::new(root).expect("a file system")).await
}

/// Serves S3; gives the endpoint.
pub(crate) async fn serve(s3: impl s3s::S3) -> String {
    let mut service = S3ServiceBuilder::new(s3);
    service.set_auth(SimpleAuth::from_single("test", "secret"));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).expect("an option of TCP");
            let connection = server.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
            tokio::spawn(async move {
                let _ = connection.await;
            });
        }
    });
    format!("http://{address}")
}

/// The names of all objects, sorted.
pub(crate) async fn names(store: &Store) -> Vec<String> {
    let mut names: Vec<String> =
        store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.expect("listed");
    names.sort();
    names
}

pub(crate) async fn get(store: &Store, name: &str) -> Vec<u8> {
    let found = store.get(&Path::from(name)).await.expect("there");
    found.bytes().await.expect("read").to_vec()
}

pub(crate) async fn put(store: &Store, name: &str, bytes: Vec<u8>) {
    store.put(&Path::from(name), bytes.into()).await.expect("written");
}

pub(crate) async fn delete(store: &Store, name: &str) {
    store.delete(&Path::from(name)).await.expect("deleted");
}

/// A copy in memory.
pub(crate) async fn copy(store: &Store) -> Store {
    let copy: Store = Arc::new(InMemory::new());
    for name in names(store).await {
        put(&copy, &name, get(store, &name).await).await;
    }
    copy
}
