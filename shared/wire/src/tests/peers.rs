use std::{convert::Infallible, sync::Arc};

use http::{Request, Response};
use tonic::body::Body;
use tower::{ServiceExt, service_fn};
use weir_model::Principal;

use crate::Peer;

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
