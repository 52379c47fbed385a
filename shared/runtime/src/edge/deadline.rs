//! How long a call may take: what its caller asks for, within what the process allows.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::{EdgeConfig, methods::Method};

const HEADER: &str = "grpc-timeout";

/// A timeout has at most eight digits.
const DIGITS_MAX: u128 = 99_999_999;

tokio::task_local! {
    /// The deadline of the call this task works on.
    static PRESENT: Option<Deadline>;
}

/// When the call must be answered. The edge leaves it in the request's extensions, for a handler that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that much time from now.
    pub fn after(time: Duration) -> Self {
        Deadline(Instant::now() + time)
    }

    /// What remains; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    fn write(self, headers: &mut HeaderMap) {
        // Eight digits of microseconds are a minute and a half; longer than that, milliseconds are exact enough.
        let remaining = self.remaining();
        let text = match remaining.as_micros() {
            micros @ ..=DIGITS_MAX => format!("{micros}u"),
            _ => format!("{}m", remaining.as_millis().min(DIGITS_MAX)),
        };
        headers.insert(HEADER, HeaderValue::try_from(text).expect("digits and a letter"));
    }

    /// The moment itself, on tokio's clock.
    pub fn at(self) -> Instant {
        self.0
    }
}

/// Works on a call, whose deadline is then passed on to whomever it calls.
pub(crate) async fn during<F: Future>(deadline: Option<Deadline>, work: F) -> F::Output {
    PRESENT.scope(deadline, work).await
}

/// Asks another process to answer within what remains of the present call, unless less is asked for already.
pub fn pass_deadline_on(headers: &mut HeaderMap) {
    let Some(deadline) = PRESENT.try_with(|deadline| *deadline).ok().flatten() else { return };
    let asked = headers.get(HEADER).and_then(|value| value.to_str().ok()).and_then(parse);
    if asked.is_none_or(|asked| asked > deadline.remaining()) {
        deadline.write(headers);
    }
}

/// The deadline of a call that begins now.
///
/// A method that streams has one only when its caller asks: a feed lasts as long as it is wanted. All others have the
/// default one, and never one later than the longest allowed.
pub(crate) fn of_call(headers: &HeaderMap, method: &Method, config: &EdgeConfig) -> Option<Deadline> {
    let asked = headers.get(HEADER).and_then(|value| value.to_str().ok()).and_then(parse);
    if method.lasts() {
        return asked.map(Deadline::after);
    }
    let allowed = asked.unwrap_or(config.deadline_default).min(config.deadline_max);
    Some(Deadline::after(allowed))
}

/// Reads a `grpc-timeout`: up to eight digits and a unit. What cannot be read counts as not given, as the
/// specification's reference servers do.
fn parse(text: &str) -> Option<Duration> {
    let digits = text.len().checked_sub(1).filter(|digits| (1..=8).contains(digits))?;
    let (value, unit) = text.split_at_checked(digits)?;
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = value.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse("42S"), Some(Duration::from_secs(42)));
        assert_eq!(parse("13m"), Some(Duration::from_millis(13)));
        assert_eq!(parse("2u"), Some(Duration::from_micros(2)));
        assert_eq!(parse("82n"), Some(Duration::from_nanos(82)));
        assert_eq!(parse("99999999S"), Some(Duration::from_secs(99_999_999)));
    }

    fn asked(headers: &HeaderMap) -> Option<Duration> {
        headers.get(HEADER).and_then(|value| value.to_str().ok()).and_then(parse)
    }

    #[tokio::test]
    async fn less_than_what_remains_may_be_asked_for_and_more_may_not() {
        let deadline = Some(Deadline::after(Duration::from_secs(60)));
        for (given, expected) in [("1S", 1), ("2M", 60)] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(given));
            during(deadline, async { pass_deadline_on(&mut headers) }).await;
            let passed_on = asked(&headers).unwrap();
            let expected = Duration::from_secs(expected);
            assert!(passed_on <= expected && expected - passed_on < Duration::from_secs(1), "{given}: {passed_on:?}");
        }
    }

    #[tokio::test]
    async fn without_a_deadline_nothing_is_asked_for() {
        let mut headers = HeaderMap::new();
        pass_deadline_on(&mut headers);
        during(None, async { pass_deadline_on(&mut headers) }).await;
        assert_eq!(asked(&headers), None);
    }

    #[test]
    fn what_remains_is_written_as_what_is_read() {
        for seconds in [0, 1, 90, 200, 1_000_000] {
            let (given, mut headers) = (Duration::from_secs(seconds), HeaderMap::new());
            Deadline::after(given).write(&mut headers);
            let passed_on = asked(&headers).unwrap();
            let longest = given.min(Duration::from_secs(99_999));
            assert!(passed_on <= given && longest - passed_on.min(longest) < Duration::from_secs(1), "{seconds}");
        }
    }

    #[test]
    fn an_unreadable_timeout_counts_as_none() {
        for text in ["", "S", "1", "1x", "-1S", "+1S", "1.5S", "123456789S", "1 S", "£S"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
