//! Another context, near or far: the same generated client over any service that answers gRPC.

use std::{
    error::Error,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tonic::{Status, TimeoutExpired, body::Body};
use tower::{BoxError, Service, ServiceExt, util::BoxCloneSyncService};

/// How deep the cause of an error is looked for.
const CAUSES_MAX: usize = 16;

/// What is done to each request before it leaves: who calls, in which trace.
pub type Prepare = Arc<dyn Fn(&mut Request<Body>) + Send + Sync>;

/// A way to another context; cheap to clone. Give it to a generated client: `LimitsServiceClient::new(peer)`.
#[derive(Clone)]
pub struct Peer {
    inner: BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>,
    prepare: Prepare,
}

impl Peer {
    /// A peer over any service: the routes of this process, or a channel to another.
    pub fn new<S>(service: S, prepare: Prepare) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Peer { inner: BoxCloneSyncService::new(service.map_err(|error| broken(error.into()))), prepare }
    }
}

/// What a caller is told when no answer came. tonic calls a line that the other side closed in good order, as when its
/// process ends, INTERNAL; but nothing is wrong with either side, and asking again is right.
fn broken(error: BoxError) -> BoxError {
    let first: &(dyn Error + 'static) = &*error;
    let links = std::iter::successors(Some(first), |link| Error::source(*link));
    let mut links = links.take(CAUSES_MAX);
    if links.any(|link| link.is::<Status>() || link.is::<TimeoutExpired>()) {
        return error;
    }
    let mut status = Status::unavailable("the line to the other process broke; ask again");
    status.set_source(Arc::from(error));
    status.into()
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peer")
    }
}

impl Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = <BoxCloneSyncService<Request<Body>, Response<Body>, BoxError> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        (self.prepare)(&mut request);
        self.inner.call(request)
    }
}
