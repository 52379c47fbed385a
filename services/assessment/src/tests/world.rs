//! What tests stand on: a context on a fresh database, clients of its services, and short ways to say things.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Asia::Shanghai;
use rust_decimal::Decimal;
use tonic::service::RoutesBuilder;
use weir_model::{AccountId, Clock, Currency, Ids, Money, Principal, Role, SubjectId};
use weir_store::{Db, Env};
use weir_wire::{
    PageTokens, Peer,
    assessment::v1::{
        self as pb, assessment_service_client::AssessmentServiceClient, feed_service_client::FeedServiceClient,
        profile_service_client::ProfileServiceClient, scorecard_service_client::ScorecardServiceClient,
    },
    emit,
};

use crate::{
    Assessment, MIGRATIONS, api,
    fact::Fact,
    profile::Profile,
    scorecard::{Category, Dimension, Factor, Scorecard},
    value::Value,
};

/// Noon in Shanghai on 2026-03-31.
pub(super) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_774_929_600, 0).unwrap()
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub(super) fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

/// Whole yuan.
pub(super) fn yuan(amount: i64) -> Money {
    Money::new(amount * 100, cny())
}

pub(super) fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub(super) struct World {
    pub(super) context: Arc<Assessment>,
    pub(super) clock: Clock,
    pages: PageTokens,
}

impl World {
    pub(super) async fn new(db: Db) -> World {
        db.migrate(MIGRATIONS).await.unwrap();
        let clock = Clock::manual(noon(), Shanghai);
        let env = Env { db, clock: clock.clone(), ids: Ids::seeded(7) };
        let context = Arc::new(Assessment::open(env).await.unwrap());
        World { context, clock, pages: PageTokens::new([7; 32]) }
    }

    /// A peer on whose calls a person with a role is found.
    pub(super) fn peer(&self, subject: &'static str, role: Role) -> Peer {
        let mut routes = RoutesBuilder::default();
        api::routes(&self.context, &self.pages, &mut routes);
        let prepare = move |request: &mut http::Request<tonic::body::Body>| {
            let principal = Principal::new(SubjectId::parse(subject).unwrap(), [role]);
            request.extensions_mut().insert(principal);
        };
        Peer::new(routes.routes().prepare(), Arc::new(prepare))
    }

    pub(super) fn profiles(&self) -> ProfileServiceClient<Peer> {
        ProfileServiceClient::new(self.peer("lin", Role::Sales))
    }

    pub(super) fn scorecards(&self) -> ScorecardServiceClient<Peer> {
        ScorecardServiceClient::new(self.peer("root", Role::Admin))
    }

    pub(super) fn assessments(&self) -> AssessmentServiceClient<Peer> {
        self.assessments_by("chen")
    }

    pub(super) fn assessments_by(&self, subject: &'static str) -> AssessmentServiceClient<Peer> {
        AssessmentServiceClient::new(self.peer(subject, Role::CreditManager))
    }

    pub(super) fn feed(&self) -> FeedServiceClient<Peer> {
        FeedServiceClient::new(self.peer("limits", Role::Service))
    }

    /// Puts a domestic profile in yuan there.
    pub(super) async fn with_profile(&self, account_id: &str) {
        let request = pb::PutProfileRequest { profile: Some(profile(account_id)), ..Default::default() };
        self.profiles().put_profile(request).await.unwrap();
    }

    /// Records facts of one account, learned at noon, each in a document of its own name.
    pub(super) async fn with_facts(&self, account_id: &str, facts: Vec<(&str, pb::fact_value::Kind)>) {
        let facts = facts.into_iter().map(|(name, kind)| fact(account_id, name, kind)).collect();
        let request = pb::RecordFactsRequest { facts, ..Default::default() };
        self.profiles().record_facts(request).await.unwrap();
    }

    /// Assesses an account for today.
    pub(super) async fn assess(&self, account_id: &str) -> pb::Assessment {
        let request = pb::AssessAccountRequest { account_id: account_id.to_owned(), ..Default::default() };
        self.assessments().assess_account(request).await.unwrap().into_inner().assessment.unwrap()
    }
}

pub(super) fn profile(account_id: &str) -> pb::Profile {
    pb::Profile {
        account_id: account_id.to_owned(),
        legal_name: "Jiangnan Machinery Co., Ltd.".to_owned(),
        country_code: "CN".to_owned(),
        industry_code: "C".to_owned(),
        currency_code: "CNY".to_owned(),
        ..Default::default()
    }
}

pub(super) fn fact(account_id: &str, name: &str, kind: pb::fact_value::Kind) -> pb::Fact {
    pb::Fact {
        account_id: account_id.to_owned(),
        name: name.to_owned(),
        value: Some(pb::FactValue { kind: Some(kind) }),
        source: "registry".to_owned(),
        source_document_id: format!("doc-{name}"),
        retrieved_time: Some(emit::timestamp(noon())),
        ..Default::default()
    }
}

pub(super) fn text(word: &str) -> pb::fact_value::Kind {
    pb::fact_value::Kind::Text(word.to_owned())
}

pub(super) fn flag(flag: bool) -> pb::fact_value::Kind {
    pb::fact_value::Kind::Flag(flag)
}

pub(super) fn number(number: &str) -> pb::fact_value::Kind {
    pb::fact_value::Kind::Number(weir_wire::google::r#type::Decimal { value: number.to_owned() })
}

/// The reason of an error, for programs.
pub(super) fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The paths of the bad fields of an error.
pub(super) fn bad_fields(status: &tonic::Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

/// A domestic account in yuan.
pub(super) fn domestic() -> Profile {
    Profile {
        account_id: account("acme"),
        legal_name: "Jiangnan Machinery Co., Ltd.".to_owned(),
        country: "CN".to_owned(),
        industry: "C".to_owned(),
        cross_border: false,
        currency: cny(),
        requested_limit: None,
        daily_sales: None,
    }
}

/// A fact learned on 2026-01-05.
pub(super) fn recorded(name: &str, value: Value) -> Fact {
    Fact {
        account_id: account("acme"),
        name: name.to_owned(),
        value,
        period_end: None,
        source: "registry".to_owned(),
        document_id: format!("doc-{name}"),
        retrieved_at: date("2026-01-05").and_hms_opt(4, 0, 0).unwrap().and_utc(),
        retrieved_date: date("2026-01-05"),
        valid_until: None,
    }
}

/// A factor of words: `yes` 100, `no` 0, missing 50.
pub(super) fn factor(name: &str, weight: &str) -> Factor {
    let category = |word: &str, points: i64| Category { word: word.to_owned(), points: points.into() };
    Factor {
        name: name.to_owned(),
        title: String::new(),
        input: name.to_owned(),
        weight: dec(weight),
        reason_code: name.to_uppercase(),
        missing_points: dec("50"),
        mapping: Vec::new(),
        bins: Vec::new(),
        categories: vec![category("yes", 100), category("no", 0)],
    }
}

/// A scorecard of dimensions: name, weight, factors.
pub(super) fn card(dimensions: Vec<(&str, &str, Vec<Factor>)>) -> Scorecard {
    let dimensions = dimensions.into_iter().map(|(name, weight, factors)| Dimension {
        name: name.to_owned(),
        title: String::new(),
        weight: dec(weight),
        factors,
    });
    Scorecard {
        name: "test".to_owned(),
        description: String::new(),
        dimensions: dimensions.collect(),
        knock_outs: Vec::new(),
    }
}
