//! From a row of the file to an invoice, its dispute and its payment; every bad cell of a row is named. Pure.

use std::str::FromStr;

use chrono::{
    Datelike, NaiveDate,
    format::{Item, StrftimeItems},
};
use rust_decimal::Decimal;
use weir_model::{AccountId, Currency, ItemId, Money, OrderId};
use weir_wire::{
    emit,
    receivables::v1::{
        AllocationMode, Attributes, Dispute, Invoice, PaymentAdvice, PaymentReference, dispute::Extent,
        import_row::Fact, invoice::Due,
    },
};

use super::mapping::{Field, Mapping};

/// Longest document number.
const DOCUMENT_LENGTH_MAX: usize = 60;
/// Before a document's number: the number of the payment that settled it, the same in every run.
const PAYMENT_PREFIX: &str = "paid:";
/// Longest attribute of a document, in characters.
const ATTRIBUTE_LENGTH_MAX: usize = 64;
/// What a dispute that came with a file gives as its reason.
const DISPUTE_REASON: &str = "disputed, as imported";

/// How rows are to be read.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Which column is which field.
    pub mapping: Mapping,
    /// How dates are written.
    pub date_format: DateFormat,
    /// Currency of rows that name none.
    pub currency: Currency,
    /// Days to pay of rows that name no due date.
    pub terms_days: u16,
}

/// How dates are written, in strftime's letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateFormat(String);

impl FromStr for DateFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sample = NaiveDate::from_ymd_opt(2025, 11, 23);
        let is_format = !StrftimeItems::new(text).any(|item| matches!(item, Item::Error));
        // a format without day, month or year reads no date; one with hours can write none
        let reads_back = |date: NaiveDate| {
            let mut written = String::new();
            let writes = std::fmt::Write::write_fmt(&mut written, format_args!("{}", date.format(text))).is_ok();
            writes && NaiveDate::parse_from_str(&written, text) == Ok(date)
        };
        if is_format && sample.is_some_and(reads_back) {
            return Ok(DateFormat(text.to_owned()));
        }
        Err(format!("{text:?} is no format of a date, as %Y-%m-%d or %m/%d/%Y is"))
    }
}

/// A cell that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadCell {
    /// Its column; empty for the row as a whole.
    pub column: String,
    /// Why not.
    pub reason: String,
}

/// What a row brings, in the order in which it is to be posted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Who owes.
    pub account: AccountId,
    /// Number of the invoice.
    pub document: String,
    /// Invoice, then dispute, then payment.
    pub facts: Vec<Fact>,
}

impl Layout {
    /// Reads a row.
    ///
    /// # Errors
    /// Every bad cell of it.
    pub(super) fn read(&self, cells: &[&[u8]]) -> Result<Row, Vec<BadCell>> {
        if cells.len() != self.mapping.width() {
            let reason = format!("has {} cells, the first line has {}", cells.len(), self.mapping.width());
            return Err(vec![BadCell { column: String::new(), reason }]);
        }
        let mut reader = Reader { layout: self, cells, bad: Vec::new() };
        let row = reader.row();
        match row {
            Some(row) if reader.bad.is_empty() => Ok(row),
            _ => Err(reader.bad),
        }
    }
}

struct Reader<'a> {
    layout: &'a Layout,
    cells: &'a [&'a [u8]],
    bad: Vec<BadCell>,
}

impl<'a> Reader<'a> {
    fn row(&mut self) -> Option<Row> {
        let layout = self.layout;
        let account = self.required(Field::Account, |text| AccountId::parse(text).map_err(|error| error.to_string()));
        let is_settled = self.text(Field::SettledDate).is_some();
        let document = self.required(Field::Document, |text| document(text, is_settled));
        let invoice_date = self.required(Field::InvoiceDate, |text| layout.date_format.read(text));
        let due_date = self.optional(Field::DueDate, |text| layout.date_format.read(text));
        let currency =
            self.optional(Field::Currency, |text| Currency::from_code(text).map_err(|error| error.to_string()));
        // where the currency is bad the row is refused anyway: the amount need only be a number
        let amount = self.required(Field::Amount, |text| amount(text, currency.flatten().unwrap_or(layout.currency)));
        let disputed = self.optional(Field::Disputed, yes_or_no);
        let settled = self.optional(Field::SettledDate, |text| layout.date_format.read(text));
        let order = self.optional(Field::Order, |text| OrderId::parse(text).map_err(|error| error.to_string()));
        let attributes = self.attributes();
        if let (Some(from), Some(Some(to))) = (invoice_date, due_date)
            && to < from
        {
            self.refuse::<()>(Field::DueDate, format!("{to} lies before the invoice date {from}"));
        }

        let (account, document, invoice_date, amount) = (account?, document?, invoice_date?, amount?);
        currency?;
        let invoice = Invoice {
            account_id: account.to_string(),
            document_number: document.clone(),
            document_date: Some(emit::date(invoice_date)),
            due: Some(due_date?.map_or(Due::NetDays(layout.terms_days.into()), |due| Due::DueDate(emit::date(due)))),
            amount: Some(emit::money(amount)),
            order_id: order?.map(|order| order.to_string()).unwrap_or_default(),
            attributes: Some(attributes?),
            ..Invoice::default()
        };
        let mut facts = vec![Fact::Invoice(invoice)];
        if disputed? == Some(true) {
            facts.push(Fact::Dispute(dispute(&account, &document, invoice_date)));
        }
        if let Some(settled) = settled? {
            facts.push(Fact::Payment(payment(&account, &document, amount, settled)));
        }
        Some(Row { account, document, facts })
    }

