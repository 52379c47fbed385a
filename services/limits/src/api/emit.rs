//! From the context's words to messages.

use weir_wire::{common::v1 as common, emit, limits::v1 as wire};

use crate::{
    account::CreditAccount,
    grade::{Grade, GradeRecord},
    group::{Group, Member, MemberId},
    in_force::{InForce, LineKind},
    insurance::Insurance,
    limit::{Limit, StandingLimit},
    policy::{OrderPolicy, Policy, PolicyRules},
    recommendation::{self, Recommendation},
    request::{Asked, LimitRequest, Origin, State},
    route::RouteStep,
    temporary::{Overlay, TemporaryLimit},
};

/// Days as the contract has them; every number of days here is at most 3650.
fn days(days: i64) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

pub(super) const fn grade(grade: Grade) -> common::Grade {
    match grade {
        Grade::A => common::Grade::A,
        Grade::B => common::Grade::B,
        Grade::C => common::Grade::C,
        Grade::D => common::Grade::D,
    }
}

pub(super) fn limit(limit: Limit) -> wire::Limit {
    use wire::limit::Kind;
    let kind = match limit {
        Limit::None => Kind::None(wire::NoLimit {}),
        Limit::Amount(amount) => Kind::Amount(emit::money(amount)),
        Limit::Unlimited => Kind::Unlimited(wire::Unlimited {}),
    };
    wire::Limit { kind: Some(kind) }
}

/// A limit on the days on which it counts; none when it was superseded before it began.
fn effective_limit(standing: &StandingLimit) -> Option<wire::EffectiveLimit> {
    let period = standing.effective()?;
    Some(wire::EffectiveLimit {
        limit_id: standing.limit_id.to_string(),
        limit: Some(limit(standing.limit)),
        valid_from_date: Some(emit::date(period.from)),
        valid_to_date: period.to.map(emit::date),
        limit_request_id: standing.limit_request_id.to_string(),
    })
}

pub(super) fn temporary_limit(limit: &TemporaryLimit) -> wire::TemporaryLimit {
    use wire::temporary_limit::Overlay as Given;
    wire::TemporaryLimit {
        temporary_limit_id: limit.temporary_limit_id.to_string(),
        overlay: Some(match limit.overlay {
            Overlay::Delta(amount) => Given::Delta(emit::money(amount)),
            Overlay::Absolute(amount) => Given::Absolute(emit::money(amount)),
        }),
        valid_from_date: Some(emit::date(limit.from)),
        valid_to_date: Some(emit::date(limit.to)),
        reason: limit.reason.clone(),
        limit_request_id: limit.limit_request_id.to_string(),
    }
}

/// Insurance on the days on which it counts; none when it was ended before it began.
fn insurance(insurance: &Insurance) -> Option<wire::CreditInsurance> {
    let (period, cover, end) = (insurance.effective()?, &insurance.cover, insurance.end.as_ref());
    Some(wire::CreditInsurance {
        insurance_id: insurance.insurance_id.to_string(),
        policy_reference: cover.policy_reference.clone(),
        insured_amount: Some(emit::money(cover.insured)),
        cover_percent: Some(emit::decimal(cover.percent)),
        valid_from_date: Some(emit::date(period.from)),
        valid_to_date: period.to.map(emit::date),
        reason: cover.reason.clone(),
        set_by: insurance.set_by.to_string(),
        set_time: Some(emit::timestamp(insurance.set_at)),
        ended_by: end.map(|end| end.act.by.to_string()).unwrap_or_default(),
        ended_time: end.map(|end| emit::timestamp(end.act.at)),
        end_reason: end.map(|end| end.reason.clone()).unwrap_or_default(),
    })
}

fn order_policy(policy: OrderPolicy) -> wire::OrderPolicy {
    use wire::order_policy::Review;
    let review = match policy {
        OrderPolicy::ReviewAbove(amount) => Review::Above(emit::money(amount)),
        OrderPolicy::ReviewEvery => Review::EveryOrder(wire::EveryOrder {}),
        OrderPolicy::NoCredit => Review::NoCredit(wire::NoCredit {}),
    };
    wire::OrderPolicy { review: Some(review) }
}

