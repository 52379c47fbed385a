//! Telemetry of a whole process, sent to a collector. A test binary of its own: a process has telemetry once.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test, helpers included")]

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use http::{Request, Response, uri::PathAndQuery};
use http_body_util::BodyExt as _;
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{body::Body, server::NamedService, service::Routes};
use tonic_prost::ProstCodec;
use tower::service_fn;
use weir_model::Role;
use weir_runtime::{
    Edge, EdgeConfig, EdgeParts, Identities, Shutdown, ShutdownConfig, Telemetry, TelemetryConfig,
    telemetry::TelemetryError,
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Takes every export and hands on its path and bytes.
async fn collector() -> (SocketAddr, mpsc::UnboundedReceiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, exports) = mpsc::unbounded_channel();
    let take = service_fn(move |request: Request<Body>| {
        let told = told.clone();
        async move {
            let path = request.uri().path().to_owned();
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            told.send((path, bytes.to_vec())).unwrap();
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<(), ()>::default());
            let empty = http::Request::new(http_body_util::Full::new(hyper::body::Bytes::from_static(&[0; 5])));
            let answer = service_fn(|_| async { Ok::<_, tonic::Status>(tonic::Response::new(())) });
            Ok::<_, Infallible>(grpc.unary(answer, empty).await)
        }
    });
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(take, incoming));
    (address, exports)
}

/// Answers the trace it is told to belong to.
#[derive(Clone)]
struct Tracer;

impl NamedService for Tracer {
    const NAME: &'static str = "weir.test.v1.TraceService";
}

impl tower::Service<Request<Body>> for Tracer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut passed_on = http::HeaderMap::new();
            weir_runtime::telemetry::pass_trace_on(&mut passed_on);
            let passed_on = passed_on["traceparent"].to_str().unwrap().to_owned();
            let answer = service_fn(move |request: tonic::Request<String>| {
                let own = request.metadata().get("traceparent").unwrap().to_str().unwrap().to_owned();
                let both = format!("{own} {passed_on}");
                async move { Ok::<_, tonic::Status>(tonic::Response::new(both)) }
            });
            Ok(tonic::server::Grpc::new(ProstCodec::<String, String>::default()).unary(answer, request).await)
        })
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_traced_and_measured_to_the_collector() {
    let (address, mut exports) = collector().await;
    let config = TelemetryConfig { otlp_endpoint: format!("http://{address}"), ..TelemetryConfig::default() };
    let telemetry = Telemetry::start(&config, "1.2.3").unwrap();
    let shutdown = Shutdown::new(ShutdownConfig::default());
    let edge = Edge::new(EdgeParts {
        routes: Routes::new(Tracer),
        access: vec![("weir.test.v1.TraceService/Tell", &[Role::Viewer])],
        descriptor_sets: Vec::new(),
        identities: Identities::development(),
        tell: weir_wire::status,
        config: EdgeConfig::default(),
        metrics: telemetry.metrics().clone(),
        draining: shutdown.draining().clone(),
    })
    .unwrap();

    let mut request = tonic::Request::new(String::new());
    request.metadata_mut().insert("traceparent", PARENT.parse().unwrap());
    request.metadata_mut().insert("weir-principal", "ada; roles=viewer".parse().unwrap());
    let mut client = tonic::client::Grpc::new(edge);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/weir.test.v1.TraceService/Tell");
    let told: String = client.unary(request, path, ProstCodec::<String, String>::default()).await.unwrap().into_inner();
    let (own, passed_on) = told.split_once(' ').unwrap();
    assert_eq!(own, passed_on, "what a handler passes on is its own span");
    assert_eq!(own[..35], PARENT[..35], "the trace is the caller's");
    assert_ne!(own[36..52], PARENT[36..52], "the span is a new one");

    assert!(matches!(Telemetry::start(&config, "1.2.3"), Err(TelemetryError::Twice)));

    telemetry.flush().await;
    let (mut has_span, mut has_figure) = (false, false);
    while !(has_span && has_figure) {
        let export = tokio::time::timeout(Duration::from_secs(20), exports.recv()).await;
        let (path, bytes) = export.expect("both exports should have come").unwrap();
        if path.ends_with("TraceService/Export") && contains(&bytes, b"weir.test.v1.TraceService/Tell") {
            let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
            has_span = contains(&bytes, &trace) && contains(&bytes, b"1.2.3");
        }
        has_figure |= path.ends_with("MetricsService/Export") && contains(&bytes, b"rpc.server.call.duration");
    }
}
