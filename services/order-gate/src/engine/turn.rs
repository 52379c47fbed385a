//! What the task does between batches: it takes in partitions and accounts that are this process's now, gives partitions
//! up, and heeds what other processes put.

use std::sync::Arc;

use tokio::sync::oneshot;
use weir_model::{AccountId, Call, CorrelationId};

use super::batch::Writer;
use super::{Ask, Command};
use crate::book::Book;
use crate::decision::Followed;
use crate::draft::News;
use crate::fx::Rates;
use crate::ownership::Seat;
use crate::policy::PolicyVersion;
use crate::store::{self, Owed, Tenure};

/// What the steward brings, for the life of this process it brings it for.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) owner: Arc<str>,
    pub(super) what: What,
    /// Told when it is done, or dropped.
    pub(super) done: oneshot::Sender<()>,
}

/// What is to be done between batches.
#[derive(Debug)]
pub(super) enum What {
    /// Partitions this process has, and all that belongs to them.
    Admit(Box<Part>),
    /// An account that came from another partition, by a letter.
    Arrive { letter_id: i64, account_id: AccountId, partition: i64, part: Box<Book>, followed: Followed },
    /// Partitions others are to have.
    Give(Vec<i64>),
    /// What another process put in force.
    Heed(Heeded),
    /// What accounts of each country owe that others decide for.
    Countries(Vec<Owed>),
    /// What other partitions told this process's.
    Hear(Vec<News>),
}

/// Partitions and all that belongs to them.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) partitions: Vec<i64>,
    /// Accounts among them that do not lie where their ids say.
    pub(super) homes: Vec<(AccountId, i64)>,
    pub(super) book: Book,
    /// How far the feeds of others are taken in.
    pub(super) followed: Followed,
    /// Read since nobody else may change them, where the partitions make this process the one that may.
    pub(super) heeded: Heeded,
}

/// What one process puts in force for all.
#[derive(Debug, Default)]
pub(super) struct Heeded {
    pub(super) policy: Option<Arc<PolicyVersion>>,
    pub(super) rates: Option<Rates>,
}

/// The partition whose owner puts policies and exchange rates, for all.
pub(crate) const COMMON: i64 = 0;

impl Writer {
    /// One turn. An error when nobody knows what is durable.
    pub(super) async fn turn(&mut self, turn: Turn) -> Result<(), weir_store::Error> {
        if self.tenure.as_ref().is_none_or(|tenure| tenure.owner != turn.owner) {
            return Ok(());
        }
        match turn.what {
            What::Admit(part) => self.admit(*part).await?,
            What::Arrive { letter_id, account_id, partition, part, followed } => {
                self.arrive(letter_id, (account_id, partition), *part, followed).await?;
            }
            What::Give(partitions) => self.give(&partitions).await?,
            What::Heed(heeded) => self.heed(heeded),
            What::Countries(owed) => {
                let fell = self.shared.book.write().as_mut().map(|book| book.put_elsewhere(&owed)).unwrap_or_default();
                if !fell.is_empty() {
                    self.hear(vec![News::Room(fell)]).await?;
                }
            }
            What::Hear(news) => self.hear(news).await?,
        }
        // whoever waited may have gone
        let _ = turn.done.send(());
        Ok(())
    }

    async fn admit(&mut self, part: Part) -> Result<(), weir_store::Error> {
        let Some(tenure) = &mut self.tenure else { return Ok(()) };
        let is_new = |partition: &i64| !self.shared.directory.read().is_here(*partition);
        if !part.partitions.iter().all(is_new) {
            // the book was read anew meanwhile, with them
            return Ok(());
        }
        let known = *self.shared.followed.borrow();
        let has_others = !self.shared.directory.read().here().is_empty();
        let followed = if has_others { known.least(part.followed) } else { part.followed };
        store::admit(&self.env.db, tenure, &part.partitions, followed).await?;
        {
            let mut book = self.shared.book.write();
            let Some(book) = &mut *book else { return Ok(()) };
            book.admit(part.book);
            book.followed = followed;
            let mut directory = self.shared.directory.write();
            part.homes.iter().for_each(|(account_id, partition)| directory.put_home(account_id, *partition));
        }
        self.heed(part.heeded);
        self.follow_again(known, followed);
        self.shared.seat(part.partitions.iter().map(|partition| (*partition, Seat::Here)));
        self.shared.here.send_modify(|times| *times += 1);
        tracing::info!(partitions = part.partitions.len(), "deciding for more partitions");
        self.hear(vec![News::Admitted]).await
    }

