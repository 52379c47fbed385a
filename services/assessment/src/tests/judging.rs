//! Scoring, knock-outs, caps, recommendation and the report as a whole.

use proptest::prelude::*;
use rust_decimal::Decimal;
use weir_model::{Currency, Money, PolicyId, ScorecardId, SubjectId};

use super::world::*;
use crate::{
    defaults,
    fact::Fact,
    grade::Grade,
    profile::Profile,
    recommendation::{Recommendation, RecommendationError, Step, recommend},
    report::{Adjustment, AssessError, Case, DimensionAdjustment, Followed, Report, assess},
    scorecard::{Bin, Factor, Scorecard},
    scoring::score,
    value::Value,
};

fn judge(
    profile: &Profile,
    facts: &[Fact],
    card: &Scorecard,
    adjustment: Option<&Adjustment>,
) -> Result<Report, AssessError> {
    assess(&Case {
        profile,
        facts,
        behaviour: None,
        fulfilment: None,
        followed: Followed::default(),
        scorecard: (&ScorecardId::parse("card").unwrap(), card),
        policy: (&PolicyId::parse("policy").unwrap(), &defaults::grade_policy()),
        adjustment,
        as_of: date("2026-03-31"),
    })
}

/// A factor that gives as many points as its input's number says, 0 to 100 in steps of ten; 50 when missing.
fn dial(name: &str, weight: &str) -> Factor {
    let bins = (0..=10)
        .map(|step| Bin {
            low: (step > 0).then(|| Decimal::from(step * 10)),
            high: (step < 10).then(|| Decimal::from(step * 10 + 10)),
            points: Decimal::from(step * 10),
        })
        .collect();
    Factor { bins, categories: Vec::new(), missing_points: dec("50"), ..factor(name, weight) }
}

fn dials() -> Scorecard {
    let mut card =
        card(vec![("one", "60", vec![dial("a", "75"), dial("b", "25")]), ("two", "40", vec![dial("c", "100")])]);
    card.knock_outs = defaults::scorecard().knock_outs;
    card
}

fn dialled(a: &str, b: &str, c: &str) -> Vec<Fact> {
    [("a", a), ("b", b), ("c", c)].map(|(name, number)| recorded(name, Value::Number(dec(number)))).to_vec()
}

#[test]
fn a_score_is_the_weighted_mean_of_points() {
    let report = judge(&domestic(), &dialled("100", "40", "70"), &dials(), None).unwrap();
    // 60 % × (75 % × 100 + 25 % × 40) + 40 % × 70
    assert_eq!(report.score.to_string(), "79.00");
    assert_eq!(report.grade, Grade::B);
    let contributions: Vec<Decimal> =
        report.dimensions.iter().flat_map(|dimension| &dimension.factors).map(|factor| factor.contribution).collect();
    assert_eq!(contributions, [dec("45"), dec("6"), dec("28")]);
}

#[test]
fn a_missing_input_scores_what_its_missing_bin_says() {
    let report = judge(&domestic(), &[], &dials(), None).unwrap();
    assert_eq!(report.score.to_string(), "50.00");
    assert!(report.dimensions.iter().flat_map(|dimension| &dimension.factors).all(|factor| factor.bin == "missing"));
}

#[test]
fn a_score_is_rounded_once_at_the_end_half_to_even() {
    for (left, right, expected) in [("10.01", "10.02", "10.02"), ("10.02", "10.03", "10.02")] {
        let flat = |name: &str, points: &str| Factor { missing_points: dec(points), ..factor(name, "50") };
        let card = card(vec![("one", "100", vec![flat("a", left), flat("b", right)])]);
        let inputs = crate::input::Inputs::new();
        assert_eq!(score(&card, &inputs, &[]).score.to_string(), expected, "{left} and {right}");
    }
}

#[test]
fn an_upper_bound_belongs_to_the_next_bin() {
    let points = |number: &str| {
        let report = judge(&domestic(), &dialled("0", "0", number), &dials(), None).unwrap();
        report.dimensions[1].points
    };
    assert_eq!((points("29.999999"), points("30")), (dec("20"), dec("30")));
}

#[test]
fn a_bureaus_rating_is_scored_through_its_mapping_table() {
    let bureau = |rating: &str| {
        let facts = [recorded("bureau_rating", Value::Text(rating.to_owned()))];
        let report = judge(&domestic(), &facts, &defaults::scorecard(), None).unwrap();
        let factors = report.dimensions.into_iter().flat_map(|dimension| dimension.factors);
        let factor = factors.into_iter().find(|factor| factor.name == "bureau").unwrap();
        (factor.bin, factor.points, factor.missing)
    };
    assert_eq!(bureau("AA"), ("90 and more".to_owned(), dec("100"), false));
    assert_eq!(bureau("CCC"), ("[20, 50)".to_owned(), dec("30"), false));
    assert_eq!(bureau("unheard of"), ("missing".to_owned(), dec("50"), true));
}

