//! Credit accounts and freezes.

use tonic::Code;
use weir_model::Role;
use weir_store::{Db, on_both_databases};
use weir_wire::{common, emit, limits::v1::*};

use super::world::{World, amount, date, fields_of, manager, reason_of, record, sales, yuan};
use crate::{
    api::ACCESS,
    grade::{Grade, GradeRecord},
};

fn roles(rpc: &str) -> Vec<Role> {
    let path = format!("/weir.limits.v1.LimitsService/{rpc}");
    ACCESS.iter().find(|(listed, _)| *listed == path).map(|(_, roles)| roles.to_vec()).unwrap()
}

#[test]
fn sales_asks_and_never_decides() {
    for rpc in ["CreateLimitRequest", "SubmitLimitRequest", "WithdrawLimitRequest"] {
        assert!(roles(rpc).contains(&Role::Sales), "{rpc}");
    }
    for rpc in ["ApproveLimitRequest", "RejectLimitRequest", "RevokeTemporaryLimit", "UnfreezeAccount"] {
        assert!(!roles(rpc).contains(&Role::Sales), "{rpc}");
    }
}

#[test]
fn every_rpc_says_whom_it_lets_in() {
    let rows: Vec<weir_runtime::edge::AccessRow> = ACCESS.to_vec();
    let unlisted = weir_runtime::edge::unlisted_methods(&rows, weir_wire::FILE_DESCRIPTOR_SET).unwrap();
    let ours: Vec<&String> = unlisted.iter().filter(|path| path.starts_with("/weir.limits.")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

on_both_databases! {
    async fn a_new_account_has_no_limit_and_prepays(db: Db) {
        let world = World::new(db).await;
        let account = world.open("acme").await;
        assert_eq!((account.version, account.terms_days), (1, 0));
        assert_eq!((account.grade, account.order_policy), (None, None));
        let in_force = world.get("acme", None).await.limit_in_force.unwrap();
        assert_eq!(in_force.limit.unwrap().kind, Some(limit::Kind::None(NoLimit {})));
        assert_eq!(in_force.reasons[0].kind(), LimitReasonKind::NeverGranted);
    }

    async fn opening_again_with_the_same_content_answers_the_account(db: Db) {
        let world = World::new(db).await;
        assert_eq!(world.open("acme").await, world.open("acme").await);
    }

    async fn opening_again_in_another_currency_is_refused(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let request = OpenCreditAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            currency_code: "JPY".to_owned(),
            ..Default::default()
        };
        let refused = world.limits(sales()).open_credit_account(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
    }

    async fn the_country_of_a_grade_takes_the_place_of_the_one_it_was_opened_with(db: Db) {
        let world = World::new(db).await;
        let open = |country: &str| OpenCreditAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            currency_code: "CNY".to_owned(),
            country_code: country.to_owned(),
            ..Default::default()
        };
        let opened = world.limits(sales()).open_credit_account(open("VN")).await.unwrap().into_inner();
        assert_eq!(opened.credit_account.unwrap().country_code, "VN");
        let other = world.limits(sales()).open_credit_account(open("TH")).await.unwrap_err();
        assert_eq!(other.code(), Code::AlreadyExists);
        world.grade(&record("acme", 1, Grade::B, "80", 0)).await;
        assert_eq!(world.account("acme").await.country_code, "CN");
        // an assessment that tells none leaves it as it is
        world.grade(&GradeRecord { country: None, ..record("acme", 2, Grade::B, "80", 0) }).await;
        assert_eq!(world.account("acme").await.country_code, "CN");
    }

    async fn opening_the_same_account_at_the_same_moment_opens_one(db: Db) {
        let world = World::new(db).await;
        let opened = futures::future::join_all((0..8).map(|_| world.open("acme"))).await;
        assert!(opened.iter().all(|account| account.version == 1));
    }

    async fn an_unknown_account_is_not_found(db: Db) {
        let world = World::new(db).await;
        let request = GetCreditAccountRequest { account_id: "nobody".to_owned(), ..Default::default() };
        let refused = world.limits(sales()).get_credit_account(request).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::NotFound, "ACCOUNT_UNKNOWN"));
    }

    async fn a_freeze_makes_headroom_zero_and_says_why(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let freeze = FreezeAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            reason: "insolvency rumours".to_owned(),
        };
        world.limits(manager("mo")).freeze_account(freeze.clone()).await.unwrap();
        let answer = world.get("acme", None).await;
        assert_eq!(answer.credit_account.unwrap().freeze.unwrap().reason, "insolvency rumours");
        let in_force = answer.limit_in_force.unwrap();
        assert_eq!(in_force.limit, amount(yuan(0)));
        assert_eq!(in_force.reasons.last().unwrap().kind(), LimitReasonKind::Frozen);
        let again = FreezeAccountRequest { request_id: world.id(), ..freeze };
        let refused = world.limits(manager("mia")).freeze_account(again).await.unwrap_err();
        assert_eq!(reason_of(&refused), "WRONG_STATE");
    }

    async fn a_second_person_lifts_a_freeze(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let freeze = FreezeAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            reason: "rumours".to_owned(),
        };
        world.limits(manager("mo")).freeze_account(freeze).await.unwrap();
        let lift = || UnfreezeAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            reason: "untrue".to_owned(),
        };
        let refused = world.limits(manager("mo")).unfreeze_account(lift()).await.unwrap_err();
        assert_eq!(reason_of(&refused), "SELF_APPROVAL");
        let lifted = world.limits(manager("mia")).unfreeze_account(lift()).await.unwrap().into_inner();
        assert_eq!(lifted.credit_account.unwrap().freeze, None);
        let refused = world.limits(manager("mia")).unfreeze_account(lift()).await.unwrap_err();
        assert_eq!(reason_of(&refused), "WRONG_STATE");
    }

    async fn a_frozen_account_can_be_frozen_again_after_it_was_lifted(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        for reason in ["first", "second"] {
            let freeze = FreezeAccountRequest {
                request_id: world.id(),
                account_id: "acme".to_owned(),
                reason: reason.to_owned(),
            };
            world.limits(manager("mo")).freeze_account(freeze).await.unwrap();
            assert_eq!(world.account("acme").await.freeze.unwrap().reason, reason);
            let lift = UnfreezeAccountRequest {
                request_id: world.id(),
                account_id: "acme".to_owned(),
                reason: "fine".to_owned(),
            };
            world.limits(manager("mia")).unfreeze_account(lift).await.unwrap();
        }
    }

    async fn accounts_are_listed_page_by_page(db: Db) {
        let world = World::new(db).await;
        for account_id in ["a", "B", "c", "d", "e"] {
            world.open(account_id).await;
        }
        let mut request = ListCreditAccountsRequest { page_size: 2, ..Default::default() };
        let mut pages: Vec<Vec<String>> = Vec::new();
        loop {
            let page = world.limits(sales()).list_credit_accounts(request.clone()).await.unwrap().into_inner();
            pages.push(page.credit_accounts.into_iter().map(|account| account.account_id).collect());
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(pages, [vec!["B", "a"], vec!["c", "d"], vec!["e"]]);
    }

    async fn accounts_are_listed_by_grade_and_freeze(db: Db) {
        let world = World::new(db).await;
        world.open("plain").await;
        world.grade(&record("graded", 1, Grade::B, "80", 0)).await;
        let freeze = FreezeAccountRequest {
            request_id: world.id(),
            account_id: "plain".to_owned(),
            reason: "rumours".to_owned(),
        };
        world.limits(manager("mo")).freeze_account(freeze).await.unwrap();
        let list = async |request: ListCreditAccountsRequest| -> Vec<String> {
            let page = world.limits(sales()).list_credit_accounts(request).await.unwrap().into_inner();
            page.credit_accounts.into_iter().map(|account| account.account_id).collect()
        };
        let graded = ListCreditAccountsRequest { grade: common::v1::Grade::B.into(), ..Default::default() };
        assert_eq!(list(graded).await, ["graded"]);
        let frozen = ListCreditAccountsRequest { frozen_only: true, ..Default::default() };
        assert_eq!(list(frozen).await, ["plain"]);
    }

    async fn a_page_token_is_good_for_its_own_list_alone(db: Db) {
        let world = World::new(db).await;
        for account_id in ["a", "b"] {
            world.open(account_id).await;
        }
        let first = ListCreditAccountsRequest { page_size: 1, ..Default::default() };
        let page = world.limits(sales()).list_credit_accounts(first).await.unwrap().into_inner();
        let other = ListCreditAccountsRequest {
            frozen_only: true,
            page_token: page.next_page_token,
            ..Default::default()
        };
        let refused = world.limits(sales()).list_credit_accounts(other).await.unwrap_err();
        assert_eq!(fields_of(&refused), ["page_token"]);
    }

    async fn a_write_can_be_waited_for(db: Db) {
        let world = World::new(db).await;
        let request = OpenCreditAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            currency_code: "CNY".to_owned(),
            ..Default::default()
        };
        let token = world.limits(sales()).open_credit_account(request).await.unwrap().into_inner().token;
        assert_eq!(token.as_ref().unwrap().positions[0].position, 1);
        let get = GetCreditAccountRequest {
            account_id: "acme".to_owned(),
            as_of_date: Some(emit::date(date("2026-03-31"))),
            at_least_as_fresh: token,
        };
        world.limits(sales()).get_credit_account(get).await.unwrap();
    }
}
