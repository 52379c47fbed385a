//! `OrderGateService`.

use chrono::{Days, NaiveDate};
use futures::{StreamExt as _, stream::BoxStream};
use rust_decimal::Decimal;
use tonic::{Request, Response, Status, Streaming, async_trait};
use weir_model::{AccountId, Fields, HoldId, OrderId, RequestId};
use weir_wire::{
    order_gate::v1::{order_gate_service_server::OrderGateService, *},
    parse, status,
};

use super::forward::{account_of, here};
use super::stream::{self, Answers};
use super::{Edge, PIPELINE, batch, deadline, emit, freshness, policy, read, refused, simulate, token};
use crate::explain::explain;
use crate::facade::About;
use crate::{CancelAsk, DeliverAsk, HoldQuery, ReleaseAsk};

type Answer<T> = Result<Response<T>, Status>;

/// The longest reason, in characters.
const REASON_LENGTH_MAX: usize = 500;
/// How long a release counts where the caller does not say.
const RELEASE_DAYS: Days = Days::new(30);
/// Decimals of a tolerance in percent.
const TOLERANCE_SCALE: u32 = 2;

const SERVICE: &str = "weir.order_gate.v1.OrderGateService";

/// The full name of an rpc of this service.
macro_rules! rpc {
    ($name:literal) => {
        concat!("weir.order_gate.v1.OrderGateService/", $name)
    };
}

/// Authorise and amend differ in name alone.
macro_rules! decide {
    ($edge:ident, $request:ident, $rpc:literal, $facade:ident, $response:ident) => {{
        let request = here!($edge, $request, $facade, |message| account_of(message.order.as_ref()));
        let call = $edge.call(&request, rpc!($rpc))?;
        let until = deadline(&request);
        let message = request.into_inner();
        let mut f = Fields::default();
        let ask = (message.order, message.checkpoint, message.business_date, message.at_least_as_fresh);
        let asked = read::asked(&mut f, ask, &call, until);
        let request_id: Option<Option<RequestId>> = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some((asked?, request_id?)))();
        let (read::Asked { order, date, fresh }, request_id) = f.finish_with(read).map_err(status)?;
        $edge.context.fresh(fresh).await.map_err(refused)?;
        let call = call.with_request_id(request_id);
        let decided = $edge.context.$facade(call, order, date).await.map_err(refused)?;
        let decision = Some(emit::decision(&decided.decision));
        Ok(Response::new($response { decision, token: token(decided.position) }))
    }};
}

#[async_trait]
impl OrderGateService for Edge {
    async fn check_order(&self, request: Request<CheckOrderRequest>) -> Answer<CheckOrderResponse> {
        let request = here!(self, request, check_order, |message| account_of(message.order.as_ref()));
        let call = self.call(&request, rpc!("CheckOrder"))?;
        let until = deadline(&request);
        let message = request.into_inner();
        let mut f = Fields::default();
        let ask = (message.order, message.checkpoint, message.business_date, message.at_least_as_fresh);
        let asked = read::asked(&mut f, ask, &call, until);
        let read::Asked { order, date, fresh } = f.finish_with(asked).map_err(status)?;
        self.context.fresh(fresh).await.map_err(refused)?;
        let checked = self.context.check_order(&call, &order, date).map_err(refused)?;
        Ok(Response::new(emit::checked(&checked)))
    }

    type CheckOrdersStream = Answers<CheckOrdersResponse>;

    async fn check_orders(&self, request: Request<Streaming<CheckOrdersRequest>>) -> Answer<Self::CheckOrdersStream> {
        stream::check(self, request).map(Response::new)
    }

    async fn authorize_order(&self, request: Request<AuthorizeOrderRequest>) -> Answer<AuthorizeOrderResponse> {
        decide!(self, request, "AuthorizeOrder", authorize_order, AuthorizeOrderResponse)
    }

    type AuthorizeOrdersStream = Answers<AuthorizeOrdersResponse>;

