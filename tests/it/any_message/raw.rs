//! Any rpc, called with messages known only by their descriptors.

use std::{str::FromStr as _, time::Duration};

use futures::stream::BoxStream;
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use weir::roles::Role;
use weir_tests::Desk;

/// Time a call is given: positions nobody will ever reach are waited for no longer.
const PATIENCE: Duration = Duration::from_millis(250);

/// Calls a method with messages; answers as they come, each as its length.
pub(super) async fn call(
    desk: &Desk,
    method: &MethodDescriptor,
    messages: &[DynamicMessage],
) -> Result<BoxStream<'static, Result<usize, Status>>, Status> {
    let service = method.parent_service().full_name().to_owned();
    let path = PathAndQuery::from_str(&format!("/{service}/{}", method.name())).expect("names make a path");
    let mut client = Grpc::new(desk.peer(role_of(&service)));
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let encoded: Vec<Vec<u8>> = messages.iter().map(DynamicMessage::encode_to_vec).collect();
    let mut request = Request::new(futures::stream::iter(encoded));
    request.set_timeout(PATIENCE);
    let answers = client.streaming(request, path, Bytes).await?.into_inner();
    Ok(Box::pin(answers))
}

fn role_of(service: &str) -> Role {
    let context = service.split('.').nth(1).expect("weir.<context>.v1.<Service>");
    context.parse().expect("every context is a role")
}

/// Messages as the bytes they are.
#[derive(Debug, Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = usize;
    type Encoder = Bytes;
    type Decoder = Bytes;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> Bytes {
        Bytes
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        use prost::bytes::BufMut as _;
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = usize;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<usize>, Status> {
        use prost::bytes::Buf as _;
        let length = buffer.remaining();
        buffer.advance(length);
        Ok(Some(length))
    }
}