#[test]
fn knock_outs_beat_the_best_score() {
    let table = [
        ("registration_status", Value::Text("struck_off".to_owned()), "REGISTRATION_STRUCK_OFF"),
        ("registration_verified", Value::Flag(false), "REGISTRATION_UNVERIFIED"),
        ("dishonest_debtor", Value::Flag(true), "DISHONEST_DEBTOR"),
        ("insolvency", Value::Flag(true), "INSOLVENCY"),
    ];
    for (name, value, code) in table {
        let mut facts = dialled("100", "100", "100");
        facts.push(recorded(name, value));
        let report = judge(&domestic(), &facts, &dials(), None).unwrap();
        assert_eq!((report.score.to_string().as_str(), report.model_grade), ("100.00", Grade::A), "{name}");
        assert_eq!((report.grade, report.recommendation.terms_days), (Grade::D, 0), "{name}");
        assert!(report.recommendation.limit.is_zero());
        assert_eq!(report.outlook.obstacles, [code]);
    }
}

#[test]
fn a_word_that_does_not_knock_out_changes_nothing() {
    let mut facts = dialled("100", "100", "100");
    facts.push(recorded("registration_status", Value::Text("active".to_owned())));
    facts.push(recorded("dishonest_debtor", Value::Flag(false)));
    assert_eq!(judge(&domestic(), &facts, &dials(), None).unwrap().grade, Grade::A);
}

#[test]
fn a_country_rated_below_the_threshold_caps_the_grade() {
    for (rating, grade) in [("39.99", Grade::C), ("40", Grade::A)] {
        let mut facts = dialled("100", "100", "100");
        facts.push(recorded("country_rating", Value::Number(dec(rating))));
        let abroad = Profile { cross_border: true, ..domestic() };
        let report = judge(&abroad, &facts, &dials(), None).unwrap();
        assert_eq!(report.grade, grade, "{rating}");
        assert_eq!(report.country_cap.is_some(), grade == Grade::C);
    }
}

#[test]
fn a_cap_never_lifts_a_worse_grade() {
    let mut facts = dialled("0", "0", "0");
    facts.push(recorded("country_rating", Value::Number(dec("10"))));
    assert_eq!(judge(&domestic(), &facts, &dials(), None).unwrap().grade, Grade::D);
}

#[test]
fn a_cross_border_account_without_country_rating_cannot_be_scored() {
    let abroad = Profile { cross_border: true, ..domestic() };
    let refused = judge(&abroad, &dialled("100", "100", "100"), &dials(), None).unwrap_err();
    assert_eq!(refused, AssessError::CountryRatingMissing);
}

#[test]
fn the_largest_losses_are_told_first() {
    let report = judge(&domestic(), &dialled("90", "0", "50"), &dials(), None).unwrap();
    let losses: Vec<(&str, Decimal)> =
        report.reasons.iter().map(|reason| (reason.factor.as_str(), reason.loss)).collect();
    // 40 % × 50; 60 % × 25 % × 100; 60 % × 75 % × 10
    assert_eq!(losses, [("c", dec("20")), ("b", dec("15")), ("a", dec("4.5"))]);
}

#[test]
fn the_outlook_names_the_single_changes_that_are_enough() {
    // 45 + 0 + 28 = 73: B is 2 points away
    let report = judge(&domestic(), &dialled("100", "0", "70"), &dials(), None).unwrap();
    assert_eq!((report.outlook.next_grade, report.outlook.points_missing), (Some(Grade::B), dec("2.00")));
    let changers: Vec<(&str, &str, Decimal)> = report
        .outlook
        .changers
        .iter()
        .map(|changer| (changer.factor.as_str(), changer.needed_bin.as_str(), changer.gain))
        .collect();
    assert_eq!(changers, [("b", "[20, 30)", dec("3")), ("c", "[80, 90)", dec("4"))]);
}

#[test]
fn the_outlook_names_what_is_enough_together_when_nothing_is_alone() {
    let report = judge(&domestic(), &dialled("0", "0", "0"), &dials(), None).unwrap();
    assert_eq!(report.outlook.changers, []);
    let together: Vec<&str> = report.outlook.together.iter().map(|changer| changer.factor.as_str()).collect();
    // 45 + 40 reach 60
    assert_eq!(together, ["a", "c"]);
}

fn adjustment(grade: Option<Grade>, dimensions: Vec<DimensionAdjustment>) -> Adjustment {
    let author = SubjectId::parse("chen").unwrap();
    Adjustment { grade, dimensions, reason_code: "SITE_VISIT".to_owned(), note: String::new(), author }
}

