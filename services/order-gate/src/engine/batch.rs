//! One batch after the other: look up, decide, write, show, answer.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use tokio::sync::{mpsc, oneshot};
use weir_model::{AccountId, OrderId, RequestId, SubjectId};
use weir_store::{Db, Env, Retryable as _, Session, Tx, requests};

use super::life::Keeper;
use super::steward::Steward;
use super::turn::Turn;
use super::{Ask, Command, Shared};
use crate::book::Changes;
use crate::draft::{Draft, News, Settled, Writes};
use crate::error::Error;
use crate::ownership::Ownership;
use crate::store::{self, Moved, Tenure};

/// Orders and other calls decided in one transaction: enough to share one commit among many; few enough that the next
/// batch's callers are read and answered while it is written, and that what is written fits the processor's cache. Of 32
/// to 512 measured with 256 callers, 96 decided most.
pub(super) const BATCH_MAX: usize = 96;
/// How often a batch runs before its callers are told to come again.
const ATTEMPTS_MAX: u32 = 5;
/// How a batch failed.
enum Failed {
    /// Nothing was written: an order taken for new may be in the database.
    TakenForNew,
    /// Nothing was written.
    Cleanly(weir_store::Error),
    /// Whether it was written is not known.
    Unknown(weir_store::Error),
}

/// Which orders that the book does not hold the database is asked for before a batch is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LookUp {
    /// Those it is likely to have. A first revision is taken for a new order: where it is not, inserting it fails.
    Likely,
    /// Each one.
    All,
}

/// What is to be seen of a batch: what it changed, and who moved.
type Shown = (Changes, Vec<Moved>);
type Answer = (oneshot::Sender<Result<Settled, Error>>, Result<Settled, Error>);

/// Decides and writes.
pub(super) struct Writer {
    pub(super) env: Env,
    pub(super) shared: Arc<Shared>,
    pub(super) ownership: Ownership,
    /// None without a lease.
    pub(super) tenure: Option<Tenure>,
    pub(super) keeper: Option<Keeper>,
    pub(super) steward: Option<Steward>,
    /// Where the steward brings what is to be done between batches.
    pub(super) turns: mpsc::Sender<Turn>,
    /// Where batches of orders alone are written; none on SQLite.
    pub(super) session: Option<Session>,
}

impl Writer {
    /// What was taken from the queue, in as many batches as that is. An error leaves what is left of it.
    pub(super) async fn batches(&mut self, taken: &mut Vec<Command>) -> Result<(), weir_store::Error> {
        while !taken.is_empty() {
            let rest = taken.split_off(fitting(taken));
            let done = self.batch(taken).await;
            *taken = rest;
            done?;
        }
        Ok(())
    }

    /// One batch, again when the database asks for it; every caller is answered. An error when nobody knows what is
    /// durable.
    async fn batch(&mut self, batch: &mut Vec<Command>) -> Result<(), weir_store::Error> {
        let mut attempts = 0;
        let mut look_up = LookUp::Likely;
        loop {
            // a lease that may have ended is not relied on, not even to repeat an answer
            if !self.shared.is_relied_on() {
                refuse(batch);
                return Ok(());
            }
            attempts += 1;
            let failed = match self.try_batch(batch, look_up).await {
                Ok((changes, answers)) => {
                    // a commit proves the lease; without one only the clock does
                    let proven = changes.is_some() || self.shared.is_relied_on();
                    self.show(changes);
                    batch.clear();
                    for (reply, answer) in answers {
                        // whoever has gone away will ask again
                        let _ = reply.send(if proven { answer } else { Err(Error::Unavailable) });
                    }
                    return Ok(());
                }
                Err(failed) => failed,
            };
            match failed {
                Failed::Cleanly(error) if error.retryable() && attempts < ATTEMPTS_MAX => continue,
                // written since it was looked up, or never looked up
                Failed::Cleanly(weir_store::Error::Duplicate(_)) if attempts < ATTEMPTS_MAX => look_up = LookUp::All,
                Failed::TakenForNew => look_up = LookUp::All,
                Failed::Cleanly(error @ weir_store::Error::Unavailable(_)) => {
                    tracing::warn!(%error, "a batch could not be written; its callers may ask again");
                    refuse(batch);
                    return Ok(());
                }
                Failed::Cleanly(error) | Failed::Unknown(error) => {
                    // nothing is to be seen of it until the book is read anew
                    self.shared.forget();
                    refuse(batch);
                    return Err(error);
                }
            }
        }
    }

