//! The payment index: 0 to 100, how promptly an account pays, weighted by amount (rule 2.10). A word of more than one
//! context: who assesses and who stops orders must mean the same by it.

use rust_decimal::Decimal;

/// Fewer payments than this say nothing.
const PAYMENTS_MIN: i64 = 3;

/// Days late (negative is early) and the index there; linear between, flat beyond both ends. Beyond 120 days the index
/// is 19, falling to 1 at the pace of the stretch before it; only what was written off counts 0.
const POINTS: [(i64, i64); 11] =
    [(-30, 100), (-20, 90), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20), (121, 19), (175, 1)];

/// What was settled at one lateness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// Days from due date to settlement; negative is early.
    pub days_late: i64,
    /// How many items were settled.
    pub count: i64,
    /// Sum settled.
    pub amount: Decimal,
}

/// The index of a single payment, unrounded.
pub(crate) fn index_at(days_late: i64) -> Decimal {
    let mut before: Option<(i64, i64)> = None;
    for (days, index) in POINTS {
        if days_late <= days {
            return match before {
                None => Decimal::from(index),
                Some((days_before, index_before)) => {
                    let share = Decimal::from(days_late - days_before) / Decimal::from(days - days_before);
                    Decimal::from(index_before) + Decimal::from(index - index_before) * share
                }
            };
        }
        before = Some((days, index));
    }
    Decimal::from(before.map_or(0, |(_, index)| index))
}

/// The amount-weighted index, rounded half to even to two decimals, with what was written off counting 0; none for
/// fewer than three payments, or when there is no amount to weigh by.
pub fn payment_index(payments: &[Payment], written_off: Decimal) -> Option<Decimal> {
    let count = payments.iter().try_fold(0_i64, |sum, payment| sum.checked_add(payment.count))?;
    if count < PAYMENTS_MIN {
        return None;
    }
    let mut amount = written_off;
    let mut weighted = Decimal::ZERO;
    for payment in payments {
        amount = amount.checked_add(payment.amount)?;
        weighted = weighted.checked_add(payment.amount.checked_mul(index_at(payment.days_late))?)?;
    }
    weighted.checked_div(amount).map(|index| index.round_dp(2))
}
