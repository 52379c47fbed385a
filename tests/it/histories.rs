//! Two real gates on PostgreSQL under mixed load, while everything goes wrong that a seed says: gates are killed, stopped
//! and continued, the database crashes, lines to it are cut in the middle of a request or before its answer.
//!
//! Everything asked and answered is recorded. Afterwards every acknowledged call is in the journal exactly once, the
//! journal is what the rules make of it, no account was ever above its limit, what the books show is the sum of the
//! documents, and the histories are linearisable: see [`journal`].
//!
//! A build runs five seeds. `WEIR_TEST_HISTORY_SEEDS=50` runs so many, `WEIR_TEST_HISTORY_FIRST_SEED` says where to begin; a
//! run that fails names its seed. `cargo run -p weir-tests --example mutants` shows that the suite fails when a gate does
//! not fence, or does not know what it answered before.

mod journal;
mod load;
mod plan;
mod record;

use tonic::Code;
use weir_model::Role;
use weir_store::testing::eventually;
use weir_tests::{Gates, order};
use weir_wire::{
    assessment::v1::ListAssessmentsRequest,
    limits::v1::ListLimitRequestsRequest,
    order_gate::v1::{
        AuthorizeOrderRequest, GetCommitmentRequest, GetStandingRequest, WatchRequest, change::Change,
        feed_service_client::FeedServiceClient, watch_response::Step,
    },
};

use self::{
    journal::Replay,
    load::{Client, Load, caller},
    record::History,
};
use crate::{
    people::People,
    steps::{assess, credit_account, grant_limit, standing_fresh},
};

/// Seeds of a build.
const SEEDS: u64 = 5;
/// What an account may owe, in yuan.
const LIMIT: i64 = 500_000;
/// Accounts of a run: few, so that many want the same room.
const ACCOUNTS: u64 = 2;

#[expect(clippy::disallowed_methods, reason = "a long run of a test is asked for by the environment")]
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |asked| asked.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_through_crashes_are_those_of_one_gate_that_never_fails() {
    let Some(mut gates) = Gates::open().await else { return };
    let first = asked("WEIR_TEST_HISTORY_FIRST_SEED", 0);
    for seed in first..first + asked("WEIR_TEST_HISTORY_SEEDS", SEEDS) {
        println!("seed {seed}: {}", plan::told(seed));
        println!("seed {seed}: {}", run(&mut gates, seed).await);
    }
}

/// One run; what it came to.
async fn run(gates: &mut Gates, seed: u64) -> String {
    let people = People::with(|caller| gates.desk(&caller));
    everybody_answers(gates, &people).await;
    let accounts: Vec<String> = (0..ACCOUNTS).map(|number| format!("A-{seed}-{number}")).collect();
    for account in &accounts {
        let assessed = assess(&people, account, None).await;
        credit_account(&people, account, assessed.token).await;
        let granted = grant_limit(&people, account, LIMIT).await;
        standing_fresh(&people, account, granted).await;
    }
    let begins = mark(gates, seed, "begins").await;
    let history = History::default();
    let load = Load::start(gates, &accounts, seed, &history);
    plan::carry_out(gates, &load, seed).await;
    load.stop().await;
    let ends = mark(gates, seed, "ends").await;

    let calls = history.calls();
    let mut replay = Replay::new(&calls, &accounts, LIMIT);
    for (position, change) in journal(gates, begins, ends).await {
        replay.line(position, &change);
    }
    replay.check_answers();
    for account in &accounts {
        replay.check_reads(account);
        let sums = replay.stands(account);
        assert_eq!(standing(gates, account).await, sums, "the book of {account} and the journal");
    }
    let answered = calls.iter().filter(|call| call.answered.is_some()).count();
    assert_eq!(
        documents(gates, &replay).await,
        accounts.iter().map(|account| replay.stands(account)).fold((0, 0), add)
    );
    format!("{answered} of {} calls were answered, {} positions", calls.len(), ends - begins)
}

/// Waits until everybody has started again, and has found out that the database did.
async fn everybody_answers(gates: &Gates, people: &People) {
    let gates = [0, 1].map(|gate| Client::new(gates.way(gate, &caller("viewer", Role::Viewer))));
    eventually("everybody answers", async || {
        let assessment = people.manager.assessments().list_assessments(ListAssessmentsRequest::default()).await;
        let limits = people.manager.limits().list_limit_requests(ListLimitRequestsRequest::default()).await;
        let mut answer = assessment.is_ok() && limits.is_ok();
        for gate in &gates {
            let nobody = GetStandingRequest { account_id: "nobody".to_owned(), ..Default::default() };
            answer &= gate.clone().get_standing(nobody).await.is_err_and(|status| status.code() == Code::NotFound);
        }
        answer
    })
    .await;
}

fn add(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0 + other.0, one.1 + other.1)
}

/// Marks a place in the journal by an order of an account nobody knows; the position after it.
async fn mark(gates: &Gates, seed: u64, what: &str) -> i64 {
    let order = order(&format!("MARK-{seed}-{what}"), &format!("MARK-{seed}"), 1);
    let pipeline = caller("pipeline", Role::OrderPipeline);
    for turn in 0.. {
        let request = AuthorizeOrderRequest { order: Some(order.clone()), ..Default::default() };
        if let Ok(answer) = Client::new(gates.way(turn % 2, &pipeline)).authorize_order(request).await {
            return answer.into_inner().token.unwrap().positions[0].position;
        }
    }
    unreachable!("they are asked for ever")
}

/// The journal's lines from one position to another, without gaps.
async fn journal(gates: &Gates, from: i64, to: i64) -> Vec<(i64, Change)> {
    let mut feed = FeedServiceClient::new(gates.way(0, &caller("viewer", Role::Viewer)));
    let mut watch = feed.watch(WatchRequest { after_position: from }).await.unwrap().into_inner();
    let mut lines = Vec::new();
    while lines.len() < usize::try_from(to - from).unwrap() {
        let step = watch.message().await.unwrap().expect("a feed does not end").step.unwrap();
        let Step::Entry(entry) = step else { continue };
        let position = entry.header.unwrap().position;
        assert_eq!(position, from + 1 + i64::try_from(lines.len()).unwrap(), "a gap in the journal");
        lines.push((position, entry.change.unwrap().change.unwrap()));
    }
    lines
}

/// What the book says of an account: ordered, delivered.
async fn standing(gates: &Gates, account: &str) -> (i64, i64) {
    let mut client = Client::new(gates.way(1, &caller("viewer", Role::Viewer)));
    let request = GetStandingRequest { account_id: account.to_owned(), ..Default::default() };
    let exposure = client.get_standing(request).await.unwrap().into_inner().exposure.unwrap();
    (exposure.ordered.unwrap().units, exposure.delivered_not_billed.unwrap().units)
}

/// The sum of what counts of each order.
async fn documents(gates: &Gates, replay: &Replay<'_>) -> (i64, i64) {
    let mut client = Client::new(gates.way(0, &caller("viewer", Role::Viewer)));
    let mut sums = (0, 0);
    for name in replay.names() {
        let request = GetCommitmentRequest { order_id: name.to_owned() };
        let commitment = match client.get_commitment(request).await {
            Ok(found) => found.into_inner().commitment,
            // nobody was answered, and nothing came of it
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                None
            }
        };
        let Some(commitment) = commitment else { continue };
        let counts = (commitment.ordered_amount.unwrap().units, commitment.delivered_not_billed_amount.unwrap().units);
        sums = add(sums, counts);
    }
    sums
}
