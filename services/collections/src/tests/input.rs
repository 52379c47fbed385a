//! Bad input: every rpc names every bad field, unknown ids are not found, and every rpc has its roles.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{
    collections::v1 as pb,
    common::v1::{FeedPosition, Token},
    google::r#type as google,
};

use super::world::{World, bad_fields};
use crate::api::ACCESS;

const BAD: &str = "bad id";

fn bad_token() -> Option<Token> {
    Some(Token { positions: vec![FeedPosition { context: 4, position: -1 }] })
}

fn bad_date() -> Option<google::Date> {
    Some(google::Date { year: 2026, month: 2, day: 30 })
}

macro_rules! refused {
    ($world:ident.$rpc:ident($request:expr) names $($field:literal),+) => {
        let status = $world.client().$rpc($request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, stringify!($rpc));
        assert_eq!(bad_fields(&status), [$($field),+], stringify!($rpc));
    };
}

on_both_databases! {
    async fn every_rpc_names_every_bad_field(db: Db) {
        let world = World::new(db).await;
        let bad = || BAD.to_owned();
        refused!(world.create_strategy(pb::CreateStrategyRequest::default()) names "request_id", "strategy");
        refused!(world.activate_strategy(pb::ActivateStrategyRequest { request_id: bad(), strategy_id: bad() })
            names "request_id", "strategy_id");
        refused!(world.get_strategy(pb::GetStrategyRequest::default()) names "strategy_id");
        refused!(world.list_strategies(pb::ListStrategiesRequest { state: 9, page_size: -1, page_token: bad() })
            names "page_size", "page_token", "state");
        refused!(world.put_debtor(pb::PutDebtorRequest::default()) names "debtor", "request_id");
        refused!(world.get_debtor(pb::GetDebtorRequest { account_id: "x".repeat(65) }) names "account_id");
        refused!(world.get_case(pb::GetCaseRequest { case_id: bad(), as_of_date: bad_date(), at_least_as_fresh: bad_token() })
            names "as_of_date", "at_least_as_fresh.positions[0].position", "case_id");
        refused!(world.list_cases(pb::ListCasesRequest {
            account_id: bad(),
            state: 9,
            owner: -1,
            as_of_date: bad_date(),
            page_size: 1001,
            page_token: bad(),
            at_least_as_fresh: bad_token(),
        }) names "account_id", "as_of_date", "at_least_as_fresh.positions[0].position", "owner", "page_size",
            "page_token", "state");
        refused!(world.list_tasks(pb::ListTasksRequest {
            case_id: bad(),
            owner: 9,
            assignee: bad(),
            state: 9,
            page_size: -5,
            page_token: bad(),
        }) names "assignee", "case_id", "owner", "page_size", "page_token", "state");
        refused!(world.complete_task(pb::CompleteTaskRequest { request_id: bad(), task_id: bad(), note: "\u{1}".to_owned() })
            names "note", "request_id", "task_id");
        refused!(world.reassign_task(pb::ReassignTaskRequest { request_id: bad(), task_id: bad(), assignee: bad() })
            names "assignee", "request_id", "task_id");
        refused!(world.record_contact(pb::RecordContactRequest {
            contact_person: "x".repeat(201),
            note: "x".repeat(2001),
            contact_time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
            ..pb::RecordContactRequest::default()
        }) names "case_id", "channel", "contact_person", "contact_time", "note", "outcome", "request_id");
        refused!(world.list_contacts(pb::ListContactsRequest { page_size: -1, ..pb::ListContactsRequest::default() })
            names "case_id", "page_size");
        refused!(world.record_promise(pb::RecordPromiseRequest { grace_days: 31, ..pb::RecordPromiseRequest::default() })
            names "account_id", "grace_days", "item_id", "promised_amount", "promised_date", "request_id");
        refused!(world.cancel_promise(pb::CancelPromiseRequest::default()) names "promise_id", "reason", "request_id");
        refused!(world.list_promises(pb::ListPromisesRequest {
            account_id: bad(),
            state: 9,
            page_size: -1,
            page_token: bad(),
        }) names "account_id", "page_size", "page_token", "state");
        refused!(world.run_collections(pb::RunCollectionsRequest {
            request_id: bad(),
            business_date: bad_date(),
            at_least_as_fresh: bad_token(),
        }) names "at_least_as_fresh.positions[0].position", "business_date", "request_id");
        refused!(world.get_worklist(pb::GetWorklistRequest {
            owner: 9,
            salesperson: bad(),
            currency_code: "XXX!".to_owned(),
            as_of_date: bad_date(),
            page_size: -1,
            page_token: bad(),
            at_least_as_fresh: bad_token(),
        }) names "as_of_date", "at_least_as_fresh.positions[0].position", "currency_code", "owner", "page_size",
            "page_token", "salesperson");
        refused!(world.list_notices(pb::ListNoticesRequest {
            account_id: bad(),
            case_id: bad(),
            kind: 9,
            state: 9,
            hold_id: bad(),
            page_size: -1,
            page_token: bad(),
            at_least_as_fresh: bad_token(),
        }) names "account_id", "at_least_as_fresh.positions[0].position", "case_id", "hold_id", "kind", "page_size",
            "page_token", "state");
        refused!(world.block_account(pb::BlockAccountRequest { request_id: bad(), account_id: bad(), reason: "x".repeat(501) })
            names "account_id", "reason", "request_id");
        refused!(world.unblock_account(pb::UnblockAccountRequest::default()) names "account_id", "reason", "request_id");
        refused!(world.get_standing(pb::GetStandingRequest { account_id: bad(), at_least_as_fresh: bad_token() })
            names "account_id", "at_least_as_fresh.positions[0].position");
    }

    async fn unknown_ids_are_not_found(db: Db) {
        let world = World::new(db).await;
        let id = || "nothing".to_owned();
        let mut client = world.client();
        let get_case = pb::GetCaseRequest { case_id: id(), ..pb::GetCaseRequest::default() };
        assert_eq!(client.get_case(get_case).await.unwrap_err().code(), Code::NotFound);
        let get_strategy = pb::GetStrategyRequest { strategy_id: id() };
        assert_eq!(client.get_strategy(get_strategy).await.unwrap_err().code(), Code::NotFound);
        let activate = pb::ActivateStrategyRequest { request_id: world.request(), strategy_id: id() };
        assert_eq!(client.activate_strategy(activate).await.unwrap_err().code(), Code::NotFound);
        let complete = pb::CompleteTaskRequest { request_id: world.request(), task_id: id(), note: String::new() };
        assert_eq!(client.complete_task(complete).await.unwrap_err().code(), Code::NotFound);
        let contacts = pb::ListContactsRequest { case_id: id(), ..pb::ListContactsRequest::default() };
        assert_eq!(client.list_contacts(contacts).await.unwrap_err().code(), Code::NotFound);
        let cancel = pb::CancelPromiseRequest { request_id: world.request(), promise_id: id(), reason: id() };
        assert_eq!(client.cancel_promise(cancel).await.unwrap_err().code(), Code::NotFound);
    }
}

#[test]
fn every_rpc_has_its_roles() {
    let missing = weir_runtime::edge::unlisted_methods(ACCESS, weir_wire::FILE_DESCRIPTOR_SET).unwrap();
    let ours: Vec<String> = missing.into_iter().filter(|method| method.contains("weir.collections.")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
