//! A context on a fresh database, called through its gRPC edge without ports, and short words for messages.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use tonic::{Code, Status, service::Routes};
use tonic_types::StatusExt as _;
use weir_model::{Clock, Ids, Principal, Role, SubjectId};
use weir_store::{Db, Env};
use weir_wire::{
    PageTokens, Peer, emit,
    google::r#type as g,
    receivables::v1::{
        self as pb, feed_service_client::FeedServiceClient, receivables_service_client::ReceivablesServiceClient,
    },
};

use crate::{MIGRATIONS, Receivables, api};

pub(super) struct World {
    pub context: Arc<Receivables>,
    pub clock: Clock,
    pub client: ReceivablesServiceClient<Peer>,
    pub feed: FeedServiceClient<Peer>,
}

/// A world on 2026-03-31.
pub(super) async fn world(db: &Db) -> World {
    db.migrate(MIGRATIONS).await.unwrap();
    let clock = Clock::manual(noon(date(2026, 3, 31)), Tz::UTC);
    let env = Env { db: db.clone(), clock: clock.clone(), ids: Ids::seeded(7) };
    let context = Arc::new(Receivables::open(env).await.unwrap());
    let mut routes = Routes::builder();
    api::routes(&context, &PageTokens::new([1; 32]), &mut routes);
    let principal = Principal::new(SubjectId::parse("fiona").unwrap(), [Role::Finance]);
    let peer = Peer::new(
        routes.routes().prepare(),
        Arc::new(move |request| {
            request.extensions_mut().insert(principal.clone());
        }),
    );
    World { context, clock, client: ReceivablesServiceClient::new(peer.clone()), feed: FeedServiceClient::new(peer) }
}

pub(super) fn noon(date: NaiveDate) -> DateTime<Utc> {
    date.and_hms_opt(12, 0, 0).unwrap().and_utc()
}

pub(super) fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// A date as a message, from `2026-03-31`.
pub(super) fn day(text: &str) -> Option<g::Date> {
    Some(emit::date(text.parse().unwrap()))
}

/// An amount in hundredths of CNY.
pub(super) fn fen(minor: i64) -> Option<g::Money> {
    money("CNY", minor)
}

/// An amount in minor units.
pub(super) fn money(code: &str, minor: i64) -> Option<g::Money> {
    let currency = weir_model::Currency::from_code(code).unwrap();
    Some(emit::money(weir_model::Money::new(minor, currency)))
}

/// An amount in minor units, read back.
pub(super) fn minor(money: Option<&g::Money>) -> i64 {
    let money = money.unwrap();
    let exponent = weir_model::Currency::from_code(&money.currency_code).unwrap().exponent();
    let scale = 10_i64.pow(exponent);
    money.units * scale + i64::from(money.nanos) / (1_000_000_000 / scale)
}

pub(super) fn invoice(account: &str, number: &str, dated: &str, due: &str, minor: i64) -> pb::Invoice {
    pb::Invoice {
        account_id: account.to_owned(),
        document_number: number.to_owned(),
        document_date: day(dated),
        due: Some(pb::invoice::Due::DueDate(day(due).unwrap())),
        amount: fen(minor),
        ..pb::Invoice::default()
    }
}

pub(super) fn payment(account: &str, number: &str, dated: &str, minor: i64) -> pb::PaymentAdvice {
    pb::PaymentAdvice {
        account_id: account.to_owned(),
        payment_number: number.to_owned(),
        amount: fen(minor),
        effective_date: day(dated),
        ..pb::PaymentAdvice::default()
    }
}

/// The same payment for some documents.
pub(super) fn naming(payment: pb::PaymentAdvice, numbers: &[&str]) -> pb::PaymentAdvice {
    let reference = |number: &&str| pb::PaymentReference { document_number: (*number).to_owned(), amount: None };
    pb::PaymentAdvice { references: numbers.iter().map(reference).collect(), ..payment }
}

/// Code and reason of a refusal.
pub(super) fn why(status: &Status) -> (Code, String) {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    (status.code(), reason)
}

/// Paths of the bad fields.
pub(super) fn bad_fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

impl World {
    pub(super) async fn post(&self, invoice: pb::Invoice) -> Result<pb::PostInvoiceResponse, Status> {
        let request = pb::PostInvoiceRequest { request_id: String::new(), invoice: Some(invoice) };
        Ok(self.client.clone().post_invoice(request).await?.into_inner())
    }

    pub(super) async fn credit(&self, note: pb::CreditNote) -> Result<pb::PostCreditNoteResponse, Status> {
        let request = pb::PostCreditNoteRequest { request_id: String::new(), credit_note: Some(note) };
        Ok(self.client.clone().post_credit_note(request).await?.into_inner())
    }

    pub(super) async fn pay(&self, payment: pb::PaymentAdvice) -> Result<pb::RecordPaymentResponse, Status> {
        let request = pb::RecordPaymentRequest { request_id: String::new(), payment: Some(payment) };
        Ok(self.client.clone().record_payment(request).await?.into_inner())
    }

    pub(super) async fn bounce(&self, payment: &str) -> Result<pb::ReversePaymentResponse, Status> {
        let request = pb::ReversePaymentRequest {
            payment_id: payment.to_owned(),
            reason: "bounced".to_owned(),
            ..pb::ReversePaymentRequest::default()
        };
        Ok(self.client.clone().reverse_payment(request).await?.into_inner())
    }

    pub(super) async fn dispute(&self, item: &str, account: &str, minor: i64) -> Result<pb::OpenItem, Status> {
        let dispute = pb::Dispute {
            account_id: account.to_owned(),
            item_id: item.to_owned(),
            extent: Some(pb::dispute::Extent::Amount(fen(minor).unwrap())),
            reason: "short delivery".to_owned(),
            ..pb::Dispute::default()
        };
        let request = pb::SetDisputeRequest { request_id: String::new(), dispute: Some(dispute) };
        Ok(self.client.clone().set_dispute(request).await?.into_inner().item.unwrap())
    }

    pub(super) async fn item(&self, id: &str) -> pb::GetItemResponse {
        let request = pb::GetItemRequest { item_id: id.to_owned() };
        self.client.clone().get_item(request).await.unwrap().into_inner()
    }

    pub(super) async fn open(&self, id: &str) -> i64 {
        minor(self.item(id).await.item.unwrap().open_amount.as_ref())
    }

    pub(super) async fn position(&self, account: &str) -> pb::PositionChange {
        let request = pb::GetAccountPositionRequest { account_id: account.to_owned() };
        self.client.clone().get_account_position(request).await.unwrap().into_inner().positions.remove(0)
    }

    pub(super) async fn aging(&self, request: pb::GetAgingRequest) -> pb::GetAgingResponse {
        self.client.clone().get_aging(request).await.unwrap().into_inner()
    }

    /// The aging of all accounts as of a date.
    pub(super) async fn aged(&self, as_of: &str) -> pb::GetAgingResponse {
        self.aging(pb::GetAgingRequest { as_of_date: day(as_of), ..pb::GetAgingRequest::default() }).await
    }
}

/// The amounts of a row in minor units.
pub(super) fn amounts(row: &pb::AgingRow) -> Vec<i64> {
    row.amounts.iter().map(|amount| minor(Some(amount))).collect()
}
