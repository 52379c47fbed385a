//! Tables of what was measured. Throughputs are medians of the rounds, ratios medians of the rounds' own ratios with their
//! range, latencies those of all rounds together.

use std::io::Write as _;

use hdrhistogram::Histogram;

use crate::load::Window;

/// A round in which even the echo was this much slower than in its best one tells of the machine, not of a contender.
const ECHO_LEAST: f64 = 0.8;
/// By how much what is under way ÷ throughput may differ from the mean latency: what a window cuts off at its ends.
const LITTLE_TOLERANCE: f64 = 0.05;
/// The least part of a rate that counts as kept up with.
const KEPT_UP: f64 = 0.98;

/// A contender's windows.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Orders under way in a closed loop.
    under_way: usize,
    pub(crate) windows: Vec<Window>,
}

impl Row {
    pub(crate) fn new(name: &'static str, under_way: usize) -> Self {
        Row { name, under_way, windows: Vec::new() }
    }

    fn of(&self, kept: &[usize], figure: impl Fn(&Window) -> f64) -> Vec<f64> {
        kept.iter().filter_map(|round| self.windows.get(*round)).map(figure).collect()
    }

    fn latency(&self, kept: &[usize]) -> Histogram<u64> {
        let mut windows = kept.iter().filter_map(|round| self.windows.get(*round));
        let Some(first) = windows.next() else { return Histogram::new(3).expect("three digits are allowed") };
        let mut all = first.latency.clone();
        for window in windows {
            all.add(&window.latency).expect("histograms made alike");
        }
        all
    }
}

/// Writes a line; a closed standard output ends nothing.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The table of a closed loop.
pub(crate) fn closed(rows: &[Row]) {
    let kept = kept(rows);
    let rounds = rows.first().map_or(0, |row| row.windows.len());
    if kept.len() < rounds {
        say(&format!("({} of {rounds} rounds left out: the echo itself was slow)\n", rounds - kept.len()));
    }
    say("| | decisions/s | p50 ms | p99 ms | p99.9 ms | CPU µs server + client | ÷ echo | gate-postgres ÷ it |");
    say("|---|---|---|---|---|---|---|---|");
    let (echo, gate) = (rows.first(), rows.iter().find(|row| row.name == "gate-postgres"));
    for row in rows {
        let latency = row.latency(&kept);
        let rate = median(&row.of(&kept, Window::rate));
        let micros = |of: fn(&Window) -> u64| median(&row.of(&kept, |w| of(w) as f64 / w.answers.max(1) as f64));
        say(&format!(
            "| {} | {rate:.0} | {} | {} | {} | {:.0} + {:.0} | {} | {} |",
            row.name,
            millis(&latency, 0.5),
            millis(&latency, 0.99),
            millis(&latency, 0.999),
            micros(|w| w.server_micros),
            micros(|w| w.client_micros),
            ratio(Some(row), echo, &kept),
            ratio(gate, Some(row), &kept),
        ));
        let mean = median(&row.of(&kept, Window::mean));
        let expected = row.under_way as f64 / rate.max(1.0);
        if (mean / expected - 1.0).abs() > LITTLE_TOLERANCE {
            say(&format!(
                "| ! {} breaks Little's law: {:.2} ms on average, {:.2} expected | | | | | | | |",
                row.name,
                mean * 1e3,
                expected * 1e3
            ));
        }
        let errors: u64 = row.windows.iter().map(|window| window.errors).sum();
        if errors > 0 {
            say(&format!("| ! {errors} errors of {} | | | | | | | |", row.name));
        }
    }
}

/// The table of an open loop.
pub(crate) fn open(rows: &[Row], rate: u64) {
    say("| | p50 ms | p99 ms | p99.9 ms | longest ms | CPU µs server + client |");
    say("|---|---|---|---|---|---|");
    for (row, window) in rows.iter().filter_map(|row| Some((row, row.windows.first()?))) {
        let micros = |sum: u64| sum as f64 / window.answers.max(1) as f64;
        if window.rate() < rate as f64 * KEPT_UP || window.errors > 0 {
            say(&format!("| {} | cannot: {:.0}/s, {} refused | | | | |", row.name, window.rate(), window.errors));
            continue;
        }
        say(&format!(
            "| {} | {} | {} | {} | {} | {:.0} + {:.0} |",
            row.name,
            millis(&window.latency, 0.5),
            millis(&window.latency, 0.99),
            millis(&window.latency, 0.999),
            millis(&window.latency, 1.0),
            micros(window.server_micros),
            micros(window.client_micros),
        ));
    }
}

/// The rounds in which the machine was itself.
fn kept(rows: &[Row]) -> Vec<usize> {
    let Some(echo) = rows.first() else { return Vec::new() };
    let best = echo.windows.iter().map(Window::rate).fold(0.0, f64::max);
    let rounds = echo.windows.iter().enumerate();
    rounds.filter(|(_, window)| window.rate() >= best * ECHO_LEAST).map(|(round, _)| round).collect()
}

/// Median and range of one row's throughput over another's, round by round.
fn ratio(row: Option<&Row>, to: Option<&Row>, kept: &[usize]) -> String {
    let (Some(row), Some(to)) = (row, to) else { return String::new() };
    if row.name == to.name {
        return String::new();
    }
    let each = row.of(kept, Window::rate).into_iter().zip(to.of(kept, Window::rate));
    let mut ratios: Vec<f64> = each.map(|(one, other)| one / other.max(1.0)).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let (Some(least), Some(most)) = (ratios.first(), ratios.last()) else { return String::new() };
    format!("{:.2} [{least:.2}–{most:.2}]", median(&ratios))
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn millis(latency: &Histogram<u64>, quantile: f64) -> String {
    format!("{:.2}", latency.value_at_quantile(quantile) as f64 / 1e6)
}
