//! What every call meets at the edge, near and far alike.

mod admission;
mod limits;
mod observation;

use super::*;

#[test]
fn a_method_listed_twice_is_refused_at_the_start() {
    let access: [AccessRow; 2] = [("a.B/C", &[]), ("/a.B/C", &[])];
    assert!(matches!(Methods::new(&access, &[], true), Err(EdgeError::MethodTwice("a.B/C"))));
}

#[test]
fn methods_that_no_table_lists_are_found() {
    let access: [AccessRow; 2] = [("weir.test.v1.TestService/Echo", &[]), ("weir.test.v1.TestService/Watch", &[])];
    let unlisted = unlisted_methods(&access, &crate::testing::descriptor_set()).unwrap();
    assert_eq!(unlisted, ["/weir.test.v1.TestService/Secret"]);
}

#[test]
fn settings_out_of_range_are_refused_at_the_start() {
    let too_much = EdgeConfig { message_in_bytes_max: 4 * 1024 * 1024 + 1, ..EdgeConfig::default() };
    let nothing = EdgeConfig { concurrency_max: 0, ..EdgeConfig::default() };
    let no_burst = EdgeConfig { caller_calls_burst_max: 0, ..EdgeConfig::default() };
    let crossed = EdgeConfig { deadline_max: std::time::Duration::ZERO, ..EdgeConfig::default() };
    for config in [too_much, nothing, no_burst, crossed] {
        assert!(matches!(config.check(), Err(EdgeError::Setting(..))), "{config:?}");
    }
}

#[test]
fn an_edge_can_be_shared_by_peers() {
    fn is_shareable<S: Service<Request<Body>> + Clone + Send + Sync + 'static>() {}
    is_shareable::<Edge>();
}