    async fn arrive(
        &mut self,
        letter_id: i64,
        (account_id, partition): (AccountId, i64),
        part: Book,
        followed: Followed,
    ) -> Result<(), weir_store::Error> {
        let Some(tenure) = &mut self.tenure else { return Ok(()) };
        if !self.shared.directory.read().is_here(partition) {
            return Ok(());
        }
        let is_here_already = self.shared.directory.read().holds(&account_id);
        let known = *self.shared.followed.borrow();
        let least = known.least(followed);
        let lies_here =
            store::read_letter(&self.env.db, tenure, letter_id, &account_id, least).await? == Some(partition);
        if lies_here && !is_here_already {
            let mut book = self.shared.book.write();
            let Some(book) = &mut *book else { return Ok(()) };
            book.dismiss(|known| *known == account_id);
            book.admit(part);
            self.shared.directory.write().put_home(&account_id, partition);
        }
        if let Some(book) = &mut *self.shared.book.write() {
            book.followed = least;
        }
        self.follow_again(known, least);
        self.hear(vec![News::Arrived(account_id)]).await
    }

    async fn give(&mut self, partitions: &[i64]) -> Result<(), weir_store::Error> {
        let Some(tenure) = &mut self.tenure else { return Ok(()) };
        let followed = *self.shared.followed.borrow();
        {
            let mut book = self.shared.book.write();
            let mut directory = self.shared.directory.write();
            partitions.iter().for_each(|partition| {
                directory.put_seat(*partition, Seat::Nobody);
            });
            if let Some(book) = &mut *book {
                book.dismiss(|account_id| partitions.contains(&directory.home(account_id.as_str())));
            }
        }
        self.shared.seated.send_modify(|times| *times += 1);
        store::give(&self.env.db, tenure, partitions, followed).await?;
        tracing::info!(partitions = partitions.len(), "gave up partitions for others to decide");
        Ok(())
    }

    fn heed(&self, heeded: Heeded) {
        let mut book = self.shared.book.write();
        let Some(book) = &mut *book else { return };
        if let Some(policy) = heeded.policy.filter(|policy| policy.version > book.policy.version) {
            book.policy = policy;
        }
        if let Some(rates) = heeded.rates {
            Arc::make_mut(&mut book.rates).replace(rates);
        }
    }

    /// The feeds of others are followed from where both go.
    fn follow_again(&self, known: Followed, followed: Followed) {
        if known != followed {
            self.shared.followed.send_replace(followed);
            self.shared.rewound.send_modify(|times| *times += 1);
        }
    }

    /// Asks itself, as one batch.
    async fn hear(&mut self, news: Vec<News>) -> Result<(), weir_store::Error> {
        let correlation_id = CorrelationId::parse("order_gate").expect("the name of a context");
        let (now, today) = (self.env.clock.now(), self.env.clock.today());
        let call = Call::internal("weir.order_gate/steward", correlation_id, now, today);
        // nobody waits for the answer
        let (reply, _) = oneshot::channel();
        self.batches(&mut vec![Command { ask: Ask::Hear { news, bookmark: None }, call, reply, _place: None }]).await
    }

    /// The book as far as it is of the partitions this process has, all of them admitted.
    pub(super) async fn read_book(&self, tenure: &mut Tenure) -> Result<(), weir_store::Error> {
        let db = &self.env.db;
        let having = store::having(db, tenure).await?;
        let mut followed: Option<Followed> = None;
        let own = store::followed(db, tenure).await?;
        for (_, taken_in) in &having {
            let taken_in = taken_in.unwrap_or(own);
            followed = Some(followed.map_or(taken_in, |followed| followed.least(taken_in)));
        }
        let followed = followed.unwrap_or_default();
        let partitions: Vec<i64> = having.iter().map(|(partition, _)| *partition).collect();
        // before the book: an account that comes meanwhile comes by letter as well
        let (homes, _) = store::homes_after(db, store::MovedUpTo::default()).await?;
        let book = store::load(db, &partitions, followed).await?;
        store::admit(db, tenure, &partitions, followed).await?;
        self.shared.followed.send_replace(followed);
        {
            let mut shown = self.shared.book.write();
            let mut directory = self.shared.directory.write();
            homes.iter().for_each(|(account_id, partition)| directory.put_home(account_id, *partition));
            *shown = Some(book);
        }
        self.shared.seat(partitions.iter().map(|partition| (*partition, Seat::Here)));
        self.shared.rewound.send_modify(|times| *times += 1);
        self.shared.here.send_modify(|times| *times += 1);
        Ok(())
    }
}
