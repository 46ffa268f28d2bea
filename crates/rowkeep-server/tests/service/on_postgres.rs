//! The same with the state in PostgreSQL, and what can happen to it there alone.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rowkeep::clock::SystemClock;
use rowkeep::engine::Surroundings;
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::repository::SystemRandomness;
use rowkeep_server::{Configuration, Error, Server, ServerOptions, StatePlace};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::support::{Service, a_schema, client, folder, on_postgres, place, url};

/// Tests that are done once more with the state on a server.
macro_rules! once_more {
    ($($room:ident: $($test:ident),+;)+) => {$($(
        #[test]
        fn $test() {
            on_postgres(|| super::$room::$test());
        }
    )+)+};
}

once_more! {
    alerts: an_alert_is_told_once_and_is_over_once, pages_have_each_alert_once;
    audit: snapshots_know_the_audit_of_their_time;
    channels: a_channel_that_fails_is_told_over_the_others;
    compatibility: backups_are_made_listed_and_deleted;
    jobs: a_backup_is_made_and_waited_for, pages_of_lists_have_each_entry_once, a_request_that_is_sent_again_is_done_once,
        one_process_serves_with_a_state;
    metrics: what_is_known_is_said;
    oidc: somebody_is_what_his_groups_make_him_at_each_sign_in;
    operations: each_is_for_those_who_may, tokens_end_when_they_are_revoked;
    restores: two_rows_come_back_and_go_again, a_second_person_executes_where_that_is_wanted, what_is_held_stays;
    schedules: a_backup_comes_when_its_time_has_come_and_is_caught_up_once, what_failed_is_tried_again_after_growing_pauses;
    sessions: the_first_password_is_for_choosing_another, codes_of_a_second_factor_count_once, sessions_end,
        users_stay_when_the_service_is_started_again;
}

