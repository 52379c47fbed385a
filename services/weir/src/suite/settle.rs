//! Waiting until nothing is under way any more: what a story needs between its steps.

use weir_store::journal;

use super::Suite;

impl Suite {
    /// Waits until every change made so far has reached everybody who follows it, and so on until nothing moves; wakes
    /// background work that rests.
    ///
    /// Only where somebody else makes no changes meanwhile does it end soon.
    ///
    /// # Errors
    /// Where a database cannot be read.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let mut heads = self.heads().await?;
        loop {
            for following in &self.followers {
                let head = heads.iter().find(|(feed, _)| *feed == following.feed).map_or(0, |(_, head)| *head);
                let mut status = following.status.clone();
                // a follower that is gone ends with its process: nothing is left to wait for
                let _ = status.wait_for(|status| status.position.is_some_and(|position| position >= head)).await;
            }
            let now = self.heads().await?;
            if now == heads {
                self.wake_ups.iter().for_each(weir_runtime::WakeUp::wake);
                return Ok(());
            }
            heads = now;
        }
    }

    /// The last position of each feed of this process.
    async fn heads(&self) -> anyhow::Result<Vec<(&'static str, i64)>> {
        let mut heads = Vec::new();
        for (role, db) in &self.databases {
            heads.push((role.database(), journal::head_position(db).await?));
        }
        Ok(heads)
    }
}