    fn attributes(&mut self) -> Option<Attributes> {
        let salesperson = self.optional(Field::Salesperson, attribute);
        let region = self.optional(Field::Region, attribute);
        let industry = self.optional(Field::Industry, attribute);
        Some(Attributes {
            salesperson: salesperson?.unwrap_or_default(),
            region: region?.unwrap_or_default(),
            industry: industry?.unwrap_or_default(),
        })
    }

    /// The text of a field; none where it has no column or is blank. A cell that is no text reads as something, so that
    /// it is refused where it is needed.
    fn text(&self, field: Field) -> Option<Result<&'a str, String>> {
        let (place, _) = self.layout.mapping.column(field)?;
        let cell = self.cells.get(place)?;
        let text = std::str::from_utf8(cell).map(str::trim).map_err(|_| "is not UTF-8".to_owned());
        if text == Ok("") { None } else { Some(text) }
    }

    fn required<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.text(field) {
            None => self.refuse(field, "is empty".to_owned()),
            Some(text) => text.and_then(read).map_err(|reason| self.refuse::<T>(field, reason)).ok(),
        }
    }

    /// None for a bad cell; some none for a blank one.
    fn optional<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, String>) -> Option<Option<T>> {
        match self.text(field) {
            None => Some(None),
            Some(text) => text.and_then(read).map(Some).map_err(|reason| self.refuse::<T>(field, reason)).ok(),
        }
    }

    fn refuse<T>(&mut self, field: Field, reason: String) -> Option<T> {
        let column =
            self.layout.mapping.column(field).map_or_else(|| field.to_string(), |(_, column)| column.to_owned());
        self.bad.push(BadCell { column, reason });
        None
    }
}

/// Years a document can be of: `%Y` would read 13 as the year 13.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2999;

impl DateFormat {
    pub(super) fn read(&self, text: &str) -> Result<NaiveDate, String> {
        let date = NaiveDate::parse_from_str(text, &self.0).ok().filter(|date| YEARS.contains(&date.year()));
        date.ok_or_else(|| format!("{text:?} is no date written as {}", self.0))
    }
}

fn document(text: &str, is_settled: bool) -> Result<String, String> {
    let document = ItemId::parse(text).map_err(|error| error.to_string())?;
    let length_max = if is_settled { DOCUMENT_LENGTH_MAX - PAYMENT_PREFIX.len() } else { DOCUMENT_LENGTH_MAX };
    if text.len() > length_max {
        return Err(format!("is longer than {length_max} characters"));
    }
    Ok(document.to_string())
}

pub(super) fn amount(text: &str, currency: Currency) -> Result<Money, String> {
    let plain = ungrouped(text).ok_or_else(|| format!("{text:?} is no amount"))?;
    let decimal = Decimal::from_str_exact(&plain).map_err(|_| format!("{text:?} is no amount"))?;
    if decimal.is_sign_negative() || decimal.is_zero() {
        return Err(format!("{text} is not above zero"));
    }
    Money::try_from_decimal(decimal, currency).map_err(|error| error.to_string())
}

/// The number without the commas between its thousands; none where they stand elsewhere.
fn ungrouped(text: &str) -> Option<String> {
    let (whole, rest) = text.find('.').map_or((text, ""), |point| text.split_at(point));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let is_grouped = whole.contains(',');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let first = first.strip_prefix('-').unwrap_or(first);
    let first_fits = digits(first) && !first.is_empty() && (!is_grouped || first.len() <= 3);
    let rest_fits = digits(rest.strip_prefix('.').unwrap_or(rest));
    let fits = first_fits && rest_fits && groups.all(|group| group.len() == 3 && digits(group));
    fits.then(|| text.replace(',', ""))
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "是" => Ok(true),
        "no" | "n" | "false" | "f" | "0" | "否" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no")),
    }
}

fn attribute(text: &str) -> Result<String, String> {
    if text.chars().count() > ATTRIBUTE_LENGTH_MAX {
        return Err(format!("is longer than {ATTRIBUTE_LENGTH_MAX} characters"));
    }
    Ok(text.to_owned())
}

fn dispute(account: &AccountId, document: &str, from: NaiveDate) -> Dispute {
    Dispute {
        account_id: account.to_string(),
        item_id: document.to_owned(),
        extent: Some(Extent::Whole(true)),
        reason: DISPUTE_REASON.to_owned(),
        effective_date: Some(emit::date(from)),
        dispute_id: document.to_owned(),
    }
}

fn payment(account: &AccountId, document: &str, amount: Money, settled: NaiveDate) -> PaymentAdvice {
    PaymentAdvice {
        account_id: account.to_string(),
        payment_number: format!("{PAYMENT_PREFIX}{document}"),
        amount: Some(emit::money(amount)),
        effective_date: Some(emit::date(settled)),
        references: vec![PaymentReference { document_number: document.to_owned(), amount: None }],
        allocation_mode: AllocationMode::NamedOnly.into(),
        ..PaymentAdvice::default()
    }
}
