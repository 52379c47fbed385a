//! The work of a transaction, given as `async |tx: &mut Tx| { … }`, whose future may cross threads.
//!
//! A bound of `AsyncFn(&mut Tx)` would say the same, but the compiler cannot yet conclude from it that the future is
//! `Send` when the closure borrows anything, and a gRPC handler's must be.
use std::future::Future;

use crate::{Result, Tx};

/// What [`Db::transact`](crate::Db::transact) and [`Db::once`](crate::Db::once) run, perhaps several times:
/// `async |tx: &mut Tx| { … }`. It may borrow what is around it; without `move`, so that it can run again.
pub trait Work<'t, T, E>: Send + Sync {
    /// One run.
    type Run: Future<Output = Result<T, E>> + Send;

    /// Starts a run in a fresh transaction.
    fn run(&self, tx: &'t mut Tx) -> Self::Run;
}

impl<'t, F, Run, T, E> Work<'t, T, E> for F
where
    F: Fn(&'t mut Tx) -> Run + Send + Sync,
    Run: Future<Output = Result<T, E>> + Send,
{
    type Run = Run;

    fn run(&self, tx: &'t mut Tx) -> Run {
        self(tx)
    }
}
