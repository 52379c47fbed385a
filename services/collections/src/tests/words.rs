//! Templates: what they say, what they never let through.

use weir_model::ItemId;

use super::world::{day, money};
use crate::{
    notice::{Language, Listed},
    strategy::Tone,
    template::{Demand, HoldStory, Templates, figure},
};

fn line(number: &str, days: i64, minor: i64) -> Listed {
    Listed {
        item_id: ItemId::parse("i").unwrap(),
        document_number: number.to_owned(),
        document_date: day(-30),
        due_date: day(0),
        days_past_due: days,
        amount: money(minor),
        reached_day: Some(1),
    }
}

fn demand<'a>(tone: Tone, debtor: &'a str, listed: &'a [Listed]) -> Demand<'a> {
    Demand { tone, debtor, listed, total: money(123_456_789), date: day(16) }
}

const TONES: [Tone; 4] = [Tone::Reminder, Tone::Friendly, Tone::Formal, Tone::Final];

#[test]
fn every_tone_is_written_in_every_language() {
    let templates = Templates::embedded().unwrap();
    for language in [Language::En, Language::ZhCn] {
        for tone in TONES {
            let content = templates.demand(language, &demand(tone, "ACME", &[line("INV-7", 16, 500)])).unwrap();
            for text in [&content.subject, &content.text, &content.html] {
                assert!(text.contains("1,234,567.89 CNY"), "{tone:?} {language:?}: {text}");
            }
            assert!(content.text.contains("ACME") && content.text.contains("INV-7"));
        }
    }
}

#[test]
fn nothing_a_debtor_is_called_becomes_markup() {
    let templates = Templates::embedded().unwrap();
    let name = "<script>alert(1)</script> & \"Sons\"";
    let listed = [line("<b>7</b>", 1, 500)];
    let content = templates.demand(Language::En, &demand(Tone::Formal, name, &listed)).unwrap();
    assert!(!content.html.contains("<script>") && !content.html.contains("<b>7"), "{}", content.html);
    assert!(content.html.contains("&lt;script&gt;"));
    assert!(content.text.contains(name), "plain text stays as it is");
}

#[test]
fn a_subject_has_one_line() {
    let templates = Templates::embedded().unwrap();
    let story = HoldStory {
        hold_id: "h".to_owned(),
        order_id: "o\r\nBcc: all@example.com".to_owned(),
        account_id: "a".to_owned(),
        required: "50,000.00 CNY".to_owned(),
        reasons: "LIMIT_EXCEEDED".to_owned(),
        failures: vec!["30,000.00 too much".to_owned()],
        ways_out: vec!["pay 30,000.00".to_owned()],
    };
    let content = templates.hold(Language::En, &story).unwrap();
    assert!(!content.subject.contains(['\r', '\n']), "{}", content.subject);
    assert!(content.text.contains("Way out: pay 30,000.00"));
    assert!(templates.hold(Language::ZhCn, &story).unwrap().text.contains("解决办法：pay 30,000.00"));
}

#[test]
fn a_template_is_named_by_the_digest_of_its_text() {
    let templates = Templates::embedded().unwrap();
    let version = |tone, language| templates.demand(language, &demand(tone, "ACME", &[])).unwrap().template_version;
    let mut versions: Vec<String> = TONES.iter().map(|tone| version(*tone, Language::En)).collect();
    versions.extend(TONES.iter().map(|tone| version(*tone, Language::ZhCn)));
    assert_eq!(versions[0], version(Tone::Reminder, Language::En), "the same text, the same version");
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), 8);
}

#[test]
fn a_notice_of_two_thousand_items_is_written() {
    let templates = Templates::embedded().unwrap();
    let listed: Vec<Listed> = (0..2_000).map(|n| line(&format!("INV-{n}"), n, n)).collect();
    let content = templates.demand(Language::En, &demand(Tone::Final, "ACME", &listed)).unwrap();
    assert!(content.text.contains("INV-1999"));
}

#[test]
fn amounts_are_grouped_by_thousands() {
    let cases = [
        (0, "0.00 CNY"),
        (5, "0.05 CNY"),
        (99_999, "999.99 CNY"),
        (100_000, "1,000.00 CNY"),
        (-123_456_700, "-1,234,567.00 CNY"),
    ];
    for (minor, expected) in cases {
        assert_eq!(figure(money(minor)), expected);
    }
}
