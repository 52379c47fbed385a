//! From messages to the context's words, naming every bad field.

mod facts;
mod scorecards;

use rust_decimal::Decimal;
use weir_model::{Fields, SubjectId};
use weir_wire::{assessment::v1 as pb, common::v1::Grade as PbGrade, google::r#type as google, parse};

use crate::{
    catalogue::{is_code, is_name},
    grade::Grade,
    profile::Profile,
    record::State,
    report::{Adjustment, DimensionAdjustment},
};

pub(super) use facts::facts;
pub(super) use scorecards::{grade_policy, scorecard};

/// Most dimensions adjusted at once.
const DIMENSIONS_MAX: usize = 20;
const NAME_LENGTH_MAX: usize = 200;
const INDUSTRY_LENGTH_MAX: usize = 32;
const NOTE_LENGTH_MAX: usize = 2_000;

/// A profile.
pub(super) fn profile(fields: &mut Fields, path: &str, profile: Option<&pb::Profile>) -> Option<Profile> {
    let Some(profile) = profile else {
        fields.add(path, "is required");
        return None;
    };
    let at = |field: &str| format!("{path}.{field}");
    let account_id = parse::id(fields, &at("account_id"), &profile.account_id);
    let legal_name = parse::text(fields, &at("legal_name"), &profile.legal_name, NAME_LENGTH_MAX);
    let country = &profile.country_code;
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        fields.add(at("country_code"), "must be two capital letters of ISO 3166-1");
    }
    let industry = parse::optional_text(fields, &at("industry_code"), &profile.industry_code, INDUSTRY_LENGTH_MAX);
    let currency = parse::currency(fields, &at("currency_code"), &profile.currency_code);
    let mut amount = |field: &str, amount: Option<&google::Money>| match amount {
        None => Some(None),
        some => {
            let amount = parse::positive_money(fields, &at(field), some);
            parse::in_currency(fields, &at(field), amount, currency).map(Some)
        }
    };
    let requested_limit = amount("requested_limit", profile.requested_limit.as_ref());
    let daily_sales = amount("daily_sales_amount", profile.daily_sales_amount.as_ref());
    Some(Profile {
        account_id: account_id?,
        legal_name: legal_name?,
        country: country.clone(),
        industry: industry?,
        cross_border: profile.cross_border,
        currency: currency?,
        requested_limit: requested_limit?,
        daily_sales: daily_sales?,
    })
}

/// An expert's adjustment; some of none where none is asked.
pub(super) fn adjustment(
    fields: &mut Fields,
    path: &str,
    adjustment: Option<&pb::Adjustment>,
    author: &SubjectId,
) -> Option<Option<Adjustment>> {
    let Some(adjustment) = adjustment else { return Some(None) };
    let at = |field: &str| format!("{path}.{field}");
    let named = parse::optional_one_of(fields, &at("grade"), adjustment.grade).map(|named| named.and_then(grade));
    let code = &adjustment.reason_code;
    if !is_code(code) {
        fields.add(at("reason_code"), "must be capital letters, digits and underscores, at most 64");
    }
    let note = parse::optional_text(fields, &at("note"), &adjustment.note, NOTE_LENGTH_MAX);
    parse::at_most(fields, &at("dimensions"), &adjustment.dimensions, DIMENSIONS_MAX);
    let mut dimensions: Vec<DimensionAdjustment> = Vec::new();
    for (i, dimension) in adjustment.dimensions.iter().take(DIMENSIONS_MAX).enumerate() {
        let path = format!("{path}.dimensions[{i}]");
        if !is_name(&dimension.dimension) {
            fields.add(format!("{path}.dimension"), "is no name of a dimension");
        } else if dimensions.iter().any(|other| other.dimension == dimension.dimension) {
            fields.add(format!("{path}.dimension"), "is there already");
        }
        if let Some(points) = points(fields, &format!("{path}.points"), dimension.points.as_ref()) {
            dimensions.push(DimensionAdjustment { dimension: dimension.dimension.clone(), points });
        }
    }
    if adjustment.grade == 0 && adjustment.dimensions.is_empty() {
        fields.add(path, "must adjust the grade or a dimension");
    }
    Some(Some(Adjustment { grade: named?, dimensions, reason_code: code.clone(), note: note?, author: author.clone() }))
}

/// Points, or a share in percent.
fn points(fields: &mut Fields, path: &str, value: Option<&google::Decimal>) -> Option<Decimal> {
    parse::decimal(fields, path, value, (Decimal::ZERO, Decimal::ONE_HUNDRED), 2).map(|points| points.normalize())
}

/// A grade; none for the unspecified one.
pub(super) const fn grade(grade: PbGrade) -> Option<Grade> {
    match grade {
        PbGrade::Unspecified => None,
        PbGrade::A => Some(Grade::A),
        PbGrade::B => Some(Grade::B),
        PbGrade::C => Some(Grade::C),
        PbGrade::D => Some(Grade::D),
    }
}

/// A state; none for the unspecified one.
pub(super) const fn state(state: pb::AssessmentState) -> Option<State> {
    match state {
        pb::AssessmentState::Unspecified => None,
        pb::AssessmentState::PendingApproval => Some(State::PendingApproval),
        pb::AssessmentState::Approved => Some(State::Approved),
        pb::AssessmentState::Rejected => Some(State::Rejected),
    }
}
