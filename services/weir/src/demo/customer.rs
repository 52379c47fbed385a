//! A company as it acts: it orders, waits, receives, disputes, pays, each day what its diary says.

use chrono::NaiveDate;
use rand::{RngExt as _, rngs::StdRng};
use weir_wire::{
    common::v1::Grade,
    emit,
    order_gate::v1::{
        AuthorizeOrderRequest, DeliveredLine, GetCommitmentRequest, Order, OrderLine, Outcome, RecordDeliveryRequest,
    },
    receivables::v1::{
        Dispute, Invoice, InvoiceLine, PostInvoiceRequest, RecordPaymentRequest, SetDisputeRequest, dispute::Extent,
        invoice::Due,
    },
};

use super::{
    company::Company,
    diary::{Debt, Deed, Diary, Goods, business_day, business_day_before, later},
    history::{attributes, payment},
    office::{CURRENCY, Office, Who, money},
};

/// Order amounts are multiples of 100.00.
const ROUND: i64 = 10_000;
/// Least order of a company with a limit: 1,000.00.
const ORDER_MIN: i64 = 100_000;
/// Most that buyers of grade B order at a time, as a rule: whatever reaches 100,000.00 waits for a review.
const ROUTINE_MAX: i64 = 9_500_000;
/// Days between an order and its invoice, and between due date and money, roughly.
const DAYS_UNDER_WAY: i64 = 10;

/// What a company did in the year.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deeds {
    pub(super) orders: i64,
    pub(super) warned: i64,
    pub(super) held: i64,
    pub(super) invoices: i64,
    pub(super) payments: i64,
    pub(super) disputes: i64,
}

/// A company and how it stands.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) company: Company,
    pub(super) rng: StdRng,
    pub(super) diary: Diary,
    pub(super) grade: Grade,
    /// Limit in minor units.
    pub(super) limit: i64,
    pub(super) terms_days: i32,
    pub(super) is_blocked: bool,
    pub(super) deeds: Deeds,
    /// The order that waits at the gate.
    waiting: Option<Goods>,
}

impl Customer {
    pub(super) fn new(company: Company, rng: StdRng) -> Self {
        Customer {
            company,
            rng,
            diary: Diary::default(),
            grade: Grade::Unspecified,
            limit: 0,
            terms_days: 0,
            is_blocked: false,
            deeds: Deeds::default(),
            waiting: None,
        }
    }

    /// Money comes in, disputes are raised and cleared.
    pub(super) async fn morning(&mut self, office: &Office, day: NaiveDate) -> anyhow::Result<()> {
        let is_mine = |deed: &Deed| matches!(deed, Deed::Pay(_) | Deed::Dispute(_) | Deed::Clear(_));
        for deed in self.diary.take(day, is_mine) {
            match deed {
                Deed::Pay(debt) => self.pay(office, day, &debt).await?,
                Deed::Dispute(debt) => {
                    self.deeds.disputes += 1;
                    self.dispute(office, &debt, debt.amount / 2).await?;
                }
                Deed::Clear(debt) => self.dispute(office, &debt, 0).await?,
                Deed::Order | Deed::Deliver(_) | Deed::Invoice(_) => {}
            }
        }
        Ok(())
    }

    /// Orders go in, goods go out, invoices are written.
    pub(super) async fn noon(&mut self, office: &Office, day: NaiveDate) -> anyhow::Result<()> {
        self.ask_after(office, day).await?;
        for deed in self.diary.take(day, |_| true) {
            match deed {
                Deed::Order => self.order(office, day).await?,
                Deed::Deliver(goods) => self.deliver(office, day, goods).await?,
                Deed::Invoice(goods) => self.invoice(office, day, &goods).await?,
                Deed::Pay(_) | Deed::Dispute(_) | Deed::Clear(_) => {}
            }
        }
        Ok(())
    }

