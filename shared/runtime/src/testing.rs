//! A small service to put behind an edge in tests, and ways to call it near and far.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt as _, future::BoxFuture, stream};
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use tokio::sync::Semaphore;
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    client::GrpcService,
    server::{Grpc, NamedService},
    service::Routes,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;
use tower::{Service, service_fn};
use weir_model::{Principal, Role};

use crate::{
    AccessRow, Deadline, Edge, EdgeConfig, EdgeParts, Identities, Metrics, Server, ServerConfig, Shutdown,
    ShutdownConfig, edge::pass_deadline_on,
};

pub(crate) const ECHO: &str = "/weir.test.v1.TestService/Echo";
pub(crate) const SECRET: &str = "/weir.test.v1.TestService/Secret";
pub(crate) const WATCH: &str = "/weir.test.v1.TestService/Watch";
pub(crate) const SERVICE: &str = "weir.test.v1.TestService";

pub(crate) const ACCESS: &[AccessRow] = &[
    ("weir.test.v1.TestService/Echo", &[Role::Viewer, Role::Service]),
    ("/weir.test.v1.TestService/Secret", &[Role::Finance]),
    ("/weir.test.v1.TestService/Watch", &[Role::Viewer]),
];

/// Answers what it is told, and does what it is told.
#[derive(Clone)]
pub(crate) struct TestService {
    /// One permit for each call of `hold` that has begun.
    pub(crate) begun: Arc<Semaphore>,
    /// A permit lets one call of `hold` end.
    pub(crate) released: Arc<Semaphore>,
}

type Answers = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl TestService {
    pub(crate) fn new() -> Self {
        TestService { begun: Arc::new(Semaphore::new(0)), released: Arc::new(Semaphore::new(0)) }
    }

    async fn echo(self, request: Request<String>) -> Result<Response<String>, Status> {
        let told = request.get_ref().clone();
        let answer = match told.split_once(':').unwrap_or((&told, "")) {
            ("hang", _) => std::future::pending().await,
            ("panic", _) => panic!("as told"),
            ("hold", _) => {
                self.begun.add_permits(1);
                self.released.acquire().await.unwrap().forget();
                "held".to_owned()
            }
            ("who", _) => request.extensions().get::<Principal>().unwrap().subject.to_string(),
            ("has deadline", _) => request.extensions().get::<Deadline>().is_some().to_string(),
            ("pass on", _) => {
                let mut headers = http::HeaderMap::new();
                pass_deadline_on(&mut headers);
                headers.get("grpc-timeout").unwrap().to_str().unwrap().to_owned()
            }
            ("trace", _) => request.metadata().get("traceparent").unwrap().to_str().unwrap().to_owned(),
            ("long", bytes) => "x".repeat(bytes.parse().unwrap()),
            _ => told,
        };
        Ok(Response::new(answer))
    }

    async fn watch(request: Request<String>) -> Result<Response<Answers>, Status> {
        let told = request.into_inner();
        let first = stream::once(async { Ok("begun".to_owned()) });
        let rest: Answers = match told.as_str() {
            "panic" => Box::pin(stream::poll_fn(|_| panic!("as told"))),
            "end" => Box::pin(stream::empty()),
            _ => Box::pin(stream::pending()),
        };
        Ok(Response::new(Box::pin(first.chain(rest))))
    }
}

impl NamedService for TestService {
    const NAME: &'static str = SERVICE;
}

impl Service<http::Request<Body>> for TestService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<String, String>::default());
            if request.uri().path() == WATCH {
                return Ok(grpc.server_streaming(service_fn(TestService::watch), request).await);
            }
            Ok(grpc.unary(service_fn(move |request| service.clone().echo(request)), request).await)
        })
    }
}

