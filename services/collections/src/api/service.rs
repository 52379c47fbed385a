//! The service: every rpc reads its request, calls the facade and writes the answer.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};
use weir_model::{Call, Fault, Fields};
use weir_store::Done;
use weir_wire::{
    PageTokens,
    collections::v1::{self as pb, collections_service_server::CollectionsService},
    common::v1::{Context, Token},
    emit as wire, parse, status,
};

use super::{emit, read};
use crate::{
    Collections,
    facade::WorklistFilter,
    store::{cases::CaseFilter, notices::NoticeFilter, promises::PromiseFilter, tasks::TaskFilter},
};

pub(super) struct Service {
    pub(super) context: Arc<Collections>,
    pub(super) pages: PageTokens,
}

macro_rules! rpcs {
    ($($name:ident($request:ident) -> $response:ident;)+) => {
        #[tonic::async_trait]
        impl CollectionsService for Service {
            $(async fn $name(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                // the inherent function of the same name
                Service::$name(self, request).await.map(Response::new).map_err(status)
            })+
        }
    };
}

rpcs! {
    create_strategy(CreateStrategyRequest) -> CreateStrategyResponse;
    activate_strategy(ActivateStrategyRequest) -> ActivateStrategyResponse;
    get_strategy(GetStrategyRequest) -> GetStrategyResponse;
    list_strategies(ListStrategiesRequest) -> ListStrategiesResponse;
    put_debtor(PutDebtorRequest) -> PutDebtorResponse;
    get_debtor(GetDebtorRequest) -> GetDebtorResponse;
    get_case(GetCaseRequest) -> GetCaseResponse;
    list_cases(ListCasesRequest) -> ListCasesResponse;
    list_tasks(ListTasksRequest) -> ListTasksResponse;
    complete_task(CompleteTaskRequest) -> CompleteTaskResponse;
    reassign_task(ReassignTaskRequest) -> ReassignTaskResponse;
    record_contact(RecordContactRequest) -> RecordContactResponse;
    list_contacts(ListContactsRequest) -> ListContactsResponse;
    record_promise(RecordPromiseRequest) -> RecordPromiseResponse;
    cancel_promise(CancelPromiseRequest) -> CancelPromiseResponse;
    list_promises(ListPromisesRequest) -> ListPromisesResponse;
    run_collections(RunCollectionsRequest) -> RunCollectionsResponse;
    get_worklist(GetWorklistRequest) -> GetWorklistResponse;
    list_notices(ListNoticesRequest) -> ListNoticesResponse;
    block_account(BlockAccountRequest) -> BlockAccountResponse;
    unblock_account(UnblockAccountRequest) -> UnblockAccountResponse;
    get_standing(GetStandingRequest) -> GetStandingResponse;
}

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
    fn call<T: Message>(&self, request: &Request<T>, rpc: &'static str) -> Result<Call, Fault> {
        weir_wire::call(request, rpc, &self.context.env().clock)
    }

    async fn create_strategy(
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

    async fn activate_strategy(
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

    async fn get_strategy(&self, request: Request<pb::GetStrategyRequest>) -> Result<pb::GetStrategyResponse, Fault> {
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "strategy_id", &request.get_ref().strategy_id);
        let record = self.context.get_strategy(&fields.finish_with(id)?).await?;
        Ok(pb::GetStrategyResponse { strategy: Some(emit::strategy(&record)) })
    }

    async fn list_strategies(
        &self,
        request: Request<pb::ListStrategiesRequest>,
    ) -> Result<pb::ListStrategiesResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let state = read::strategy_state(&mut fields, request.state);
        let state_text = request.state.to_string();
        let arguments = ["strategies", state_text.as_str()];
        let after = self.pages.decode(&arguments, &request.page_token);
        let page = read::page(&mut fields, request.page_size, after);
        let (state, page) = fields.finish_with(state.zip(page))?;
        let records = self.context.list_strategies(state, &page).await?;
        let next =
            self.next(&arguments, page.size, &records, |last| Some((last.created_at, last.strategy_id.clone()?)));
        let strategies = records.iter().map(emit::strategy).collect();
        Ok(pb::ListStrategiesResponse { strategies, next_page_token: next })
    }

    async fn put_debtor(&self, request: Request<pb::PutDebtorRequest>) -> Result<pb::PutDebtorResponse, Fault> {
        let call = self.call(&request, rpc!("PutDebtor"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let debtor = read::debtor(&mut fields, request.debtor.as_ref());
        let (request_id, debtor) = fields.finish_with(request_id.zip(debtor))?;
        let done = self.context.put_debtor(&call.with_request_id(Some(request_id)), &debtor).await?;
        Ok(pb::PutDebtorResponse { debtor: Some(emit::debtor(&done.value)), token: token(&done) })
    }

    async fn get_debtor(&self, request: Request<pb::GetDebtorRequest>) -> Result<pb::GetDebtorResponse, Fault> {
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "account_id", &request.get_ref().account_id);
        let debtor = self.context.get_debtor(&fields.finish_with(id)?).await?;
        Ok(pb::GetDebtorResponse { debtor: Some(emit::debtor(&debtor)) })
    }

    async fn get_case(&self, request: Request<pb::GetCaseRequest>) -> Result<pb::GetCaseResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "case_id", &request.case_id);
        let as_of = parse::optional_date(&mut fields, "as_of_date", request.as_of_date.as_ref());
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let ((id, as_of), fresh) = fields.finish_with(id.zip(as_of).zip(fresh))?;
        self.context.fresh(fresh).await?;
        let view = self.context.get_case(&id, as_of).await?;
        Ok(pb::GetCaseResponse { case: Some(emit::case_with_items(&view)) })
    }

    async fn list_cases(&self, request: Request<pb::ListCasesRequest>) -> Result<pb::ListCasesResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id(&mut fields, "account_id", &request.account_id);
        let state = read::case_state(&mut fields, request.state);
        let owner = read::optional_owner(&mut fields, request.owner);
        let as_of = parse::optional_date(&mut fields, "as_of_date", request.as_of_date.as_ref());
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let (state_text, owner_text) = (request.state.to_string(), request.owner.to_string());
        let date_text = format!("{:?}", as_of.flatten());
        let arguments = ["cases", &request.account_id, &state_text, &owner_text, &date_text];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let asked = (|| {
            let filter = CaseFilter { account_id: account_id?, state: state?, owner: owner?, currency: None };
            Some((filter, as_of?, fresh?, page?))
        })();
        let (filter, as_of, fresh, page) = fields.finish_with(asked)?;
        self.context.fresh(fresh).await?;
        let views = self.context.list_cases(&filter, as_of, &page).await?;
        let next = self.next(&arguments, page.size, &views, |last| Some(last.case.case_id.clone()));
        Ok(pb::ListCasesResponse { cases: views.iter().map(emit::case).collect(), next_page_token: next })
    }

    async fn list_tasks(&self, request: Request<pb::ListTasksRequest>) -> Result<pb::ListTasksResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let case_id = parse::optional_id(&mut fields, "case_id", &request.case_id);
        let owner = read::optional_owner(&mut fields, request.owner);
        let assignee = parse::optional_id(&mut fields, "assignee", &request.assignee);
        let state = read::task_state(&mut fields, request.state);
        let (owner_text, state_text) = (request.owner.to_string(), request.state.to_string());
        let arguments = ["tasks", &request.case_id, &owner_text, &request.assignee, &state_text];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let asked = (|| {
            let filter = TaskFilter { case_id: case_id?, owner: owner?, assignee: assignee?, state: state? };
            Some((filter, page?))
        })();
        let (filter, page) = fields.finish_with(asked)?;
        let tasks = self.context.list_tasks(&filter, &page).await?;
        let next = self.next(&arguments, page.size, &tasks, |last| Some((last.due_date, last.task_id.clone())));
        Ok(pb::ListTasksResponse { tasks: tasks.iter().map(emit::task).collect(), next_page_token: next })
    }

    async fn complete_task(
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

    async fn reassign_task(
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

    async fn record_contact(
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

    async fn list_contacts(
        &self,
        request: Request<pb::ListContactsRequest>,
    ) -> Result<pb::ListContactsResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let case_id = parse::id(&mut fields, "case_id", &request.case_id);
        let arguments = ["contacts", request.case_id.as_str()];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let (case_id, page) = fields.finish_with(case_id.zip(page))?;
        let contacts = self.context.list_contacts(&case_id, &page).await?;
        let next = self.next(&arguments, page.size, &contacts, |c| Some((c.recorded_at, c.contact_id.clone())));
        Ok(pb::ListContactsResponse { contacts: contacts.iter().map(emit::contact).collect(), next_page_token: next })
    }

    async fn record_promise(
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

    async fn cancel_promise(
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

    async fn list_promises(
        &self,
        request: Request<pb::ListPromisesRequest>,
    ) -> Result<pb::ListPromisesResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id(&mut fields, "account_id", &request.account_id);
        let state = read::promise_state(&mut fields, request.state);
        let state_text = request.state.to_string();
        let arguments = ["promises", &request.account_id, &state_text];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let asked = (|| Some((PromiseFilter { account_id: account_id?, state: state?, currency: None }, page?)))();
        let (filter, page) = fields.finish_with(asked)?;
        let records = self.context.list_promises(&filter, &page).await?;
        let next = self
            .next(&arguments, page.size, &records, |last| Some((last.recorded_at, last.promise.promise_id.clone())));
        Ok(pb::ListPromisesResponse { promises: records.iter().map(emit::promise).collect(), next_page_token: next })
    }

    async fn run_collections(
        &self,
        request: Request<pb::RunCollectionsRequest>,
    ) -> Result<pb::RunCollectionsResponse, Fault> {
        let call = self.call(&request, rpc!("RunCollections"))?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let request_id = read::request_id(&mut fields, &request.request_id);
        let date = parse::optional_date(&mut fields, "business_date", request.business_date.as_ref());
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let ((request_id, date), fresh) = fields.finish_with(request_id.zip(date).zip(fresh))?;
        self.context.fresh(fresh).await?;
        let date = date.unwrap_or(call.today);
        let done = self.context.run_collections(&call.with_request_id(Some(request_id)), date).await?;
        Ok(pb::RunCollectionsResponse { token: token(&done), ..emit::run(&done.value) })
    }

    async fn get_worklist(&self, request: Request<pb::GetWorklistRequest>) -> Result<pb::GetWorklistResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let owner = read::optional_owner(&mut fields, request.owner);
        let salesperson = parse::optional_id(&mut fields, "salesperson", &request.salesperson);
        let currency = match request.currency_code.as_str() {
            "" => Some(None),
            code => parse::currency(&mut fields, "currency_code", code).map(Some),
        };
        let as_of = parse::optional_date(&mut fields, "as_of_date", request.as_of_date.as_ref());
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let (owner_text, date_text) = (request.owner.to_string(), format!("{:?}", as_of.flatten()));
        let arguments = ["worklist", &owner_text, &request.salesperson, &request.currency_code, &date_text];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let asked = (|| {
            let filter = WorklistFilter { owner: owner?, salesperson: salesperson?, currency: currency? };
            Some((filter, as_of?, fresh?, page?))
        })();
        let (filter, as_of, fresh, page) = fields.finish_with(asked)?;
        self.context.fresh(fresh).await?;
        let lines = self.context.get_worklist(&filter, as_of, &page).await?;
        let next = self.next(&arguments, page.size, &lines, |last| Some(last.key()));
        Ok(pb::GetWorklistResponse { entries: lines.iter().map(emit::worklist_entry).collect(), next_page_token: next })
    }

    async fn list_notices(&self, request: Request<pb::ListNoticesRequest>) -> Result<pb::ListNoticesResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id(&mut fields, "account_id", &request.account_id);
        let case_id = parse::optional_id(&mut fields, "case_id", &request.case_id);
        let hold_id = parse::optional_id(&mut fields, "hold_id", &request.hold_id);
        let kind = read::notice_kind(&mut fields, request.kind);
        let state = read::notice_state(&mut fields, request.state);
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let (kind_text, state_text) = (request.kind.to_string(), request.state.to_string());
        let arguments = ["notices", &request.account_id, &request.case_id, &request.hold_id, &kind_text, &state_text];
        let page = read::page(&mut fields, request.page_size, self.pages.decode(&arguments, &request.page_token));
        let asked = (|| {
            let (account_id, case_id, hold_id) = (account_id?, case_id?, hold_id?);
            Some((NoticeFilter { account_id, case_id, kind: kind?, state: state?, hold_id }, fresh?, page?))
        })();
        let (filter, fresh, page) = fields.finish_with(asked)?;
        self.context.fresh(fresh).await?;
        let notices = self.context.list_notices(&filter, &page).await?;
        let next = self.next(&arguments, page.size, &notices, |n| Some((n.created_at, n.notice_id.clone())));
        Ok(pb::ListNoticesResponse { notices: notices.iter().map(emit::notice).collect(), next_page_token: next })
    }

    async fn block_account(
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

    async fn unblock_account(
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

    async fn get_standing(&self, request: Request<pb::GetStandingRequest>) -> Result<pb::GetStandingResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "account_id", &request.account_id);
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let (id, fresh) = fields.finish_with(id.zip(fresh))?;
        self.context.fresh(fresh).await?;
        Ok(pb::GetStandingResponse { standing: Some(emit::standing(&self.context.get_standing(&id).await?)) })
    }

    /// Where a full page goes on; empty when it was the last.
    fn next<T, K: serde::Serialize>(
        &self,
        arguments: &[&str],
        size: i64,
        page: &[T],
        key: impl Fn(&T) -> Option<K>,
    ) -> String {
        let full = i64::try_from(page.len()).is_ok_and(|length| length >= size);
        let last = page.last().filter(|_| full).and_then(key);
        last.map_or_else(String::new, |key| self.pages.encode(arguments, &key))
    }
}
