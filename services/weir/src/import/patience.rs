//! Asking again while an answer is still on its way: not at once, not for ever, and not before the server wants to be.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// How often is asked.
const TRIES: u32 = 30;
/// The pause after the first try; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause of our own choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Asks until there is an answer, or a refusal that another try does not change.
///
/// # Errors
/// The refusal; the last one where it never came.
pub(super) async fn patiently<T>(ask: impl AsyncFn() -> Result<T, Status>) -> Result<T, Status> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match ask().await {
            Err(status) if is_late(status.code()) => {
                tokio::time::sleep(asked_for(&status).map_or(pause, |asked| asked.max(pause))).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            answer => return answer,
        }
    }
    ask().await
}

/// Whether what was asked for is still on its way.
fn is_late(code: Code) -> bool {
    matches!(code, Code::DeadlineExceeded | Code::Unavailable)
}

/// When the server wants to be asked again.
fn asked_for(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;
    use tonic_types::ErrorDetails;

    use super::*;

    /// How long it took to get an answer, or how it was refused, and how often was asked; `refusal` tells of each try.
    async fn ask(refusal: impl Fn(u32) -> Option<Status>) -> (Result<Duration, Code>, u32) {
        let (began, tries) = (Instant::now(), AtomicU32::new(0));
        let asked = patiently(async || refusal(tries.fetch_add(1, Ordering::Relaxed) + 1).map_or(Ok(()), Err)).await;
        (asked.map(|()| began.elapsed()).map_err(|status| status.code()), tries.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_taken_at_once() {
        assert_eq!(ask(|_| None).await, (Ok(Duration::ZERO), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double() {
        let asked = ask(|time| (time <= 3).then(|| Status::unavailable("starting"))).await;
        // 100 + 200 + 400 ms
        assert_eq!(asked, (Ok(Duration::from_millis(700)), 4));
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_says_when_to_ask_again() {
        let later = ErrorDetails::with_retry_info(Some(Duration::from_secs(7)));
        let refusal = Status::with_error_details(Code::Unavailable, "starting", later);
        let asked = ask(|time| (time == 1).then(|| refusal.clone())).await;
        assert_eq!(asked, (Ok(Duration::from_secs(7)), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn another_try_does_not_change_a_bad_request() {
        assert_eq!(ask(|_| Some(Status::invalid_argument("no"))).await, (Err(Code::InvalidArgument), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_given_up_after_thirty_tries() {
        assert_eq!(ask(|_| Some(Status::deadline_exceeded("late"))).await, (Err(Code::DeadlineExceeded), 30));
    }
}
