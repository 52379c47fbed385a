//! The service: every rpc reads its request, calls the facade and writes the answer, in `ask` or in `tell`.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};
use weir_model::{Call, Fault};
use weir_wire::{
    PageTokens,
    collections::v1::{self as pb, collections_service_server::CollectionsService},
    status,
};

use crate::Collections;

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
    set_pause(SetPauseRequest) -> SetPauseResponse;
    lift_pause(LiftPauseRequest) -> LiftPauseResponse;
    list_pauses(ListPausesRequest) -> ListPausesResponse;
    record_opt_out(RecordOptOutRequest) -> RecordOptOutResponse;
    lift_opt_out(LiftOptOutRequest) -> LiftOptOutResponse;
    run_collections(RunCollectionsRequest) -> RunCollectionsResponse;
    get_worklist(GetWorklistRequest) -> GetWorklistResponse;
    list_notices(ListNoticesRequest) -> ListNoticesResponse;
    block_account(BlockAccountRequest) -> BlockAccountResponse;
    unblock_account(UnblockAccountRequest) -> UnblockAccountResponse;
    get_standing(GetStandingRequest) -> GetStandingResponse;
}

impl Service {
    pub(super) fn call<T: Message>(&self, request: &Request<T>, rpc: &'static str) -> Result<Call, Fault> {
        weir_wire::call(request, rpc, &self.context.env().clock)
    }

    /// Where a full page goes on; empty when it was the last.
    pub(super) fn next<T, K: serde::Serialize>(
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
