//! What happens to a job, told as it happens.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};

use super::jobs::JobView;
use crate::queue::tell;
use crate::web::asking::visible;
use crate::web::extract::Named;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;
use crate::web::watching::{Happened, Watch};

/// Tells how far a job comes, as server-sent events: `progress` with the progress of the job, at most four a second, and at its end
/// `end` with the job. The answer is over then, or when the service ends; comments come between, so that connections stay open.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/events", operation_id = "watchJob", tag = "jobs",
    params(("id" = String, Path, description = "Of the job")), responses(
    Problem,
    (status = 200, description = "The events: `progress`, whose data is a `Progress`, and `end`, whose data is a `JobView`", body = serde_json::Value, content_type = "text/event-stream"),
    (status = 404, description = "There is no such job", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn watch(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<impl IntoResponse, Problem> {
    let job = visible(&service, &caller, &id).await?;
    let watch = Watch::new(service.queue().clone(), job.id);
    // Else nginx keeps the events until there are many.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(events(service, watch)).keep_alive(KeepAlive::default())))
}

fn events(service: Service, watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    stream::unfold((service, watch), |(service, mut watch)| async move {
        let event = match watch.next().await {
            Ok(Some(Happened::Advanced(progress))) => Event::default().event("progress").json_data(progress),
            Ok(Some(Happened::Over(job))) => {
                Event::default().event("end").json_data(JobView::new(&service, *job))
            }
            Ok(None) => return None,
            Err(error) => {
                tell(&error);
                return None;
            }
        };
        Some((Ok(event.ok()?), (service, watch)))
    })
}
