//! From messages to the context's words, naming every bad field.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{Fault, Fields, RequestId, TextId};
use weir_wire::{common::v1 as common, google::r#type as pb, limits::v1 as wire, parse};

use crate::{
    auto_approval::AutoApprovalRule,
    facade::Opening,
    grade::Grade,
    group::{Member, MemberFlags, MemberId},
    limit::Limit,
    policy::{self, ApprovalLevel, GradeRow, OrderPolicy, PolicyRules},
    request::{Asked, StandingWish, State, TemporaryWish, Wish},
    temporary::{self, Overlay},
    terms,
};

/// Longest reason, comment or justification, in characters.
pub(super) const TEXT_LENGTH_MAX: usize = 2_000;
/// Longest name of a group or policy, in characters.
pub(super) const NAME_LENGTH_MAX: usize = 200;
/// Most decimals of a score.
const SCORE_SCALE: u32 = 2;
/// Most decimals of a percentage.
const PERCENT_SCALE: u32 = 2;

/// A score of 0 to 100 with at most two decimals.
pub(crate) fn score(fields: &mut Fields, path: &str, value: Option<&pb::Decimal>) -> Option<Decimal> {
    parse::decimal(fields, path, value, (Decimal::ZERO, Decimal::ONE_HUNDRED), SCORE_SCALE)
}

/// A grade; none for unspecified.
pub(crate) fn grade(grade: common::Grade) -> Option<Grade> {
    match grade {
        common::Grade::Unspecified => None,
        common::Grade::A => Some(Grade::A),
        common::Grade::B => Some(Grade::B),
        common::Grade::C => Some(Grade::C),
        common::Grade::D => Some(Grade::D),
    }
}

/// A state; none for unspecified.
pub(super) fn state(state: wire::LimitRequestState) -> Option<State> {
    match state {
        wire::LimitRequestState::Unspecified => None,
        wire::LimitRequestState::Draft => Some(State::Draft),
        wire::LimitRequestState::Submitted => Some(State::Submitted),
        wire::LimitRequestState::UnderReview => Some(State::UnderReview),
        wire::LimitRequestState::Approved => Some(State::Approved),
        wire::LimitRequestState::Active => Some(State::Active),
        wire::LimitRequestState::Rejected => Some(State::Rejected),
        wire::LimitRequestState::Withdrawn => Some(State::Withdrawn),
    }
}

/// A page: its size and where it begins, for a list with these filters.
pub(super) fn page_size(fields: &mut Fields, value: i32) -> Option<i64> {
    parse::page_size(fields, "page_size", value)
}

/// The request id and the id of what a step is about, its etag checked for size.
pub(super) fn step<T: TextId>(
    fields: &mut Fields,
    request_id: &str,
    (path, id): (&str, &str),
    etag: &str,
) -> Option<(RequestId, T)> {
    let request_id = parse::id(fields, "request_id", request_id);
    let id = parse::id(fields, path, id);
    parse::optional_text(fields, "etag", etag, 64)?;
    Some((request_id?, id?))
}

/// What an account is opened with.
pub(super) fn opening(message: &wire::OpenCreditAccountRequest) -> Result<(RequestId, Opening), Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let request_id = parse::id(f, "request_id", &message.request_id);
    let account_id = parse::id(f, "account_id", &message.account_id);
    let currency = parse::currency(f, "currency_code", &message.currency_code);
    // a segment is named like an id
    let segment: Option<Option<weir_model::GroupId>> = parse::optional_id(f, "segment", &message.segment);
    let group_id = parse::optional_id(f, "group_id", &message.group_id);
    let country = parse::optional_country(f, "country_code", &message.country_code);
    let opening = (|| {
        let segment = segment?.map(|segment| segment.as_str().to_owned()).unwrap_or_default();
        let (account_id, currency) = (account_id?, currency?);
        Some((request_id?, Opening { account_id, currency, segment, group_id: group_id?, country: country? }))
    })();
    fields.finish_with(opening)
}

