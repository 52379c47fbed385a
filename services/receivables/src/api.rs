//! The gRPC edge: parse, call, answer. No rules, no SQL.

mod document;
mod feed;
mod intake;
mod invoice;
mod payment;
mod query;
mod write;

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status, service::RoutesBuilder};
use weir_model::{Call, Fault, Fields, RequestId, Role};
use weir_wire::{
    PageTokens,
    common::v1::{Context, Token},
    emit, parse,
    receivables::v1::{
        self as pb, feed_service_server::FeedServiceServer, receivables_service_server::ReceivablesService,
        receivables_service_server::ReceivablesServiceServer,
    },
};

use crate::Receivables;

const POSTERS: &[Role] = &[Role::Finance];
const DISPUTERS: &[Role] = &[Role::Finance, Role::Collector];
const RUNNERS: &[Role] = &[Role::Finance, Role::Service];
const READERS: &[Role] = &[
    Role::Sales,
    Role::CreditManager,
    Role::Finance,
    Role::Collector,
    Role::OrderPipeline,
    Role::Viewer,
    Role::Service,
];
const FEED_READERS: &[Role] = &[Role::Service, Role::Finance, Role::Viewer];

/// Longest free text, in characters.
const TEXT_LENGTH_MAX: usize = 500;

macro_rules! rpcs {
    ($($name:ident = $method:literal: $roles:expr;)+) => {
        $(const $name: &str = concat!("weir.receivables.v1.ReceivablesService/", $method);)+

        /// Which roles may call what.
        pub const ACCESS: &[(&str, &[Role])] = &[
            $((concat!("/weir.receivables.v1.ReceivablesService/", $method), $roles),)+
            ("/weir.receivables.v1.FeedService/Snapshot", FEED_READERS),
            ("/weir.receivables.v1.FeedService/Watch", FEED_READERS),
        ];
    };
}

rpcs! {
    POST_INVOICE = "PostInvoice": POSTERS;
    POST_CREDIT_NOTE = "PostCreditNote": POSTERS;
    POST_DEBIT_NOTE = "PostDebitNote": POSTERS;
    POST_CHARGE = "PostCharge": POSTERS;
    CANCEL_DOCUMENT = "CancelDocument": POSTERS;
    RECORD_PAYMENT = "RecordPayment": POSTERS;
    ALLOCATE_PAYMENT = "AllocatePayment": POSTERS;
    REVERSE_ALLOCATION = "ReverseAllocation": POSTERS;
    REVERSE_PAYMENT = "ReversePayment": POSTERS;
    SET_DISPUTE = "SetDispute": DISPUTERS;
    IMPORT_RECEIVABLES = "ImportReceivables": POSTERS;
    GET_AGING = "GetAging": READERS;
    LIST_OPEN_ITEMS = "ListOpenItems": READERS;
    GET_ITEM = "GetItem": READERS;
    GET_PAYMENT = "GetPayment": READERS;
    GET_ACCOUNT_POSITION = "GetAccountPosition": READERS;
    GET_FIGURES = "GetFigures": READERS;
    RUN_ALERTS = "RunAlerts": RUNNERS;
    LIST_ALERTS = "ListAlerts": READERS;
}

/// Adds this context's services.
pub fn routes(context: &Arc<Receivables>, pages: &PageTokens, routes: &mut RoutesBuilder) {
    let edge = Edge { context: context.clone(), pages: pages.clone() };
    routes.add_service(FeedServiceServer::new(edge.clone()));
    routes.add_service(ReceivablesServiceServer::new(edge));
}

/// What answers calls.
#[derive(Clone)]
struct Edge {
    context: Arc<Receivables>,
    pages: PageTokens,
}

/// What an rpc answers.
type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(result: Result<T, Fault>) -> Answer<T> {
    result.map(Response::new).map_err(weir_wire::status)
}

fn token(position: i64) -> Option<Token> {
    Some(emit::token(Context::Receivables, position))
}

impl Edge {
    fn call<T: Message>(&self, request: &Request<T>, rpc: &'static str) -> Result<Call, Fault> {
        weir_wire::call(request, rpc, &self.context.env.clock)
    }
}

/// An optional request id.
fn request_id(fields: &mut Fields, text: &str) -> Option<Option<RequestId>> {
    parse::optional_id(fields, "request_id", text)
}

/// Forwards each rpc to the function of the same name that answers it.
macro_rules! forward {
    ($($rpc:ident($request:ident) -> $response:ident;)+) => {
        #[tonic::async_trait]
        impl ReceivablesService for Edge {
            type ImportReceivablesStream = intake::Answers;

            $(async fn $rpc(&self, request: Request<pb::$request>) -> Answer<pb::$response> {
                answer(Edge::$rpc(self, request).await)
            })+

            async fn import_receivables(
                &self,
                request: Request<tonic::Streaming<pb::ImportReceivablesRequest>>,
            ) -> Answer<intake::Answers> {
                answer(Edge::import_receivables(self, request))
            }
        }
    };
}

forward! {
    post_invoice(PostInvoiceRequest) -> PostInvoiceResponse;
    post_credit_note(PostCreditNoteRequest) -> PostCreditNoteResponse;
    post_debit_note(PostDebitNoteRequest) -> PostDebitNoteResponse;
    post_charge(PostChargeRequest) -> PostChargeResponse;
    cancel_document(CancelDocumentRequest) -> CancelDocumentResponse;
    record_payment(RecordPaymentRequest) -> RecordPaymentResponse;
    allocate_payment(AllocatePaymentRequest) -> AllocatePaymentResponse;
    reverse_allocation(ReverseAllocationRequest) -> ReverseAllocationResponse;
    reverse_payment(ReversePaymentRequest) -> ReversePaymentResponse;
    set_dispute(SetDisputeRequest) -> SetDisputeResponse;
    get_aging(GetAgingRequest) -> GetAgingResponse;
    list_open_items(ListOpenItemsRequest) -> ListOpenItemsResponse;
    get_item(GetItemRequest) -> GetItemResponse;
    get_payment(GetPaymentRequest) -> GetPaymentResponse;
    get_account_position(GetAccountPositionRequest) -> GetAccountPositionResponse;
    get_figures(GetFiguresRequest) -> GetFiguresResponse;
    run_alerts(RunAlertsRequest) -> RunAlertsResponse;
    list_alerts(ListAlertsRequest) -> ListAlertsResponse;
}
