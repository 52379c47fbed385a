//! Scorecards: what is well-formed, and what the shipped one holds.

use rust_decimal::Decimal;
use weir_model::Fields;

use super::world::{card, dec, factor};
use crate::{
    catalogue::{Known, known},
    defaults,
    grade::{Grade, GradePolicy},
    scorecard::{Bin, Category, Factor, Scorecard},
};

fn complaints(scorecard: &Scorecard) -> Vec<String> {
    let mut fields = Fields::default();
    scorecard.check(&mut fields, "content");
    let fault = fields.finish().err();
    fault.map(|fault| fault.fields.into_iter().map(|field| field.path).collect()).unwrap_or_default()
}

fn bin(low: Option<&str>, high: Option<&str>) -> Bin {
    Bin { low: low.map(dec), high: high.map(dec), points: Decimal::ONE }
}

fn with_bins(bins: Vec<Bin>) -> Scorecard {
    card(vec![("one", "100", vec![Factor { bins, categories: Vec::new(), ..factor("size", "100") }])])
}

#[test]
fn bins_that_hold_every_number_once_are_taken() {
    for bins in [
        vec![bin(None, None)],
        vec![bin(None, Some("1")), bin(Some("1"), None)],
        vec![bin(None, Some("-5")), bin(Some("-5"), Some("0.5")), bin(Some("0.5"), None)],
    ] {
        assert_eq!(with_bins(bins).check_bins(), Ok(()));
    }
}

#[test]
fn bins_with_a_fault_are_refused_naming_it() {
    let table = [
        (vec![bin(Some("0"), None)], "the first starts at 0; it must be open below"),
        (vec![bin(None, Some("9"))], "the last ends at 9; it must be open above"),
        (vec![bin(None, Some("1")), bin(Some("2"), None)], "gap between 1 and 2"),
        (vec![bin(None, Some("2")), bin(Some("1"), None)], "overlap between 1 and 2"),
        (vec![bin(None, Some("1")), bin(Some("1"), Some("1")), bin(Some("1"), None)], "[1, 1) is empty or upside down"),
        (
            vec![bin(None, Some("5")), bin(Some("5"), None), bin(Some("9"), None)],
            "only the first may be open below and only the last open above",
        ),
    ];
    for (bins, problem) in table {
        let refused = with_bins(bins).check_bins().unwrap_err();
        assert_eq!((refused.factor.as_str(), refused.problem.as_str()), ("size", problem));
    }
}

#[test]
fn weights_of_exactly_a_hundred_are_taken() {
    let card = card(vec![
        ("one", "33.33", vec![factor("a", "50"), factor("b", "50")]),
        ("two", "66.67", vec![factor("c", "100")]),
    ]);
    assert_eq!(card.weights_problems(), []);
}

#[test]
fn weights_of_anything_else_are_refused_naming_the_sum() {
    let card = card(vec![
        ("one", "60", vec![factor("a", "50"), factor("b", "49.99")]),
        ("two", "39.5", vec![factor("c", "100")]),
    ]);
    let problems: Vec<String> = card.weights_problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["weights of the dimensions sum to 99.5 %, not 100 %", "weights of dimension one sum to 99.99 %, not 100 %"]
    );
}

#[test]
fn every_malformed_part_is_named() {
    let broken = Factor {
        name: "Size".to_owned(),
        input: String::new(),
        weight: Decimal::ZERO,
        reason_code: "small".to_owned(),
        missing_points: dec("100.01"),
        categories: Vec::new(),
        bins: Vec::new(),
        ..factor("size", "100")
    };
    let at = |field: &str| format!("content.dimensions[0].factors[0].{field}");
    let found = complaints(&card(vec![("one", "100", vec![broken])]));
    for field in ["name", "input", "weight_percent", "reason_code", "missing_points", "bins"] {
        assert!(found.contains(&at(field)), "{field} in {found:?}");
    }
}

#[test]
fn a_factor_has_either_bins_or_categories() {
    let category = Category { word: "yes".to_owned(), points: Decimal::ONE };
    let both = Factor { bins: vec![bin(None, None)], categories: vec![category], ..factor("size", "100") };
    let found = complaints(&card(vec![("one", "100", vec![both])]));
    assert_eq!(found, ["content.dimensions[0].factors[0].bins"]);
}