    /// What became of the order that waits.
    async fn ask_after(&mut self, office: &Office, day: NaiveDate) -> anyhow::Result<()> {
        let Some(goods) = self.waiting.clone() else { return Ok(()) };
        let request = GetCommitmentRequest { order_id: goods.order_id.clone() };
        let answer = office.gate(Who::Pipeline).get_commitment(request).await?.into_inner();
        if answer.hold.is_some() {
            return Ok(());
        }
        self.waiting = None;
        if answer.commitment.is_some() {
            self.passed(day, goods);
        }
        self.order_again(day);
        Ok(())
    }

    async fn order(&mut self, office: &Office, day: NaiveDate) -> anyhow::Result<()> {
        self.deeds.orders += 1;
        let is_prepaid = self.limit == 0 && self.rng.random_ratio(4, 5);
        let amount = self.order_amount();
        let order_id = format!("{}-{:03}", self.company.account, self.deeds.orders);
        let goods = Goods { order_id, amount, is_prepaid };
        let request = AuthorizeOrderRequest { order: Some(self.written(&goods)), ..AuthorizeOrderRequest::default() };
        let answer = office.gate(Who::Pipeline).authorize_order(request).await?.into_inner();
        let outcome = answer.decision.map_or(Outcome::Unspecified, |decision| decision.outcome());
        match outcome {
            Outcome::Approve | Outcome::ApproveWithWarnings => {
                self.deeds.warned += i64::from(outcome == Outcome::ApproveWithWarnings);
                self.passed(day, goods);
                self.order_again(day);
            }
            Outcome::Hold => {
                self.deeds.held += 1;
                self.waiting = Some(goods);
            }
            Outcome::Reject | Outcome::Unspecified => self.order_again(day),
        }
        Ok(())
    }

    /// As much as makes the company use its limit as far as it likes; now and then nearly twice that.
    fn order_amount(&mut self) -> i64 {
        if self.limit == 0 {
            return self.rng.random_range(50..=250) * ROUND;
        }
        let window = i64::from(self.terms_days) + DAYS_UNDER_WAY;
        let orders_open = (window / self.company.order_interval_days.max(1)).max(2);
        let usual = self.limit / 100 * self.company.appetite_percent / orders_open;
        let percent = if self.rng.random_ratio(1, 30) { 180 } else { self.rng.random_range(80..=120) };
        let amount = (usual / 100 * percent / ROUND * ROUND).max(ORDER_MIN);
        let is_routine = self.grade == Grade::B && !self.rng.random_ratio(1, 20);
        if is_routine { amount.min(ROUTINE_MAX) } else { amount }
    }

    fn written(&self, goods: &Goods) -> Order {
        let lines = lines(goods).map(|(line_id, amount)| OrderLine { line_id, amount: Some(money(amount)) });
        Order {
            order_id: goods.order_id.clone(),
            revision: 1,
            account_id: self.company.account.to_string(),
            currency_code: CURRENCY.to_owned(),
            lines: lines.collect(),
            prepaid_amount: goods.is_prepaid.then(|| money(goods.amount)),
            ship_date: None,
            terms_days: 0,
            requested_by: self.company.salesperson.to_owned(),
            discount_percent: None,
        }
    }

    fn passed(&mut self, day: NaiveDate, goods: Goods) {
        let day = business_day(later(day, self.rng.random_range(1..=4)));
        self.diary.note(day, Deed::Deliver(goods));
    }

    fn order_again(&mut self, day: NaiveDate) {
        let interval = self.company.order_interval_days;
        if interval > 0 {
            let day = business_day(later(day, self.rng.random_range(interval - 5..=interval + 5)));
            self.diary.note(day, Deed::Order);
        }
    }

    async fn deliver(&mut self, office: &Office, day: NaiveDate, goods: Goods) -> anyhow::Result<()> {
        let lines = lines(&goods)
            .map(|(line_id, amount)| DeliveredLine { line_id, delivered_amount: Some(money(amount)) })
            .collect();
        let request = RecordDeliveryRequest {
            order_id: goods.order_id.clone(),
            delivery_id: format!("DN-{}", goods.order_id),
            lines,
            request_id: String::new(),
        };
        office.gate(Who::Pipeline).record_delivery(request).await?;
        self.diary.note(business_day(later(day, 1)), Deed::Invoice(goods));
        Ok(())
    }

