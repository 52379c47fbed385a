//! Altman's scores, by tables worked out by hand.

use rust_decimal::Decimal;

use super::world::dec;
use crate::altman::{Figures, Model, Zone};

/// Ratios 0.2, 0.3, 0.15, 3 (market) or 1.5 (books), 1.5.
fn figures() -> Figures {
    Figures {
        working_capital: Some(dec("200")),
        retained_earnings: Some(dec("300")),
        ebit: Some(dec("150")),
        market_equity: Some(dec("1200")),
        book_equity: Some(dec("600")),
        sales: Some(dec("1500")),
        total_assets: Some(dec("1000")),
        total_liabilities: Some(dec("400")),
    }
}

#[test]
fn altmans_scores_follow_their_formulas() {
    // 0.24 + 0.42 + 0.495 + 1.8 + 1.5
    assert_eq!(Model::Listed.score(&figures()), Some(dec("4.455")));
    // 0.1434 + 0.2541 + 0.46605 + 0.63 + 1.497
    assert_eq!(Model::Private.score(&figures()), Some(dec("2.99055")));
    // 1.312 + 0.978 + 1.008 + 1.575
    assert_eq!(Model::General.score(&figures()), Some(dec("4.873")));
    // 3.25 + 4.873
    assert_eq!(Model::Emerging.score(&figures()), Some(dec("8.123")));
}

#[test]
fn zones_lie_between_the_lines_of_each_model() {
    let table = [
        (Model::Listed, "2.99", "1.81"),
        (Model::Private, "2.90", "1.23"),
        (Model::General, "2.60", "1.10"),
        (Model::Emerging, "5.85", "4.35"),
    ];
    for (model, upper, lower) in table {
        let (upper, lower) = (dec(upper), dec(lower));
        assert_eq!(model.zone(upper + dec("0.0001")), Zone::Safe, "{model:?}");
        assert_eq!(model.zone(upper), Zone::Grey, "{model:?}");
        assert_eq!(model.zone(lower), Zone::Grey, "{model:?}");
        assert_eq!(model.zone(lower - dec("0.0001")), Zone::Distress, "{model:?}");
    }
}

#[test]
fn a_zero_denominator_gives_no_score() {
    for model in Model::ALL {
        let assets = Figures { total_assets: Some(Decimal::ZERO), ..figures() };
        let liabilities = Figures { total_liabilities: Some(Decimal::ZERO), ..figures() };
        assert_eq!((model.score(&assets), model.score(&liabilities)), (None, None), "{model:?}");
    }
}

#[test]
fn a_missing_figure_gives_no_score() {
    for model in Model::ALL {
        assert_eq!(model.score(&Figures { ebit: None, ..figures() }), None, "{model:?}");
    }
}