/// What a request asks for.
pub(super) fn wish(fields: &mut Fields, message: &wire::CreateLimitRequestRequest, today: NaiveDate) -> Option<Wish> {
    use wire::create_limit_request_request::Requested;
    let valid_from = parse::optional_date(fields, "valid_from_date", message.valid_from_date.as_ref());
    let valid_to = parse::optional_date(fields, "valid_to_date", message.valid_to_date.as_ref());
    let first = valid_from.flatten().unwrap_or(today);
    parse::in_order(fields, "valid_from_date", Some(today), valid_from.flatten());
    parse::in_order(fields, "valid_to_date", Some(first), valid_to.flatten());
    let asked = match &message.requested {
        Some(Requested::RequestedLimit(limit)) => standing_wish(fields, message, limit, valid_to).map(Asked::Standing),
        Some(Requested::TemporaryDelta(delta)) => {
            let delta = parse::positive_money(fields, "temporary_delta", Some(delta));
            temporary_wish(fields, message, delta.map(Overlay::Delta), (first, valid_to)).map(Asked::Temporary)
        }
        Some(Requested::TemporaryAbsolute(amount)) => {
            let amount = parse::non_negative_money(fields, "temporary_absolute", Some(amount));
            temporary_wish(fields, message, amount.map(Overlay::Absolute), (first, valid_to)).map(Asked::Temporary)
        }
        None => {
            fields.add("requested", "one of requested_limit, temporary_delta and temporary_absolute is required");
            None
        }
    };
    let justification = parse::text(fields, "justification", &message.justification, TEXT_LENGTH_MAX);
    Some(Wish { asked: asked?, valid_from: valid_from?, justification: justification? })
}

fn standing_wish(
    fields: &mut Fields,
    message: &wire::CreateLimitRequestRequest,
    limit: &wire::Limit,
    valid_to: Option<Option<NaiveDate>>,
) -> Option<StandingWish> {
    let limit = wished_limit(fields, limit);
    let days = i64::from(message.requested_terms_days);
    let terms_days = parse::whole(fields, "requested_terms_days", days, (0, terms::DAYS_MAX));
    let daily_sales = match &message.daily_sales {
        None => Some(None),
        some => parse::non_negative_money(fields, "daily_sales", some.as_ref()).map(Some),
    };
    if let (Some(Some(daily_sales)), Some(days)) = (daily_sales, terms_days)
        && daily_sales.minor().checked_mul(days).is_none()
    {
        fields.add("daily_sales", "times the terms is out of range");
    }
    Some(StandingWish { limit: limit?, terms_days: terms_days?, valid_to: valid_to?, daily_sales: daily_sales? })
}

fn wished_limit(fields: &mut Fields, limit: &wire::Limit) -> Option<Limit> {
    match &limit.kind {
        Some(wire::limit::Kind::Amount(amount)) => {
            parse::non_negative_money(fields, "requested_limit.amount", Some(amount)).map(Limit::Amount)
        }
        Some(wire::limit::Kind::Unlimited(_)) => Some(Limit::Unlimited),
        Some(wire::limit::Kind::None(_)) => {
            fields.add("requested_limit.none", "cannot be asked for; ask for zero");
            None
        }
        None => {
            fields.add("requested_limit", "is required");
            None
        }
    }
}

/// A temporary limit has a last day, changes no terms and explains no need.
fn temporary_wish(
    fields: &mut Fields,
    message: &wire::CreateLimitRequestRequest,
    overlay: Option<Overlay>,
    (first, valid_to): (NaiveDate, Option<Option<NaiveDate>>),
) -> Option<TemporaryWish> {
    match valid_to {
        Some(None) => fields.add("valid_to_date", "is required for a temporary limit"),
        Some(Some(last)) if last.signed_duration_since(first).num_days() > temporary::DAYS_MAX => {
            fields.add("valid_to_date", format!("must be at most {} days after the first", temporary::DAYS_MAX));
        }
        _ => {}
    }
    if message.requested_terms_days != 0 {
        fields.add("requested_terms_days", "must be 0: a temporary limit leaves terms as they are");
    }
    if message.daily_sales.is_some() {
        fields.add("daily_sales", "must be unset for a temporary limit");
    }
    Some(TemporaryWish { overlay: overlay?, valid_to: valid_to.flatten()? })
}

/// A member with its flags.
pub(super) fn member(fields: &mut Fields, member: Option<&wire::GroupMember>) -> Option<Member> {
    use wire::group_member::Member as Given;
    let Some(member) = member else {
        fields.add("member", "is required");
        return None;
    };
    let id = match &member.member {
        Some(Given::AccountId(id)) => parse::id(fields, "member.account_id", id).map(MemberId::Account),
        Some(Given::GroupId(id)) => parse::id(fields, "member.group_id", id).map(MemberId::Group),
        None => {
            fields.add("member", "one of account_id and group_id is required");
            None
        }
    };
    let flags = MemberFlags { shares_exposure: member.shares_exposure, inherits_block: member.inherits_block };
    Some(Member { id: id?, flags })
}

/// Who leaves a group.
pub(super) fn leaver(fields: &mut Fields, member: Option<&wire::remove_member_request::Member>) -> Option<MemberId> {
    use wire::remove_member_request::Member as Given;
    match member {
        Some(Given::MemberAccountId(id)) => parse::id(fields, "member_account_id", id).map(MemberId::Account),
        Some(Given::MemberGroupId(id)) => parse::id(fields, "member_group_id", id).map(MemberId::Group),
        None => {
            fields.add("member", "one of member_account_id and member_group_id is required");
            None
        }
    }
}

