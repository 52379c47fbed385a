use std::{convert::Infallible, sync::Arc};

use http::{Request, Response};
use tonic::{Code, Status, body::Body};
use tower::{BoxError, ServiceExt, service_fn};
use weir_model::Principal;

use crate::{
    Peer,
    limits::v1::{SnapshotRequest, feed_service_client::FeedServiceClient},
};

#[tokio::test]
async fn a_peer_says_who_calls() {
    let echo = service_fn(|request: Request<Body>| async move {
        let caller = request.extensions().get::<Principal>().map(|principal| principal.subject.to_string());
        Ok::<_, Infallible>(
            Response::builder().header("caller", caller.unwrap_or_default()).body(Body::empty()).unwrap(),
        )
    });
    let peer = Peer::new(
        echo,
        Arc::new(|request| {
            request.extensions_mut().insert(Principal::service("limits"));
        }),
    );
    let response = peer.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.headers()["caller"], "limits");
}

/// What a generated client tells of a peer that fails.
async fn told(error: fn() -> BoxError) -> Code {
    let failing = service_fn(move |_: Request<Body>| async move { Err::<Response<Body>, _>(error()) });
    let mut client = FeedServiceClient::new(Peer::new(failing, Arc::new(|_| {})));
    client.snapshot(SnapshotRequest {}).await.unwrap_err().code()
}

#[tokio::test]
async fn a_line_that_breaks_is_unavailable() {
    assert_eq!(told(|| "the connection was closed".into()).await, Code::Unavailable);
}

#[tokio::test]
async fn a_refusal_stays_what_it_is() {
    assert_eq!(told(|| Status::resource_exhausted("later").into()).await, Code::ResourceExhausted);
}
