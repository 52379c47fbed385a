//! What printed figures look like.

use weir_model::{Currency, Money};

use super::{Align, Table, aging::share, amount, bar, fit, grouped, width};

fn printed(table: &Table) -> String {
    let mut out = Vec::new();
    table.print(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn digits_stand_in_threes() {
    for (plain, written) in [
        ("0", "0"),
        ("999", "999"),
        ("1000", "1,000"),
        ("-1234567.89", "-1,234,567.89"),
        ("-100", "-100"),
        ("123456.5", "123,456.5"),
    ] {
        assert_eq!(grouped(plain), written);
    }
}

#[test]
fn an_amount_has_the_decimals_of_its_currency() {
    let money = |minor, code| Money::new(minor, Currency::from_code(code).unwrap());
    assert_eq!(amount(money(50_000_000, "CNY")), "500,000.00");
    assert_eq!(amount(money(1_234, "JPY")), "1,234");
    assert_eq!(amount(money(-5, "KWD")), "-0.005");
}

#[test]
fn a_chinese_character_is_two_columns_wide() {
    assert_eq!(width("华东"), 4);
    let mut table = Table::new(&[("Name", Align::Left), ("Owes", Align::Right)]);
    table.row(["华东仪表", "1.00"]).row(["Alpha", "10.00"]).rule().row(["total", "11.00"]);
    let expected = "  Name       Owes\n  ────────  ─────\n  华东仪表   1.00\n  Alpha     10.00\n  ────────  ─────\n  total     11.00\n";
    assert_eq!(printed(&table), expected);
}

#[test]
fn a_long_text_is_cut_at_a_whole_character() {
    assert_eq!(fit("华东仪表", 8), "华东仪表");
    assert_eq!(fit("华东仪表", 6), "华东…");
    assert_eq!(fit("abcdef", 4), "abc…");
}

#[test]
fn a_bar_shows_its_part_of_the_whole_in_eighths() {
    assert_eq!(bar(1, 2, 4), "██");
    assert_eq!(bar(3, 16, 2), "▍");
    assert_eq!(bar(1, 1_000_000, 4), "▏");
    assert_eq!(bar(0, 10, 4), "");
    assert_eq!(bar(20, 10, 2), "██");
}

#[test]
fn a_share_is_rounded_half_up_to_a_tenth_of_a_percent() {
    assert_eq!(share(1, 3), "33.3 %");
    assert_eq!(share(2, 3), "66.7 %");
    assert_eq!(share(1, 2000), "0.1 %");
    assert_eq!(share(5, 5), "100.0 %");
    assert_eq!(share(1, 0), "–");
}