    async fn invoice(&mut self, office: &Office, day: NaiveDate, goods: &Goods) -> anyhow::Result<()> {
        self.deeds.invoices += 1;
        let terms_days = if goods.is_prepaid { 0 } else { self.terms_days };
        let document = format!("INV-{}", goods.order_id);
        let line =
            |(line_id, amount)| InvoiceLine { order_id: goods.order_id.clone(), line_id, amount: Some(money(amount)) };
        let invoice = Invoice {
            account_id: self.company.account.to_string(),
            document_number: document.clone(),
            document_date: Some(emit::date(day)),
            due: Some(Due::NetDays(terms_days)),
            amount: Some(money(goods.amount)),
            lines: lines(goods).map(line).collect(),
            attributes: Some(attributes(self)),
            ..Invoice::default()
        };
        let request = PostInvoiceRequest { request_id: String::new(), invoice: Some(invoice) };
        office.receivables(Who::Finance).post_invoice(request).await?;
        let debt = Debt { document, amount: goods.amount };
        if goods.is_prepaid {
            return self.pay(office, day, &debt).await;
        }
        self.plan_payment(day, later(day, terms_days.into()), debt);
        Ok(())
    }

    /// Notes when an invoice will be paid, and whether it will be disputed before.
    fn plan_payment(&mut self, day: NaiveDate, due_date: NaiveDate, debt: Debt) {
        use chrono::Datelike as _;
        let lateness = self.company.payer.lateness(&mut self.rng, due_date, day.year());
        let is_disputed = self.rng.random_ratio(1, 40);
        let Some(lateness) = lateness else { return };
        let paid = later(due_date, lateness);
        let paid = if lateness <= 0 { business_day_before(paid) } else { business_day(paid) };
        let paid = paid.max(business_day(later(day, 1)));
        if is_disputed {
            let cleared = business_day(later(paid, 20));
            self.diary.note(business_day(later(day, 1)), Deed::Dispute(debt.clone()));
            self.diary.note(cleared, Deed::Clear(debt.clone()));
            self.diary.note(cleared, Deed::Pay(debt));
        } else {
            self.diary.note(paid, Deed::Pay(debt));
        }
    }

    async fn pay(&mut self, office: &Office, day: NaiveDate, debt: &Debt) -> anyhow::Result<()> {
        self.deeds.payments += 1;
        let payment = payment(self, debt, day);
        let request = RecordPaymentRequest { request_id: String::new(), payment: Some(payment) };
        office.receivables(Who::Finance).record_payment(request).await?;
        Ok(())
    }

    async fn dispute(&mut self, office: &Office, debt: &Debt, amount: i64) -> anyhow::Result<()> {
        let dispute = Dispute {
            account_id: self.company.account.to_string(),
            item_id: debt.document.clone(),
            extent: Some(Extent::Amount(money(amount))),
            reason: if amount == 0 { String::new() } else { "part of the goods arrived damaged".to_owned() },
            effective_date: None,
            dispute_id: String::new(),
        };
        let request = SetDisputeRequest { request_id: String::new(), dispute: Some(dispute) };
        match office.receivables(Who::Collector).set_dispute(request).await {
            // it was paid after all, and nothing is left to dispute
            Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(()),
            done => done.map(|_| ()).map_err(Into::into),
        }
    }
}

/// The lines of an order: larger ones have two.
fn lines(goods: &Goods) -> impl Iterator<Item = (String, i64)> {
    let second = if goods.amount >= 10 * ORDER_MIN { goods.amount / 100 * 40 } else { 0 };
    let both = [("1", goods.amount - second), ("2", second)];
    both.into_iter().filter(|(_, amount)| *amount > 0).map(|(line_id, amount)| (line_id.to_owned(), amount))
}
