//! Streams of orders.

use std::sync::Arc;

use futures::{Stream, StreamExt as _, stream};
use prost::Message as _;
use prost::bytes::BufMut as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};
use weir_model::Principal;
use weir_store::testing::eventually;
use weir_store::{Db, on_both_databases};
use weir_wire::in_message;
use weir_wire::order_gate::v1::{self as wire, Outcome};

use super::world::{World, amount, credit, order, reason};
use crate::standing::Credit;
use crate::store;

pub(super) type Answer = wire::authorize_orders_response::Result;

pub(super) fn message(sequence: i64, order: wire::Order) -> wire::AuthorizeOrdersRequest {
    wire::AuthorizeOrdersRequest { sequence, order: Some(order), ..Default::default() }
}

/// Orders of so many, each of as many yuan as its number, in the sequence of their numbers.
pub(super) fn orders(count: i64) -> Vec<wire::AuthorizeOrdersRequest> {
    (1..=count).map(|n| message(n, order(&format!("o-{n}"), "acme", n))).collect()
}

pub(super) async fn open(
    world: &World,
    messages: impl Stream<Item = wire::AuthorizeOrdersRequest> + Send + 'static,
) -> tonic::Streaming<wire::AuthorizeOrdersResponse> {
    world.pipeline().authorize_orders(Request::new(messages)).await.unwrap().into_inner()
}

/// All answers on one stream, until its end.
async fn answers(world: &World, messages: Vec<wire::AuthorizeOrdersRequest>) -> Vec<(i64, Answer)> {
    let answers = open(world, stream::iter(messages)).await;
    answers.map(|answer| answer.map(|answer| (answer.sequence, answer.result.unwrap())).unwrap()).collect().await
}

pub(super) fn decision(answer: &Answer) -> &wire::Decision {
    match answer {
        Answer::Answer(answer) => answer.decision.as_ref().expect("a decision"),
        Answer::Error(status) => panic!("{status:?}"),
    }
}

fn error(answer: Answer) -> weir_wire::google::rpc::Status {
    match answer {
        Answer::Error(status) => status,
        Answer::Answer(answer) => panic!("{answer:?}"),
    }
}

on_both_databases! {
    async fn a_stream_decides_and_answers_in_the_order_of_the_requests(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let sequences = [7, 7, -1, i64::MAX, 0];
        let messages = (1..).zip(sequences).map(|(n, at): (i64, i64)| message(at, order(&format!("o-{n}"), "acme", 400)));
        let answered = answers(&world, messages.collect()).await;
        assert!(answered.iter().map(|(sequence, _)| *sequence).eq(sequences));
        let passed: Vec<bool> = answered.iter().map(|(_, a)| decision(a).outcome() != Outcome::Hold).collect();
        assert_eq!(passed, [true, true, false, false, false], "400 and 400 of 1,000, then nothing fits");
        let ids: Vec<_> = answered.iter().map(|(_, answer)| decision(answer).order_id.as_str()).collect();
        assert_eq!(ids, ["o-1", "o-2", "o-3", "o-4", "o-5"]);
    }

    async fn what_a_stream_answered_a_single_call_repeats(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        for (n, answer) in answers(&world, orders(20)).await {
            let order = order(&format!("o-{n}"), "acme", n);
            assert_eq!(world.authorize(order).await, *decision(&answer));
        }
    }

    async fn one_bad_order_has_its_error_and_the_stream_goes_on(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let usd = weir_model::Currency::from_code("USD").unwrap();
        world.credit("globex", Credit { currency: usd, ..credit(1_000) }).await;
        world.authorize(order("o-1", "acme", 10)).await;
        let mut malformed = order("o 2", "acme", 10);
        malformed.lines.push(wire::OrderLine { line_id: "1".to_owned(), amount: amount(-1) });
        let bad = [malformed, order("o-1", "acme", 11), order("o-3", "globex", 10)];
        let mut told = Vec::new();
        for order in &bad {
            told.push(in_message(&world.try_authorize(order.clone()).await.unwrap_err()));
        }
        let good = || order("o-4", "acme", 20);
        let messages = bad.into_iter().chain([good(), good()]).zip(1..).map(|(order, n)| message(n, order));
        let mut messages: Vec<_> = messages.collect();
        messages.push(wire::AuthorizeOrdersRequest { sequence: 6, ..Default::default() });
        let mut answered = answers(&world, messages).await;
        assert_eq!(answered.len(), 6);
        assert_eq!(error(answered.pop().unwrap().1).code, i32::from(Code::InvalidArgument), "no order at all");
        let good = answered.split_off(3);
        assert_eq!(decision(&good[0].1), decision(&good[1].1), "the same again");
        for ((_, answer), told) in answered.into_iter().zip(told) {
            let answer = error(answer);
            // details hold maps, whose order of writing is not fixed
            assert_eq!((answer.code, answer.message), (told.code, told.message), "as a single call says it");
        }
        assert_eq!(world.net("acme").await, 30);
    }

    async fn a_caller_that_hangs_up_loses_nothing_it_was_told(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        let told: Vec<_> = open(&world, stream::iter(orders(200))).await.take(70).collect().await;
        let again = answers(&world, orders(200)).await;
        assert_eq!(again.len(), 200);
        for (before, (sequence, answer)) in told.into_iter().map(Result::unwrap).zip(&again) {
            assert_eq!((before.sequence, decision(&before.result.unwrap())), (*sequence, decision(answer)));
        }
        assert_eq!(world.net("acme").await, 20_100, "1 + 2 + … + 200, each once");
        let reopened = world.reopened().await;
        let decisions = |answers: &[(i64, Answer)]| answers.iter().map(|(_, a)| decision(a).clone()).collect::<Vec<_>>();
        assert!(decisions(&answers(&reopened, orders(200)).await) == decisions(&again));
        assert_eq!(reopened.net("acme").await, 20_100);
    }

    async fn an_order_of_a_stream_whose_gate_lost_its_lease_is_told_to_come_again(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let messages = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
        let mut answers = open(&world, messages).await;
        let mut orders = orders(3).into_iter();
        sender.send(orders.next().unwrap()).await.unwrap();
        decision(&answers.next().await.unwrap().unwrap().result.unwrap());
        // as when its lease has run out
        store::bury_all(&world.env.db).await.unwrap();
        sender.send(orders.next().unwrap()).await.unwrap();
        let undecided = error(answers.next().await.unwrap().unwrap().result.unwrap());
        assert_eq!(undecided.code, i32::from(Code::Unavailable));
        eventually("it decides again", async || world.gate.engine.is_here()).await;
        sender.send(orders.next().unwrap()).await.unwrap();
        decision(&answers.next().await.unwrap().unwrap().result.unwrap());
        assert_eq!(world.net("acme").await, 4, "the first and the third");
    }

    async fn a_message_that_waits_for_freshness_is_answered_in_its_turn(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let mut messages = orders(3);
        messages[1].at_least_as_fresh = Some(weir_wire::emit::token(weir_wire::common::v1::Context::OrderGate, 1_000));
        let answered = answers(&world, messages).await;
        let codes: Vec<_> = answered
            .into_iter()
            .map(|(_, answer)| if let Answer::Error(status) = answer { status.code } else { 0 })
            .collect();
        assert_eq!(codes, [0, i32::from(Code::Unavailable), 0]);
    }

    async fn a_check_stream_says_what_single_checks_say_and_reserves_nothing(db: Db) {
        use wire::check_orders_response::Result::{Answer, Error};
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        let asked = [order("o-1", "acme", 60), order("o 2", "acme", 1), order("o-3", "acme", 41)];
        let before = world.journal().await.len();
        let messages = (1..).zip(asked.clone()).map(|(sequence, order)| wire::CheckOrdersRequest {
            sequence,
            order: Some(order),
            ..Default::default()
        });
        let messages: Vec<_> = messages.collect();
        let answers = world.pipeline().check_orders(Request::new(stream::iter(messages))).await.unwrap().into_inner();
        let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
        assert!(answers.iter().map(|answer| answer.sequence).eq(1..=3));
        let mut results = answers.into_iter().map(|answer| answer.result.unwrap());
        let (Some(Answer(known)), Some(Error(bad)), Some(Answer(new))) =
            (results.next(), results.next(), results.next())
        else {
            panic!("an answer, an error and an answer")
        };
        assert_eq!((known.judged_as_new, new.judged_as_new), (false, true));
        assert_eq!(known, world.checked(asked[0].clone()).await);
        assert_eq!((bad.code, new.decision.unwrap().outcome()), (i32::from(Code::InvalidArgument), Outcome::Hold));
        assert_eq!((world.net("acme").await, world.journal().await.len()), (60, before));
    }
}

