//! Altman's Z-scores: how near a company is to failing, from one year's statement.
//!
//! Z for listed manufacturers, Z′ for private ones, Z″ for everybody else, EM for emerging markets. A zero denominator
//! or a figure that is missing gives none, never a guess.

use rust_decimal::Decimal;

/// Figures of one statement, in one currency. What is missing is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Current assets less current liabilities.
    pub working_capital: Option<Decimal>,
    /// Retained earnings.
    pub retained_earnings: Option<Decimal>,
    /// Earnings before interest and taxes.
    pub ebit: Option<Decimal>,
    /// What the market pays for the equity.
    pub market_equity: Option<Decimal>,
    /// Equity in the books.
    pub book_equity: Option<Decimal>,
    /// Revenue.
    pub sales: Option<Decimal>,
    /// Total assets.
    pub total_assets: Option<Decimal>,
    /// Total liabilities.
    pub total_liabilities: Option<Decimal>,
}

/// Where a score lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Above the upper line.
    Safe,
    /// From the lower line to the upper line, both included.
    Grey,
    /// Below the lower line.
    Distress,
}

impl Zone {
    /// The zone's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Zone::Safe => "safe",
            Zone::Grey => "grey",
            Zone::Distress => "distress",
        }
    }
}

/// One of the four models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Z, listed manufacturers.
    Listed,
    /// Z′, private manufacturers.
    Private,
    /// Z″, everybody else.
    General,
    /// EM, emerging markets: 3.25 + Z″.
    Emerging,
}

impl Model {
    /// Every model.
    pub const ALL: [Model; 4] = [Model::Listed, Model::Private, Model::General, Model::Emerging];

    /// Upper and lower line of the grey zone.
    pub const fn lines(self) -> (Decimal, Decimal) {
        match self {
            Model::Listed => (thousandths(2990), thousandths(1810)),
            Model::Private => (thousandths(2900), thousandths(1230)),
            Model::General => (thousandths(2600), thousandths(1100)),
            Model::Emerging => (thousandths(5850), thousandths(4350)),
        }
    }

    /// The zone of a score.
    pub fn zone(self, score: Decimal) -> Zone {
        let (upper, lower) = self.lines();
        if score > upper {
            Zone::Safe
        } else if score < lower {
            Zone::Distress
        } else {
            Zone::Grey
        }
    }

    /// The score, unrounded; none when a figure is missing, a denominator is zero or a step overflows.
    pub fn score(self, figures: &Figures) -> Option<Decimal> {
        let x1 = ratio(figures.working_capital, figures.total_assets)?;
        let x2 = ratio(figures.retained_earnings, figures.total_assets)?;
        let x3 = ratio(figures.ebit, figures.total_assets)?;
        let equity = if self == Model::Listed { figures.market_equity } else { figures.book_equity };
        let x4 = ratio(equity, figures.total_liabilities)?;
        match self {
            Model::Listed | Model::Private => {
                let x5 = ratio(figures.sales, figures.total_assets)?;
                let weights = if self == Model::Listed {
                    [thousandths(1200), thousandths(1400), thousandths(3300), thousandths(600), thousandths(1000)]
                } else {
                    [thousandths(717), thousandths(847), thousandths(3107), thousandths(420), thousandths(998)]
                };
                weighted(&weights, &[x1, x2, x3, x4, x5])
            }
            Model::General => weighted(
                &[thousandths(6560), thousandths(3260), thousandths(6720), thousandths(1050)],
                &[x1, x2, x3, x4],
            ),
            Model::Emerging => Model::General.score(figures)?.checked_add(thousandths(3250)),
        }
    }
}

/// A quotient; none when a part is missing or the divisor is zero.
pub(crate) fn ratio(dividend: Option<Decimal>, divisor: Option<Decimal>) -> Option<Decimal> {
    dividend?.checked_div(divisor?)
}

fn weighted(weights: &[Decimal], ratios: &[Decimal]) -> Option<Decimal> {
    weights
        .iter()
        .zip(ratios)
        .try_fold(Decimal::ZERO, |sum, (weight, ratio)| sum.checked_add(weight.checked_mul(*ratio)?))
}

const fn thousandths(count: u32) -> Decimal {
    Decimal::from_parts(count, 0, 0, false, 3)
}