fn account_grade(record: &GradeRecord, account: &CreditAccount) -> wire::AccountGrade {
    let same_currency = record.recommended_limit.currency() == account.currency;
    wire::AccountGrade {
        grade: grade(record.grade).into(),
        score: Some(emit::decimal(record.score)),
        assessment_id: record.assessment_id.to_string(),
        recommended_limit: same_currency.then(|| emit::money(record.recommended_limit)),
        recommended_terms_days: days(record.recommended_terms_days),
        effective_date: Some(emit::date(record.effective_date)),
        review_date: record.review_date.map(emit::date),
    }
}

/// An account; what is past must be gone from it already.
pub(super) fn account(account: &CreditAccount) -> wire::CreditAccount {
    let membership = account.membership.as_ref();
    wire::CreditAccount {
        account_id: account.account_id.to_string(),
        version: account.version,
        etag: account.version.to_string(),
        currency_code: account.currency.code().to_owned(),
        segment: account.segment.clone(),
        group_id: membership.map(|membership| membership.group_id.to_string()).unwrap_or_default(),
        shares_exposure: membership.is_some_and(|membership| membership.flags.shares_exposure),
        inherits_block: membership.is_some_and(|membership| membership.flags.inherits_block),
        grade: account.grade.as_ref().map(|record| account_grade(record, account)),
        terms_days: days(account.terms_days),
        order_policy: account.order_policy.map(order_policy),
        policy_id: account.policy_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        freeze: account.freeze().map(|freeze| wire::Freeze {
            reason: freeze.reason.clone(),
            frozen_by: freeze.frozen_by.to_string(),
            frozen_time: Some(emit::timestamp(freeze.frozen_at)),
        }),
        limits: account.limits.iter().filter_map(effective_limit).collect(),
        temporary_limits: account.temporary_limits.iter().map(temporary_limit).collect(),
        opened_time: Some(emit::timestamp(account.opened_at)),
        insurances: account.insurances.iter().filter_map(insurance).collect(),
        country_code: country(account),
    }
}

fn country(account: &CreditAccount) -> String {
    account.country.map(|country| country.to_string()).unwrap_or_default()
}

/// An account as the feed tells it; what is past must be gone from it already.
pub(super) fn account_change(account: &CreditAccount) -> wire::Change {
    let (freeze, membership) = (account.freeze(), account.membership.as_ref());
    let change = wire::CreditAccountChange {
        account_id: account.account_id.to_string(),
        version: account.version,
        currency_code: account.currency.code().to_owned(),
        group_id: membership.map(|membership| membership.group_id.to_string()).unwrap_or_default(),
        segment: account.segment.clone(),
        grade: account.grade.as_ref().map_or(common::Grade::Unspecified, |record| grade(record.grade)).into(),
        limits: account.limits.iter().filter_map(effective_limit).collect(),
        temporary_limits: account.temporary_limits.iter().map(temporary_limit).collect(),
        frozen: freeze.is_some(),
        freeze_reason: freeze.map(|freeze| freeze.reason.clone()).unwrap_or_default(),
        terms_days: days(account.terms_days),
        order_policy: account.order_policy.map(order_policy),
        review_date: account.grade.as_ref().and_then(|record| record.review_date).map(emit::date),
        shares_exposure: membership.is_some_and(|membership| membership.flags.shares_exposure),
        inherits_block: membership.is_some_and(|membership| membership.flags.inherits_block),
        insurances: account.insurances.iter().filter_map(insurance).collect(),
        country_code: country(account),
    };
    wire::Change { change: Some(wire::change::Change::CreditAccount(change)) }
}

pub(super) fn in_force(in_force: &InForce) -> wire::LimitInForce {
    let kind = |kind| match kind {
        LineKind::NeverGranted => wire::LimitReasonKind::NeverGranted,
        LineKind::Standing => wire::LimitReasonKind::Standing,
        LineKind::Expired => wire::LimitReasonKind::Expired,
        LineKind::TemporaryDelta => wire::LimitReasonKind::TemporaryDelta,
        LineKind::TemporaryAbsolute => wire::LimitReasonKind::TemporaryAbsolute,
        LineKind::Frozen => wire::LimitReasonKind::Frozen,
    };
    wire::LimitInForce {
        as_of_date: Some(emit::date(in_force.as_of)),
        limit: Some(limit(in_force.limit)),
        reasons: in_force
            .lines
            .iter()
            .map(|line| wire::LimitReason {
                kind: kind(line.kind).into(),
                result: Some(limit(line.result)),
                source_id: line.source_id.clone(),
                message: line.message.clone(),
            })
            .collect(),
    }
}

