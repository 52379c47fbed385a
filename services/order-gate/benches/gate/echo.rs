//! The floor: a gRPC server that answers every call with the same bytes. Bare, it reads and writes no message; with the
//! contract, it reads each request and writes each answer as protobuf, and does nothing else.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use prost::{
    Message as _,
    bytes::{Buf as _, BufMut as _, Bytes},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, NamedService, UnaryService},
};
use weir_wire::order_gate::v1 as wire;

/// Answers every method of the order gate's service alike.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    answer: Bytes,
    /// The answer as a message, where the contract is spoken.
    spoken: Option<wire::AuthorizeOrderResponse>,
}

impl Echo {
    pub(crate) fn bare(answer: Vec<u8>) -> Self {
        Echo { answer: answer.into(), spoken: None }
    }

    pub(crate) fn with_contract(answer: Vec<u8>) -> anyhow::Result<Self> {
        let spoken = Some(wire::AuthorizeOrderResponse::decode(answer.as_slice())?);
        Ok(Echo { answer: answer.into(), spoken })
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "weir.order_gate.v1.OrderGateService";
}

impl tower::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move { Ok(Grpc::new(AsBytes).unary(echo, request).await) })
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Echo { answer, spoken } = self.clone();
        Box::pin(async move {
            let Some(spoken) = spoken else { return Ok(Response::new(answer)) };
            let asked = wire::AuthorizeOrderRequest::decode(request.into_inner());
            asked.map_err(|error| Status::invalid_argument(error.to_string()))?;
            Ok(Response::new(spoken.encode_to_vec().into()))
        })
    }
}

/// Messages as the bytes they are.
#[derive(Debug, Clone, Copy, Default)]
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = AsBytes;
    type Decoder = AsBytes;

    fn encoder(&mut self) -> Self::Encoder {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        *self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