#[test]
fn names_of_factors_are_unique_over_all_dimensions() {
    let card = card(vec![("one", "50", vec![factor("a", "100")]), ("two", "50", vec![factor("a", "100")])]);
    assert_eq!(complaints(&card), ["content.dimensions[1].factors[0].name"]);
}

#[test]
fn the_shipped_scorecard_is_well_formed() {
    let card = defaults::scorecard();
    assert_eq!(complaints(&card), Vec::<String>::new());
    assert_eq!(card.check_bins(), Ok(()));
    assert_eq!(card.weights_problems(), []);
}

#[test]
fn the_shipped_scorecard_covers_every_dimension() {
    let card = defaults::scorecard();
    let names: Vec<&str> = card.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    assert_eq!(names, ["company", "trading_history", "payment_behaviour", "financial_health", "reputation"]);
}

#[test]
fn the_shipped_scorecard_scores_only_inputs_that_are_known() {
    let card = defaults::scorecard();
    let inputs = card.factors().map(|(_, factor)| &factor.input).chain(card.knock_outs.iter().map(|rule| &rule.input));
    for input in inputs {
        assert!(known(input).is_some(), "{input}");
    }
}

#[test]
fn how_an_account_trades_and_pays_is_computed_and_never_typed() {
    let card = defaults::scorecard();
    for (_, factor) in card.factors().filter(|(dimension, _)| {
        ["trading_history", "payment_behaviour", "financial_health"].contains(&dimension.name.as_str())
    }) {
        assert_eq!(known(&factor.input), Some(Known::Computed), "{}", factor.input);
    }
}

#[test]
fn every_factor_can_reach_the_best_points() {
    // every factor can reach 100 points, or the best grade would be out of reach
    for (_, factor) in defaults::scorecard().factors() {
        let best = factor.outcomes().into_iter().map(|(_, points)| points).max();
        assert_eq!(best, Some(Decimal::ONE_HUNDRED), "{}", factor.name);
    }
}

#[test]
fn grades_begin_at_their_bounds() {
    let policy = defaults::grade_policy();
    let table = [
        ("100", Grade::A),
        ("90", Grade::A),
        ("89.99", Grade::B),
        ("89.5", Grade::B),
        ("75", Grade::B),
        ("74.99", Grade::C),
        ("60", Grade::C),
        ("59.99", Grade::D),
        ("0", Grade::D),
    ];
    for (score, grade) in table {
        assert_eq!(policy.grade_of(dec(score)), grade, "{score}");
    }
}

fn policy_complaints(policy: &GradePolicy) -> Vec<String> {
    let mut fields = Fields::default();
    policy.check(&mut fields, "content");
    let fault = fields.finish().err();
    fault.map(|fault| fault.fields.into_iter().map(|field| field.path).collect()).unwrap_or_default()
}

#[test]
fn the_shipped_policy_is_well_formed() {
    assert_eq!(policy_complaints(&defaults::grade_policy()), Vec::<String>::new());
}

#[test]
fn a_policy_names_every_grade_once_from_best_to_worst() {
    let mut policy = defaults::grade_policy();
    policy.rules.swap(0, 1);
    assert_eq!(policy_complaints(&policy), ["content.rules", "content.rules[1].score_min"]);
}

#[test]
fn a_policy_gives_d_no_credit() {
    let mut policy = defaults::grade_policy();
    policy.rules[3].terms_days_max = 10;
    policy.rules[3].limit_ranges = policy.rules[2].limit_ranges.clone();
    assert_eq!(policy_complaints(&policy), ["content.rules[3].limit_ranges", "content.rules[3].terms_days_max"]);
}

#[test]
fn a_range_that_ends_below_its_start_is_refused() {
    let mut policy = defaults::grade_policy();
    policy.rules[0].limit_ranges[0].high = dec("1");
    assert_eq!(policy_complaints(&policy), ["content.rules[0].limit_ranges[0].high_amount"]);
}