fn state(state: State) -> wire::LimitRequestState {
    match state {
        State::Draft => wire::LimitRequestState::Draft,
        State::Submitted => wire::LimitRequestState::Submitted,
        State::UnderReview => wire::LimitRequestState::UnderReview,
        State::Approved => wire::LimitRequestState::Approved,
        State::Active => wire::LimitRequestState::Active,
        State::Rejected => wire::LimitRequestState::Rejected,
        State::Withdrawn => wire::LimitRequestState::Withdrawn,
    }
}

fn approval_step(step: &RouteStep) -> wire::ApprovalStep {
    let approval = step.approval.as_ref();
    wire::ApprovalStep {
        level: days(step.level),
        authority_required: step.authority.map(emit::money),
        approved_by: approval.map(|approval| approval.by.to_string()).unwrap_or_default(),
        approved_time: approval.map(|approval| emit::timestamp(approval.at)),
        comment: approval.map(|approval| approval.comment.clone()).unwrap_or_default(),
    }
}

fn recommendation(recommendation: &Recommendation) -> wire::LimitRecommendation {
    let kind = |kind| match kind {
        recommendation::LineKind::GradeRange => wire::RecommendationLineKind::GradeRange,
        recommendation::LineKind::Assessment => wire::RecommendationLineKind::Assessment,
        recommendation::LineKind::Need => wire::RecommendationLineKind::Need,
        recommendation::LineKind::AutomaticRaise => wire::RecommendationLineKind::AutomaticRaise,
        recommendation::LineKind::Requested => wire::RecommendationLineKind::Requested,
    };
    wire::LimitRecommendation {
        recommended_limit: Some(emit::money(recommendation.amount)),
        lines: recommendation
            .lines
            .iter()
            .map(|line| wire::RecommendationLine {
                kind: kind(line.kind).into(),
                amount: Some(emit::money(line.amount)),
                binding: line.binding,
                message: line.message.clone(),
            })
            .collect(),
    }
}

pub(super) fn request(request: &LimitRequest) -> wire::LimitRequest {
    use wire::limit_request::Requested;
    let (requested, requested_terms_days) = match &request.wish.asked {
        Asked::Standing(wish) => (Requested::RequestedLimit(limit(wish.limit)), days(wish.terms_days)),
        Asked::Temporary(wish) => match wish.overlay {
            Overlay::Delta(amount) => (Requested::TemporaryDelta(emit::money(amount)), 0),
            Overlay::Absolute(amount) => (Requested::TemporaryAbsolute(emit::money(amount)), 0),
        },
    };
    let granted = request.granted.as_ref();
    let (closed, revoked) = (request.closed.as_ref(), request.revoked.as_ref());
    let decided_at = closed.map(|closure| closure.act.at).or_else(|| granted.map(|granted| granted.at));
    wire::LimitRequest {
        limit_request_id: request.limit_request_id.to_string(),
        account_id: request.account_id.to_string(),
        etag: request.version.to_string(),
        state: state(request.state).into(),
        origin: match request.origin {
            Origin::Person => wire::LimitRequestOrigin::Person,
            Origin::Assessment => wire::LimitRequestOrigin::Assessment,
        }
        .into(),
        requested: Some(requested),
        requested_terms_days,
        valid_from_date: request.wish.valid_from.map(emit::date),
        valid_to_date: request.wish.valid_to().map(emit::date),
        justification: request.wish.justification.clone(),
        requested_by: request.requested.by.to_string(),
        created_time: Some(emit::timestamp(request.requested.at)),
        submitted_by: request.submitted.as_ref().map(|act| act.by.to_string()).unwrap_or_default(),
        submitted_time: request.submitted.as_ref().map(|act| emit::timestamp(act.at)),
        route: request.route.iter().map(approval_step).collect(),
        recommendation: request.recommendation.as_ref().map(recommendation),
        policy_id: request.policy_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        approved_by_rule_id: granted.and_then(|granted| granted.rule_id.clone()).unwrap_or_default(),
        decided_time: decided_at.map(emit::timestamp),
        closed_by: closed.map(|closure| closure.act.by.to_string()).unwrap_or_default(),
        close_reason: closed.map(|closure| closure.reason.clone()).unwrap_or_default(),
        limit_id: granted.map(|granted| granted.limit_id.to_string()).unwrap_or_default(),
        granted_terms_days: granted.and_then(|granted| granted.terms_days).map_or(0, days),
        revoked_by: revoked.map(|closure| closure.act.by.to_string()).unwrap_or_default(),
        revoked_time: revoked.map(|closure| emit::timestamp(closure.act.at)),
        revoke_reason: revoked.map(|closure| closure.reason.clone()).unwrap_or_default(),
    }
}