    async fn authorize_orders(
        &self,
        request: Request<Streaming<AuthorizeOrdersRequest>>,
    ) -> Answer<Self::AuthorizeOrdersStream> {
        stream::authorize(self, request).map(Response::new)
    }

    async fn authorize_order_batch(
        &self,
        request: Request<AuthorizeOrderBatchRequest>,
    ) -> Answer<AuthorizeOrderBatchResponse> {
        batch::authorize(self, request).await
    }

    async fn amend_order(&self, request: Request<AmendOrderRequest>) -> Answer<AmendOrderResponse> {
        decide!(self, request, "AmendOrder", amend_order, AmendOrderResponse)
    }

    async fn cancel_order(&self, request: Request<CancelOrderRequest>) -> Answer<CancelOrderResponse> {
        let request = here!(self, request, cancel_order, |message| About::Order(&message.order_id));
        let call = self.call(&request, rpc!("CancelOrder"))?;
        let message = request.into_inner();
        let mut f = Fields::default();
        let order_id: Option<OrderId> = parse::id(&mut f, "order_id", &message.order_id);
        let lines = message.lines.iter().map(|line| (line.line_id.as_str(), line.cancelled_amount.as_ref()));
        let lines = read::line_amounts(&mut f, lines, "cancelled_amount");
        let request_id = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some((order_id?, lines?, request_id?)))();
        let (order_id, lines, request_id) = f.finish_with(read).map_err(status)?;
        let lines = lines.into_iter().map(|(line_id, amount)| (line_id, amount.currency(), amount.minor())).collect();
        let call = call.with_request_id(request_id);
        let done = self.context.cancel_order(call, CancelAsk { order_id, lines }).await.map_err(refused)?;
        let commitment = done.commitment.as_ref().map(emit::commitment);
        Ok(Response::new(CancelOrderResponse { commitment, token: token(done.position) }))
    }

    async fn record_delivery(&self, request: Request<RecordDeliveryRequest>) -> Answer<RecordDeliveryResponse> {
        let request = here!(self, request, record_delivery, |message| About::Order(&message.order_id));
        let call = self.call(&request, rpc!("RecordDelivery"))?;
        let message = request.into_inner();
        let mut f = Fields::default();
        let order_id: Option<OrderId> = parse::id(&mut f, "order_id", &message.order_id);
        let delivery_id = parse::id(&mut f, "delivery_id", &message.delivery_id);
        let lines = message.lines.iter().map(|line| (line.line_id.as_str(), line.delivered_amount.as_ref()));
        let lines = read::line_amounts(&mut f, lines, "delivered_amount");
        let currency = match lines.as_deref() {
            Some([]) => {
                f.add("lines", "is required");
                None
            }
            Some([(_, first), rest @ ..]) => {
                let currency = first.currency();
                if rest.iter().any(|(_, amount)| amount.currency() != currency) {
                    f.add("lines", "must all be in one currency");
                }
                Some(currency)
            }
            None => None,
        };
        let request_id = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some((order_id?, delivery_id?, lines?, currency?, request_id?)))();
        let (order_id, delivery_id, lines, currency, request_id) = f.finish_with(read).map_err(status)?;
        let lines = lines.into_iter().map(|(line_id, amount)| (line_id, amount.minor())).collect();
        let ask = DeliverAsk { order_id, delivery_id, currency, lines };
        let done = self.context.record_delivery(call.with_request_id(request_id), ask).await.map_err(refused)?;
        let commitment = done.commitment.as_ref().map(emit::commitment);
        Ok(Response::new(RecordDeliveryResponse { commitment, token: token(done.position) }))
    }

    async fn list_holds(&self, request: Request<ListHoldsRequest>) -> Answer<ListHoldsResponse> {
        let message = request.into_inner();
        let mut f = Fields::default();
        let account_id: Option<Option<AccountId>> = parse::optional_id(&mut f, "account_id", &message.account_id);
        let states = read::states(&mut f, &message.states);
        let limit = parse::page_size(&mut f, "page_size", message.page_size);
        let read = (|| Some((account_id?, states?, limit?)))();
        let (account_id, states, limit) = f.finish_with(read).map_err(status)?;
        let mut names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let arguments = [vec![SERVICE, "ListHolds", message.account_id.as_str()], names].concat();
        let after = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        // one more than asked for tells whether there is a next page
        let query = HoldQuery { account_id, states: states.clone(), after, limit: limit + 1 };
        let mut holds = self.context.holds(query).await.map_err(refused)?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = holds.len() > size;
        holds.truncate(size);
        let last = holds.last().filter(|_| more).map(|hold| (hold.held_at, hold.hold_id.clone()));
        let next_page_token = last.map(|last| self.pages.encode(&arguments, &last)).unwrap_or_default();
        Ok(Response::new(ListHoldsResponse { holds: holds.iter().map(emit::hold).collect(), next_page_token }))
    }

    async fn get_hold(&self, request: Request<GetHoldRequest>) -> Answer<GetHoldResponse> {
        let mut f = Fields::default();
        let hold_id = parse::id(&mut f, "hold_id", &request.get_ref().hold_id);
        let hold_id = f.finish_with(hold_id).map_err(status)?;
        let hold = self.context.hold(&hold_id).await.map_err(refused)?;
        Ok(Response::new(GetHoldResponse { hold: Some(emit::hold(&hold)) }))
    }

    async fn release_hold(&self, request: Request<ReleaseHoldRequest>) -> Answer<ReleaseHoldResponse> {
        let request = here!(self, request, release_hold, |message| About::Hold(&message.hold_id));
        let call = self.call(&request, rpc!("ReleaseHold"))?;
        let message = request.into_inner();
        let mut f = Fields::default();
        let hold_id: Option<HoldId> = parse::id(&mut f, "hold_id", &message.hold_id);
        let approved = match &message.approved_amount {
            None => Some(None),
            some => parse::non_negative_money(&mut f, "approved_amount", some.as_ref()).map(Some),
        };
        let bounds = (Decimal::ZERO, Decimal::ONE_HUNDRED);
        let tolerance = message.tolerance_percent.as_ref();
        let tolerance = parse::optional_decimal(&mut f, "tolerance_percent", tolerance, bounds, TOLERANCE_SCALE);
        let valid_until = parse::optional_date(&mut f, "valid_until_date", message.valid_until_date.as_ref());
        let valid_until = valid_until.map(|date| date.unwrap_or_else(|| in_a_month(call.today)));
        if valid_until.is_some_and(|date| date < call.today) {
            f.add("valid_until_date", "must not be in the past");
        }
        let checkpoints = read::checkpoints(&mut f, "checkpoints", &message.checkpoints);
        let reason = parse::text(&mut f, "reason", &message.reason, REASON_LENGTH_MAX);
        let version = version(&mut f, "hold_version", message.hold_version);
        let request_id = parse::optional_id(&mut f, "request_id", &message.request_id);
        let ask = (|| {
            let ask = ReleaseAsk {
                hold_id: hold_id?,
                approved: approved?,
                tolerance_percent: tolerance?.unwrap_or_default(),
                valid_until: valid_until?,
                checkpoints: checkpoints?,
                reason: reason?,
                version: version?,
            };
            Some((ask, request_id?))
        })();
        let (ask, request_id) = f.finish_with(ask).map_err(status)?;
        let done = self.context.release_hold(call.with_request_id(request_id), ask).await.map_err(refused)?;
        let (hold, decision) = (Some(emit::hold(&done.hold)), Some(emit::decision(&done.decision)));
        Ok(Response::new(ReleaseHoldResponse { hold, decision, token: token(done.position) }))
    }

    async fn reject_hold(&self, request: Request<RejectHoldRequest>) -> Answer<RejectHoldResponse> {
        let request = here!(self, request, reject_hold, |message| About::Hold(&message.hold_id));
        let call = self.call(&request, rpc!("RejectHold"))?;
        let message = request.into_inner();
        let mut f = Fields::default();
        let hold_id = parse::id(&mut f, "hold_id", &message.hold_id);
        let reason = parse::text(&mut f, "reason", &message.reason, REASON_LENGTH_MAX);
        let version = version(&mut f, "hold_version", message.hold_version);
        let request_id = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some(((hold_id?, reason?, version?), request_id?)))();
        let (ask, request_id) = f.finish_with(read).map_err(status)?;
        let done = self.context.reject_hold(call.with_request_id(request_id), ask).await.map_err(refused)?;
        let (hold, decision) = (Some(emit::hold(&done.hold)), Some(emit::decision(&done.decision)));
        Ok(Response::new(RejectHoldResponse { hold, decision, token: token(done.position) }))
    }

    async fn recheck_hold(&self, request: Request<RecheckHoldRequest>) -> Answer<RecheckHoldResponse> {
        let request = here!(self, request, recheck_hold, |message| About::Hold(&message.hold_id));
        let call = self.call(&request, rpc!("RecheckHold"))?;
        let until = deadline(&request);
        let message = request.into_inner();
        let mut f = Fields::default();
        let hold_id = parse::id(&mut f, "hold_id", &message.hold_id);
        let date = parse::optional_date(&mut f, "business_date", message.business_date.as_ref());
        // on another day another limit may hold: who decides on holds must not choose it
        let chooses_the_day = PIPELINE.iter().any(|role| call.principal.has(*role));
        if !chooses_the_day && date.flatten().is_some_and(|date| date != call.today) {
            f.add("business_date", "must be today, unless the order pipeline asks");
        }
        let fresh = freshness(&mut f, message.at_least_as_fresh.as_ref(), until);
        let request_id = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some((hold_id?, date?, fresh?, request_id?)))();
        let (hold_id, date, fresh, request_id) = f.finish_with(read).map_err(status)?;
        self.context.fresh(fresh).await.map_err(refused)?;
        let date = date.unwrap_or(call.today);
        let call = call.with_request_id(request_id);
        let done = self.context.recheck_hold(call, hold_id, date).await.map_err(refused)?;
        let (hold, decision) = (Some(emit::hold(&done.hold)), Some(emit::decision(&done.decision)));
        Ok(Response::new(RecheckHoldResponse { hold, decision, token: token(done.position) }))
    }

    async fn get_standing(&self, request: Request<GetStandingRequest>) -> Answer<GetStandingResponse> {
        let request = here!(self, request, get_standing, |message| About::Account(&message.account_id));
        let call = self.call(&request, rpc!("GetStanding"))?;
        let until = deadline(&request);
        let message = request.into_inner();
        let mut f = Fields::default();
        let account_id = parse::id(&mut f, "account_id", &message.account_id);
        let date = parse::optional_date(&mut f, "business_date", message.business_date.as_ref());
        let fresh = freshness(&mut f, message.at_least_as_fresh.as_ref(), until);
        let read = (|| Some((account_id?, date?, fresh?)))();
        let (account_id, date, fresh) = f.finish_with(read).map_err(status)?;
        self.context.fresh(fresh).await.map_err(refused)?;
        let standing = self.context.standing(&call, &account_id, date.unwrap_or(call.today)).map_err(refused)?;
        Ok(Response::new(emit::standing(message.account_id, standing)))
    }

    async fn get_decision(&self, request: Request<GetDecisionRequest>) -> Answer<GetDecisionResponse> {
        let mut f = Fields::default();
        let decision_id = parse::id(&mut f, "decision_id", &request.get_ref().decision_id);
        let decision_id = f.finish_with(decision_id).map_err(status)?;
        let decision = self.context.decision(&decision_id).await.map_err(refused)?;
        Ok(Response::new(GetDecisionResponse { decision: Some(emit::decision(&decision)) }))
    }

    async fn explain_decision(&self, request: Request<ExplainDecisionRequest>) -> Answer<ExplainDecisionResponse> {
        let mut f = Fields::default();
        let decision_id = parse::id(&mut f, "decision_id", &request.get_ref().decision_id);
        let decision_id = f.finish_with(decision_id).map_err(status)?;
        let decision = self.context.decision(&decision_id).await.map_err(refused)?;
        let sentences = explain(&decision);
        Ok(Response::new(ExplainDecisionResponse { sentences, decision: Some(emit::decision(&decision)) }))
    }

    async fn get_commitment(&self, request: Request<GetCommitmentRequest>) -> Answer<GetCommitmentResponse> {
        let mut f = Fields::default();
        let order_id = parse::id(&mut f, "order_id", &request.get_ref().order_id);
        let order_id = f.finish_with(order_id).map_err(status)?;
        let (commitment, hold) = self.context.commitment(&order_id).await.map_err(refused)?;
        let commitment = commitment.as_ref().map(emit::commitment);
        Ok(Response::new(GetCommitmentResponse { commitment, hold: hold.as_ref().map(emit::hold) }))
    }

    async fn get_policy(&self, request: Request<GetPolicyRequest>) -> Answer<GetPolicyResponse> {
        let request = here!(self, request, get_policy, |_| About::Common);
        let mut f = Fields::default();
        let version = version(&mut f, "version", request.get_ref().version);
        let version = f.finish_with(version).map_err(status)?;
        let found = self.context.policy(version).await.map_err(refused)?;
        Ok(Response::new(GetPolicyResponse { policy_version: Some(policy::version(&found)) }))
    }

    type SimulatePolicyStream = BoxStream<'static, Result<SimulatePolicyResponse, Status>>;

    async fn simulate_policy(&self, request: Request<SimulatePolicyRequest>) -> Answer<Self::SimulatePolicyStream> {
        let message = request.into_inner();
        let mut f = Fields::default();
        let draft = policy::policy(&mut f, message.policy.as_ref());
        let from = parse::optional_date(&mut f, "from_date", message.from_date.as_ref());
        let to = parse::optional_date(&mut f, "to_date", message.to_date.as_ref());
        parse::in_order(&mut f, "to_date", from.flatten(), to.flatten());
        let (draft, dates) = f.finish_with((|| Some((draft?, (from?, to?))))()).map_err(status)?;
        let steps = self.context.simulate(draft, dates);
        Ok(Response::new(steps.map(|step| step.map(simulate::step).map_err(refused)).boxed()))
    }

    async fn activate_policy(&self, request: Request<ActivatePolicyRequest>) -> Answer<ActivatePolicyResponse> {
        let request = here!(self, request, activate_policy, |_| About::Common);
        let call = self.call(&request, rpc!("ActivatePolicy"))?;
        let message = request.into_inner();
        let mut f = Fields::default();
        let draft = policy::policy(&mut f, message.policy.as_ref());
        let present = version(&mut f, "present_version", message.present_version);
        let reason = parse::text(&mut f, "reason", &message.reason, REASON_LENGTH_MAX);
        let request_id = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some(((draft?, present?, reason?), request_id?)))();
        let (ask, request_id) = f.finish_with(read).map_err(status)?;
        let call = call.with_request_id(request_id);
        if message.validate_only {
            let would_be = self.context.validate_policy(&call, ask).await.map_err(refused)?;
            return Ok(Response::new(ActivatePolicyResponse {
                policy_version: Some(policy::version(&would_be)),
                token: None,
            }));
        }
        let (activated, position) = self.context.activate_policy(call, ask).await.map_err(refused)?;
        let policy_version = Some(policy::version(&activated));
        Ok(Response::new(ActivatePolicyResponse { policy_version, token: token(position) }))
    }

    async fn get_partition_map(&self, _: Request<GetPartitionMapRequest>) -> Answer<GetPartitionMapResponse> {
        let partitions = self.context.partitions().await.map_err(refused)?;
        Ok(Response::new(GetPartitionMapResponse { partitions: partitions.into_iter().map(emit::partition).collect() }))
    }
}

/// A version named by the caller; 0 names none.
fn version(f: &mut Fields, path: &str, version: i64) -> Option<Option<i64>> {
    parse::whole(f, path, version, (0, i64::MAX)).map(|version| (version > 0).then_some(version))
}

fn in_a_month(today: NaiveDate) -> NaiveDate {
    today.checked_add_days(RELEASE_DAYS).unwrap_or(today)
}
