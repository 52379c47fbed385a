//! The services through their generated clients, on both databases.

mod assessing;
mod feed;
mod intake;
mod orders;
mod payments;
mod scorecards;

use weir_runtime::edge::unlisted_methods;

use crate::api;

#[test]
fn every_rpc_says_who_may_call_it() {
    let forgotten: Vec<String> = unlisted_methods(api::ACCESS, weir_wire::FILE_DESCRIPTOR_SET)
        .unwrap()
        .into_iter()
        .filter(|method| method.contains("weir.assessment."))
        .collect();
    assert_eq!(forgotten, Vec::<String>::new());
}
