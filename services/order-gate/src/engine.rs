//! The one task that decides and writes. Calls wait in a bounded queue; whatever waits when a batch has been committed
//! is the next batch, so batches form by themselves. Everything in a batch is decided in order of arrival, written in one
//! transaction, then made visible, then answered.
//!
//! A batch that fails leaves the book as it was. When nobody knows whether it was committed, the book is dropped and
//! read anew, and its callers are told UNAVAILABLE: asking again gives the one true answer. The same while another
//! process decides: there is no book without a lease, and none is read once the lease may have ended.

mod batch;
mod life;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use weir_model::Call;
use weir_store::{Dialect, Env};

use crate::book::Book;
use crate::decision::Followed;
use crate::draft::{
    Activate, Authorize, AuthorizeTogether, Bookmark, Cancel, Deliver, News, PutRates, Recheck, Reject, ReleaseHold,
    Settled,
};
use crate::error::Error;
use crate::ownership::Ownership;
use crate::pulse::Pulse;
use crate::store;

/// Orders and other calls that may wait or be decided at once: a second's worth under full load; beyond that callers
/// are told to come again.
pub(crate) const QUEUE_MAX: usize = 8_192;
/// How many of them may be of streams, which would fill every place there is.
const QUEUE_STREAMED_MAX: usize = QUEUE_MAX / 2;

/// What the task is asked to do.
#[derive(Debug)]
pub(crate) enum Ask {
    Authorize(Box<Authorize>),
    AuthorizeTogether(AuthorizeTogether),
    Cancel(Cancel),
    Deliver(Deliver),
    Release(ReleaseHold),
    Reject(Reject),
    Recheck(Recheck),
    Activate(Box<Activate>),
    PutRates(PutRates),
    Hear { news: Vec<News>, bookmark: Option<Bookmark> },
}

impl Ask {
    /// Whether it is about an order that is nearly always a new one.
    fn is_of_a_new_order(&self) -> bool {
        matches!(self, Ask::Authorize(ask) if ask.order.revision == 1 && !ask.must_be_known)
    }

    /// How many places in the queue it takes: one for each order it decides.
    fn weight(&self) -> usize {
        match self {
            Ask::AuthorizeTogether(ask) => ask.orders.len().max(1),
            _ => 1,
        }
    }
}

/// One call that waits for its answer.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) ask: Ask,
    pub(crate) call: Call,
    pub(crate) reply: oneshot::Sender<Result<Settled, Error>>,
    /// Free again when the command is answered.
    _place: Place,
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _streamed: Option<OwnedSemaphorePermit>,
}

/// An answer that will come.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<Result<Settled, Error>>);

impl Pending {
    /// Waits for the durable answer.
    pub(crate) async fn answer(self) -> Result<Settled, Error> {
        self.0.await.map_err(|_| Error::Unavailable)?
    }
}

/// What the task and the readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// None while it is read anew, and while another process decides.
    book: RwLock<Option<Book>>,
    followed: watch::Sender<Followed>,
    /// Until when the lease is relied on; none without one.
    relied_on: watch::Sender<Option<Instant>>,
    /// Where the process is reached that decides in this one's place.
    elsewhere: watch::Sender<Option<Arc<str>>>,
    /// How often the book was read.
    here: watch::Sender<u64>,
    pub(crate) pulse: Pulse,
}

impl Shared {
    fn is_relied_on(&self) -> bool {
        self.relied_on.borrow().is_some_and(|until| Instant::now() < until)
    }

    fn rely_until(&self, until: Option<Instant>) {
        self.relied_on.send_replace(until);
    }

    /// Another process decides, where it can be reached; or nobody known.
    fn decided_at(&self, address: Option<&str>) {
        let address = address.filter(|address| !address.is_empty());
        self.elsewhere.send_if_modified(|known| {
            let is_news = known.as_deref() != address;
            if is_news {
                *known = address.map(Arc::from);
            }
            is_news
        });
    }

    /// Ends when the lease is lost.
    async fn lost(&self) {
        // the sender lives as long as this does
        let _ = self.relied_on.subscribe().wait_for(Option::is_none).await;
    }
}

/// The way to the task, and to the book it keeps. The task ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Engine {
    /// As long as there are places.
    queue: mpsc::UnboundedSender<Command>,
    places: Arc<Semaphore>,
    places_streamed: Arc<Semaphore>,
    shared: Arc<Shared>,
    closing: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut() {
            task.abort();
        }
    }
}