#[test]
fn an_experts_grade_stands_beside_the_models() {
    let adjustment = adjustment(Some(Grade::B), Vec::new());
    let report = judge(&domestic(), &dialled("60", "60", "60"), &dials(), Some(&adjustment)).unwrap();
    assert_eq!((report.model_grade, report.grade), (Grade::C, Grade::B));
    assert_eq!(report.recommendation.limit, yuan(100_000), "the score is below B: the range's lower end");
}

#[test]
fn an_experts_points_replace_a_dimensions() {
    let two = DimensionAdjustment { dimension: "two".to_owned(), points: dec("100") };
    let adjustment = adjustment(None, vec![two]);
    let report = judge(&domestic(), &dialled("100", "100", "0"), &dials(), Some(&adjustment)).unwrap();
    assert_eq!((report.model_score.to_string(), report.score.to_string()), ("60.00".to_owned(), "100.00".to_owned()));
}

#[test]
fn no_expert_lifts_a_knock_out() {
    let mut facts = dialled("100", "100", "100");
    facts.push(recorded("insolvency", Value::Flag(true)));
    let adjustment = adjustment(Some(Grade::A), Vec::new());
    assert_eq!(judge(&domestic(), &facts, &dials(), Some(&adjustment)).unwrap().grade, Grade::D);
}

#[test]
fn an_unknown_dimension_cannot_be_adjusted() {
    let nine = DimensionAdjustment { dimension: "nine".to_owned(), points: dec("100") };
    let adjustment = adjustment(None, vec![nine]);
    let refused = judge(&domestic(), &[], &dials(), Some(&adjustment)).unwrap_err();
    assert_eq!(refused, AssessError::UnknownDimension { index: 0, name: "nine".to_owned() });
}

fn recommended(grade: Grade, score: &str, requested: Option<i64>, daily_sales: Option<i64>) -> Recommendation {
    let profile = Profile { requested_limit: requested.map(yuan), daily_sales: daily_sales.map(yuan), ..domestic() };
    recommend(&defaults::grade_policy(), grade, dec(score), &profile).unwrap()
}

#[test]
fn limit_and_terms_scale_with_the_score_inside_the_grades_range() {
    let table = [
        (Grade::A, "100", 1_000_000, 90),
        (Grade::A, "90", 500_000, 60),
        // half way from 75 to 90; 37.5 days are 37 whole ones
        (Grade::B, "82.5", 300_000, 37),
        (Grade::B, "75", 100_000, 30),
        (Grade::C, "60", 10_000, 15),
        (Grade::D, "59.99", 0, 0),
    ];
    for (grade, score, limit, terms_days) in table {
        let recommendation = recommended(grade, score, None, None);
        assert_eq!((recommendation.limit, recommendation.terms_days), (yuan(limit), terms_days), "{score}");
    }
}

#[test]
fn the_least_of_range_request_and_need_decides() {
    let binding = |recommendation: &Recommendation| {
        let line = recommendation.lines.iter().find(|line| line.binding).unwrap();
        (recommendation.limit, line.code)
    };
    let scaled = recommended(Grade::B, "82.5", Some(400_000), Some(20_000));
    assert_eq!(binding(&scaled), (yuan(300_000), Step::GradeRangeScaled));
    let requested = recommended(Grade::B, "82.5", Some(250_000), Some(20_000));
    assert_eq!(binding(&requested), (yuan(250_000), Step::Requested));
    // 4,000 a day × 37 days
    let need = recommended(Grade::B, "82.5", Some(250_000), Some(4_000));
    assert_eq!(binding(&need), (yuan(148_000), Step::Need));
}

#[test]
fn a_limit_below_the_grades_range_is_raised_to_it_and_says_so() {
    let raised = recommended(Grade::B, "82.5", Some(50_000), None);
    assert_eq!(raised.limit, yuan(100_000));
    let last = raised.lines.last().unwrap();
    assert_eq!((last.code, last.binding), (Step::GradeFloor, true));
    assert_eq!(last.formula, "50000.00 is below the least limit of B: 100000.00");
}

#[test]
fn the_arithmetic_is_shown_line_by_line() {
    let recommendation = recommended(Grade::B, "82.5", Some(250_000), Some(20_000));
    let lines: Vec<&str> = recommendation.lines.iter().map(|line| line.formula.as_str()).collect();
    assert_eq!(
        lines,
        [
            "30 + (45 − 30) × (82.5 − 75) / (90 − 75), whole days = 37",
            "100000.00 + (500000.00 − 100000.00) × (82.5 − 75) / (90 − 75) = 300000.00",
            "asked for 250000.00",
            "20000.00 × 37 = 740000.00",
            "least of 300000.00, 250000.00, 740000.00 = 250000.00",
        ]
    );
}

