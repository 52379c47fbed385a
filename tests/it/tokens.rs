//! Processes that ask for tokens.

use tonic::{Code, Status};
use weir_model::{Principal, Role, SubjectId};
use weir_tests::{Way, World};
use weir_wire::{
    assessment::v1::GetProfileRequest, collections::v1::GetWorklistRequest, limits::v1::GetCreditAccountRequest,
    order_gate::v1::GetStandingRequest, receivables::v1::GetAgingRequest,
};

#[tokio::test(flavor = "multi_thread")]
async fn no_process_believes_a_caller_that_only_says_who_it_is() {
    let Some(mut world) = World::open(Way::FarOnPostgres).await else { return };
    let desk = world.desk_without_token(&Principal::new(SubjectId::parse("eve").unwrap(), [Role::Admin]));
    let answers: [Result<(), Status>; 5] = [
        desk.profiles().get_profile(GetProfileRequest::default()).await.map(drop),
        desk.limits().get_credit_account(GetCreditAccountRequest::default()).await.map(drop),
        desk.gate().get_standing(GetStandingRequest::default()).await.map(drop),
        desk.receivables().get_aging(GetAgingRequest::default()).await.map(drop),
        desk.collections().get_worklist(GetWorklistRequest::default()).await.map(drop),
    ];
    for answer in answers {
        assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated);
    }
    world.close().await;
}