#[test]
fn a_message_that_cannot_be_read_ends_the_stream_after_the_answers_before_it() {
    weir_store::testing::on_sqlite(async |db: Db| {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let answers = raw(&world, two_good_and_a_bad_one()).await;
        let codes: Vec<_> =
            answers.iter().map(|answer| answer.as_ref().map_or_else(Status::code, |_| Code::Ok)).collect();
        assert_eq!(codes, [Code::Ok, Code::Ok, Code::InvalidArgument]);
        assert_eq!(reason(answers[2].as_ref().unwrap_err()), "INVALID_ARGUMENT");
        assert_eq!(world.net("acme").await, 3);
    });
}

/// Messages, the last of which cannot be read: its first field is a text, not a number.
pub(super) fn two_good_and_a_bad_one() -> Vec<Vec<u8>> {
    let good = orders(2).into_iter().map(|message| message.encode_to_vec());
    good.chain([wire::GetHoldRequest { hold_id: "a text".to_owned() }.encode_to_vec()]).collect()
}

/// Sends bytes as the messages of `AuthorizeOrders`.
pub(super) async fn raw(world: &World, messages: Vec<Vec<u8>>) -> Vec<Result<wire::AuthorizeOrdersResponse, Status>> {
    let mut client = tonic::client::Grpc::new(world.peer(Principal::service("test")));
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/weir.order_gate.v1.OrderGateService/AuthorizeOrders");
    let answers = client.streaming(Request::new(stream::iter(messages)), path, AsBytes).await.unwrap();
    answers.into_inner().collect().await
}

/// Requests as the bytes they are.
#[derive(Debug, Clone, Copy, Default)]
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Vec<u8>;
    type Decode = wire::AuthorizeOrdersResponse;
    type Encoder = AsBytes;
    type Decoder = AsBytes;

    fn encoder(&mut self) -> AsBytes {
        AsBytes
    }

    fn decoder(&mut self) -> AsBytes {
        AsBytes
    }
}

impl Encoder for AsBytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = wire::AuthorizeOrdersResponse;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<wire::AuthorizeOrdersResponse>, Status> {
        Ok(Some(wire::AuthorizeOrdersResponse::decode(from).unwrap()))
    }
}

#[test]
fn strangers_are_refused_before_their_first_message() {
    weir_store::testing::on_sqlite(async |db: Db| {
        let world = World::new(db).await;
        let peer = weir_wire::Peer::new(world.routes.clone(), Arc::new(|_| ()));
        let mut stranger = wire::order_gate_service_client::OrderGateServiceClient::new(peer);
        let refused = stranger.authorize_orders(Request::new(stream::pending())).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    });
}
