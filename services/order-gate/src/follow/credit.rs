//! What limits say: credit accounts and groups.

use std::sync::Arc;

use weir_model::{AccountId, Currency, Fault, Fields, GroupId};
use weir_wire::{limits, parse};

use super::{TEXT_MAX, amount};
use crate::draft::News;
use crate::pool::Group;
use crate::standing::{Cover, Credit, EffectiveLimit, Grade, Limit, Overlay, Review, TemporaryLimit};

/// The most days of terms read.
const TERMS_DAYS_MAX: i64 = 3_650;

pub(super) fn said(change: limits::v1::Change) -> Result<Option<News>, Fault> {
    match change.change {
        Some(limits::v1::change::Change::CreditAccount(change)) => credit(&change),
        Some(limits::v1::change::Change::Group(change)) => group(&change),
        // whatever else the context may come to tell is not read
        None => Ok(None),
    }
}

fn group(change: &limits::v1::GroupChange) -> Result<Option<News>, Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let group_id: Option<GroupId> = parse::id(f, "group_id", &change.group_id);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let parent = parse::optional_id(f, "parent_group_id", &change.parent_group_id);
    let head = parse::optional_id(f, "head_account_id", &change.head_account_id);
    let limit = match &change.pool_limit {
        None => Some(None),
        some => parse::non_negative_money(f, "pool_limit", some.as_ref()).map(Some),
    };
    let news = (|| {
        let group = Group {
            version: version?,
            parent: parent?,
            shares_exposure: change.shares_exposure,
            inherits_block: change.inherits_block,
            limit: limit?,
            head: head?,
        };
        Some(Some(News::Group(group_id?, Arc::new(group))))
    })();
    fields.finish_with(news)
}

fn credit(change: &limits::v1::CreditAccountChange) -> Result<Option<News>, Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let account_id: Option<AccountId> = parse::id(f, "account_id", &change.account_id);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let currency = parse::currency(f, "currency_code", &change.currency_code);
    let group_id = parse::optional_id(f, "group_id", &change.group_id);
    let segment = parse::optional_text(f, "segment", &change.segment, TEXT_MAX);
    let grade = parse::optional_one_of(f, "grade", change.grade);
    let limits: Vec<Option<EffectiveLimit>> =
        change.limits.iter().map(|limit| effective_limit(f, limit, currency)).collect();
    let temporary: Vec<Option<TemporaryLimit>> =
        change.temporary_limits.iter().map(|limit| temporary_limit(f, limit, currency)).collect();
    let freeze_reason = parse::optional_text(f, "freeze_reason", &change.freeze_reason, TEXT_MAX);
    let terms_days = parse::whole(f, "terms_days", change.terms_days.into(), (0, TERMS_DAYS_MAX));
    let review_date = parse::optional_date(f, "review_date", change.review_date.as_ref());
    let review = change.order_policy.as_ref().map(|policy| review(f, policy.review.as_ref(), currency));
    let country = parse::optional_country(f, "country_code", &change.country_code);
    let cover: Vec<Option<Cover>> = change.insurances.iter().map(|insurance| cover(f, insurance)).collect();
    let news = (|| {
        let credit = Credit {
            version: version?,
            currency: currency?,
            group_id: group_id?,
            shares_exposure: change.shares_exposure,
            inherits_block: change.inherits_block,
            segment: segment?,
            grade: grade?.and_then(read_grade),
            limits: limits.into_iter().collect::<Option<_>>()?,
            temporary_limits: temporary.into_iter().collect::<Option<_>>()?,
            frozen: change.frozen.then_some(freeze_reason?),
            terms_days: i32::try_from(terms_days?).ok()?,
            review: review.map_or(Some(None), |review| review.map(Some))?,
            review_date: review_date?,
            country: country?,
            cover: cover.into_iter().collect::<Option<_>>()?,
        };
        Some(Some(News::Credit(account_id?, Arc::new(credit))))
    })();
    fields.finish_with(news)
}

/// Of what is insured the gate keeps the days alone.
fn cover(f: &mut Fields, insurance: &limits::v1::CreditInsurance) -> Option<Cover> {
    let from = parse::date(f, "insurances.valid_from_date", insurance.valid_from_date.as_ref());
    let to = parse::date(f, "insurances.valid_to_date", insurance.valid_to_date.as_ref());
    Some(Cover { from: from?, to: to? })
}

fn read_grade(grade: weir_wire::common::v1::Grade) -> Option<Grade> {
    match grade {
        weir_wire::common::v1::Grade::Unspecified => None,
        weir_wire::common::v1::Grade::A => Some(Grade::A),
        weir_wire::common::v1::Grade::B => Some(Grade::B),
        weir_wire::common::v1::Grade::C => Some(Grade::C),
        weir_wire::common::v1::Grade::D => Some(Grade::D),
    }
}

fn effective_limit(
    f: &mut Fields,
    limit: &limits::v1::EffectiveLimit,
    currency: Option<Currency>,
) -> Option<EffectiveLimit> {
    use limits::v1::limit::Kind;
    let path = "limits";
    let from = parse::date(f, path, limit.valid_from_date.as_ref());
    let to = parse::optional_date(f, path, limit.valid_to_date.as_ref());
    let limit = match limit.limit.as_ref().and_then(|limit| limit.kind.as_ref()) {
        Some(Kind::Amount(value)) => amount(f, path, Some(value), currency).map(Limit::Amount),
        Some(Kind::Unlimited(_)) => Some(Limit::Unlimited),
        Some(Kind::None(_)) | None => Some(Limit::None),
    };
    Some(EffectiveLimit { limit: limit?, from: from?, to: to? })
}

fn temporary_limit(
    f: &mut Fields,
    limit: &limits::v1::TemporaryLimit,
    currency: Option<Currency>,
) -> Option<TemporaryLimit> {
    use limits::v1::temporary_limit::Overlay as Wire;
    let path = "temporary_limits";
    let from = parse::date(f, path, limit.valid_from_date.as_ref());
    let to = parse::date(f, path, limit.valid_to_date.as_ref());
    let overlay = match &limit.overlay {
        Some(Wire::Delta(value)) => amount(f, path, Some(value), currency).map(Overlay::Delta),
        Some(Wire::Absolute(value)) => amount(f, path, Some(value), currency).map(Overlay::Absolute),
        None => {
            f.add(path, "does neither add nor replace");
            None
        }
    };
    Some(TemporaryLimit { overlay: overlay?, from: from?, to: to? })
}

fn review(
    f: &mut Fields,
    review: Option<&limits::v1::order_policy::Review>,
    currency: Option<Currency>,
) -> Option<Review> {
    use limits::v1::order_policy::Review as Wire;
    match review {
        Some(Wire::Above(value)) => amount(f, "order_policy.above", Some(value), currency).map(Review::Above),
        Some(Wire::EveryOrder(_)) => Some(Review::EveryOrder),
        Some(Wire::NoCredit(_)) => Some(Review::NoCredit),
        None => {
            f.add("order_policy", "names no review");
            None
        }
    }
}
