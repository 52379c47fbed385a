//! The whole gate against a small honest reference: maps of documents, and sums over them.
//!
//! A run is drawn from a seed: orders authorised, amended, cancelled, delivered, invoiced, paid; payments that bounce;
//! other limits, blocks and policies; accounts that move between groups, and groups that get other pools, heads and groups
//! above; days that pass; restarts; calls and news that come twice, late or in another order.
//! After every step all that the gate shows is compared with the reference, which knows the rules and not the gate.
//!
//! What fails is printed as the shortest run that fails, and its seed is kept in `proptest-regressions/`, from where it
//! runs before all others. `WEIR_TEST_MODEL_CASES` asks for more runs than the few that a build waits for.

mod documents;
mod gate;
mod groups;
mod judge;
mod reference;
mod step;

use proptest::test_runner::Config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use self::gate::Gate;
use self::reference::Reference;
use self::step::Step;

/// Shrinking a run costs as much as so many runs.
const SHRINKING_MAX: u32 = 600;

#[expect(clippy::disallowed_methods, reason = "a long run of a test is asked for by the environment")]
fn config(cases: u32) -> Config {
    let asked = std::env::var("WEIR_TEST_MODEL_CASES").ok();
    let cases = asked.map_or(cases, |asked| asked.parse().expect("a number of runs"));
    Config { cases, max_shrink_iters: SHRINKING_MAX, ..Config::default() }
}

struct OnSqlite;
struct OnPostgres;

impl StateMachineTest for OnSqlite {
    type SystemUnderTest = Gate;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Gate {
        Gate::open(async || Some(weir_store::testing::sqlite().await)).expect("SQLite is always there")
    }

    fn apply(mut gate: Gate, reference: &Reference, _: Step) -> Gate {
        gate.follow(reference);
        gate
    }

    fn check_invariants(gate: &Gate, reference: &Reference) {
        gate.check(reference);
    }

    fn teardown(gate: Gate, reference: Reference) {
        gate.close(&reference);
    }
}

impl StateMachineTest for OnPostgres {
    type SystemUnderTest = Option<Gate>;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Option<Gate> {
        Gate::open(weir_store::testing::postgres)
    }

    fn apply(mut gate: Option<Gate>, reference: &Reference, _: Step) -> Option<Gate> {
        gate.iter_mut().for_each(|gate| gate.follow(reference));
        gate
    }

    fn check_invariants(gate: &Option<Gate>, reference: &Reference) {
        gate.iter().for_each(|gate| gate.check(reference));
    }

    fn teardown(gate: Option<Gate>, reference: Reference) {
        gate.into_iter().for_each(|gate| gate.close(&reference));
    }
}

prop_state_machine! {
    #![proptest_config(config(10))]

    #[test]
    fn the_gate_on_sqlite_does_what_the_reference_says(sequential 20..60 => OnSqlite);
}

prop_state_machine! {
    #![proptest_config(config(3))]

    #[test]
    fn the_gate_on_postgres_does_what_the_reference_says(sequential 20..60 => OnPostgres);
}