    async fn try_batch(
        &mut self,
        batch: &mut Vec<Command>,
        look_up: LookUp,
    ) -> Result<(Option<Shown>, Vec<Answer>), Failed> {
        let clean = Failed::Cleanly;
        let unknown_orders = self.unknown_orders(batch, look_up);
        // under a tenure nobody else writes, and where there is none the proof fails
        let found = store::dossiers(&self.env.db, &unknown_orders).await.map_err(clean)?;
        let before = answered_before(&self.env.db, batch).await.map_err(clean)?;
        let (mut changes, writes, mut outcomes) = {
            let book = self.shared.book.read();
            let Some(book) = &*book else { return Err(clean(weir_store::Error::NotFound)) };
            let directory = self.shared.directory.read();
            let mut draft = Draft::new((book, &directory), found, &self.env.ids, &self.shared.pulse);
            let outcomes = decide_all(&mut draft, batch, before);
            let (changes, writes) = draft.finish();
            (changes, writes, outcomes)
        };
        // an error may be none once the order is known: its answer is what it was given
        let doubtful =
            |(command, outcome): (&Command, &Outcome)| outcome.result.is_err() && command.ask.is_of_a_new_order();
        if look_up == LookUp::Likely && batch.iter().zip(&outcomes).any(doubtful) {
            return Err(Failed::TakenForNew);
        }
        let changes = if is_empty(&changes, &writes) && to_remember(batch, &outcomes).next().is_none() {
            None
        } else {
            self.write(batch, &mut outcomes, (&mut changes, &writes)).await?;
            Some((changes, writes.moved))
        };
        let replies = batch.drain(..).map(|command| command.reply);
        let answers = replies.zip(outcomes).map(|(reply, outcome)| (reply, outcome.result)).collect();
        Ok((changes, answers))
    }

    /// Makes a batch durable, and tells its answers where in the journal they are.
    async fn write(
        &mut self,
        batch: &[Command],
        outcomes: &mut [Outcome],
        (changes, writes): (&mut Changes, &Writes),
    ) -> Result<(), Failed> {
        let lost = || Failed::Cleanly(weir_store::Error::LeaseLost("the order gate".to_owned()));
        let tenure = self.tenure.as_mut().ok_or_else(lost)?;
        let is_alone = writes.is_of_orders_alone() && to_remember(batch, outcomes).next().is_none();
        match &mut self.session {
            Some(session) if is_alone => {
                let saved = store::save(session, tenure, changes, writes).await;
                if let Err(error @ weir_store::Error::Unavailable(_)) = saved {
                    session.give_up();
                    return Err(Failed::Unknown(error));
                }
                place(saved.map_err(Failed::Cleanly)? - writes.after, changes, outcomes);
            }
            _ => {
                let mut tx = self.env.db.begin().await.map_err(Failed::Cleanly)?;
                let after = store::save_in(&mut tx, tenure, changes, writes).await.map_err(Failed::Cleanly)?;
                place(after - writes.after, changes, outcomes);
                remember(&mut tx, batch, outcomes).await.map_err(Failed::Cleanly)?;
                tx.commit().await.map_err(Failed::Unknown)?;
            }
        }
        tenure.batches += 1;
        self.env.db.appended_up_to(changes.last_position);
        Ok(())
    }

