#!/usr/bin/env bash
# object_store 0.14.2 (Rust): with its default settings (ten retries, within three minutes) a request to an S3 server that
# refuses connections is given up within seconds (2 to 5 were seen), not minutes: each wait is drawn between 100 ms and twice the last
# wait, so waits hardly grow and the ten retries end long before the three minutes.
# With a base of 3 and many retries the same request goes on until its time is over.
# Fails if one of the two is otherwise. Wants cargo; seen on 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "retries"
version = "0.0.0"
edition = "2021"

[dependencies]
object_store = { version = "=0.14.2", default-features = false, features = ["aws"] }
tokio = { version = "=1.54.1", features = ["macros", "rt-multi-thread", "time"] }
TOML
cat >"$work/src/main.rs" <<'RUST'
use object_store::{aws::AmazonS3Builder, path::Path, BackoffConfig, ObjectStoreExt, RetryConfig};
use std::time::{Duration, Instant};

async fn seconds(endpoint: &str, retry: RetryConfig) -> f64 {
    let store = AmazonS3Builder::new()
        .with_bucket_name("bucket")
        .with_region("us-east-1")
        .with_access_key_id("id")
        .with_secret_access_key("secret")
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_retry(retry)
        .build()
        .unwrap();
    let begin = Instant::now();
    let error = store.get(&Path::from("object")).await.unwrap_err();
    println!("{:.1} s: {error}", begin.elapsed().as_secs_f64());
    begin.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    // A port that was free a moment ago, so that nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let default = seconds(&endpoint, RetryConfig::default()).await;
    let growing = RetryConfig {
        backoff: BackoffConfig { base: 3.0, max_backoff: Duration::from_secs(5), ..Default::default() },
        max_retries: 1000,
        retry_timeout: Duration::from_secs(15),
    };
    let growing = seconds(&endpoint, growing).await;
    if default > 20.0 || growing < 15.0 {
        println!("this has changed");
        std::process::exit(1);
    }
}
RUST
cargo run --quiet --manifest-path "$work/Cargo.toml"
