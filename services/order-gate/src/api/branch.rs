//! Messages of a stream that another process decides: sent on as a stream of their own to that process, so that they are
//! decided in their order there too.

use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::{mpsc, oneshot};
use tonic::{Request, Status, Streaming};
use weir_wire::order_gate::v1::{AuthorizeOrdersRequest, AuthorizeOrdersResponse};

use super::forward::{Gate, answered};
use super::refused;
use crate::Error;

type Answer = Result<AuthorizeOrdersResponse, Status>;
type Messages = stream::BoxStream<'static, AuthorizeOrdersRequest>;

/// A stream to another process. Its messages are bounded by what is under way of the one they came on.
#[derive(Debug)]
pub(super) struct Branch {
    messages: mpsc::UnboundedSender<AuthorizeOrdersRequest>,
    waiting: mpsc::UnboundedSender<oneshot::Sender<Answer>>,
}

impl Branch {
    /// Opens a stream to another gate; `onward` makes its request one of the same caller.
    pub(super) fn open(mut gate: Gate, onward: impl FnOnce(Messages) -> Request<Messages>) -> Self {
        let (messages, sent) = mpsc::unbounded_channel();
        let (waiting, waiters) = mpsc::unbounded_channel();
        let sent = stream::unfold(sent, |mut sent| async move { sent.recv().await.map(|message| (message, sent)) });
        let request = onward(sent.boxed());
        tokio::spawn(async move {
            let opened = gate.orders.authorize_orders(request).boxed().await;
            match answered(opened) {
                Ok(answers) => answer(answers.into_inner(), waiters).await,
                Err(status) => refuse(waiters, &status),
            }
        });
        Branch { messages, waiting }
    }

    /// Sends a message on; its answer, or that the stream has ended.
    pub(super) fn send(&self, message: AuthorizeOrdersRequest) -> Option<oneshot::Receiver<Answer>> {
        let (reply, coming) = oneshot::channel();
        // in this order: an answer finds who waits for it
        self.waiting.send(reply).ok()?;
        self.messages.send(message).ok()?;
        Some(coming)
    }
}

/// Gives answers to those who wait, in their order; the error that ends the stream to all who still do.
async fn answer(
    mut answers: Streaming<AuthorizeOrdersResponse>,
    mut waiters: mpsc::UnboundedReceiver<oneshot::Sender<Answer>>,
) {
    while let Some(waiter) = waiters.recv().await {
        let answer = match answered(answers.message().await) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(refused(Error::Unavailable)),
            Err(status) => Err(status),
        };
        let ended = answer.as_ref().err().cloned();
        // whoever has gone away will ask again
        let _ = waiter.send(answer);
        if let Some(status) = ended {
            return refuse(waiters, &status);
        }
    }
}

fn refuse(mut waiters: mpsc::UnboundedReceiver<oneshot::Sender<Answer>>, status: &Status) {
    waiters.close();
    while let Ok(waiter) = waiters.try_recv() {
        let _ = waiter.send(Err(status.clone()));
    }
}
