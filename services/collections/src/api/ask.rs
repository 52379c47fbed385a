//! Questions: nothing here changes anything.

use tonic::Request;
use weir_model::{Fault, Fields};
use weir_wire::{collections::v1 as pb, parse};

use super::{emit, read, service::Service};
use crate::{
    facade::WorklistFilter,
    store::{cases::CaseFilter, notices::NoticeFilter, promises::PromiseFilter, tasks::TaskFilter},
};

impl Service {
    pub(super) async fn get_strategy(
        &self,
        request: Request<pb::GetStrategyRequest>,
    ) -> Result<pb::GetStrategyResponse, Fault> {
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "strategy_id", &request.get_ref().strategy_id);
        let record = self.context.get_strategy(&fields.finish_with(id)?).await?;
        Ok(pb::GetStrategyResponse { strategy: Some(emit::strategy(&record)) })
    }

    pub(super) async fn list_strategies(
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

    pub(super) async fn get_debtor(
        &self,
        request: Request<pb::GetDebtorRequest>,
    ) -> Result<pb::GetDebtorResponse, Fault> {
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "account_id", &request.get_ref().account_id);
        let debtor = self.context.get_debtor(&fields.finish_with(id)?).await?;
        Ok(pb::GetDebtorResponse { debtor: Some(emit::debtor(&debtor)) })
    }

    pub(super) async fn get_case(&self, request: Request<pb::GetCaseRequest>) -> Result<pb::GetCaseResponse, Fault> {
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

    pub(super) async fn list_cases(
        &self,
        request: Request<pb::ListCasesRequest>,
    ) -> Result<pb::ListCasesResponse, Fault> {
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

    pub(super) async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<pb::ListTasksResponse, Fault> {
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

    pub(super) async fn list_contacts(
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

    pub(super) async fn list_promises(
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

    pub(super) async fn get_worklist(
        &self,
        request: Request<pb::GetWorklistRequest>,
    ) -> Result<pb::GetWorklistResponse, Fault> {
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

    pub(super) async fn list_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<pb::ListNoticesResponse, Fault> {
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

    pub(super) async fn get_standing(
        &self,
        request: Request<pb::GetStandingRequest>,
    ) -> Result<pb::GetStandingResponse, Fault> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "account_id", &request.account_id);
        let fresh = read::freshness(&mut fields, request.at_least_as_fresh.as_ref());
        let (id, fresh) = fields.finish_with(id.zip(fresh))?;
        self.context.fresh(fresh).await?;
        Ok(pb::GetStandingResponse { standing: Some(emit::standing(&self.context.get_standing(&id).await?)) })
    }
}
