//! A limits context as its callers see it: clients in this process, people with roles and authority, a clock to set.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Asia::Shanghai;
use rust_decimal::Decimal;
use tonic::{Status, service::RoutesBuilder};
use tonic_types::StatusExt;
use weir_model::{AccountId, Call, Clock, Currency, Ids, Money, Principal, Role, SubjectId};
use weir_store::{Db, Env, Tx};
use weir_wire::{
    PageTokens, Peer, emit,
    limits::v1::{
        group_service_client::GroupServiceClient, limits_service_client::LimitsServiceClient,
        policy_service_client::PolicyServiceClient, *,
    },
};

use crate::{
    Limits, MIGRATIONS, api,
    grade::{Grade, GradeRecord},
};

pub(super) const CNY: &str = "CNY";

pub(super) struct World {
    pub(super) context: Arc<Limits>,
    pub(super) clock: Clock,
    routes: tonic::service::Routes,
    requests: Ids,
}

/// Yuan.
pub(super) fn yuan(units: i64) -> Money {
    Money::new(units * 100, Currency::from_code(CNY).unwrap())
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn principal(name: &str, role: Role, authority: i64) -> Principal {
    Principal::new(SubjectId::parse(name).unwrap(), [role]).with_authority([yuan(authority)])
}

pub(super) fn sales() -> Principal {
    principal("sally", Role::Sales, 0)
}

/// A credit manager with an authority of a hundred million.
pub(super) fn manager(name: &str) -> Principal {
    principal(name, Role::CreditManager, 100_000_000)
}

pub(super) fn admin() -> Principal {
    principal("ada", Role::Admin, 100_000_000)
}

pub(super) fn record(account_id: &str, version: i64, grade: Grade, score: &str, recommended: i64) -> GradeRecord {
    GradeRecord {
        account_id: AccountId::parse(account_id).unwrap(),
        version,
        assessment_id: weir_model::AssessmentId::parse(&format!("assessment-{version}")).unwrap(),
        grade,
        score: score.parse::<Decimal>().unwrap(),
        recommended_limit: yuan(recommended),
        recommended_terms_days: match grade {
            Grade::A => 90,
            Grade::B => 45,
            Grade::C => 30,
            Grade::D => 0,
        },
        effective_date: date("2026-03-01"),
        review_date: Some(date("2026-06-01")),
        country: weir_model::Country::from_code("CN").ok(),
    }
}

pub(super) fn reason_of(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub(super) fn fields_of(status: &Status) -> Vec<String> {
    let details = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    details.into_iter().map(|violation| violation.field).collect()
}

pub(super) fn amount(amount: Money) -> Option<Limit> {
    Some(Limit { kind: Some(limit::Kind::Amount(emit::money(amount))) })
}

/// A standing limit, as it is asked for.
pub(super) fn asked(limit: Option<Limit>) -> Option<create_limit_request_request::Requested> {
    limit.map(create_limit_request_request::Requested::RequestedLimit)
}

impl World {
    /// A context on a fresh database, on 2026-03-31 in Shanghai.
    pub(super) async fn new(db: Db) -> World {
        db.migrate(MIGRATIONS).await.unwrap();
        let clock = Clock::manual(Utc.with_ymd_and_hms(2026, 3, 31, 2, 0, 0).unwrap(), Shanghai);
        let env = Env { db, clock: clock.clone(), ids: Ids::seeded(1) };
        let context = Arc::new(Limits::open(env).await.unwrap());
        let mut routes = RoutesBuilder::default();
        api::routes(&context, &PageTokens::new([7; 32]), &mut routes);
        World { context, clock, routes: routes.routes(), requests: Ids::seeded(2) }
    }

    pub(super) fn set_today(&self, today: &str) {
        let noon = date(today).and_hms_opt(4, 0, 0).unwrap();
        self.clock.set(DateTime::from_naive_utc_and_offset(noon, Utc));
    }

    fn peer(&self, who: Principal) -> Peer {
        let prepare = move |request: &mut http::Request<tonic::body::Body>| {
            request.extensions_mut().insert(who.clone());
        };
        Peer::new(self.routes.clone(), Arc::new(prepare))
    }

    pub(super) fn service(&self) -> Peer {
        self.peer(Principal::service("order-gate"))
    }

    pub(super) fn limits(&self, who: Principal) -> LimitsServiceClient<Peer> {
        LimitsServiceClient::new(self.peer(who))
    }

    pub(super) fn groups(&self, who: Principal) -> GroupServiceClient<Peer> {
        GroupServiceClient::new(self.peer(who))
    }

    pub(super) fn policies(&self, who: Principal) -> PolicyServiceClient<Peer> {
        PolicyServiceClient::new(self.peer(who))
    }

    /// A fresh request id.
    pub(super) fn id(&self) -> String {
        self.requests.next::<weir_model::RequestId>().to_string()
    }

    pub(super) fn call(&self) -> Call {
        self.context.internal_call("test", "test")
    }

    /// Lets a grade take effect, as the follower does.
    pub(super) async fn grade(&self, record: &GradeRecord) {
        let call = self.call();
        let work = async |tx: &mut Tx| self.context.apply_grade_in(tx, &call, record).await;
        self.context.env.db.once(&call, work).await.unwrap();
    }

    pub(super) async fn open(&self, account_id: &str) -> CreditAccount {
        let request = OpenCreditAccountRequest {
            request_id: self.id(),
            account_id: account_id.to_owned(),
            currency_code: CNY.to_owned(),
            ..Default::default()
        };
        self.limits(sales()).open_credit_account(request).await.unwrap().into_inner().credit_account.unwrap()
    }

    /// An account of grade B, score 80, whose recommended 200,000 nobody has approved yet: the request is rejected, so
    /// that the account has no limit.
    pub(super) async fn graded_b(&self, account_id: &str) {
        self.grade(&record(account_id, 1, Grade::B, "80", 200_000)).await;
        for request in self.requests_of(account_id).await {
            self.reject(&request.limit_request_id).await;
        }
    }

    pub(super) async fn get(&self, account_id: &str, as_of: Option<&str>) -> GetCreditAccountResponse {
        let request = GetCreditAccountRequest {
            account_id: account_id.to_owned(),
            as_of_date: as_of.map(|as_of| emit::date(date(as_of))),
            at_least_as_fresh: None,
        };
        self.limits(sales()).get_credit_account(request).await.unwrap().into_inner()
    }

    pub(super) async fn account(&self, account_id: &str) -> CreditAccount {
        self.get(account_id, None).await.credit_account.unwrap()
    }

    /// The limit in force on a day; today where none is named.
    pub(super) async fn in_force(&self, account_id: &str, as_of: Option<&str>) -> Option<Limit> {
        self.get(account_id, as_of).await.limit_in_force.unwrap().limit
    }

    pub(super) async fn requests_of(&self, account_id: &str) -> Vec<LimitRequest> {
        let request = ListLimitRequestsRequest { account_id: account_id.to_owned(), ..Default::default() };
        self.limits(sales()).list_limit_requests(request).await.unwrap().into_inner().limit_requests
    }

    /// A request for an amount on 30 days, to be sent.
    pub(super) fn wish(&self, account_id: &str, wanted: Money) -> CreateLimitRequestRequest {
        CreateLimitRequestRequest {
            request_id: self.id(),
            account_id: account_id.to_owned(),
            requested: asked(amount(wanted)),
            requested_terms_days: 30,
            justification: "grows".to_owned(),
            ..Default::default()
        }
    }

    pub(super) async fn draft(&self, wish: CreateLimitRequestRequest) -> LimitRequest {
        self.limits(sales()).create_limit_request(wish).await.unwrap().into_inner().limit_request.unwrap()
    }

    pub(super) async fn submit(&self, id: &str) -> Result<LimitRequest, Status> {
        let request =
            SubmitLimitRequestRequest { request_id: self.id(), limit_request_id: id.to_owned(), etag: String::new() };
        Ok(self.limits(sales()).submit_limit_request(request).await?.into_inner().limit_request.unwrap())
    }

    /// Drafts and submits, by sales.
    pub(super) async fn send(&self, wish: CreateLimitRequestRequest) -> Result<LimitRequest, Status> {
        let draft = self.draft(wish).await;
        self.submit(&draft.limit_request_id).await
    }

    /// A request by sales that is on its way.
    pub(super) async fn submitted(&self, account_id: &str, wanted: Money) -> LimitRequest {
        self.send(self.wish(account_id, wanted)).await.unwrap()
    }

    pub(super) async fn approve(&self, id: &str, who: Principal, level: i32) -> Result<LimitRequest, Status> {
        let request = ApproveLimitRequestRequest {
            request_id: self.id(),
            limit_request_id: id.to_owned(),
            level,
            ..Default::default()
        };
        Ok(self.limits(who).approve_limit_request(request).await?.into_inner().limit_request.unwrap())
    }

    pub(super) async fn reject(&self, id: &str) -> LimitRequest {
        let request = RejectLimitRequestRequest {
            request_id: self.id(),
            limit_request_id: id.to_owned(),
            etag: String::new(),
            reason: "no".to_owned(),
        };
        self.limits(manager("mo")).reject_limit_request(request).await.unwrap().into_inner().limit_request.unwrap()
    }

    /// A request for a temporary limit, to be sent.
    pub(super) fn overlay(&self, account_id: &str, delta: i64, from: &str, to: &str) -> CreateLimitRequestRequest {
        let delta = create_limit_request_request::Requested::TemporaryDelta(emit::money(yuan(delta)));
        CreateLimitRequestRequest {
            request_id: self.id(),
            account_id: account_id.to_owned(),
            requested: Some(delta),
            valid_from_date: Some(emit::date(date(from))),
            valid_to_date: Some(emit::date(date(to))),
            justification: "season".to_owned(),
            ..Default::default()
        }
    }

    /// A temporary limit that sales asked for and a manager approved.
    pub(super) async fn granted_overlay(&self, account_id: &str, delta: i64, from: &str, to: &str) -> LimitRequest {
        let request = self.send(self.overlay(account_id, delta, from, to)).await.unwrap();
        self.approve(&request.limit_request_id, manager("mo"), 0).await.unwrap()
    }
}