/// The test service as its `.proto` would describe it.
pub(crate) fn descriptor_set() -> Vec<u8> {
    let method = |name: &str, streams: bool| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".weir.test.v1.Text".to_owned()),
        output_type: Some(".weir.test.v1.Text".to_owned()),
        server_streaming: Some(streams),
        ..Default::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("TestService".to_owned()),
        method: vec![method("Echo", false), method("Secret", false), method("Watch", true)],
        ..Default::default()
    };
    let text = prost_types::DescriptorProto { name: Some("Text".to_owned()), ..Default::default() };
    let file = FileDescriptorProto {
        name: Some("weir/test/v1/test.proto".to_owned()),
        package: Some("weir.test.v1".to_owned()),
        message_type: vec![text],
        service: vec![service],
        syntax: Some("proto3".to_owned()),
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

/// The test service behind an edge.
pub(crate) struct World {
    pub(crate) service: TestService,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    pub(crate) near: Edge,
}

/// A world that gives up on what is under way after `hard_limit`.
pub(crate) struct Settings {
    pub(crate) edge: EdgeConfig,
    pub(crate) shutdown: ShutdownConfig,
    pub(crate) identities: Identities,
}

impl Default for Settings {
    fn default() -> Self {
        let minute = std::time::Duration::from_secs(60);
        Settings {
            edge: EdgeConfig::default(),
            shutdown: ShutdownConfig { wait: std::time::Duration::ZERO, hard_limit: minute },
            identities: Identities::development(),
        }
    }
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let (service, metrics, shutdown) = (TestService::new(), Metrics::new(), Shutdown::new(settings.shutdown));
        let near = Edge::new(EdgeParts {
            routes: Routes::new(service.clone()),
            access: ACCESS.to_vec(),
            descriptor_sets: vec![&descriptor_set()],
            identities: settings.identities,
            tell: weir_wire::status,
            config: settings.edge,
            metrics: metrics.clone(),
            draining: shutdown.draining().clone(),
        });
        World { service, metrics, shutdown, near: near.unwrap() }
    }

    pub(crate) fn with_edge(edge: EdgeConfig) -> Self {
        Self::new(Settings { edge, ..Settings::default() })
    }

    /// Serves the edge over TCP; answers its address and what ends when the server has.
    pub(crate) async fn serve(&self, config: ServerConfig) -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let config = ServerConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..config };
        let server = Server::bind(config, self.near.clone()).await.unwrap();
        (server.address(), tokio::spawn(server.run(self.shutdown.clone())))
    }

    /// A channel to the edge over TCP.
    pub(crate) async fn far(&self) -> Channel {
        let (address, _) = self.serve(ServerConfig::default()).await;
        connect(address).await
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// A request from a viewer.
pub(crate) fn told(text: &str) -> Request<String> {
    told_by("ada; roles=viewer", text)
}

/// A request from a caller.
pub(crate) fn told_by(caller: &str, text: &str) -> Request<String> {
    let mut request = Request::new(text.to_owned());
    request.metadata_mut().insert("weir-principal", caller.parse().unwrap());
    request
}

/// Calls a unary method.
pub(crate) async fn call<S>(service: S, path: &'static str, request: Request<String>) -> Result<String, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = hyper::body::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut grpc = tonic::client::Grpc::new(service).max_decoding_message_size(usize::MAX);
    grpc.ready().await.map_err(|_| Status::unknown("not ready")).unwrap();
    let codec = ProstCodec::<String, String>::default();
    grpc.unary(request, PathAndQuery::from_static(path), codec).await.map(Response::into_inner)
}

/// Calls the method that answers a stream.
pub(crate) async fn watch<S>(service: S, request: Request<String>) -> Result<Streaming<String>, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = hyper::body::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut grpc = tonic::client::Grpc::new(service);
    grpc.ready().await.map_err(|_| Status::unknown("not ready")).unwrap();
    let codec = ProstCodec::<String, String>::default();
    grpc.server_streaming(request, PathAndQuery::from_static(WATCH), codec).await.map(Response::into_inner)
}

/// The published reason of a status.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, "weir");
    info.reason
}
