//! Orders that pass together or not at all.

use std::collections::BTreeSet;

use tonic::{Request, Response, Status};
use weir_model::{Call, Fields, OrderId, RequestId};
use weir_wire::{
    order_gate::v1::{self as wire, AuthorizeOrderBatchRequest, AuthorizeOrderBatchResponse},
    parse, status,
};

use super::forward::{Decided, account_of, answered};
use super::{Edge, deadline, emit, freshness, read, refused, token};
use crate::Error;
use crate::facade::About;
use crate::order::Order;
use crate::ownership::Seat;

/// The most orders of a batch: bounds its transaction.
const ORDERS_MAX: usize = 500;

pub(super) async fn authorize(
    edge: &Edge,
    request: Request<AuthorizeOrderBatchRequest>,
) -> Result<Response<AuthorizeOrderBatchResponse>, Status> {
    let request = match edge.together(request).await? {
        Decided::Here(request) => request,
        Decided::There(mut gate, request) => return answered(gate.orders.authorize_order_batch(request).await),
    };
    let call = edge.call(&request, "weir.order_gate.v1.OrderGateService/AuthorizeOrderBatch")?;
    let until = deadline(&request);
    let message = request.into_inner();
    let mut f = Fields::default();
    let orders = orders(&mut f, message.orders, message.checkpoint, &call);
    let date = parse::optional_date(&mut f, "business_date", message.business_date.as_ref());
    let fresh = freshness(&mut f, message.at_least_as_fresh.as_ref(), until);
    let request_id: Option<Option<RequestId>> = parse::optional_id(&mut f, "request_id", &message.request_id);
    let read = (|| Some((orders?, date?, fresh?, request_id?)))();
    let (orders, date, fresh, request_id) = f.finish_with(read).map_err(status)?;
    edge.context.fresh(fresh).await.map_err(refused)?;
    let date = date.unwrap_or(call.today);
    let call = call.with_request_id(request_id);
    let done = edge.context.authorize_together(call, orders, date).await.map_err(refused)?;
    let decisions = done.decisions.iter().map(emit::decision).collect();
    Ok(Response::new(AuthorizeOrderBatchResponse { reserved: done.reserved, decisions, token: token(done.position) }))
}

impl Edge {
    /// Where orders are decided that pass together: all of them are of accounts one process decides for.
    async fn together(
        &self,
        request: Request<AuthorizeOrderBatchRequest>,
    ) -> Result<Decided<AuthorizeOrderBatchRequest>, Status> {
        let mut seats = BTreeSet::new();
        for order in request.get_ref().orders.iter().take(ORDERS_MAX) {
            seats.insert(self.context.seat_of(About::Account(&order.account_id)).await.map_err(refused)?);
        }
        if seats.len() > 1 && !seats.contains(&Seat::Nobody) {
            return Err(refused(Error::WrongState(
                "the accounts of these orders are decided by several processes; ask for each order alone",
            )));
        }
        self.decided(request, |message| account_of(message.orders.first())).await
    }
}

/// Orders, each id once, or none and every field that is wrong.
fn orders(f: &mut Fields, messages: Vec<wire::Order>, checkpoint: i32, call: &Call) -> Option<Vec<Order>> {
    let checkpoint = read::checkpoint(f, checkpoint);
    if messages.is_empty() {
        f.add("orders", "is required");
        return None;
    }
    parse::at_most(f, "orders", &messages, ORDERS_MAX);
    let mut seen: BTreeSet<OrderId> = BTreeSet::new();
    let read: Vec<Option<Order>> = messages
        .into_iter()
        .take(ORDERS_MAX)
        .enumerate()
        .map(|(index, message)| {
            let mut its = Fields::default();
            let order = read::order_at(&mut its, Some(message), checkpoint, call);
            if order.as_ref().is_some_and(|order| !seen.insert(order.order_id.clone())) {
                its.add("order.order_id", "names an order twice");
            }
            if let Err(fault) = its.finish() {
                for field in fault.fields {
                    f.add(field.path.replacen("order", &format!("orders[{index}]"), 1), field.description);
                }
                return None;
            }
            order
        })
        .collect();
    read.into_iter().collect()
}
