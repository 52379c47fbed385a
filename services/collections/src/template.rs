//! Notices from templates: embedded files, a bound on the work a template may do, HTML escaped. Promises that the same
//! input under the same version gives the same words. Knows no case and no channel.
//!
//! A template has three sections, parted by lines of `---`: subject, opening, closing. The language's layouts put the
//! last two around the list of items, once as plain text and once as HTML.

use chrono::NaiveDate;
use minijinja::{AutoEscape, Environment, Value, context};
use sha2::{Digest, Sha256};
use weir_model::Money;

use crate::{
    Error,
    notice::{Language, Listed},
    record::Content,
    strategy::Tone,
};

/// Instructions a template may take: a notice of a hundred thousand items takes less.
const FUEL: u64 = 20_000_000;
/// Characters of a version: enough never to meet by chance.
const VERSION_LENGTH: usize = 12;
/// The longest subject, in characters: what a mail client shows.
const SUBJECT_LENGTH_MAX: usize = 150;

macro_rules! files {
    ($($language:literal: $($name:literal),+;)+) => {
        &[$($((concat!($language, "/", $name), include_str!(concat!("templates/", $language, "/", $name)))),+),+]
    };
}

const FILES: &[(&str, &str)] = files! {
    "en": "reminder.txt", "friendly.txt", "formal.txt", "final.txt", "hold.txt", "layout.txt", "layout.html";
    "zh-CN": "reminder.txt", "friendly.txt", "formal.txt", "final.txt", "hold.txt", "layout.txt", "layout.html";
};

/// What a notice to a debtor is made of.
#[derive(Debug, Clone)]
pub(crate) struct Demand<'a> {
    /// How it speaks.
    pub tone: Tone,
    /// Whom it addresses.
    pub debtor: &'a str,
    /// What it lists.
    pub listed: &'a [Listed],
    /// Sum it asks for.
    pub total: Money,
    /// The business date.
    pub date: NaiveDate,
}

/// What a notice about a hold is made of: sentences of the gate, as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldStory {
    /// The hold.
    pub hold_id: String,
    /// The order.
    pub order_id: String,
    /// The account.
    pub account_id: String,
    /// Amount that needs credit.
    pub required: String,
    /// Names of the rules that stop it.
    pub reasons: String,
    /// What each of them says.
    pub failures: Vec<String>,
    /// What would make the order pass.
    pub ways_out: Vec<String>,
}

/// The templates, read once.
#[derive(Debug)]
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Reads the embedded templates.
    pub(crate) fn embedded() -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(
            |name| {
                if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        environment.add_filter("lines", lines);
        for (name, text) in FILES {
            match name.strip_suffix("layout.txt").or(name.strip_suffix("layout.html")) {
                Some(_) => environment.add_template(name, text)?,
                None => {
                    for (part, section) in ["subject", "opening", "closing"].iter().zip(text.split("\n---\n")) {
                        environment.add_template_owned(format!("{name}#{part}"), section.trim().to_owned())?;
                    }
                }
            }
        }
        Ok(Templates(environment))
    }

    /// Writes a notice to a debtor.
    pub(crate) fn demand(&self, language: Language, demand: &Demand<'_>) -> Result<Content, Error> {
        let items: Vec<Value> = demand.listed.iter().map(line).collect();
        let input = context! {
            debtor => demand.debtor,
            items => items,
            total => figure(demand.total),
            date => demand.date.to_string(),
        };
        self.write(language, demand.tone.as_str(), &input)
    }

    /// Writes an internal notice about a hold.
    pub(crate) fn hold(&self, language: Language, story: &HoldStory) -> Result<Content, Error> {
        let input = context! {
            items => Vec::<Value>::new(),
            hold_id => story.hold_id.clone(),
            order_id => story.order_id.clone(),
            account_id => story.account_id.clone(),
            required => story.required.clone(),
            reasons => story.reasons.clone(),
            failures => story.failures.clone(),
            ways_out => story.ways_out.clone(),
        };
        self.write(language, "hold", &input)
    }

    fn write(&self, language: Language, name: &str, input: &Value) -> Result<Content, Error> {
        let tag = language.tag();
        let section = |part: &str| self.0.get_template(&format!("{tag}/{name}.txt#{part}"))?.render(input);
        let subject = section("subject")?.split_whitespace().collect::<Vec<_>>().join(" ");
        let input = context! { opening => section("opening")?, closing => section("closing")?, ..input.clone() };
        Ok(Content {
            template: format!("{tag}/{name}"),
            template_version: version(tag, name),
            subject: subject.chars().take(SUBJECT_LENGTH_MAX).collect(),
            text: self.0.get_template(&format!("{tag}/layout.txt"))?.render(&input)?,
            html: self.0.get_template(&format!("{tag}/layout.html"))?.render(&input)?,
        })
    }
}

/// Digest of everything that makes a notice but its input.
fn version(tag: &str, name: &str) -> String {
    let mut digest = Sha256::new();
    for file in [name, "layout"] {
        let of_it = |path: &str| path.strip_prefix(tag).is_some_and(|rest| rest.starts_with(&format!("/{file}.")));
        for (_, text) in FILES.iter().filter(|(path, _)| of_it(path)) {
            digest.update(text.as_bytes());
        }
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(VERSION_LENGTH).collect()
}

/// Keeps line breaks of plain text in HTML, escaping everything else.
fn lines(text: &str) -> Value {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    Value::from_safe_string(escaped.trim().replace('\n', "<br>\n"))
}

fn line(item: &Listed) -> Value {
    context! {
        document_number => item.document_number.clone(),
        document_date => item.document_date.to_string(),
        due_date => item.due_date.to_string(),
        days_past_due => item.days_past_due,
        amount => figure(item.amount),
    }
}

/// An amount for people: thousands apart, then the currency.
pub(crate) fn figure(amount: Money) -> String {
    let text = amount.to_decimal().to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map_or_else(String::new, |rest| format!(".{rest}"));
    format!("{sign}{grouped}{fraction} {}", amount.currency())
}
