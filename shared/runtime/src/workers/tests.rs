//! Loops that rest, fail, panic and stop.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::*;
use crate::ShutdownConfig;

const LONG: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(20);
const BRISK: Pace =
    Pace { idle: LONG, backoff_first: Duration::from_millis(1), backoff_longest: Duration::from_millis(2) };

struct World {
    shutdown: Shutdown,
    metrics: Metrics,
    workers: Workers,
}

fn world() -> World {
    let shutdown = Shutdown::new(ShutdownConfig { wait: Duration::ZERO, hard_limit: LONG });
    let metrics = Metrics::new();
    let workers = Workers::new(shutdown.clone(), metrics.clone());
    World { shutdown, metrics, workers }
}

/// A step that takes its outcomes from a list, and tells when it is called; idle when the list has ended.
fn scripted(outcomes: Vec<Outcome>) -> (impl Fn() -> StepFuture + Send + Sync + 'static, mpsc::UnboundedReceiver<()>) {
    let (told, calls) = mpsc::unbounded_channel();
    let next = AtomicUsize::new(0);
    let step = move || -> StepFuture {
        told.send(()).unwrap();
        let outcome = outcomes.get(next.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(Outcome::Did(0));
        Box::pin(async move {
            match outcome {
                Outcome::Did(units) => Ok(units),
                Outcome::Failed => Err("no luck"),
                Outcome::Panicked => panic!("as told"),
            }
        })
    };
    (step, calls)
}

type StepFuture = futures::future::BoxFuture<'static, Result<usize, &'static str>>;

#[derive(Clone, Copy)]
enum Outcome {
    Did(usize),
    Failed,
    Panicked,
}

async fn called(calls: &mut mpsc::UnboundedReceiver<()>, times: usize) {
    for _ in 0..times {
        tokio::time::timeout(SOON, calls.recv()).await.expect("the step should have been called").unwrap();
    }
}

fn counted(metrics: &Metrics, outcome: &str) -> u64 {
    let text = metrics.encode();
    let line = text.lines().find(|line| line.contains(&format!("worker=\"test\",outcome=\"{outcome}\"")));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

async fn ended(world: World) -> Metrics {
    world.shutdown.ask();
    tokio::time::timeout(SOON, world.workers.finished()).await.expect("the work should have ended");
    world.metrics
}

#[tokio::test]
async fn a_step_that_found_work_is_followed_by_another_at_once() {
    let mut world = world();
    let (step, mut calls) = scripted(vec![Outcome::Did(3), Outcome::Did(1), Outcome::Did(0)]);
    world.workers.spawn("test", BRISK, step);
    called(&mut calls, 3).await;
    let metrics = ended(world).await;
    assert_eq!((counted(&metrics, "done"), counted(&metrics, "idle")), (2, 1));
}

#[tokio::test]
async fn a_resting_loop_is_woken() {
    let mut world = world();
    let (step, mut calls) = scripted(vec![]);
    let wake_up = world.workers.spawn("test", BRISK, step);
    called(&mut calls, 1).await;
    wake_up.wake();
    called(&mut calls, 1).await;
    let metrics = ended(world).await;
    assert_eq!(counted(&metrics, "idle"), 2);
}

#[tokio::test]
async fn a_resting_loop_wakes_by_itself() {
    let mut world = world();
    let (step, mut calls) = scripted(vec![]);
    world.workers.spawn("test", Pace::idle(Duration::from_millis(1)), step);
    called(&mut calls, 3).await;
    ended(world).await;
}

#[tokio::test]
async fn failures_and_panics_are_counted_and_outlived() {
    let mut world = world();
    let script = vec![Outcome::Failed, Outcome::Panicked, Outcome::Failed, Outcome::Did(1)];
    let (step, mut calls) = scripted(script);
    world.workers.spawn("test", BRISK, step);
    called(&mut calls, 5).await;
    let metrics = ended(world).await;
    assert_eq!((counted(&metrics, "failed"), counted(&metrics, "panicked"), counted(&metrics, "done")), (2, 1, 1));
}

#[tokio::test]
async fn a_step_that_panics_before_its_future_is_made_is_outlived() {
    let mut world = world();
    let (told, mut calls) = mpsc::unbounded_channel();
    let step = move || -> StepFuture {
        told.send(()).unwrap();
        panic!("as told")
    };
    world.workers.spawn("test", BRISK, step);
    called(&mut calls, 2).await;
    assert!(counted(&ended(world).await, "panicked") >= 2);
}

#[tokio::test]
async fn the_step_under_way_finishes_before_the_end() {
    let mut world = world();
    let (told, mut calls) = mpsc::unbounded_channel();
    let shutdown = world.shutdown.clone();
    world.workers.spawn("test", BRISK, move || {
        told.send(()).unwrap();
        let shutdown = shutdown.clone();
        async move {
            shutdown.draining().cancelled().await;
            Ok::<usize, &str>(1)
        }
    });
    called(&mut calls, 1).await;
    assert_eq!(counted(&ended(world).await, "done"), 1);
    assert_eq!(calls.recv().await, None, "no other step began");
}

#[tokio::test]
async fn a_step_that_never_ends_is_dropped_when_the_time_is_over() {
    let mut world = world();
    let (told, mut calls) = mpsc::unbounded_channel();
    world.workers.spawn("test", BRISK, move || {
        told.send(()).unwrap();
        std::future::pending::<Result<usize, &str>>()
    });
    called(&mut calls, 1).await;
    world.shutdown.end();
    ended(world).await;
}

#[test]
fn rests_after_failures_grow_to_the_longest() {
    let pace = Pace { idle: LONG, backoff_first: Duration::from_secs(1), backoff_longest: Duration::from_secs(10) };
    for (failures, longest) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (u32::MAX, 10)] {
        let rest = pace.backoff(failures);
        let longest = Duration::from_secs(longest);
        assert!(longest / 2 <= rest && rest <= longest, "{failures} failures: {rest:?}");
    }
}
