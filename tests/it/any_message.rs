//! Whatever valid protobuf arrives at whatever rpc, the answer is an answer or a typed error, and never a defect.

mod arbitrary;
mod raw;

use std::time::Duration;

use futures::StreamExt as _;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use rand::{SeedableRng as _, rngs::StdRng};
use tonic::{Code, Status};
use weir_model::{Currency, Money, Principal, Role, SubjectId};
use weir_tests::{Desk, Way, World};

use self::{arbitrary::arbitrary, raw::call};

/// Messages thrown at each rpc.
const MESSAGES_EACH: u64 = 48;

/// Messages thrown at each feed, which is listened to after each.
const MESSAGES_EACH_FEED: u64 = 4;

/// Messages sent on each stream.
const MESSAGES_A_STREAM: usize = 3;

/// How long a feed is listened to.
const PATIENCE: Duration = Duration::from_millis(200);

/// The codes an error may have; neither INTERNAL nor UNKNOWN, which would be a defect of ours.
const TYPED: [Code; 10] = [
    Code::InvalidArgument,
    Code::NotFound,
    Code::AlreadyExists,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::ResourceExhausted,
    Code::Unavailable,
    Code::PermissionDenied,
    Code::Unauthenticated,
    Code::DeadlineExceeded,
];

#[tokio::test(flavor = "multi_thread")]
async fn no_message_at_any_rpc_is_more_than_a_typed_error() {
    let world = World::open(Way::NearOnSqlite).await.expect("SQLite is always there");
    let desk = world.desk(everybody());
    let methods = methods();
    assert!(methods.len() > 60, "only {} rpcs were found", methods.len());
    for method in &methods {
        let is_feed = method.is_server_streaming() && !method.is_client_streaming();
        for seed in 0..if is_feed { MESSAGES_EACH_FEED } else { MESSAGES_EACH } {
            let mut random = StdRng::seed_from_u64(seed);
            let count = if method.is_client_streaming() { MESSAGES_A_STREAM } else { 1 };
            let messages: Vec<_> = (0..count).map(|_| arbitrary(&mut random, &method.input())).collect();
            if let Err(status) = answer(&desk, method, &messages).await {
                let name = method.full_name();
                assert!(TYPED.contains(&status.code()), "{name} (seed {seed}) answers {status:?} to {messages:?}");
            }
        }
    }
    world.close().await;
}

/// The first defect of an answer, or its end; a feed that goes on is left after a while.
async fn answer(
    desk: &Desk,
    method: &MethodDescriptor,
    messages: &[prost_reflect::DynamicMessage],
) -> Result<(), Status> {
    let mut answers = call(desk, method, messages).await?;
    let read = async {
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or(Ok(()))
}

/// Every rpc of our services.
fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(weir_wire::FILE_DESCRIPTOR_SET).unwrap();
    pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Somebody who may call everything and approve a lot.
fn everybody() -> Principal {
    let authority = Money::new(i64::MAX, Currency::from_code("CNY").unwrap());
    Principal::new(SubjectId::parse("everybody").unwrap(), Role::ALL).with_authority([authority])
}