#[test]
fn a_currency_without_a_range_is_never_guessed() {
    let xof = Currency::from_code("XOF").unwrap();
    let profile = Profile { currency: xof, ..domestic() };
    let policy = defaults::grade_policy();
    assert_eq!(recommend(&policy, Grade::B, dec("80"), &profile), Err(RecommendationError::NoRange(xof)));
    assert!(recommend(&policy, Grade::D, dec("10"), &profile).is_ok(), "no credit needs no range");
}

#[test]
fn a_need_beyond_all_amounts_is_no_error() {
    let profile = Profile { daily_sales: Some(Money::new(i64::MAX, cny())), ..domestic() };
    let recommendation = recommend(&defaults::grade_policy(), Grade::A, dec("100"), &profile).unwrap();
    assert_eq!(recommendation.limit, yuan(1_000_000));
}

#[test]
fn the_same_inputs_give_the_same_report_byte_for_byte() {
    let facts = dialled("73", "21", "88");
    let bytes = || serde_json::to_vec(&judge(&domestic(), &facts, &defaults::scorecard(), None).unwrap()).unwrap();
    assert_eq!(bytes(), bytes());
}

/// Weights that sum to exactly 100 %.
fn weights(count: usize) -> impl Strategy<Value = Vec<Decimal>> {
    proptest::collection::vec(1_u32..1_000, count).prop_map(|parts| {
        let total: u32 = parts.iter().sum();
        let mut weights: Vec<Decimal> =
            parts.iter().map(|part| (Decimal::from(part * 100) / Decimal::from(total)).round_dp(2)).collect();
        let rest: Decimal = weights.iter().skip(1).sum();
        weights[0] = Decimal::ONE_HUNDRED - rest;
        weights
    })
}

fn flat_card(dimensions: &[Decimal], factors: &[Decimal], points: &[Decimal]) -> Scorecard {
    let mut points = points.iter();
    let mut card = card(Vec::new());
    for (i, weight) in dimensions.iter().enumerate() {
        let factors = factors.iter().enumerate().map(|(j, weight)| Factor {
            weight: *weight,
            missing_points: *points.next().unwrap(),
            ..factor(&format!("f_{i}_{j}"), "1")
        });
        card.dimensions.push(crate::scorecard::Dimension {
            name: format!("d_{i}"),
            title: String::new(),
            weight: *weight,
            factors: factors.collect(),
        });
    }
    card
}

fn some_points() -> impl Strategy<Value = Vec<Decimal>> {
    proptest::collection::vec((0_i64..=10_000).prop_map(|cents| Decimal::new(cents, 2)), 12)
}

proptest! {
    #[test]
    fn a_score_is_never_below_0_or_above_100(
        dimensions in weights(3), factors in weights(4), points in some_points(),
    ) {
        prop_assume!(dimensions.iter().chain(&factors).all(Decimal::is_sign_positive));
        let score = score(&flat_card(&dimensions, &factors, &points), &Default::default(), &[]).score;
        prop_assert!(score >= Decimal::ZERO && score <= Decimal::ONE_HUNDRED);
        let (least, most) = (points.iter().min().unwrap(), points.iter().max().unwrap());
        prop_assert!(score >= least.round_dp(2) && score <= most.round_dp(2));
    }

    #[test]
    fn more_points_never_lower_a_score(
        dimensions in weights(3), factors in weights(4), points in some_points(), raised in 0_usize..12,
    ) {
        prop_assume!(dimensions.iter().chain(&factors).all(Decimal::is_sign_positive));
        let before = score(&flat_card(&dimensions, &factors, &points), &Default::default(), &[]).score;
        let mut better = points.clone();
        better[raised] = Decimal::ONE_HUNDRED;
        let after = score(&flat_card(&dimensions, &factors, &better), &Default::default(), &[]).score;
        prop_assert!(after >= before);
    }

    #[test]
    fn a_recommended_limit_lies_in_its_grades_range(
        cents in 0_i64..=10_000, requested in proptest::option::of(1_i64..10_000_000),
        daily in proptest::option::of(1_i64..1_000_000),
    ) {
        let (policy, score) = (defaults::grade_policy(), Decimal::new(cents, 2));
        let grade = policy.grade_of(score);
        let limit = recommended(grade, &score.to_string(), requested, daily).limit.to_decimal();
        match policy.rule(grade).unwrap().range_in(cny()) {
            Some(range) => prop_assert!(limit >= range.low && limit <= range.high),
            None => prop_assert!(limit.is_zero()),
        }
    }
}
