//! An aging as a table of buckets with bars, one block a currency.

use std::io::{self, Write};

use weir_model::Money;
use weir_wire::receivables::v1::{AgingBucket, AgingRow, GetAgingResponse};

use super::{Align, Table, amount, amount_of, bar, count, read_money};

/// Width of the bars.
const BAR_WIDTH: usize = 36;

/// Writes the totals of an aging.
pub fn print_aging(out: &mut dyn Write, aging: &GetAgingResponse) -> io::Result<()> {
    if aging.totals.is_empty() {
        return writeln!(out, "  nothing is owed");
    }
    for total in &aging.totals {
        print_total(out, &aging.buckets, total)?;
    }
    Ok(())
}

fn print_total(out: &mut dyn Write, buckets: &[AgingBucket], total: &AgingRow) -> io::Result<()> {
    let sums: Vec<i64> = total.amounts.iter().map(|sum| read_money(Some(sum)).map_or(0, Money::minor)).collect();
    let whole = sums.iter().fold(0_i64, |whole, sum| whole.saturating_add(*sum));
    let currency = total.outstanding_amount.as_ref().map(|owed| owed.currency_code.as_str()).unwrap_or_default();

    let mut table = Table::new(&[
        ("Days past due", Align::Left),
        (currency, Align::Right),
        ("Share", Align::Right),
        ("", Align::Left),
    ]);
    for ((bucket, sum), minor) in buckets.iter().zip(&total.amounts).zip(&sums) {
        let cells = [bucket.label.clone(), amount_of(Some(sum)), share(*minor, whole), bar(*minor, whole, BAR_WIDTH)];
        table.row(cells);
    }
    table.rule();
    table.row(["open items", &open(total), &share(whole, whole), &format!("{} items", count(total.item_count))]);
    table.row(["unapplied credit", &amount_of(total.unapplied_amount.as_ref())]);
    table.row(["outstanding", &amount_of(total.outstanding_amount.as_ref())]);
    if read_money(total.disputed_amount.as_ref()).is_some_and(Money::is_positive) {
        table.row(["of which disputed", &amount_of(total.disputed_amount.as_ref())]);
    }
    table.print(out)
}

/// Sum of the buckets.
fn open(total: &AgingRow) -> String {
    let mut sums = total.amounts.iter().filter_map(|sum| read_money(Some(sum)));
    let first = sums.next();
    let sum = first.and_then(|first| sums.try_fold(first, |sum, next| sum.checked_add(next).ok()));
    sum.map_or_else(|| "–".to_owned(), amount)
}

/// A part of a whole in percent with one decimal, rounded half up; a dash for no whole.
pub(super) fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".to_owned();
    }
    let thousandths = (i128::from(part) * 2000 + i128::from(whole)) / (i128::from(whole) * 2);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}