/// What becomes of opening a service in a folder.
async fn opened(folder: &TempDir, place: StatePlace) -> Result<Server, Error> {
    let options =
        ServerOptions { listen: "127.0.0.1:0".to_owned(), state: place, new_token: true, new_password: None };
    let text = "repository = 'repository'\ncreate = true\n[service]\nkeep_state = 'off'\n";
    let path = folder.path().join("rowkeep.toml");
    std::fs::write(&path, text).expect("it is written");
    let make = |config| Workspace::new(config, Circumstances::default());
    let configuration = Configuration::new(path, Arc::new(|_: &str| None), make);
    Server::open(&options, configuration, SystemClock::shared(), SystemRandomness::shared()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_not_ours_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let (url, key) = (a_schema(), folder.path().join("key"));
    let at =
        |url: &str| StatePlace::database(url, &key, &Surroundings::default()).expect("it is well formed");
    let client = client(&url).await;
    let schema: String = client.query_one("SHOW search_path", &[]).await.expect("it is shown").get(0);
    let theirs = format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.orders (id int)");
    client.batch_execute(&theirs).await.expect("it is made");
    let refused = opened(&folder, at(&url)).await.err().expect("it is refused").to_string();
    assert!(refused.contains("holds something else") && refused.contains(&schema), "{refused}");
    assert!(!key.exists(), "nothing half done stays");
    client.batch_execute("DROP TABLE orders").await.expect("it is dropped");
    let served = opened(&folder, at(&url)).await.expect("an empty schema is taken");
    assert!(served.made().token.is_some());
    drop(served);
    client.batch_execute("UPDATE rowkeep_state SET version = 99").await.expect("it is changed");
    let refused = opened(&folder, at(&url)).await.err().expect("it is refused").to_string();
    assert!(refused.contains("is of version 99"), "{refused}");
    // What a password was must not be in what is said.
    let secret = StatePlace::database("postgres://ann:s3cret@127.0.0.1:1/x", &key, &Surroundings::default());
    let secret = secret.expect("it is well formed");
    let away = opened(&folder, secret.clone()).await.err().expect("nobody is there");
    assert!(!format!("{away} {away:?} {secret:?}").contains("s3cret"), "{away:?}");
    assert!(away.to_string().contains("cannot use the state postgres://ann@127.0.0.1:1/x"), "{away}");
}

#[test]
fn secrets_are_of_the_key_that_sealed_them() {
    on_postgres(a_state_with_another_key_is_refused);
    a_state_with_another_key_is_refused();
}

#[tokio::main]
async fn a_state_with_another_key_is_refused() {
    let service = Service::new().await;
    let (cookie, csrf) = super::sessions::signed_in(&service).await;
    let begun = service
        .answer(
            service
                .without_token(Method::POST, "/api/v1/session/second-factor")
                .header("Cookie", cookie)
                .header("X-CSRF-Token", csrf)
                .json(&json!({ "password": super::sessions::PASSWORD })),
        )
        .await;
    assert!(begun.status.is_success(), "{begun:?}");
    let folder = service.stop().await;
    let key = folder.path().join("state.db.key");
    let (right, place) = (std::fs::read(&key).expect("it is there"), place(&folder));
    std::fs::write(&key, [7; 32]).expect("it is written");
    let other = opened(&folder, place.clone()).await.err().expect("it is refused").to_string();
    assert!(other.contains("is not the key that sealed the secrets"), "{other}");
    std::fs::remove_file(&key).expect("it is removed");
    let none = opened(&folder, place.clone()).await.err().expect("it is refused").to_string();
    assert!(none.contains("bring it there") && !key.exists(), "{none}");
    std::fs::write(&key, right).expect("it is written");
    assert!(opened(&folder, place).await.is_ok());
}

/// A folder with a state on a server, and a connection to it. Those of the service have the same name, by which they are found.
async fn watched() -> (Arc<TempDir>, tokio_postgres::Client) {
    let folder = folder();
    let name = folder.path().file_name().expect("it has one").to_string_lossy().replace('.', "");
    let named = format!("{}&application_name={name}", url(&folder).expect("it is on a server"));
    std::fs::write(folder.path().join("state.url"), &named).expect("it is written");
    let killer = client(&named).await;
    (folder, killer)
}

/// Ends the connection of the service to its state; whether there was one.
async fn cut(killer: &tokio_postgres::Client) -> bool {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
    !killer.query(end, &[]).await.expect("it is ended").is_empty()
}

/// Clients ask for backups and ask again until they are answered, while the connection is cut; `ROWKEEP_SERVICE_KILLS` says how often.
#[test]
fn a_connection_that_is_lost_at_random_loses_and_doubles_nothing() {
    on_postgres(asked_while_the_connection_is_lost);
}

#[tokio::main]
async fn asked_while_the_connection_is_lost() {
    let cuts: u64 = std::env::var("ROWKEEP_SERVICE_KILLS").map_or(20, |text| text.parse().expect("a number"));
    let (folder, killer) = watched().await;
    let service = Arc::new(Service::again(folder, None, "", SystemClock::shared()).await);
    let asking = {
        let service = Arc::clone(&service);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let asking = tokio::spawn(async move {
            let mut asked = Vec::new();
            while !stopped.is_cancelled() {
                let name = if asked.len() % 2 == 0 { "shop" } else { "orders" };
                asked.push((name, ask_until_answered(&service, name, asked.len()).await));
            }
            asked
        });
        (asking, stop)
    };
    let mut done = 0;
    let mut pause = 1_u64;
    while done < cuts {
        // At times that differ: prime numbers of milliseconds.
        pause = (pause * 131) % 397;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        done += u64::from(cut(&killer).await);
    }
    asking.1.cancel();
    let asked = asking.0.await.expect("it does not panic");
    assert!(!asked.is_empty());
    for (at, (name, id)) in asked.iter().enumerate() {
        assert_eq!(&ask_until_answered(&service, name, at).await, id, "what is sent again is the same job");
        service.until(&format!("/api/v1/jobs/{id}"), |job| job["state"] == "done").await;
    }
    let jobs = killer.query_one("SELECT count(*) FROM jobs", &[]).await.expect("it is read").get::<_, i64>(0);
    assert_eq!(jobs, asked.len() as i64, "no other job came to be");
    let verified = service.get("/api/v1/audit/verification").await;
    assert_eq!(verified["intact"], true, "{verified}");
    let created = "SELECT count(*) FROM audit WHERE action = 'backup.create'";
    let created = killer.query_one(created, &[]).await.expect("it is read").get::<_, i64>(0);
    assert_eq!(created, jobs, "the audit has each once");
    let ended = "SELECT count(*) FROM audit WHERE action = 'job.end' AND outcome = 'done'";
    let ended = killer.query_one(ended, &[]).await.expect("it is read").get::<_, i64>(0);
    assert_eq!(ended, jobs, "each ended once");
    let (mut made, mut cursor) = (0, String::new());
    for name in ["shop", "orders"] {
        loop {
            let listed = service.get(&format!("/api/v1/databases/{name}/snapshots?limit=100{cursor}")).await;
            made += listed["snapshots"].as_array().expect("a list").len();
            match listed["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        cursor.clear();
    }
    assert_eq!(made, asked.len(), "each job made one snapshot");
}

/// Asks for a backup until that is answered with a job; gives its id.
async fn ask_until_answered(service: &Service, name: &str, key: usize) -> String {
    for _ in 0..600 {
        let path = format!("/api/v1/databases/{name}/backups");
        let request =
            service.request(Method::POST, &path).header("Idempotency-Key", key.to_string()).json(&json!({}));
        let answer = service.answer(request).await;
        match answer.status.as_u16() {
            200 | 202 => return answer.json["id"].as_str().expect("it has an id").to_owned(),
            503 => assert_eq!(answer.json["code"], "away", "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody answers");
}

#[test]
fn a_service_whose_state_was_taken_over_does_nothing_more() {
    on_postgres(one_takes_over_from_another);
}

#[tokio::main]
async fn one_takes_over_from_another() {
    let (folder, killer) = watched().await;
    let service = Service::again(folder, None, "", SystemClock::shared()).await;
    let id = ask_until_answered(&service, "shop", 1).await;
    service.until(&format!("/api/v1/jobs/{id}"), |job| job["state"] == "done").await;
    // Another has had the state while the connection was lost.
    killer.batch_execute("UPDATE rowkeep_state SET service = 'another'").await.expect("it is changed");
    cut(&killer).await;
    for _ in 0..100 {
        let answer = service.send(Method::GET, "/readyz", None, None).await;
        if answer.status.as_u16() == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = service.post("/api/v1/databases/shop/backups", json!({})).await.expect(503);
    assert_eq!(refused["code"], "away", "{refused}");
    let jobs = killer.query_one("SELECT count(*) FROM jobs", &[]).await.expect("it is read").get::<_, i64>(0);
    assert_eq!(jobs, 1, "nothing more is written");
    service.stop().await;
}
