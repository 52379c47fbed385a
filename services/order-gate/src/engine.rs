//! The one task that decides and writes. Calls wait in a bounded queue; whatever waits when a batch has been committed
//! is the next batch, so batches form by themselves. Everything in a batch is decided in order of arrival, written in one
//! transaction, then made visible, then answered.
//!
//! A batch that fails leaves the book as it was. When nobody knows whether it was committed, the book is dropped and
//! read anew, and its callers are told UNAVAILABLE: asking again gives the one true answer.

mod batch;

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use weir_model::Call;
use weir_store::Env;

use crate::book::Book;
use crate::decision::Followed;
use crate::draft::{Activate, Authorize, Bookmark, Cancel, Deliver, News, Recheck, Reject, ReleaseHold, Settled};
use crate::error::Error;
use crate::pulse::Pulse;
use crate::store;

/// Calls that may wait: a second's worth under full load; beyond that callers are told to come again.
pub(crate) const QUEUE_MAX: usize = 8_192;

/// What the task is asked to do.
#[derive(Debug)]
pub(crate) enum Ask {
    Authorize(Box<Authorize>),
    Cancel(Cancel),
    Deliver(Deliver),
    Release(ReleaseHold),
    Reject(Reject),
    Recheck(Recheck),
    Activate(Box<Activate>),
    Hear { news: Vec<News>, bookmark: Option<Bookmark> },
}

impl Ask {
    /// Whether it is about an order that is nearly always a new one.
    fn is_of_a_new_order(&self) -> bool {
        matches!(self, Ask::Authorize(ask) if ask.order.revision == 1 && !ask.must_be_known)
    }
}

/// One call that waits for its answer.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) ask: Ask,
    pub(crate) call: Call,
    pub(crate) reply: oneshot::Sender<Result<Settled, Error>>,
}

/// What the task and the readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// None while it is read anew, and for good once another process has taken over.
    book: RwLock<Option<Book>>,
    followed: watch::Sender<Followed>,
    pub(crate) pulse: Pulse,
}

/// The way to the task, and to the book it keeps. The task ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Engine {
    queue: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Engine {
    /// Takes the partition over, reads the book and starts deciding.
    pub(crate) async fn start(env: &Env) -> Result<Engine, Error> {
        let owner = format!("process {}", std::process::id());
        let tenure = store::take(&env.db, &owner).await?;
        let book = store::load(&env.db, tenure).await?;
        let shared = Arc::new(Shared {
            followed: watch::Sender::new(book.followed),
            book: RwLock::new(Some(book)),
            pulse: Pulse::default(),
        });
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(batch::Writer::new(env.clone(), shared.clone(), tenure).run(commands));
        Ok(Engine { queue, shared, task })
    }

    /// Ends the task wherever it is, as the end of the process would.
    #[cfg(test)]
    pub(crate) fn stop(&self) {
        self.task.abort();
    }

    /// Asks the task and waits for its durable answer.
    pub(crate) async fn ask(&self, ask: Ask, call: Call) -> Result<Settled, Error> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Command { ask, call, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Error::Unavailable,
        })?;
        answer.await.map_err(|_| Error::Unavailable)?
    }

    /// Whether it decides nothing more, because another process has taken the partition over.
    pub(crate) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Reads the book.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Book) -> T) -> Result<T, Error> {
        self.shared.book.read().as_ref().map(read).ok_or(Error::Unavailable)
    }

    /// When the gate last heard of the others.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.shared.pulse
    }

    /// Waits until the gate has followed the others at least this far.
    pub(crate) async fn followed(&self, at_least: Followed, deadline: Instant) -> Result<(), Error> {
        let mut followed = self.shared.followed.subscribe();
        let reached = followed.wait_for(|now| now.at_least(at_least));
        match timeout_at(deadline, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Unavailable),
            Err(_) => Err(Error::NotFresh),
        }
    }
}
