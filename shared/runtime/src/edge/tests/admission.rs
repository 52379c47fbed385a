//! Who is let in.

use tonic::Code;
use weir_model::{Principal, Role, SubjectId};

use crate::testing::{ECHO, SECRET, World, call, reason, told, told_by};

const MISSING: &str = "/weir.test.v1.TestService/Missing";
const ELSEWHERE: &str = "/weir.other.v1.OtherService/Thing";

fn world() -> World {
    World::with_edge(super::EdgeConfig::default())
}

#[tokio::test]
async fn a_caller_with_a_listed_role_is_let_in_near_and_far() {
    let world = world();
    assert_eq!(call(world.near.clone(), ECHO, told("who")).await.unwrap(), "ada");
    assert_eq!(call(world.far().await, ECHO, told("who")).await.unwrap(), "ada");
}

#[tokio::test]
async fn an_admin_may_call_everything_that_is_listed() {
    let world = world();
    for path in [ECHO, SECRET] {
        assert_eq!(call(world.near.clone(), path, told_by("root; roles=admin", "who")).await.unwrap(), "root");
    }
    let status = call(world.near.clone(), MISSING, told_by("root; roles=admin", "who")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_caller_without_a_name_is_unauthenticated_whatever_it_asks() {
    let world = world();
    for path in [ECHO, SECRET, MISSING, ELSEWHERE] {
        for status in [
            call(world.near.clone(), path, tonic::Request::new("who".to_owned())).await.unwrap_err(),
            call(world.far().await, path, tonic::Request::new("who".to_owned())).await.unwrap_err(),
        ] {
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_forbidden_method_and_a_missing_one_look_the_same() {
    let world = world();
    let forbidden = call(world.near.clone(), SECRET, told("who")).await.unwrap_err();
    assert_eq!((forbidden.code(), reason(&forbidden).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
    for path in [MISSING, ELSEWHERE] {
        let missing = call(world.near.clone(), path, told("who")).await.unwrap_err();
        assert_eq!(missing.code(), forbidden.code());
        assert_eq!(missing.message(), forbidden.message());
        assert_eq!(missing.details(), forbidden.details());
    }
}

#[tokio::test]
async fn a_principal_put_there_by_this_process_is_kept() {
    let world = world();
    let mut request = told("who");
    request.extensions_mut().insert(Principal::service("order-gate"));
    assert_eq!(call(world.near.clone(), ECHO, request).await.unwrap(), "order-gate");
}

#[tokio::test]
async fn a_principal_put_there_by_this_process_meets_the_access_table_too() {
    let world = world();
    let mut request = told("who");
    request.extensions_mut().insert(Principal::new(SubjectId::parse("sam").unwrap(), [Role::Sales]));
    let status = call(world.near.clone(), ECHO, request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_principal_does_not_travel_over_tcp() {
    let world = world();
    let mut request = tonic::Request::new("who".to_owned());
    request.extensions_mut().insert(Principal::service("order-gate"));
    let status = call(world.far().await, ECHO, request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}
