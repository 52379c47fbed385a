//! Looks, a few dozen times a second, how partitions are shared out over processes and what other processes put, and brings
//! the task what follows for this one. Decides nothing and writes nothing but which partitions are taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use weir_store::{Db, Dialect};

use super::Shared;
use super::batch::Writer;
use super::turn::{COMMON, Heeded, Part, Turn, What};
use crate::draft::News;
use crate::letter::Letter;
use crate::ownership::{Due, Seat};
use crate::policy::Rule;
use crate::store::{self, MovedUpTo, Owed, Tenure, Tidings};

/// How often it looks: what a handover costs at most.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// After how many looks processes tell each other what their accounts of each country owe.
const COUNTRIES_AFTER: u32 = 10;

/// The task of one life, until it is dropped.
#[derive(Debug)]
pub(super) struct Steward(JoinHandle<()>);

impl Drop for Steward {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Steward {
    /// Starts looking; none on SQLite, where there is no other process.
    pub(super) fn start(writer: &Writer, tenure: &Tenure) -> Option<Steward> {
        if writer.env.db.dialect() == Dialect::Sqlite {
            return None;
        }
        let mut rounds = Rounds {
            db: writer.env.db.clone(),
            shared: writer.shared.clone(),
            tenure: tenure.clone(),
            turns: writer.turns.clone(),
            moved: MovedUpTo::default(),
            rates: -1,
            looks: 0,
            told: Vec::new(),
            heard: (0, Vec::new()),
        };
        Some(Steward(tokio::spawn(async move { rounds.run().await })))
    }
}

/// What it knows from one look to the next.
struct Rounds {
    db: Db,
    shared: Arc<Shared>,
    tenure: Tenure,
    turns: mpsc::Sender<Turn>,
    /// The last move of an account it knows of.
    moved: MovedUpTo,
    /// How often exchange rates had been put when they were last read.
    rates: i64,
    looks: u32,
    /// What accounts of each country owe, as it was last told and heard.
    told: Vec<Owed>,
    heard: (u64, Vec<Owed>),
}

impl Rounds {
    async fn run(&mut self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "how partitions are shared out could not be seen; looking again");
            }
            // whether somebody waits or not
            let _ = timeout(LOOK_AGAIN, self.shared.look.notified()).await;
        }
    }

    async fn look(&mut self) -> Result<(), weir_store::Error> {
        let tidings = store::tidings(&self.db).await?;
        let due = self.look_around().await?;
        self.heed(tidings).await?;
        self.read_letters().await?;
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(COUNTRIES_AFTER) {
            self.compare_countries().await?;
        }
        // a reader that waits for this position sees all that was put before
        self.shared.level.send_replace(tidings.position);
        match due {
            Due::Nothing => {}
            Due::Take(_) => {
                store::take(&self.db, &self.tenure).await?;
                self.look_around().await?;
            }
            Due::Give(count) => {
                let here = self.shared.directory.read().here();
                let given = here.into_iter().rev().take(count).collect();
                self.bring(What::Give(given)).await;
            }
        }
        Ok(())
    }

    /// Who decides for which partitions; admits those this process has and does not decide for yet.
    async fn look_around(&mut self) -> Result<Due, weir_store::Error> {
        let seats = store::seats(&self.db).await?;
        let (mut fresh, mut others, mut is_lost) = (Vec::new(), Vec::new(), false);
        {
            let directory = self.shared.directory.read();
            for (partition, owner, address) in seats {
                match owner {
                    Some(owner) if *owner == *self.tenure.owner => {
                        if !directory.is_here(partition) {
                            fresh.push(partition);
                        }
                    }
                    // taken away: its next batch would find out
                    _ if directory.is_here(partition) => is_lost = true,
                    Some(_) => others.push((partition, Seat::There(address.into()))),
                    None => others.push((partition, Seat::Nobody)),
                }
            }
        }
        self.shared.seat(others);
        if is_lost {
            self.shared.rely_until(None);
        }
        if !fresh.is_empty() {
            self.admit(fresh).await?;
        }
        store::share(&self.db, &self.tenure).await
    }

    async fn admit(&mut self, partitions: Vec<i64>) -> Result<(), weir_store::Error> {
        let Some(mut book) = self.shared.book.read().as_ref().map(|book| book.empty()) else { return Ok(()) };
        let own = store::followed(&self.db, &self.tenure).await?;
        let having = store::having(&self.db, &self.tenure).await?;
        let taken = having.into_iter().filter(|(partition, _)| partitions.contains(partition));
        let followed = taken.filter_map(|(_, followed)| followed).reduce(|one, other| one.least(other)).unwrap_or(own);
        // before the book: an account that comes meanwhile comes by letter as well
        let homes = store::homes_in(&self.db, &partitions).await?;
        store::load_partitions(&self.db, &mut book, &partitions).await?;
        let mut heeded = Heeded::default();
        if partitions.contains(&COMMON) {
            heeded.policy = Some(store::load_policy(&self.db).await?);
            heeded.rates = Some(store::load_rates(&self.db).await?);
        }
        self.bring(What::Admit(Box::new(Part { partitions, homes, book, followed, heeded }))).await;
        Ok(())
    }

    /// Takes in what other processes put.
    async fn heed(&mut self, tidings: Tidings) -> Result<(), weir_store::Error> {
        if tidings.moved > self.moved.0 {
            let (homes, moved) = store::homes_after(&self.db, self.moved.clone()).await?;
            let mut directory = self.shared.directory.write();
            for (account_id, partition) in homes {
                // one that comes here is here once its letter is read
                if !directory.is_here(partition) {
                    directory.put_home(&account_id, partition);
                }
            }
            self.moved = moved;
        }
        if self.shared.directory.read().is_here(COMMON) {
            self.rates = tidings.rates;
            return Ok(());
        }
        let known = self.shared.book.read().as_ref().map(|book| book.policy.version);
        let mut heeded = Heeded::default();
        if known.is_some_and(|known| known < tidings.policy) {
            heeded.policy = Some(store::load_policy(&self.db).await?);
        }
        if self.rates != tidings.rates {
            heeded.rates = Some(store::load_rates(&self.db).await?);
        }
        if heeded.policy.is_some() || heeded.rates.is_some() {
            self.bring(What::Heed(heeded)).await;
        }
        self.rates = tidings.rates;
        Ok(())
    }

    async fn read_letters(&mut self) -> Result<(), weir_store::Error> {
        let letters = store::letters(&self.db, &self.tenure.owner).await?;
        let mut news = Vec::new();
        for (letter_id, partition, letter) in letters {
            if !self.shared.directory.read().is_here(partition) {
                continue;
            }
            match letter {
                Letter::Invoiced { account_id, line } => news.push(News::Letter(letter_id, account_id, line)),
                Letter::Moved { account_id, followed } => {
                    let Some(mut part) = self.shared.book.read().as_ref().map(|book| book.empty()) else { continue };
                    store::load_account(&self.db, &mut part, (partition, &account_id)).await?;
                    let part = Box::new(part);
                    self.bring(What::Arrive { letter_id, account_id, partition, part, followed }).await;
                }
            }
        }
        if !news.is_empty() {
            self.bring(What::Hear(news)).await;
        }
        Ok(())
    }

    /// Tells the others what this process's accounts of each country owe, while a cap asks for it, and hears what theirs do.
    async fn compare_countries(&mut self) -> Result<(), weir_store::Error> {
        let owed = {
            let book = self.shared.book.read();
            let asked = book.as_ref().filter(|book| book.policy.policy.asks(Rule::CountryCapExceeded));
            asked.map(|book| book.country_totals())
        };
        let Some(owed) = owed else { return Ok(()) };
        if owed != self.told {
            store::tell_totals(&self.db, &self.tenure, &owed).await?;
            self.told = owed;
        }
        let heard = store::totals_of_others(&self.db, &self.tenure).await?;
        // a book that was read anew knows nothing of it
        let heard = (*self.shared.here.borrow(), heard);
        if heard != self.heard {
            self.bring(What::Countries(heard.1.clone())).await;
            self.heard = heard;
        }
        Ok(())
    }

    /// Brings the task something and waits until it is done, or dropped.
    async fn bring(&self, what: What) {
        let (done, is_done) = oneshot::channel();
        let turn = Turn { owner: self.tenure.owner.clone(), what, done };
        if self.turns.send(turn).await.is_ok() {
            let _ = is_done.await;
        } else {
            sleep(LOOK_AGAIN).await;
        }
    }
}
