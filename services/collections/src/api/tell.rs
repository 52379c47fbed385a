//! Commands: each changes something once a request id, and answers how far the feed got.

use tonic::Request;
use weir_model::{Fault, Fields};
use weir_store::Done;
use weir_wire::{
    collections::v1 as pb,
    common::v1::{Context, Token},
    emit as wire, parse,
};

use super::{emit, read, service::Service};

/// The full name of an rpc.
macro_rules! rpc {
    ($name:literal) => {
        concat!("weir.collections.v1.CollectionsService/", $name)
    };
}

fn token<T>(done: &Done<T>) -> Option<Token> {
    Some(wire::token(Context::Collections, done.position))
}

impl Service {
    pub(super) async fn create_strategy(
        &self,
        request: Request<pb::CreateStrategyRequest>,
    ) -> Result<pb::CreateStrategyResponse, Fault> {
        let call = self.call(&request, rpc!("CreateStrategy"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = if request.validate_only {
            parse::optional_id(&mut fields, "request_id", &request.request_id)
        } else {
            read::request_id(&mut fields, &request.request_id).map(Some)
        };
        let strategy = read::strategy(&mut fields, request.strategy.as_ref());
        let (request_id, strategy) = fields.finish_with(request_id.zip(strategy))?;
        if request.validate_only {
            let draft = self.context.draft_strategy(&call, strategy);
            return Ok(pb::CreateStrategyResponse { strategy: Some(emit::strategy(&draft)), token: None });
        }
        let done = self.context.create_strategy(&call.with_request_id(request_id), strategy).await?;
        Ok(pb::CreateStrategyResponse { strategy: Some(emit::strategy(&done.value)), token: token(&done) })
    }

    pub(super) async fn activate_strategy(
        &self,
        request: Request<pb::ActivateStrategyRequest>,
    ) -> Result<pb::ActivateStrategyResponse, Fault> {
        let call = self.call(&request, rpc!("ActivateStrategy"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "strategy_id", &request.strategy_id);
        let (request_id, id) = fields.finish_with(request_id.zip(id))?;
        let done = self.context.activate_strategy(&call.with_request_id(Some(request_id)), &id).await?;
        Ok(pb::ActivateStrategyResponse { strategy: Some(emit::strategy(&done.value)), token: token(&done) })
    }

    pub(super) async fn put_debtor(
        &self,
        request: Request<pb::PutDebtorRequest>,
    ) -> Result<pb::PutDebtorResponse, Fault> {
        let call = self.call(&request, rpc!("PutDebtor"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let debtor = read::debtor(&mut fields, request.debtor.as_ref());
        let (request_id, debtor) = fields.finish_with(request_id.zip(debtor))?;
        let done = self.context.put_debtor(&call.with_request_id(Some(request_id)), &debtor).await?;
        Ok(pb::PutDebtorResponse { debtor: Some(emit::debtor(&done.value)), token: token(&done) })
    }

    pub(super) async fn complete_task(
        &self,
        request: Request<pb::CompleteTaskRequest>,
    ) -> Result<pb::CompleteTaskResponse, Fault> {
        let call = self.call(&request, rpc!("CompleteTask"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "task_id", &request.task_id);
        let note = read::note(&mut fields, "note", &request.note);
        let ((request_id, id), note) = fields.finish_with(request_id.zip(id).zip(note))?;
        let done = self.context.complete_task(&call.with_request_id(Some(request_id)), &id, &note).await?;
        Ok(pb::CompleteTaskResponse { task: Some(emit::task(&done.value)), token: token(&done) })
    }

    pub(super) async fn reassign_task(
        &self,
        request: Request<pb::ReassignTaskRequest>,
    ) -> Result<pb::ReassignTaskResponse, Fault> {
        let call = self.call(&request, rpc!("ReassignTask"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "task_id", &request.task_id);
        let assignee = parse::optional_id(&mut fields, "assignee", &request.assignee);
        let ((request_id, id), assignee) = fields.finish_with(request_id.zip(id).zip(assignee))?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.reassign_task(&call, &id, assignee.as_ref()).await?;
        Ok(pb::ReassignTaskResponse { task: Some(emit::task(&done.value)), token: token(&done) })
    }

    pub(super) async fn record_contact(
        &self,
        request: Request<pb::RecordContactRequest>,
    ) -> Result<pb::RecordContactResponse, Fault> {
        let call = self.call(&request, rpc!("RecordContact"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let contact = read::contact(&mut fields, &request);
        let (request_id, contact) = fields.finish_with(request_id.zip(contact))?;
        let done = self.context.record_contact(&call.with_request_id(Some(request_id)), &contact).await?;
        Ok(pb::RecordContactResponse { contact: Some(emit::contact(&done.value)), token: token(&done) })
    }

    pub(super) async fn record_promise(
        &self,
        request: Request<pb::RecordPromiseRequest>,
    ) -> Result<pb::RecordPromiseResponse, Fault> {
        let call = self.call(&request, rpc!("RecordPromise"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let promise = read::promise(&mut fields, &request);
        let (request_id, promise) = fields.finish_with(request_id.zip(promise))?;
        let done = self.context.record_promise(&call.with_request_id(Some(request_id)), &promise).await?;
        Ok(pb::RecordPromiseResponse { promise: Some(emit::promise(&done.value)), token: token(&done) })
    }

    pub(super) async fn cancel_promise(
        &self,
        request: Request<pb::CancelPromiseRequest>,
    ) -> Result<pb::CancelPromiseResponse, Fault> {
        let call = self.call(&request, rpc!("CancelPromise"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "promise_id", &request.promise_id);
        let reason = parse::text(&mut fields, "reason", &request.reason, read::NOTE_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(request_id.zip(id).zip(reason))?;
        let done = self.context.cancel_promise(&call.with_request_id(Some(request_id)), &id, &reason).await?;
        Ok(pb::CancelPromiseResponse { promise: Some(emit::promise(&done.value)), token: token(&done) })
    }

    pub(super) async fn run_collections(
        &self,
        request: Request<pb::RunCollectionsRequest>,
    ) -> Result<pb::RunCollectionsResponse, Fault> {
        let call = self.call(&request, rpc!("RunCollections"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = parse::optional_id(&mut fields, "request_id", &request.request_id);
        let date = parse::optional_date(&mut fields, "business_date", request.business_date.as_ref());
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let ((request_id, date), fresh) = fields.finish_with(request_id.zip(date).zip(fresh))?;
        self.context.fresh(fresh).await?;
        let date = date.unwrap_or(call.today);
        let done = self.context.run_collections(&call.with_request_id(request_id), date).await?;
        Ok(pb::RunCollectionsResponse { token: token(&done), ..emit::run(&done.value) })
    }

    pub(super) async fn block_account(
        &self,
        request: Request<pb::BlockAccountRequest>,
    ) -> Result<pb::BlockAccountResponse, Fault> {
        let call = self.call(&request, rpc!("BlockAccount"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "account_id", &request.account_id);
        let reason = parse::text(&mut fields, "reason", &request.reason, read::REASON_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(request_id.zip(id).zip(reason))?;
        let done = self.context.block_account(&call.with_request_id(Some(request_id)), &id, &reason).await?;
        Ok(pb::BlockAccountResponse { standing: Some(emit::standing(&done.value)), token: token(&done) })
    }

    pub(super) async fn unblock_account(
        &self,
        request: Request<pb::UnblockAccountRequest>,
    ) -> Result<pb::UnblockAccountResponse, Fault> {
        let call = self.call(&request, rpc!("UnblockAccount"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let id = parse::id(&mut fields, "account_id", &request.account_id);
        let reason = parse::text(&mut fields, "reason", &request.reason, read::REASON_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(request_id.zip(id).zip(reason))?;
        let done = self.context.unblock_account(&call.with_request_id(Some(request_id)), &id, &reason).await?;
        Ok(pb::UnblockAccountResponse { standing: Some(emit::standing(&done.value)), token: token(&done) })
    }
}
