//! From messages to the context's words, naming every bad field.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_model::{Clock, Fields, SubjectId, TextId};
use weir_wire::{assessment::v1 as pb, common::v1::Grade as PbGrade, google::r#type as google, parse};

use crate::{
    catalogue::{Known, OWN_SOURCES, bounds, is_code, is_name, known},
    fact::Fact,
    grade::{Grade, GradePolicy, GradeRule, LimitRange},
    profile::Profile,
    record::State,
    report::{Adjustment, DimensionAdjustment},
    scorecard::{Bin, Category, Dimension, Factor, KnockOutRule, Scorecard, WordNumber},
    value::{NUMBER_MAX, NUMBER_SCALE_MAX, Value, ValueKind, WORD_LENGTH_MAX, word_fits},
};

/// Most facts of one intake.
const FACTS_MAX: usize = 1_000;
/// Most bad facts described: enough to mend a file by, little enough to read.
const BAD_FACTS_MAX: usize = 50;
/// Most dimensions adjusted at once.
const DIMENSIONS_MAX: usize = 20;
const NAME_LENGTH_MAX: usize = 200;
const INDUSTRY_LENGTH_MAX: usize = 32;
const NOTE_LENGTH_MAX: usize = 2_000;
const POINTS: (Decimal, Decimal) = (Decimal::ZERO, Decimal::ONE_HUNDRED);

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

/// Facts of one intake.
pub(super) fn facts(fields: &mut Fields, path: &str, facts: &[pb::Fact], clock: &Clock) -> Option<Vec<Fact>> {
    if facts.is_empty() {
        fields.add(path, "must not be empty");
    }
    parse::at_most(fields, path, facts, FACTS_MAX);
    let mut read = Vec::with_capacity(facts.len().min(FACTS_MAX));
    let mut bad = 0;
    for (i, message) in facts.iter().take(FACTS_MAX).enumerate() {
        match fact(fields, &format!("{path}[{i}]"), message, clock) {
            Some(fact) => read.push(fact),
            None => bad += 1,
        }
        if bad == BAD_FACTS_MAX {
            break;
        }
    }
    (bad == 0).then_some(read)
}

fn fact(fields: &mut Fields, path: &str, fact: &pb::Fact, clock: &Clock) -> Option<Fact> {
    let at = |field: &str| format!("{path}.{field}");
    let account_id = parse::id(fields, &at("account_id"), &fact.account_id);
    let value = value(fields, &at("value"), fact.value.as_ref());
    let period_end = parse::optional_date(fields, &at("period_end_date"), fact.period_end_date.as_ref());
    let mut fits = name_fits(fields, path, &fact.name, value.as_ref().map(Value::kind), period_end.flatten());
    if let (Some((least, most)), Some(Value::Number(number))) = (bounds(&fact.name), &value)
        && !(least..=most).contains(number)
    {
        fields.add(at("value.number"), format!("must be between {least} and {most}"));
        fits = false;
    }
    let source = id_text(fields, &at("source"), &fact.source);
    if OWN_SOURCES.contains(&fact.source.as_str()) {
        fields.add(at("source"), "is the system's own");
        return None;
    }
    let document_id = id_text(fields, &at("source_document_id"), &fact.source_document_id);
    let retrieved_at = retrieved(fields, &at("retrieved_time"), fact.retrieved_time.as_ref(), clock);
    let valid_until = parse::optional_date(fields, &at("valid_until_date"), fact.valid_until_date.as_ref());
    let retrieved_date = retrieved_at.map(|instant| clock.date_of(instant));
    parse::in_order(fields, &at("valid_until_date"), retrieved_date, valid_until.flatten());
    if retrieved_date.zip(valid_until.flatten()).is_some_and(|(from, to)| to < from) || !fits {
        return None;
    }
    Some(Fact {
        account_id: account_id?,
        name: fact.name.clone(),
        value: value?,
        period_end: period_end?,
        source: source?,
        document_id: document_id?,
        retrieved_at: retrieved_at?,
        retrieved_date: retrieved_date?,
        valid_until: valid_until?,
    })
}

/// Whether a name may be a fact's, with this kind of value and this period.
fn name_fits(
    fields: &mut Fields,
    path: &str,
    name: &str,
    kind: Option<ValueKind>,
    period_end: Option<NaiveDate>,
) -> bool {
    if !is_name(name) {
        let rule = "must be a lower-case letter, then at most 63 lower-case letters, digits or underscores";
        fields.add(format!("{path}.name"), rule);
        return false;
    }
    let known = known(name);
    let expected = match known {
        Some(Known::Computed) => {
            fields.add(format!("{path}.name"), "is computed and cannot be recorded");
            return false;
        }
        Some(Known::Fact(kind)) => Some(kind),
        Some(Known::Statement) => Some(ValueKind::Number),
        None => None,
    };
    let mut fits = true;
    if let (Some(expected), Some(kind)) = (expected, kind)
        && expected != kind
    {
        fields.add(format!("{path}.value"), format!("{name} takes {}", expected.as_str()));
        fits = false;
    }
    if (known == Some(Known::Statement)) != period_end.is_some() {
        fields.add(format!("{path}.period_end_date"), "must be given for figures of statements, and only for them");
        fits = false;
    }
    fits
}

fn value(fields: &mut Fields, path: &str, value: Option<&pb::FactValue>) -> Option<Value> {
    match value.and_then(|value| value.kind.as_ref()) {
        None => {
            fields.add(path, "is required");
            None
        }
        Some(pb::fact_value::Kind::Number(number)) => {
            let path = format!("{path}.number");
            let bounds = (-NUMBER_MAX, NUMBER_MAX);
            let number = parse::decimal(fields, &path, Some(number), bounds, NUMBER_SCALE_MAX)?;
            Some(Value::Number(number.normalize()))
        }
        Some(pb::fact_value::Kind::Text(text)) => {
            if word_fits(text) {
                return Some(Value::Text(text.clone()));
            }
            let rule = format!("must be 1 to {WORD_LENGTH_MAX} characters without control characters");
            fields.add(format!("{path}.text"), rule);
            None
        }
        Some(pb::fact_value::Kind::Flag(flag)) => Some(Value::Flag(*flag)),
        Some(pb::fact_value::Kind::Date(date)) => {
            parse::date(fields, &format!("{path}.date"), Some(date)).map(Value::Date)
        }
    }
}

fn retrieved(
    fields: &mut Fields,
    path: &str,
    value: Option<&prost_types::Timestamp>,
    clock: &Clock,
) -> Option<DateTime<Utc>> {
    match parse::optional_instant(fields, path, value)? {
        None => {
            fields.add(path, "is required");
            None
        }
        Some(instant) if instant > clock.now() => {
            fields.add(path, "must not be in the future");
            None
        }
        some => some,
    }
}

/// A text with the rules of an identifier.
fn id_text(fields: &mut Fields, path: &str, text: &str) -> Option<String> {
    parse::id::<SubjectId>(fields, path, text).map(|id| TextId::as_str(&id).to_owned())
}

/// A scorecard as it was sent; its own checks come later.
pub(super) fn scorecard(fields: &mut Fields, path: &str, content: Option<&pb::ScorecardContent>) -> Option<Scorecard> {
    let Some(content) = content else {
        fields.add(path, "is required");
        return None;
    };
    let dimensions: Vec<Option<Dimension>> = content
        .dimensions
        .iter()
        .enumerate()
        .map(|(i, dimension)| {
            let path = format!("{path}.dimensions[{i}]");
            let weight = points(fields, &format!("{path}.weight_percent"), dimension.weight_percent.as_ref());
            let factors: Vec<Option<Factor>> = dimension
                .factors
                .iter()
                .enumerate()
                .map(|(i, message)| factor(fields, &format!("{path}.factors[{i}]"), message))
                .collect();
            Some(Dimension {
                name: dimension.name.clone(),
                title: dimension.title.clone(),
                weight: weight?,
                factors: factors.into_iter().collect::<Option<_>>()?,
            })
        })
        .collect();
    let knock_outs = content.knock_outs.iter().map(|rule| KnockOutRule {
        code: rule.code.clone(),
        title: rule.title.clone(),
        input: rule.input.clone(),
        words: rule.words.clone(),
    });
    Some(Scorecard {
        name: content.name.clone(),
        description: content.description.clone(),
        knock_outs: knock_outs.collect(),
        dimensions: dimensions.into_iter().collect::<Option<_>>()?,
    })
}

fn factor(fields: &mut Fields, path: &str, factor: &pb::ScorecardFactor) -> Option<Factor> {
    let weight = points(fields, &format!("{path}.weight_percent"), factor.weight_percent.as_ref());
    let missing_points = points(fields, &format!("{path}.missing_points"), factor.missing_points.as_ref());
    let mapping: Vec<Option<WordNumber>> = each(&factor.mapping, |i, entry| {
        let number = number(fields, &format!("{path}.mapping[{i}].number"), entry.number.as_ref());
        Some(WordNumber { word: entry.word.clone(), number: number? })
    });
    let bins: Vec<Option<Bin>> = each(&factor.bins, |i, bin| {
        let path = format!("{path}.bins[{i}]");
        let mut end = |name: &str, end: Option<&google::Decimal>| match end {
            None => Some(None),
            some => number(fields, &format!("{path}.{name}"), some).map(Some),
        };
        let (low, high) = (end("low", bin.low.as_ref()), end("high", bin.high.as_ref()));
        let points = points(fields, &format!("{path}.points"), bin.points.as_ref());
        Some(Bin { low: low?, high: high?, points: points? })
    });
    let categories: Vec<Option<Category>> = each(&factor.categories, |i, category| {
        let points = points(fields, &format!("{path}.categories[{i}].points"), category.points.as_ref());
        Some(Category { word: category.word.clone(), points: points? })
    });
    Some(Factor {
        name: factor.name.clone(),
        title: factor.title.clone(),
        input: factor.input.clone(),
        weight: weight?,
        reason_code: factor.reason_code.clone(),
        missing_points: missing_points?,
        mapping: mapping.into_iter().collect::<Option<_>>()?,
        bins: bins.into_iter().collect::<Option<_>>()?,
        categories: categories.into_iter().collect::<Option<_>>()?,
    })
}

fn each<M, T>(messages: &[M], mut read: impl FnMut(usize, &M) -> Option<T>) -> Vec<Option<T>> {
    messages.iter().enumerate().map(|(i, message)| read(i, message)).collect()
}

fn points(fields: &mut Fields, path: &str, value: Option<&google::Decimal>) -> Option<Decimal> {
    parse::decimal(fields, path, value, POINTS, 2).map(|points| points.normalize())
}

fn number(fields: &mut Fields, path: &str, value: Option<&google::Decimal>) -> Option<Decimal> {
    parse::decimal(fields, path, value, (-NUMBER_MAX, NUMBER_MAX), NUMBER_SCALE_MAX).map(|number| number.normalize())
}

/// A grade policy as it was sent; its own checks come later.
pub(super) fn grade_policy(
    fields: &mut Fields,
    path: &str,
    content: Option<&pb::GradePolicyContent>,
) -> Option<GradePolicy> {
    let Some(content) = content else {
        fields.add(path, "is required");
        return None;
    };
    let rules = each(&content.rules, |i, rule| grade_rule(fields, &format!("{path}.rules[{i}]"), rule));
    let rating = points(fields, &format!("{path}.country_rating_min"), content.country_rating_min.as_ref());
    let cap = parse::one_of(fields, &format!("{path}.country_grade_cap"), content.country_grade_cap).and_then(grade);
    Some(GradePolicy {
        country_rating_min: rating?,
        country_grade_cap: cap?,
        rules: rules.into_iter().collect::<Option<_>>()?,
    })
}

fn grade_rule(fields: &mut Fields, path: &str, rule: &pb::GradeRule) -> Option<GradeRule> {
    let named = parse::one_of(fields, &format!("{path}.grade"), rule.grade).and_then(grade);
    let score_min = points(fields, &format!("{path}.score_min"), rule.score_min.as_ref());
    let ranges = each(&rule.limit_ranges, |i, range| {
        let path = format!("{path}.limit_ranges[{i}]");
        let low = parse::non_negative_money(fields, &format!("{path}.low_amount"), range.low_amount.as_ref());
        let high_path = format!("{path}.high_amount");
        let high = parse::non_negative_money(fields, &high_path, range.high_amount.as_ref());
        let high = parse::in_currency(fields, &high_path, high, low.map(weir_model::Money::currency));
        Some(LimitRange { currency: low?.currency(), low: low?.to_decimal(), high: high?.to_decimal() })
    });
    Some(GradeRule {
        grade: named?,
        score_min: score_min?,
        limit_ranges: ranges.into_iter().collect::<Option<_>>()?,
        terms_days_min: rule.terms_days_min,
        terms_days_max: rule.terms_days_max,
        review_interval_days: rule.review_interval_days,
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
