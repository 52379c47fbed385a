//! Payment schedules: how a total is cut into instalments. Sums are exact: the remainder goes to the last.

use weir_model::{Money, MoneyError};

/// Most instalments of one document: ten years of months.
pub(crate) const INSTALMENTS_MAX: usize = 120;

/// Cuts a total into equal parts, the remainder on the last: 100.00 in 3 is 33.33, 33.33, 33.34.
///
/// None for no parts at all, or when a part would be nothing.
pub(crate) fn equal_parts(total: Money, parts: usize) -> Option<Vec<Money>> {
    let count = i64::try_from(parts).ok().filter(|count| *count > 0)?;
    let part = total.minor() / count;
    if part == 0 {
        return None;
    }
    let last = total.minor() - part * (count - 1);
    let mut amounts = vec![Money::new(part, total.currency()); parts];
    *amounts.last_mut()? = Money::new(last, total.currency());
    Some(amounts)
}

/// Whether parts sum to a total exactly.
pub(crate) fn sums_to(parts: &[Money], total: Money) -> Result<bool, MoneyError> {
    Ok(Money::checked_sum(total.currency(), parts.iter().copied())? == total)
}