/// The rules of a policy, complete and free of contradictions.
pub(super) fn rules(fields: &mut Fields, rules: Option<&wire::PolicyRules>) -> Option<PolicyRules> {
    let Some(rules) = rules else {
        fields.add("rules", "is required");
        return None;
    };
    let name = parse::text(fields, "rules.name", &rules.name, NAME_LENGTH_MAX);
    parse::at_most(fields, "rules.grades", &rules.grades, policy::GRADE_ROWS_MAX);
    parse::at_most(fields, "rules.auto_approval_rules", &rules.auto_approval_rules, policy::AUTO_APPROVAL_RULES_MAX);
    parse::at_most(fields, "rules.approval_levels", &rules.approval_levels, policy::LEVEL_ROWS_MAX);
    if !fields.is_empty() {
        return None;
    }
    let grades: Vec<_> = rules.grades.iter().enumerate().map(|(i, row)| grade_row(fields, i, row)).collect();
    let auto: Vec<_> =
        rules.auto_approval_rules.iter().enumerate().map(|(i, rule)| auto_rule(fields, i, rule)).collect();
    let levels: Vec<_> =
        rules.approval_levels.iter().enumerate().map(|(i, level)| approval_level(fields, i, level)).collect();
    let raise = parse::optional_decimal(
        fields,
        "rules.automatic_raise_percent_max",
        rules.automatic_raise_percent_max.as_ref(),
        (Decimal::ZERO, policy::RAISE_PERCENT_MAX),
        PERCENT_SCALE,
    );
    let rules = PolicyRules {
        name: name?,
        grades: grades.into_iter().collect::<Option<_>>()?,
        auto_approval_rules: auto.into_iter().collect::<Option<_>>()?,
        approval_levels: levels.into_iter().collect::<Option<_>>()?,
        automatic_raise_percent_max: raise?,
    };
    rules.check("rules", fields);
    Some(rules)
}

fn grade_row(fields: &mut Fields, index: usize, row: &wire::GradeRow) -> Option<GradeRow> {
    let at = |field: &str| format!("rules.grades[{index}].{field}");
    let grade = parse::one_of(fields, &at("grade"), row.grade).and_then(grade);
    let score_min = score(fields, &at("score_min"), row.score_min.as_ref());
    let limit_min = parse::money(fields, &at("limit_min"), row.limit_min.as_ref());
    let limit_max = parse::money(fields, &at("limit_max"), row.limit_max.as_ref());
    let order_policy = order_policy(fields, &at("order_policy"), row.order_policy.as_ref());
    Some(GradeRow {
        grade: grade?,
        score_min: score_min?,
        limit_min: limit_min?,
        limit_max: limit_max?,
        higher_by_approval: row.higher_by_approval,
        terms_days_min: row.terms_days_min.into(),
        terms_days_max: row.terms_days_max.into(),
        order_policy: order_policy?,
    })
}

fn order_policy(fields: &mut Fields, path: &str, policy: Option<&wire::OrderPolicy>) -> Option<OrderPolicy> {
    use wire::order_policy::Review;
    match policy.and_then(|policy| policy.review.as_ref()) {
        Some(Review::Above(amount)) => {
            parse::money(fields, &format!("{path}.above"), Some(amount)).map(OrderPolicy::ReviewAbove)
        }
        Some(Review::EveryOrder(_)) => Some(OrderPolicy::ReviewEvery),
        Some(Review::NoCredit(_)) => Some(OrderPolicy::NoCredit),
        None => {
            fields.add(path, "is required");
            None
        }
    }
}

fn auto_rule(fields: &mut Fields, index: usize, rule: &wire::AutoApprovalRule) -> Option<AutoApprovalRule> {
    let at = |field: &str| format!("rules.auto_approval_rules[{index}].{field}");
    let rule_id: Option<weir_model::PolicyId> = parse::id(fields, &at("rule_id"), &rule.rule_id);
    let score_min = score(fields, &at("score_min"), rule.score_min.as_ref());
    let amount_max = parse::money(fields, &at("amount_max"), rule.amount_max.as_ref());
    Some(AutoApprovalRule {
        rule_id: rule_id?.as_str().to_owned(),
        score_min: score_min?,
        amount_max: amount_max?,
        terms_days: rule.terms_days.into(),
    })
}

fn approval_level(fields: &mut Fields, index: usize, level: &wire::ApprovalLevel) -> Option<ApprovalLevel> {
    let above = parse::money(fields, &format!("rules.approval_levels[{index}].above"), level.above.as_ref());
    Some(ApprovalLevel { level: level.level.into(), above: above? })
}
