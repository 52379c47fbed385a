//! The life of the task: it waits until it may decide, reads the book, takes batches, falls silent when its lease ends,
//! and gives everything up when it is told to.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::batch::{BATCH_MAX, Writer, refuse};
use super::{Command, Shared};
use crate::ownership::Ownership;
use crate::store::{self, Tenure};

/// How soon a process that may not decide looks again whether it may: what a handover costs at most.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// What happens next.
enum Next {
    Batch,
    Look,
    Lost,
    End,
}

impl Writer {
    /// Until every caller is gone or `closing` says so; then others may take over at once.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
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
                taken = commands.recv_many(&mut batch, BATCH_MAX) => if taken > 0 { Next::Batch } else { Next::End },
                () = sleep_until(look_at), if !here => Next::Look,
            };
            match next {
                Next::Batch if here => {
                    if let Err(error) = self.batches(&mut batch).await {
                        tracing::error!(%error, "a batch was not committed as far as is known; reading the book anew");
                        self.forget();
                        refuse(&mut batch);
                        look_at = Instant::now();
                    }
                }
                Next::Batch => refuse(&mut batch),
                Next::Lost => {
                    tracing::error!("the lease was lost; deciding again once nobody else does");
                    self.forget();
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

    /// Takes the book from memory, and what was heard of the others with it.
    fn forget(&self) {
        *self.shared.book.write() = None;
        self.shared.pulse.forget();
    }

    /// Goes on with the tenure it has if that is still one, else takes over if nobody decides.
    pub(super) async fn look(&mut self) -> Result<(), weir_store::Error> {
        let asked_at = Instant::now();
        let held = match &self.tenure {
            Some(tenure) => store::recall(&self.env.db, tenure).await?,
            None => None,
        };
        let tenure = match held {
            Some(tenure) => tenure,
            None => {
                self.keeper = None;
                self.tenure = None;
                self.shared.rely_until(None);
                if let Some(address) = store::other(&self.env.db).await? {
                    self.shared.decided_at(Some(&address));
                    return Ok(());
                }
                self.shared.decided_at(None);
                let Some(tenure) = store::acquire(&self.env.db, self.new_life()).await? else { return Ok(()) };
                tracing::info!(owner = &*tenure.owner, "deciding");
                self.shared.rely_until(Some(asked_at + self.ownership.relied_on()));
                self.keeper = Some(Keeper::start(self, &tenure));
                tenure
            }
        };
        self.tenure = Some(tenure.clone());
        let book = store::load(&self.env.db).await?;
        self.shared.followed.send_replace(book.followed);
        *self.shared.book.write() = Some(book);
        self.shared.here.send_modify(|lives| *lives += 1);
        Ok(())
    }

    fn new_life(&self) -> Tenure {
        let life = weir_model::Ids::random().next::<weir_model::SubjectId>();
        Tenure {
            owner: life.as_str().into(),
            address: self.ownership.address.as_str().into(),
            batches: 0,
            partitions: self.partitions,
            lease: self.ownership.lease,
        }
    }

    /// Whoever still waits is told to ask elsewhere, and others may take over.
    async fn end(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        self.forget();
        self.keeper = None;
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