    /// Orders the batch is about that the book does not hold, and that are to be looked up.
    fn unknown_orders(&self, batch: &[Command], look_up: LookUp) -> Vec<OrderId> {
        let book = self.shared.book.read();
        let Some(book) = &*book else { return Vec::new() };
        let mut unknown: Vec<OrderId> = batch
            .iter()
            .filter(|command| look_up == LookUp::All || !command.ask.is_of_a_new_order())
            .flat_map(|command| orders_of(&command.ask))
            .filter(|order_id| !book.dossiers.contains_key(*order_id))
            .cloned()
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    fn show(&self, shown: Option<Shown>) {
        let Some((changes, moved)) = shown else { return };
        let followed = changes.followed;
        if let Some(book) = &mut *self.shared.book.write() {
            book.apply(changes);
            if !moved.is_empty() {
                let mut directory = self.shared.directory.write();
                for Moved { account_id, to, .. } in &moved {
                    directory.put_home(account_id, *to);
                }
                let gone: HashSet<&AccountId> = moved.iter().map(|moved| &moved.account_id).collect();
                let is_gone = |account_id: &AccountId| gone.contains(account_id) && !directory.holds(account_id);
                if gone.iter().any(|account_id| is_gone(account_id)) {
                    book.dismiss(is_gone);
                }
            }
        }
        self.shared.followed.send_if_modified(|known| std::mem::replace(known, followed) != followed);
    }
}

/// What came of a command.
struct Outcome {
    result: Result<Settled, Error>,
    origin: Origin,
}

/// Where an outcome comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was decided in this batch, and is to be remembered under its request id.
    Decided,
    /// Its twin in this batch was.
    Twin,
    /// It was decided in a batch before.
    Before,
}

/// Moves what a batch says of its place in the journal by as much as others wrote meanwhile.
fn place(by: i64, changes: &mut Changes, outcomes: &mut [Outcome]) {
    changes.last_position += by;
    for outcome in outcomes {
        if let (Ok(settled), Origin::Decided | Origin::Twin) = (&mut outcome.result, outcome.origin) {
            settled.position += by;
        }
    }
}

/// Commands a person sends once and a client repeats. What concerns orders and deliveries is repeatable by their own ids.
fn by_request_id(command: &Command) -> Option<&RequestId> {
    match command.ask {
        Ask::AuthorizeTogether(_)
        | Ask::Release(_)
        | Ask::Reject(_)
        | Ask::Recheck(_)
        | Ask::Activate(_)
        | Ask::PutRates(_) => command.call.request_id.as_ref(),
        Ask::Authorize(_) | Ask::Cancel(_) | Ask::Deliver(_) | Ask::Hear { .. } => None,
    }
}

/// Answers given before to the same request ids.
async fn answered_before(db: &Db, batch: &[Command]) -> Result<Vec<Option<Outcome>>, weir_store::Error> {
    let mut before = Vec::with_capacity(batch.len());
    for command in batch {
        before.push(match by_request_id(command) {
            None => None,
            Some(_) => match requests::answered::<Settled>(db, &command.call).await {
                Ok(answer) => answer.map(|settled| Outcome { result: Ok(settled), origin: Origin::Before }),
                Err(error @ weir_store::Error::IdempotencyMismatch) => {
                    Some(Outcome { result: Err(error.into()), origin: Origin::Before })
                }
                Err(error) => return Err(error),
            },
        });
    }
    Ok(before)
}

async fn remember(tx: &mut Tx, batch: &[Command], outcomes: &[Outcome]) -> Result<(), weir_store::Error> {
    for (command, settled) in to_remember(batch, outcomes) {
        requests::remember_in(tx, &command.call, &*settled.to_remember()).await?;
    }
    Ok(())
}

/// The answers a repetition of their requests is to get.
fn to_remember<'a>(batch: &'a [Command], outcomes: &'a [Outcome]) -> impl Iterator<Item = (&'a Command, &'a Settled)> {
    let is_news = |(command, outcome): &(&'a Command, &'a Outcome)| {
        by_request_id(command).is_some() && outcome.origin == Origin::Decided
    };
    batch
        .iter()
        .zip(outcomes)
        .filter(is_news)
        .filter_map(|(command, outcome)| Some((command, outcome.result.as_ref().ok()?)))
}

