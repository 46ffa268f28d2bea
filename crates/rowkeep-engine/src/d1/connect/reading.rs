//! Answers of either way, read: what they give, or what has failed.

use serde::de::DeserializeOwned;

use super::answer::{Answer, FromApi, FromWorker, WORKER_VERSION};
use super::failure::Failure;
use super::http::Response;
use crate::{EngineError, ErrorKind};

/// What statements returned, from the Worker.
pub(super) fn from_worker(response: Response) -> Result<Vec<Answer>, Failure> {
    let status = response.status;
    let read: Result<FromWorker, _> = serde_json::from_slice(&response.body);
    match read {
        Ok(read) if read.version != WORKER_VERSION => {
            let message = format!(
                "the Worker there is of version {}, wanted is {WORKER_VERSION}: deploy the one that comes with this rowkeep",
                read.version
            );
            Err(Failure::Final(EngineError::new(ErrorKind::Unsupported, message)))
        }
        Ok(FromWorker { error: Some(said), .. }) => {
            Err(Failure::of_answer(status, None, &said, response.after))
        }
        Ok(read) if status.is_success() => Ok(read.results),
        // An answer that was cut is no JSON.
        Err(error) if status.is_success() && error.is_eof() => Err(cut(error)),
        _ if status.is_server_error() || status.as_u16() == 429 => {
            Err(Failure::of_answer(status, None, "it does not say why", response.after))
        }
        _ => {
            let message = format!("what is there ({status}) is not the Worker that comes with rowkeep");
            Err(Failure::Final(EngineError::new(ErrorKind::Unsupported, message)))
        }
    }
}

/// The result of a request to the API.
pub(super) fn from_api<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let status = response.status;
    match serde_json::from_slice::<FromApi<T>>(&response.body) {
        Ok(FromApi { success: true, result: Some(result), .. }) if status.is_success() => Ok(result),
        Ok(read) => {
            let said = read.errors.iter().map(|said| said.message.as_str()).collect::<Vec<_>>().join("; ");
            let said = if said.is_empty() { "it does not say why".to_owned() } else { said };
            let code = read.errors.first().map(|said| said.code);
            Err(Failure::of_answer(status, code, &said, response.after))
        }
        Err(error) if status.is_success() && error.is_eof() => Err(cut(error)),
        Err(_) if !status.is_success() => {
            Err(Failure::of_answer(status, None, "it does not say why", response.after))
        }
        Err(error) => {
            let message = "the answer is not that of Cloudflare's API";
            Err(Failure::Final(EngineError::new(ErrorKind::Unsupported, message).with_source(error)))
        }
    }
}

/// An answer of the API whose result tells nothing.
pub(super) fn done(response: Response) -> Result<(), Failure> {
    let read: Result<FromApi<serde_json::Value>, _> = serde_json::from_slice(&response.body);
    match read {
        Ok(FromApi { success: true, .. }) if response.status.is_success() => Ok(()),
        Ok(read) => {
            let said = read.errors.iter().map(|said| said.message.as_str()).collect::<Vec<_>>().join("; ");
            let code = read.errors.first().map(|said| said.code);
            Err(Failure::of_answer(response.status, code, &said, response.after))
        }
        Err(_) => Err(Failure::of_answer(response.status, None, "it does not say why", response.after)),
    }
}

fn cut(error: serde_json::Error) -> Failure {
    let message = "the answer was cut off";
    Failure::Unknown(EngineError::new(ErrorKind::Unreachable, message).with_source(error))
}
