//! Pauses and opt-outs: read, called, answered.

use tonic::Request;
use weir_model::{Fault, Fields};
use weir_wire::{
    collections::v1 as pb,
    common::v1::{Context, Token},
    emit, parse,
};

use super::{read, service::Service};
use crate::{
    facade::NewPause,
    pause::PauseKind,
    record::{OptOut, PauseRecord},
};

fn token(position: i64) -> Option<Token> {
    Some(emit::token(Context::Collections, position))
}

fn new_pause(fields: &mut Fields, value: &pb::SetPauseRequest) -> Option<NewPause> {
    let account_id = parse::id(fields, "account_id", &value.account_id);
    let item_id = parse::optional_id(fields, "item_id", &value.item_id);
    let kind = parse::one_of::<pb::PauseKind>(fields, "kind", value.kind).and_then(|kind| match kind {
        pb::PauseKind::Unspecified => None,
        pb::PauseKind::Dispute => Some(PauseKind::Dispute),
        pb::PauseKind::Plan => Some(PauseKind::Plan),
    });
    let from = parse::optional_date(fields, "from_date", value.from_date.as_ref());
    let to = parse::date(fields, "to_date", value.to_date.as_ref());
    let note = read::note(fields, "note", &value.note);
    Some(NewPause { account_id: account_id?, item_id: item_id?, kind: kind?, from: from?, to: to?, note: note? })
}

fn pause(record: &PauseRecord) -> pb::Pause {
    let kind = match record.kind {
        PauseKind::Dispute => pb::PauseKind::Dispute,
        PauseKind::Plan => pb::PauseKind::Plan,
    };
    let pause = &record.pause;
    pb::Pause {
        pause_number: record.number,
        account_id: record.account_id.to_string(),
        item_id: pause.item_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        kind: kind.into(),
        from_date: Some(emit::date(pause.from)),
        to_date: Some(emit::date(pause.to)),
        lifted_date: pause.lifted.map(emit::date),
        note: record.note.clone(),
        set_by: record.set_by.to_string(),
        set_time: Some(emit::timestamp(record.set_at)),
        lifted_by: record.lifted_by.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn opt_out(wish: &OptOut) -> pb::OptOut {
    pb::OptOut {
        account_id: wish.account_id.to_string(),
        reason: wish.reason.clone(),
        recorded_by: wish.set_by.to_string(),
        recorded_time: Some(emit::timestamp(wish.set_at)),
    }
}

impl Service {
    pub(super) async fn set_pause(&self, request: Request<pb::SetPauseRequest>) -> Result<pb::SetPauseResponse, Fault> {
        let call = self.call(&request, "weir.collections.v1.CollectionsService/SetPause")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let new = new_pause(&mut fields, &request);
        let (request_id, new) = fields.finish_with(request_id.zip(new))?;
        let done = self.context.set_pause(&call.with_request_id(Some(request_id)), &new).await?;
        Ok(pb::SetPauseResponse { pause: Some(pause(&done.value)), token: token(done.position) })
    }

    pub(super) async fn lift_pause(
        &self,
        request: Request<pb::LiftPauseRequest>,
    ) -> Result<pb::LiftPauseResponse, Fault> {
        let call = self.call(&request, "weir.collections.v1.CollectionsService/LiftPause")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let number = parse::whole(&mut fields, "pause_number", request.pause_number, (1, i64::MAX));
        let (request_id, number) = fields.finish_with(request_id.zip(number))?;
        let done = self.context.lift_pause(&call.with_request_id(Some(request_id)), number).await?;
        Ok(pb::LiftPauseResponse { pause: Some(pause(&done.value)), token: token(done.position) })
    }

    pub(super) async fn list_pauses(
        &self,
        request: Request<pb::ListPausesRequest>,
    ) -> Result<pb::ListPausesResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::id(&mut fields, "account_id", &request.account_id);
        let arguments = ["pauses", request.account_id.as_str()];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let (account_id, page) = fields.finish_with(account_id.zip(page))?;
        let records = self.context.list_pauses(&account_id, &page).await?;
        let next = self.next(&arguments, page.size, &records, |last| Some(last.number));
        Ok(pb::ListPausesResponse { pauses: records.iter().map(pause).collect(), next_page_token: next })
    }

    pub(super) async fn record_opt_out(
        &self,
        request: Request<pb::RecordOptOutRequest>,
    ) -> Result<pb::RecordOptOutResponse, Fault> {
        let call = self.call(&request, "weir.collections.v1.CollectionsService/RecordOptOut")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "account_id", &request.account_id);
        let reason = parse::text(&mut fields, "reason", &request.reason, read::REASON_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(request_id.zip(id).zip(reason))?;
        let done = self.context.record_opt_out(&call.with_request_id(Some(request_id)), &id, &reason).await?;
        Ok(pb::RecordOptOutResponse { opt_out: Some(opt_out(&done.value)), token: token(done.position) })
    }

    pub(super) async fn lift_opt_out(
        &self,
        request: Request<pb::LiftOptOutRequest>,
    ) -> Result<pb::LiftOptOutResponse, Fault> {
        let call = self.call(&request, "weir.collections.v1.CollectionsService/LiftOptOut")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "account_id", &request.account_id);
        let reason = parse::text(&mut fields, "reason", &request.reason, read::REASON_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(request_id.zip(id).zip(reason))?;
        let done = self.context.lift_opt_out(&call.with_request_id(Some(request_id)), &id, &reason).await?;
        Ok(pb::LiftOptOutResponse { token: token(done.position) })
    }
}