/// Decides a batch in order of arrival. A twin in the same batch gets the first one's answer.
fn decide_all(draft: &mut Draft<'_>, batch: &[Command], before: Vec<Option<Outcome>>) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(batch.len());
    let mut first: HashMap<(&SubjectId, &RequestId), (usize, &Command)> = HashMap::new();
    for (index, (command, before)) in batch.iter().zip(before).enumerate() {
        let key = by_request_id(command).map(|id| (&command.call.principal.subject, id));
        let twin = key.and_then(|key| first.get(&key));
        let outcome = match (before, twin) {
            (Some(before), _) => before,
            (None, Some((_, twin))) if !same_request(command, twin) => {
                Outcome { result: Err(weir_store::Error::IdempotencyMismatch.into()), origin: Origin::Twin }
            }
            (None, Some((at, _))) => match outcomes.get(*at).map(|outcome| &outcome.result) {
                Some(Ok(settled)) => Outcome { result: Ok(settled.clone()), origin: Origin::Twin },
                _ => Outcome { result: decide(draft, command), origin: Origin::Decided },
            },
            (None, None) => Outcome { result: decide(draft, command), origin: Origin::Decided },
        };
        if let (Some(key), Ok(_), true) = (key, &outcome.result, outcome.origin == Origin::Decided) {
            first.insert(key, (index, command));
        }
        outcomes.push(outcome);
    }
    outcomes
}

fn same_request(one: &Command, other: &Command) -> bool {
    one.call.rpc == other.call.rpc && one.call.fingerprint == other.call.fingerprint
}

fn decide(draft: &mut Draft<'_>, command: &Command) -> Result<Settled, Error> {
    let call = &command.call;
    match &command.ask {
        Ask::Authorize(ask) => draft.authorize(call, ask),
        Ask::AuthorizeTogether(ask) => draft.authorize_together(call, ask),
        Ask::Cancel(ask) => draft.cancel(call, ask),
        Ask::Deliver(ask) => draft.deliver(call, ask),
        Ask::Release(ask) => draft.release(call, ask),
        Ask::Reject(ask) => draft.reject(call, ask),
        Ask::Recheck(ask) => draft.recheck(call, ask),
        Ask::Activate(ask) => draft.activate(call, ask),
        Ask::PutRates(ask) => Ok(draft.put_rates(call, ask)),
        Ask::Hear { news, bookmark } => draft.hear(call, news, *bookmark),
    }
}

fn orders_of(ask: &Ask) -> Vec<&OrderId> {
    match ask {
        Ask::Authorize(ask) => vec![&ask.order.order_id],
        Ask::AuthorizeTogether(ask) => ask.orders.iter().map(|ask| &ask.order.order_id).collect(),
        Ask::Cancel(ask) => vec![&ask.order_id],
        Ask::Deliver(ask) => vec![&ask.order_id],
        Ask::Release(ask) => vec![&ask.order_id],
        Ask::Reject(ask) => vec![&ask.order_id],
        Ask::Recheck(ask) => vec![&ask.order_id],
        Ask::Activate(_) | Ask::PutRates(_) => Vec::new(),
        Ask::Hear { news, .. } => news
            .iter()
            .flat_map(|piece| match piece {
                News::Position(.., invoiced) | News::Invoiced(.., invoiced) => invoiced.as_slice(),
                // what may run out counts, and so is in the book
                News::Credit(..)
                | News::Group(..)
                | News::Conduct(..)
                | News::Day(_)
                | News::Expiry(_)
                | News::Arrived(_)
                | News::Admitted
                | News::Room(_) => &[],
                News::Letter(_, _, line) => std::slice::from_ref(line),
            })
            .map(|line| &line.order_id)
            .collect(),
    }
}

fn is_empty(changes: &Changes, writes: &Writes) -> bool {
    changes.dossiers.is_empty() && writes.is_empty()
}

/// How many of the first commands make one batch: at least one.
fn fitting(commands: &[Command]) -> usize {
    let mut orders = 0;
    let fits = |command: &&Command| {
        orders += command.ask.weight();
        orders <= BATCH_MAX
    };
    commands.iter().take_while(fits).count().clamp(1, commands.len())
}

pub(super) fn refuse(batch: &mut Vec<Command>) {
    for command in batch.drain(..) {
        // whoever has gone away will ask again
        let _ = command.reply.send(Err(Error::Unavailable));
    }
}
