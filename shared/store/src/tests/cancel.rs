//! A client that hangs up drops its handler's future anywhere. Nothing may be half done, leaked or stuck.
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::json;

use crate::testing::{feed, request, soon};
use crate::{Change, Db, Journal, Tx, journal, on_both_databases, sql};

use super::{COUNTERS, count, counter};

/// Gives a future so many polls, then drops it.
struct Cut<F> {
    future: Option<Pin<Box<F>>>,
    polls: usize,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        self.polls -= 1;
        let future = self.future.as_mut().expect("not polled after the end");
        future.as_mut().poll(context).map(Some)
    }
}

/// Moves one from counter 1 to counter 2 and journals it.
async fn transfer(db: Db, id: String) {
    let call = request(&id, 1);
    db.once(&call, async |tx: &mut Tx| -> crate::Result<()> {
        tx.query(sql!("update counters set n = n - 1 where id = 1")).execute().await?;
        let change = Change { kind: "moved", subject: "1", version: 1, before: None, after: json!(1) };
        journal::append_in(tx, &call, &change).await?;
        count(tx, 2).await?;
        Ok(())
    })
    .await
    .unwrap();
}

on_both_databases! {
    async fn handlers_dropped_anywhere_leave_all_or_nothing(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let mut cut = 0;
        let (mut polls, mut whole) = (0, 0);
        // a little further each time, until ten have come through
        while whole < 10 {
            let future = Box::pin(transfer(db.clone(), format!("r-{polls}")));
            match (Cut { future: Some(future), polls }).await {
                None => cut += 1,
                Some(()) => whole += 1,
            }
            polls += 1;
        }
        assert!(cut >= 5, "{cut} were cut short");
        // the pools are whole: the writer comes through at once
        soon("one more transfer", transfer(db.clone(), "last".to_owned())).await;
        let moved = counter(&db, 2).await;
        assert_eq!(counter(&db, 1).await, -moved);
        let journal = Journal::start(&db).await.unwrap();
        assert_eq!(feed::caught_up(&journal, 0).await.len(), usize::try_from(moved).unwrap());
        let answered: i64 =
            db.query(sql!("select count(*) from requests where answer is not null")).scalar().await.unwrap();
        let claimed: i64 = db.query(sql!("select count(*) from requests")).scalar().await.unwrap();
        assert_eq!((answered, claimed), (moved, moved));
    }

    async fn a_request_cut_short_can_come_again(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        for polls in 0..60 {
            let future = Box::pin(transfer(db.clone(), "r-1".to_owned()));
            let _ = Cut { future: Some(future), polls }.await;
        }
        soon("the last try", transfer(db.clone(), "r-1".to_owned())).await;
        assert_eq!((counter(&db, 1).await, counter(&db, 2).await), (-1, 1));
    }
}
