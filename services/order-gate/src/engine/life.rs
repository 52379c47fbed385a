//! The life of the task: it waits until it may decide, reads the book, takes batches, falls silent when its lease ends,
//! and gives everything up when it is told to.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::batch::{BATCH_MAX, Writer, refuse};
use super::steward::Steward;
use super::turn::Turn;
use super::{Command, Shared};
use crate::ownership::Ownership;
use crate::store::{self, Tenure};

/// How soon a process without a lease tries again to get one.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// What happens next.
enum Next {
    Batch,
    Turn(Turn),
    Look,
    Lost,
    End,
}

impl Writer {
    /// Until every caller is gone or `closing` says so; then others may take over at once.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        mut turns: mpsc::Receiver<Turn>,
        mut closing: watch::Receiver<bool>,
    ) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut look_at = Instant::now();
        loop {
            let here = self.is_here();
            let next = tokio::select! {
                biased;
                // a gate that is gone closes as well
                _ = closing.wait_for(|closing| *closing) => Next::End,
                () = self.shared.lost(), if here => Next::Lost,
                Some(turn) = turns.recv(), if here => Next::Turn(turn),
                taken = commands.recv_many(&mut batch, BATCH_MAX) => if taken > 0 { Next::Batch } else { Next::End },
                () = sleep_until(look_at), if !here => Next::Look,
            };
            match next {
                Next::Batch if here => {
                    if let Err(error) = self.batches(&mut batch).await {
                        tracing::error!(%error, "a batch was not committed as far as is known; reading the book anew");
                        self.shared.forget();
                        refuse(&mut batch);
                        look_at = Instant::now();
                    }
                }
                Next::Turn(turn) => {
                    if let Err(error) = self.turn(turn).await {
                        tracing::error!(%error, "partitions changed hands as nobody knows; reading the book anew");
                        self.shared.forget();
                        look_at = Instant::now();
                    }
                }
                Next::Batch => refuse(&mut batch),
                Next::Lost => {
                    tracing::error!("the lease was lost; deciding again once nobody else does");
                    self.shared.forget();
                    look_at = Instant::now();
                }
                Next::Look => {
                    if let Err(error) = self.look().await {
                        tracing::warn!(%error, "the book could not be read; trying again");
                    }
                    look_at = Instant::now() + LOOK_AGAIN;
                }
                Next::End => break,
            }
        }
        self.end(commands).await;
    }

    /// Whether the book is in memory and nobody said that the lease is lost.
    fn is_here(&self) -> bool {
        self.tenure.is_some() && self.shared.book.read().is_some()
    }

    /// Goes on with the tenure it has if that is still one, else begins another; takes its share and reads the book.
    pub(super) async fn look(&mut self) -> Result<(), weir_store::Error> {
        let asked_at = Instant::now();
        let held = match &self.tenure {
            Some(tenure) if store::renew(&self.env.db, tenure).await? => {
                self.shared.rely_until(Some(asked_at + self.ownership.relied_on()));
                store::recall(&self.env.db, tenure).await?
            }
            _ => None,
        };
        let mut tenure = match held {
            Some(tenure) => tenure,
            None => {
                (self.keeper, self.steward, self.tenure) = (None, None, None);
                self.shared.rely_until(None);
                let tenure = self.new_life();
                store::enroll(&self.env.db, &tenure).await?;
                tracing::info!(owner = &*tenure.owner, "taking part in deciding");
                self.shared.rely_until(Some(asked_at + self.ownership.relied_on()));
                self.keeper = Some(Keeper::start(self, &tenure));
                tenure
            }
        };
        self.tenure = Some(tenure.clone());
        store::take(&self.env.db, &tenure).await?;
        self.read_book(&mut tenure).await?;
        self.tenure = Some(tenure.clone());
        if self.steward.is_none() {
            self.steward = Steward::start(self, &tenure);
        }
        Ok(())
    }

    fn new_life(&self) -> Tenure {
        let life = weir_model::Ids::random().next::<weir_model::SubjectId>();
        Tenure {
            owner: life.as_str().into(),
            address: self.ownership.address.as_str().into(),
            batches: 0,
            lease: self.ownership.lease,
        }
    }

    /// Whoever still waits is told to ask elsewhere, and others may take over.
    async fn end(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        self.shared.forget();
        (self.keeper, self.steward) = (None, None);
        commands.close();
        let Some(tenure) = self.tenure.take() else { return };
        if let Err(error) = store::resign(&self.env.db, &tenure).await {
            tracing::warn!(%error, "the lease could not be given up; others wait until it ends");
        }
        let mut waiting = Vec::new();
        while commands.recv_many(&mut waiting, BATCH_MAX).await > 0 {
            refuse(&mut waiting);
        }
    }
}

/// Renews the lease until it is dropped or the lease is lost.
#[derive(Debug)]
pub(super) struct Keeper(JoinHandle<()>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Keeper {
    fn start(writer: &Writer, tenure: &Tenure) -> Keeper {
        let (db, shared) = (writer.env.db.clone(), writer.shared.clone());
        let (tenure, ownership) = (tenure.clone(), writer.ownership.clone());
        Keeper(tokio::spawn(async move { keep(&db, &shared, &tenure, &ownership).await }))
    }
}

async fn keep(db: &weir_store::Db, shared: &Shared, tenure: &Tenure, ownership: &Ownership) {
    loop {
        sleep(ownership.renewal()).await;
        let asked_at = Instant::now();
        match timeout(ownership.lease, store::renew(db, tenure)).await {
            Ok(Ok(true)) => shared.rely_until(Some(asked_at + ownership.relied_on())),
            Ok(Ok(false)) => return shared.rely_until(None),
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
            Err(_) => tracing::warn!("the lease could not be renewed in time; trying again"),
        }
    }
}