impl Engine {
    /// Reads the book and starts deciding; where another process decides, as soon as that one does no more.
    pub(crate) async fn start(env: &Env, ownership: Ownership) -> Result<Engine, Error> {
        let partitions = store::prepare(&env.db, ownership.partitions).await?;
        if env.db.dialect() == Dialect::Sqlite {
            // its folder is this process's alone: no owner is alive that it does not know
            store::bury_all(&env.db).await?;
        }
        let shared = Arc::new(Shared {
            book: RwLock::new(None),
            followed: watch::Sender::default(),
            relied_on: watch::Sender::new(None),
            elsewhere: watch::Sender::new(None),
            here: watch::Sender::new(0),
            pulse: Pulse::default(),
        });
        let mut writer = batch::Writer {
            env: env.clone(),
            shared: shared.clone(),
            ownership,
            partitions,
            tenure: None,
            keeper: None,
            session: env.db.session(),
        };
        writer.look().await?;
        let (queue, commands) = mpsc::unbounded_channel();
        let closing = watch::Sender::new(false);
        let task = tokio::spawn(writer.run(commands, closing.subscribe()));
        Ok(Engine {
            queue,
            places: Arc::new(Semaphore::new(QUEUE_MAX)),
            places_streamed: Arc::new(Semaphore::new(QUEUE_STREAMED_MAX)),
            shared,
            closing,
            task: Mutex::new(Some(task)),
        })
    }

    /// Where the process is reached that decides in this one's place; none while this one does, or nobody is known to.
    pub(crate) fn elsewhere(&self) -> Option<Arc<str>> {
        self.shared.elsewhere.borrow().clone()
    }

    /// Whether another process decides, as far as is known, and can be reached.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.shared.elsewhere.borrow().is_some()
    }

    /// Waits until it is known where the process is reached that decides in this one's place.
    pub(crate) async fn passes_on(&self) {
        // the sender lives as long as this does
        let _ = self.shared.elsewhere.subscribe().wait_for(Option::is_some).await;
    }

    /// Finishes the batch under way and gives everything up, so that another process can take over at once.
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        let task = self.task.lock().take();
        if let Some(task) = task {
            // it ends by itself; a panic in it was told where it happened
            let _ = task.await;
        }
    }

    /// Ends the task wherever it is, as the end of the process would.
    #[cfg(test)]
    pub(crate) fn stop(&self) {
        if let Some(task) = &*self.task.lock() {
            task.abort();
        }
    }

    /// Whether this process decides.
    pub(crate) fn is_here(&self) -> bool {
        self.read(|_| ()).is_ok()
    }

    /// Waits until this process decides; [`Error::Unavailable`] when it never will again.
    pub(crate) async fn here(&self) -> Result<(), Error> {
        let (mut here, mut closing) = (self.shared.here.subscribe(), self.closing.subscribe());
        while !self.is_here() {
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return Err(Error::Unavailable),
                // the sender lives as long as this does
                _ = here.changed() => {}
            }
        }
        Ok(())
    }

    /// Asks the task and waits for its durable answer; [`Error::Overloaded`] where too many wait already.
    pub(crate) async fn ask(&self, ask: Ask, call: Call) -> Result<Settled, Error> {
        let weight = u32::try_from(ask.weight()).unwrap_or(u32::MAX);
        let of_all = self.places.clone().try_acquire_many_owned(weight).map_err(|error| match error {
            TryAcquireError::NoPermits => Error::Overloaded,
            TryAcquireError::Closed => Error::Unavailable,
        })?;
        self.line_up(Place { _of_all: of_all, _streamed: None }, ask, call)?.answer().await
    }

    /// Waits for a place for one more order of a stream. Streams share the half of all places, so that they leave some to
    /// single calls.
    pub(crate) async fn streamed_place(&self) -> Result<Place, Error> {
        let streamed = self.places_streamed.clone().acquire_owned().await.map_err(|_| Error::Unavailable)?;
        let of_all = self.places.clone().acquire_owned().await.map_err(|_| Error::Unavailable)?;
        Ok(Place { _of_all: of_all, _streamed: Some(streamed) })
    }

    /// Asks the task. What is asked first is decided first.
    pub(crate) fn line_up(&self, place: Place, ask: Ask, call: Call) -> Result<Pending, Error> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Command { ask, call, reply, _place: place }).map_err(|_| Error::Unavailable)?;
        Ok(Pending(answer))
    }

    /// Reads the book.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Book) -> T) -> Result<T, Error> {
        if !self.shared.is_relied_on() {
            return Err(Error::Unavailable);
        }
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
