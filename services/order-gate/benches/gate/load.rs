//! The load: closed loops, in which each caller asks again when it is answered, and open ones, in which orders come at a
//! fixed rate whether or not those before them are answered. In these, latency counts from when an order was due, so that
//! a server that stalls pays for everyone it kept waiting (no coordinated omission).

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    contender::Contender,
    cpu,
    orders::Orders,
    streams::{STREAMS, Streams},
};

/// What comes before a measured window: connections warm up, batches find their size.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long an open loop waits for answers after the last order was due.
const PATIENCE: Duration = Duration::from_secs(3);
/// Calls an open loop lets wait: far beyond what any rate needs.
const WAITING_MAX: usize = 20_000;

/// What one window showed.
#[derive(Debug)]
pub(crate) struct Window {
    /// Answers in it.
    pub(crate) answers: u64,
    pub(crate) errors: u64,
    pub(crate) seconds: f64,
    /// In nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// Processor time of the contender's servers, in microseconds.
    pub(crate) server_micros: u64,
    /// Processor time of this process, in microseconds.
    pub(crate) client_micros: u64,
}

impl Window {
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// Mean latency in seconds.
    pub(crate) fn mean(&self) -> f64 {
        self.latency.mean() / 1e9
    }
}

/// What callers write down while a window is open.
struct Notes {
    latency: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
}

impl Notes {
    fn new() -> anyhow::Result<Arc<Mutex<Notes>>> {
        let latency = Histogram::new_with_bounds(1_000, 60_000_000_000, 3)?;
        Ok(Arc::new(Mutex::new(Notes { latency, errors: 0, first_error: None })))
    }

    fn note(&mut self, answer: &anyhow::Result<()>, since: Instant) {
        match answer {
            Ok(()) => self.latency.saturating_record(since.elapsed().as_nanos() as u64),
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}

/// Processor time so far, of the contender's servers and of this process.
fn cpu_now(contender: &Contender) -> (u64, u64) {
    (cpu::micros(&contender.pids), cpu::own_micros())
}

/// So many callers, each with one order at a time; streams, each with so many.
pub(crate) async fn closed(
    contender: &Arc<Contender>,
    orders: &Arc<Orders>,
    callers: usize,
    window: Duration,
) -> anyhow::Result<Window> {
    let notes = Notes::new()?;
    let opens = Instant::now() + WARM_UP;
    let closes = opens + window;
    let mut tasks = JoinSet::new();
    let is_streamed = contender.streams().is_some();
    for _ in 0..if is_streamed { STREAMS } else { callers } {
        let (contender, orders, notes) = (contender.clone(), orders.clone(), notes.clone());
        tasks.spawn(async move {
            match contender.streams() {
                Some(streams) => stream(streams, (&orders, callers), (opens, closes), &notes).await,
                None => caller(&contender, &orders, (opens, closes), &notes).await,
            }
        });
    }
    tokio::time::sleep_until(opens.into()).await;
    let before = cpu_now(contender);
    tokio::time::sleep_until(closes.into()).await;
    let after = cpu_now(contender);
    while tasks.join_next().await.is_some() {}
    finish(&notes, window.as_secs_f64(), before, after)
}

/// One order after the other.
async fn caller(contender: &Contender, orders: &Orders, (opens, closes): (Instant, Instant), notes: &Mutex<Notes>) {
    loop {
        let asked = Instant::now();
        if asked >= closes {
            return;
        }
        let answer = contender.ask(orders.next()).await;
        let answered = Instant::now();
        if answered >= opens && answered < closes {
            notes.lock().note(&answer, asked);
        }
        if answer.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// So many orders at a time.
async fn stream(
    streams: &Streams,
    (orders, under_way): (&Arc<Orders>, usize),
    (opens, closes): (Instant, Instant),
    notes: &Mutex<Notes>,
) {
    let note = |answer: anyhow::Result<()>, asked: Instant| {
        let answered = Instant::now();
        if answered >= opens && answered < closes {
            notes.lock().note(&answer, asked);
        }
        answered < closes
    };
    let ended = streams.run(orders, under_way, note).await;
    if ended.is_err() {
        notes.lock().note(&ended, closes);
    }
}

/// So many orders a second, evenly spaced.
pub(crate) async fn open(
    contender: &Arc<Contender>,
    orders: &Arc<Orders>,
    rate: u64,
    window: Duration,
) -> anyhow::Result<Window> {
    let notes = Notes::new()?;
    let count = rate * (window.as_millis() as u64) / 1_000;
    let before = cpu_now(contender);
    let began = Instant::now();
    let mut due = pace(rate, count);
    let mut tasks: JoinSet<()> = JoinSet::new();
    while let Some(due) = due.recv().await {
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= WAITING_MAX {
            notes.lock().note(&Err(anyhow::anyhow!("too many wait")), due);
            continue;
        }
        let (contender, orders, notes) = (contender.clone(), orders.clone(), notes.clone());
        tasks.spawn(async move {
            let answer = contender.ask(orders.next()).await;
            notes.lock().note(&answer, due);
        });
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    let seconds = match tokio::time::timeout(PATIENCE, all).await {
        Ok(()) => began.elapsed().as_secs_f64(),
        Err(_) => {
            tasks.shutdown().await;
            began.elapsed().as_secs_f64()
        }
    };
    let after = cpu_now(contender);
    finish(&notes, seconds, before, after)
}

/// Tells when each order is due. A thread of its own, because timers of the runtime are a millisecond coarse.
fn pace(rate: u64, count: u64) -> mpsc::UnboundedReceiver<Instant> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let began = Instant::now();
    thread::spawn(move || {
        for n in 0..count {
            let due = began + Duration::from_nanos(n * 1_000_000_000 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.send(due).is_err() {
                return;
            }
        }
    });
    receiver
}

fn finish(notes: &Mutex<Notes>, seconds: f64, before: (u64, u64), after: (u64, u64)) -> anyhow::Result<Window> {
    let notes = notes.lock();
    if let Some(error) = &notes.first_error {
        crate::report::say(&format!("  ! {} errors, the first: {error}", notes.errors));
    }
    Ok(Window {
        answers: notes.latency.len(),
        errors: notes.errors,
        seconds,
        latency: notes.latency.clone(),
        server_micros: after.0 - before.0,
        client_micros: after.1 - before.1,
    })
}
