//! The one task that decides and writes. Calls wait in a bounded queue; whatever waits when a batch has been committed
//! is the next batch, so batches form by themselves. Everything in a batch is decided in order of arrival, written in one
//! transaction, then made visible, then answered.
//!
//! A batch that fails leaves the book as it was. When nobody knows whether it was committed, the book is dropped and
//! read anew, and its callers are told UNAVAILABLE: asking again gives the one true answer. The same where another
//! process decides: there is no book without a lease, and none is read once the lease may have ended.
//!
//! Beside the task a steward looks how partitions are shared out and what other processes put; between batches the task
//! takes in what the steward brings.

mod batch;
mod life;
mod steward;
mod turn;

pub(crate) use turn::COMMON;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use weir_model::{AccountId, Call};
use weir_store::{Dialect, Env};

use crate::book::Book;
use crate::decision::Followed;
use crate::draft::{
    Activate, Authorize, AuthorizeTogether, Bookmark, Cancel, Deliver, News, PutRates, Recheck, Reject, ReleaseHold,
    Settled,
};
use crate::error::Error;
use crate::ownership::{Directory, Ownership, Seat};
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
    /// Free again when the command is answered; none for what the task asks itself.
    _place: Option<Place>,
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
    /// None while it is read anew, and without a lease.
    book: RwLock<Option<Book>>,
    /// Where accounts are decided. Whoever locks both locks the book first.
    directory: RwLock<Directory>,
    /// How often a seat of the directory changed.
    seated: watch::Sender<u64>,
    followed: watch::Sender<Followed>,
    /// Until when the lease is relied on; none without one.
    relied_on: watch::Sender<Option<Instant>>,
    /// How often this process began to decide for partitions.
    here: watch::Sender<u64>,
    /// How often the feeds of others are to be followed again from further back.
    rewound: watch::Sender<u64>,
    /// Up to where in the journal it is known what other processes put.
    level: watch::Sender<i64>,
    /// Somebody waits for that.
    look: Notify,
    pub(crate) pulse: Pulse,
}

impl Shared {
    fn is_relied_on(&self) -> bool {
        self.relied_on.borrow().is_some_and(|until| Instant::now() < until)
    }

    fn rely_until(&self, until: Option<Instant>) {
        self.relied_on.send_replace(until);
    }

    /// Notes who decides for partitions.
    fn seat(&self, seats: impl IntoIterator<Item = (i64, Seat)>) {
        let mut directory = self.directory.write();
        let mut is_news = false;
        for (partition, seat) in seats {
            is_news |= directory.put_seat(partition, seat);
        }
        drop(directory);
        if is_news {
            self.seated.send_modify(|times| *times += 1);
        }
    }

    /// Takes the book from memory, and what was heard of the others with it.
    fn forget(&self) {
        let mut book = self.book.write();
        self.directory.write().leave();
        *book = None;
        drop(book);
        self.pulse.forget();
        self.seated.send_modify(|times| *times += 1);
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
            directory: RwLock::new(Directory::new(partitions)),
            seated: watch::Sender::new(0),
            followed: watch::Sender::default(),
            relied_on: watch::Sender::new(None),
            here: watch::Sender::new(0),
            rewound: watch::Sender::new(0),
            level: watch::Sender::new(0),
            look: Notify::new(),
            pulse: Pulse::default(),
        });
        let (turns, turned) = mpsc::channel(1);
        let mut writer = batch::Writer {
            env: env.clone(),
            shared: shared.clone(),
            ownership,
            tenure: None,
            keeper: None,
            steward: None,
            turns,
            session: env.db.session(),
        };
        writer.look().await?;
        let (queue, commands) = mpsc::unbounded_channel();
        let closing = watch::Sender::new(false);
        let task = tokio::spawn(writer.run(commands, turned, closing.subscribe()));
        Ok(Engine {
            queue,
            places: Arc::new(Semaphore::new(QUEUE_MAX)),
            places_streamed: Arc::new(Semaphore::new(QUEUE_STREAMED_MAX)),
            shared,
            closing,
            task: Mutex::new(Some(task)),
        })
    }

    /// Who decides for a partition, as the directory has it. Where nobody is known to, waits a little for somebody to begin:
    /// hands change in a moment.
    pub(crate) async fn seat_of(&self, partition: impl Fn(&Directory) -> i64, patience: Duration) -> Seat {
        let mut seated = self.shared.seated.subscribe();
        let until = Instant::now() + patience;
        loop {
            seated.borrow_and_update();
            let seat = {
                let directory = self.shared.directory.read();
                directory.seat(partition(&directory)).clone()
            };
            if seat != Seat::Nobody || timeout_at(until, seated.changed()).await.is_err() {
                return seat;
            }
        }
    }

    /// Reads the directory.
    pub(crate) fn directory<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.shared.directory.read())
    }

    /// Waits until this process has others to pass calls on to.
    pub(crate) async fn passes_on(&self) {
        // the sender lives as long as this does
        let mut seated = self.shared.seated.subscribe();
        while !self.directory(Directory::is_any_there) {
            if seated.changed().await.is_err() {
                return;
            }
        }
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

    /// Whether this process decides for some accounts.
    pub(crate) fn is_here(&self) -> bool {
        self.read(|_| ()).is_ok() && self.directory(|directory| !directory.here().is_empty())
    }

    /// How often this process began to decide for partitions.
    pub(crate) fn times_here(&self) -> u64 {
        *self.shared.here.borrow()
    }

    /// Waits until this process decides for some accounts; [`Error::Unavailable`] when it never will again.
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

    /// How far the feeds of others are followed.
    pub(crate) fn followed_now(&self) -> Followed {
        *self.shared.followed.borrow()
    }

    /// Changes when the feeds of others are to be followed again from further back.
    pub(crate) fn rewound(&self) -> watch::Receiver<u64> {
        self.shared.rewound.subscribe()
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
        self.queue.send(Command { ask, call, reply, _place: Some(place) }).map_err(|_| Error::Unavailable)?;
        Ok(Pending(answer))
    }

    /// Reads the book.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Book) -> T) -> Result<T, Error> {
        if !self.shared.is_relied_on() {
            return Err(Error::Unavailable);
        }
        self.shared.book.read().as_ref().map(read).ok_or(Error::Unavailable)
    }

    /// Reads the book where this process decides for an account.
    pub(crate) fn read_of<T>(&self, account_id: &AccountId, read: impl FnOnce(&Book) -> T) -> Result<T, Error> {
        self.read(|book| {
            // under the book's lock: what is let go of is let go of under it
            self.directory(|directory| directory.holds(account_id)).then(|| read(book))
        })?
        .ok_or(Error::Unavailable)
    }

    /// Waits until it is known what was put up to a position of the journal, whoever put it.
    pub(crate) async fn level(&self, position: i64, deadline: Instant) -> Result<(), Error> {
        if self.directory(Directory::is_all_here) {
            // what this gate answered is in its book; a higher position was never given
            return if position > self.read(|book| book.last_position)? { Err(Error::NotFresh) } else { Ok(()) };
        }
        let mut level = self.shared.level.subscribe();
        self.shared.look.notify_one();
        match timeout_at(deadline, level.wait_for(|level| *level >= position)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Unavailable),
            Err(_) => Err(Error::NotFresh),
        }
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
