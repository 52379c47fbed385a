//! Bad input: every wrong field is named, and nothing is written.

use tonic::{Code, Status};
use weir_store::{Db, on_both_databases};
use weir_wire::{
    common::v1::{FeedPosition, Token},
    emit,
    google::r#type::{Date, Money},
    limits::v1::*,
};

use super::world::{World, admin, amount, asked, date, fields_of, manager, reason_of, record, sales, yuan};
use crate::grade::Grade;

fn named(outcome: Result<impl std::fmt::Debug, Status>) -> Vec<String> {
    let status = outcome.unwrap_err();
    assert_eq!((status.code(), reason_of(&status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
    fields_of(&status)
}

fn impossible_date() -> Option<Date> {
    Some(Date { year: 2026, month: 2, day: 30 })
}

on_both_databases! {
    async fn every_bad_field_is_named_and_nothing_is_written(db: Db) {
        let world = World::new(db).await;
        let mut limits = world.limits(sales());
        let long = "x".repeat(65);

        let open = OpenCreditAccountRequest {
            request_id: String::new(),
            account_id: "a b".to_owned(),
            currency_code: "XXX".to_owned(),
            segment: "a\u{7}".to_owned(),
            group_id: long.clone(),
            country_code: "cn".to_owned(),
        };
        let fields = named(limits.open_credit_account(open).await);
        assert_eq!(fields, ["request_id", "account_id", "currency_code", "segment", "group_id", "country_code"]);

        let get = GetCreditAccountRequest {
            account_id: String::new(),
            as_of_date: impossible_date(),
            at_least_as_fresh: Some(Token { positions: vec![FeedPosition { context: 99, position: -1 }] }),
        };
        let fields = named(limits.get_credit_account(get).await);
        assert_eq!(fields, [
            "account_id",
            "as_of_date",
            "at_least_as_fresh.positions[0].context",
            "at_least_as_fresh.positions[0].position",
        ]);

        let list = ListCreditAccountsRequest {
            page_size: -1,
            grade: 99,
            group_id: " ".to_owned(),
            ..Default::default()
        };
        assert_eq!(named(limits.list_credit_accounts(list).await), ["page_size", "group_id", "grade"]);

        let create = CreateLimitRequestRequest {
            request_id: long.clone(),
            account_id: String::new(),
            requested: asked(amount(yuan(-1))),
            requested_terms_days: 3_651,
            valid_from_date: Some(emit::date(date("2026-03-30"))),
            valid_to_date: Some(emit::date(date("2026-03-29"))),
            justification: " ".to_owned(),
            daily_sales: Some(Money { currency_code: "CNY".to_owned(), units: 1, nanos: 1 }),
        };
        let fields = named(limits.create_limit_request(create).await);
        assert_eq!(fields, [
            "request_id",
            "account_id",
            "valid_from_date",
            "valid_to_date",
            "requested_limit.amount",
            "requested_terms_days",
            "daily_sales",
            "justification",
        ]);

        let list = ListLimitRequestsRequest { page_size: 1_001, state: -1, ..Default::default() };
        assert_eq!(named(limits.list_limit_requests(list).await), ["page_size", "state"]);

        assert_eq!(world.context.journal.head().await.unwrap(), 0);
    }

    async fn a_limit_of_no_kind_or_none_cannot_be_asked_for(db: Db) {
        let world = World::new(db).await;
        let mut limits = world.limits(sales());
        let none = Limit { kind: Some(limit::Kind::None(NoLimit {})) };
        for (limit, field) in [
            (None, "requested"),
            (Some(Limit::default()), "requested_limit"),
            (Some(none), "requested_limit.none"),
        ] {
            let wish = CreateLimitRequestRequest { requested: asked(limit), ..world.wish("acme", yuan(1)) };
            assert_eq!(named(limits.create_limit_request(wish).await), [field]);
        }
    }

    async fn a_need_beyond_what_money_can_hold_is_named(db: Db) {
        let world = World::new(db).await;
        let most = weir_model::Money::new(i64::MAX, yuan(0).currency());
        let wish = CreateLimitRequestRequest { daily_sales: Some(emit::money(most)), ..world.wish("acme", yuan(1)) };
        assert_eq!(named(world.limits(sales()).create_limit_request(wish).await), ["daily_sales"]);
    }

    async fn a_temporary_limit_on_top_of_more_than_money_can_hold_is_refused(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let most = weir_model::Money::new(i64::MAX, yuan(0).currency());
        let boundless = |name| weir_model::Principal { authority: vec![most], ..manager(name) };
        let id = world.submitted("acme", most).await.limit_request_id;
        world.approve(&id, boundless("mo"), 0).await.unwrap();
        world.approve(&id, boundless("mia"), 0).await.unwrap();
        let overlay = world.overlay("acme", 1, "2026-05-01", "2026-05-10");
        let id = world.send(overlay).await.unwrap().limit_request_id;
        let refused = world.approve(&id, manager("mo"), 0).await.unwrap_err();
        assert_eq!(reason_of(&refused), "AMOUNT_OVERFLOW");
        assert_eq!(world.account("acme").await.temporary_limits, []);
    }

    async fn steps_name_their_bad_fields(db: Db) {
        let world = World::new(db).await;
        let mut limits = world.limits(manager("mo"));
        let etag = "x".repeat(65);
        let submit = SubmitLimitRequestRequest { etag: etag.clone(), ..Default::default() };
        let three = ["request_id", "limit_request_id", "etag"];
        assert_eq!(named(limits.submit_limit_request(submit).await), three);
        let approve = ApproveLimitRequestRequest { level: 9, comment: "x".repeat(2_001), ..Default::default() };
        let fields = named(limits.approve_limit_request(approve).await);
        assert_eq!(fields, ["request_id", "limit_request_id", "level", "comment"]);
        let reject = RejectLimitRequestRequest { etag, ..Default::default() };
        let fields = named(limits.reject_limit_request(reject).await);
        assert_eq!(fields, ["request_id", "limit_request_id", "etag", "reason"]);
        let withdraw = WithdrawLimitRequestRequest { reason: "\u{0}".to_owned(), ..Default::default() };
        let fields = named(limits.withdraw_limit_request(withdraw).await);
        assert_eq!(fields, ["request_id", "limit_request_id", "reason"]);
        assert_eq!(named(limits.get_limit_request(GetLimitRequestRequest::default()).await), ["limit_request_id"]);
        let fields = named(limits.freeze_account(FreezeAccountRequest::default()).await);
        assert_eq!(fields, ["request_id", "account_id", "reason"]);
        let fields = named(limits.unfreeze_account(UnfreezeAccountRequest::default()).await);
        assert_eq!(fields, ["request_id", "account_id", "reason"]);
        let fields = named(limits.revoke_temporary_limit(RevokeTemporaryLimitRequest::default()).await);
        assert_eq!(fields, ["request_id", "temporary_limit_id", "reason"]);
    }

    async fn temporary_limits_name_their_bad_fields(db: Db) {
        use create_limit_request_request::Requested;
        let world = World::new(db).await;
        let mut limits = world.limits(sales());
        let overlay = || world.overlay("acme", 1, "2026-04-01", "2026-04-10");
        for (wish, field) in [
            (world.overlay("acme", 0, "2026-04-01", "2026-04-10"), "temporary_delta"),
            (
                CreateLimitRequestRequest {
                    requested: Some(Requested::TemporaryAbsolute(emit::money(yuan(-1)))),
                    ..overlay()
                },
                "temporary_absolute",
            ),
            (world.overlay("acme", 1, "2026-03-30", "2026-04-10"), "valid_from_date"),
            (world.overlay("acme", 1, "2026-04-02", "2026-04-01"), "valid_to_date"),
            // 367 days after the first
            (world.overlay("acme", 1, "2026-04-01", "2027-04-03"), "valid_to_date"),
            (CreateLimitRequestRequest { valid_to_date: None, ..overlay() }, "valid_to_date"),
            (CreateLimitRequestRequest { requested_terms_days: 30, ..overlay() }, "requested_terms_days"),
            (CreateLimitRequestRequest { daily_sales: Some(emit::money(yuan(1))), ..overlay() }, "daily_sales"),
        ] {
            assert_eq!(named(limits.create_limit_request(wish).await), [field]);
        }
    }

    async fn groups_and_policies_name_their_bad_fields(db: Db) {
        let world = World::new(db).await;
        let mut groups = world.groups(manager("mo"));
        let fields = named(groups.create_group(CreateGroupRequest::default()).await);
        assert_eq!(fields, ["request_id", "group_id", "name"]);
        let add = AddMemberRequest { member: Some(GroupMember::default()), ..Default::default() };
        assert_eq!(named(groups.add_member(add).await), ["request_id", "group_id", "member"]);
        let fields = named(groups.remove_member(RemoveMemberRequest::default()).await);
        assert_eq!(fields, ["request_id", "group_id", "member"]);
        assert_eq!(named(groups.list_groups(ListGroupsRequest { page_size: -1, ..Default::default() }).await), ["page_size"]);
        let mut policies = world.policies(admin());
        let fields = named(policies.create_policy(CreatePolicyRequest::default()).await);
        assert_eq!(fields, ["request_id", "rules"]);
        let rules = PolicyRules {
            name: "x".to_owned(),
            grades: vec![GradeRow::default()],
            auto_approval_rules: vec![AutoApprovalRule::default()],
            approval_levels: vec![ApprovalLevel::default()],
            automatic_raise_percent_max: Some(emit::decimal("10000.01".parse().unwrap())),
        };
        let create = CreatePolicyRequest { request_id: world.id(), rules: Some(rules), validate_only: true };
        let fields = named(policies.create_policy(create).await);
        assert_eq!(fields, [
            "rules.grades[0].grade",
            "rules.grades[0].score_min",
            "rules.grades[0].limit_min",
            "rules.grades[0].limit_max",
            "rules.grades[0].order_policy",
            "rules.auto_approval_rules[0].rule_id",
            "rules.auto_approval_rules[0].score_min",
            "rules.auto_approval_rules[0].amount_max",
            "rules.approval_levels[0].above",
            "rules.automatic_raise_percent_max",
        ]);
        let activate = ActivatePolicyRequest {
            effective_date: Some(emit::date(date("2026-03-30"))),
            ..Default::default()
        };
        let fields = named(policies.activate_policy(activate).await);
        assert_eq!(fields, ["request_id", "policy_id", "effective_date"]);
    }

    async fn an_amount_in_another_currency_is_refused(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let yen = Some(Limit { kind: Some(limit::Kind::Amount(Money { currency_code: "JPY".to_owned(), units: 1, nanos: 0 })) });
        let overlay = create_limit_request_request::Requested::TemporaryDelta(Money { currency_code: "JPY".to_owned(), units: 1, nanos: 0 });
        for wish in [
            CreateLimitRequestRequest { requested: asked(yen), ..world.wish("acme", yuan(1)) },
            CreateLimitRequestRequest { requested: Some(overlay), ..world.overlay("acme", 1, "2026-04-01", "2026-04-10") },
        ] {
            let refused = world.limits(sales()).create_limit_request(wish).await.unwrap_err();
            assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::FailedPrecondition, "CURRENCY_MISMATCH"));
        }
    }

    async fn what_nobody_knows_is_not_found(db: Db) {
        let world = World::new(db).await;
        let mo = || manager("mo");
        let unknown = || "unknown".to_owned();
        let refused = world.approve("unknown", mo(), 0).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let get = GetLimitRequestRequest { limit_request_id: unknown() };
        assert_eq!(world.limits(mo()).get_limit_request(get).await.unwrap_err().code(), Code::NotFound);
        let revoke = RevokeTemporaryLimitRequest {
            request_id: world.id(),
            temporary_limit_id: unknown(),
            reason: "x".to_owned(),
        };
        assert_eq!(world.limits(mo()).revoke_temporary_limit(revoke).await.unwrap_err().code(), Code::NotFound);
        let wish = world.wish("unknown", yuan(1));
        assert_eq!(world.limits(mo()).create_limit_request(wish).await.unwrap_err().code(), Code::NotFound);
        let get = GetPolicyRequest { policy_id: unknown(), ..Default::default() };
        assert_eq!(world.policies(mo()).get_policy(get).await.unwrap_err().code(), Code::NotFound);
    }
}