fn member(member: &Member) -> wire::GroupMember {
    use wire::group_member::Member as Given;
    wire::GroupMember {
        member: Some(match &member.id {
            MemberId::Account(id) => Given::AccountId(id.to_string()),
            MemberId::Group(id) => Given::GroupId(id.to_string()),
        }),
        shares_exposure: member.flags.shares_exposure,
        inherits_block: member.flags.inherits_block,
    }
}

pub(super) fn group(group: &Group) -> wire::Group {
    wire::Group {
        group_id: group.group_id.to_string(),
        name: group.name.clone(),
        version: group.version,
        etag: group.version.to_string(),
        parent_group_id: group.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        members: group.members.iter().map(member).collect(),
        created_time: Some(emit::timestamp(group.created_at)),
        pool_limit: group.pool.map(emit::money),
        head_account_id: group.head.as_ref().map(ToString::to_string).unwrap_or_default(),
        shares_exposure: group.flags.shares_exposure,
        inherits_block: group.flags.inherits_block,
    }
}

/// A group as the feed tells it.
pub(super) fn group_change(group: &Group) -> wire::Change {
    let change = wire::GroupChange {
        group_id: group.group_id.to_string(),
        version: group.version,
        parent_group_id: group.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        shares_exposure: group.flags.shares_exposure,
        inherits_block: group.flags.inherits_block,
        pool_limit: group.pool.map(emit::money),
        head_account_id: group.head.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    wire::Change { change: Some(wire::change::Change::Group(change)) }
}

pub(super) fn policy(policy: &Policy) -> wire::Policy {
    let activation = policy.activation.as_ref();
    let state = if activation.is_some() { wire::PolicyState::Active } else { wire::PolicyState::Draft };
    wire::Policy {
        policy_id: policy.policy_id.to_string(),
        state: state.into(),
        rules: Some(rules(&policy.rules)),
        effective_date: activation.map(|activation| emit::date(activation.effective_date)),
        created_by: policy.created_by.to_string(),
        created_time: Some(emit::timestamp(policy.created_at)),
        activated_by: activation.map(|activation| activation.activated_by.to_string()).unwrap_or_default(),
        activated_time: activation.map(|activation| emit::timestamp(activation.activated_at)),
    }
}

pub(super) fn rules(rules: &PolicyRules) -> wire::PolicyRules {
    let grade_row = |row: &crate::policy::GradeRow| wire::GradeRow {
        grade: grade(row.grade).into(),
        score_min: Some(emit::decimal(row.score_min)),
        limit_min: Some(emit::money(row.limit_min)),
        limit_max: Some(emit::money(row.limit_max)),
        higher_by_approval: row.higher_by_approval,
        terms_days_min: days(row.terms_days_min),
        terms_days_max: days(row.terms_days_max),
        order_policy: Some(order_policy(row.order_policy)),
    };
    wire::PolicyRules {
        name: rules.name.clone(),
        grades: rules.grades.iter().map(grade_row).collect(),
        auto_approval_rules: rules
            .auto_approval_rules
            .iter()
            .map(|rule| wire::AutoApprovalRule {
                rule_id: rule.rule_id.clone(),
                score_min: Some(emit::decimal(rule.score_min)),
                amount_max: Some(emit::money(rule.amount_max)),
                terms_days: days(rule.terms_days),
            })
            .collect(),
        approval_levels: rules
            .approval_levels
            .iter()
            .map(|level| wire::ApprovalLevel { level: days(level.level), above: Some(emit::money(level.above)) })
            .collect(),
        automatic_raise_percent_max: rules.automatic_raise_percent_max.map(emit::decimal),
    }
}
