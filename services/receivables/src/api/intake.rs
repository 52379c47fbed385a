//! Bulk intake: each message is one transaction and gets one answer; bad rows are reported, good rows kept.

use futures::{StreamExt as _, stream::BoxStream};
use tonic::{Request, Status, Streaming};
use weir_model::{Call, Fault, Fields, Reason};
use weir_wire::{
    common::v1::ErrorReason,
    parse,
    receivables::v1::{self as pb, import_row::Fact},
};

use super::{Edge, IMPORT_RECEIVABLES, document, invoice, payment, token};
use crate::intake::Row;

/// Most rows of one message: bounds its transaction.
const ROWS_MAX: usize = 1_000;

/// Most items one message may open, which a row with instalments does many of: bounds its transaction too.
const ITEMS_MAX: usize = 2_000;

pub(super) type Answers = BoxStream<'static, Result<pb::ImportReceivablesResponse, Status>>;

impl Edge {
    pub(super) fn import_receivables(
        &self,
        request: Request<Streaming<pb::ImportReceivablesRequest>>,
    ) -> Result<Answers, Fault> {
        let (metadata, extensions, mut messages) = request.into_parts();
        let mut head = Request::from_parts(metadata, extensions, pb::ImportReceivablesRequest::default());
        // an unknown caller learns it at once, not with the first message
        self.call(&head, IMPORT_RECEIVABLES)?;
        let edge = self.clone();
        Ok(async_stream::stream! {
            while let Some(message) = messages.next().await {
                let answer = match message {
                    Ok(message) => {
                        *head.get_mut() = message;
                        edge.import(&head).await.map_err(weir_wire::status)
                    }
                    Err(status) => Err(status),
                };
                let ends = answer.is_err();
                yield answer;
                if ends {
                    break;
                }
            }
        }
        .boxed())
    }

    async fn import(
        &self,
        request: &Request<pb::ImportReceivablesRequest>,
    ) -> Result<pb::ImportReceivablesResponse, Fault> {
        let call = self.call(request, IMPORT_RECEIVABLES)?;
        let messages = &request.get_ref().rows;
        let mut fields = Fields::default();
        parse::at_most(&mut fields, "rows", messages, ROWS_MAX);
        fields.finish()?;
        let read: Vec<Result<Row, Fault>> = messages.iter().map(|message| row(message, &call)).collect();
        let rows: Vec<Row> = read.iter().filter_map(|row| row.as_ref().ok()).cloned().collect();
        let opened = rows.iter().map(|row| if let Row::Document(document) = row { document.rows.len() } else { 0 });
        if opened.sum::<usize>() > ITEMS_MAX {
            return Err(Fault::invalid(
                "rows",
                format!("must open at most {ITEMS_MAX} items, one for each instalment"),
            ));
        }
        let done = self.context.import(&call, &rows).await?;
        let mut taken = done.value.into_iter();
        let results = messages.iter().zip(read).map(|(message, read)| {
            let outcome = match read {
                Err(fault) => Err(fault),
                Ok(_) => match taken.next() {
                    Some(taken) => taken.map_err(Fault::from),
                    None => Err(Fault::internal()),
                },
            };
            result(message.row_number, outcome)
        });
        Ok(pb::ImportReceivablesResponse { results: results.collect(), token: token(done.position) })
    }
}

fn row(message: &pb::ImportRow, call: &Call) -> Result<Row, Fault> {
    let mut fields = Fields::default();
    parse::whole(&mut fields, "row_number", message.row_number, (0, i64::MAX));
    let row = match &message.fact {
        None => {
            fields.add("fact", "is required");
            None
        }
        Some(Fact::Invoice(m)) => invoice::read(&mut fields, "invoice", Some(m), call.today).map(Row::Document),
        Some(Fact::CreditNote(m)) => {
            document::credit_note(&mut fields, "credit_note", Some(m), call.today).map(Row::Document)
        }
        Some(Fact::DebitNote(m)) => document::debit_note(&mut fields, "debit_note", Some(m)).map(Row::Document),
        Some(Fact::Charge(m)) => document::charge(&mut fields, "charge", Some(m)).map(Row::Document),
        Some(Fact::Payment(m)) => {
            if m.payment_number.is_empty() {
                fields.add("payment.payment_number", "is required here");
            }
            payment::payment(&mut fields, "payment", Some(m)).map(Row::Payment)
        }
        Some(Fact::Dispute(m)) => document::dispute(&mut fields, "dispute", Some(m), call.today).map(Row::Dispute),
    };
    fields.finish_with(row)
}

fn result(row_number: i64, outcome: Result<bool, Fault>) -> pb::ImportRowResult {
    let plain = |outcome: pb::ImportOutcome| pb::ImportRowResult {
        row_number,
        outcome: outcome.into(),
        ..pb::ImportRowResult::default()
    };
    match outcome {
        Ok(false) => plain(pb::ImportOutcome::Posted),
        Ok(true) => plain(pb::ImportOutcome::Unchanged),
        Err(fault) => pb::ImportRowResult {
            reason: reason(fault.reason).into(),
            message: fault.message.into_owned(),
            field_violations: fault
                .fields
                .into_iter()
                .map(|field| pb::ImportFieldViolation { path: field.path, description: field.description })
                .collect(),
            ..plain(pb::ImportOutcome::Refused)
        },
    }
}

fn reason(reason: Reason) -> ErrorReason {
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", reason.as_str())).unwrap_or(ErrorReason::Internal)
}
