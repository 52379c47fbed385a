//! Strategies as data: drafts, activation, which account follows which.

use tonic::Code;
use weir_model::AccountId;
use weir_store::{Db, Tx, on_both_databases};
use weir_wire::{collections::v1 as pb, common::v1::Grade as PbGrade, google::r#type::Decimal};

use super::world::{World, bad_fields, day, item, reason};
use crate::strategy::Grade;

fn stage(from: i32, owner: pb::StageOwner) -> pb::Stage {
    pb::Stage {
        name: format!("from {from}"),
        from_days_past_due: from,
        owner: owner.into(),
        tone: pb::NoticeTone::Formal.into(),
        expected_recovery_percent: Some(Decimal { value: "40".to_owned() }),
        ..pb::Stage::default()
    }
}

/// Straight to finance on the first day.
fn strict(grade: PbGrade) -> pb::Strategy {
    pb::Strategy {
        name: "Strict".to_owned(),
        grade: grade.into(),
        stages: vec![stage(1, pb::StageOwner::Finance), stage(5, pb::StageOwner::Legal)],
        ..pb::Strategy::default()
    }
}

async fn create(world: &World, strategy: pb::Strategy) -> pb::Strategy {
    let request =
        pb::CreateStrategyRequest { request_id: world.request(), strategy: Some(strategy), validate_only: false };
    world.client().create_strategy(request).await.unwrap().into_inner().strategy.unwrap()
}

async fn activate(world: &World, strategy_id: &str) -> Result<pb::Strategy, tonic::Status> {
    let request = pb::ActivateStrategyRequest { request_id: world.request(), strategy_id: strategy_id.to_owned() };
    Ok(world.client().activate_strategy(request).await?.into_inner().strategy.unwrap())
}

async fn list(world: &World, state: pb::StrategyState) -> Vec<String> {
    let request = pb::ListStrategiesRequest { state: state.into(), ..pb::ListStrategiesRequest::default() };
    let strategies = world.client().list_strategies(request).await.unwrap().into_inner().strategies;
    strategies.into_iter().map(|strategy| strategy.name).collect()
}

on_both_databases! {
    async fn every_installation_begins_with_the_three_departments(db: Db) {
        let world = World::new(db).await;
        let request = pb::GetStrategyRequest { strategy_id: "first".to_owned() };
        let first = world.client().get_strategy(request).await.unwrap().into_inner().strategy.unwrap();
        let levels: Vec<_> = first.stages.iter().map(|s| (s.from_days_past_due, s.dunning_level)).collect();
        assert_eq!(levels, [(-7, 0), (-5, 0), (-3, 0), (1, 1), (16, 2), (31, 3)]);
        assert_eq!(first.state(), pb::StrategyState::Active);
    }

    async fn checking_only_makes_nothing(db: Db) {
        let world = World::new(db).await;
        let request = pb::CreateStrategyRequest {
            request_id: String::new(),
            strategy: Some(strict(PbGrade::Unspecified)),
            validate_only: true,
        };
        let checked = world.client().create_strategy(request).await.unwrap().into_inner();
        assert_eq!(checked.strategy.unwrap().strategy_id, "");
        assert!(checked.token.is_none());
        assert!(list(&world, pb::StrategyState::Draft).await.is_empty());
    }

    async fn dunning_goes_on_from_its_day_on_another_ladder(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.run_and_send(day(1)).await;
        let reached = async || {
            let case_id = world.cases("a1").await[0].case_id.clone();
            let request = pb::GetCaseRequest { case_id, ..pb::GetCaseRequest::default() };
            world.client().get_case(request).await.unwrap().into_inner().case.unwrap().items[0].stage_reached
        };
        assert_eq!(reached().await, 4);

        let made = create(&world, strict(PbGrade::Unspecified)).await;
        activate(&world, &made.strategy_id).await.unwrap();
        assert_eq!(reached().await, 1, "the stage of the same day");
        world.run_and_send(day(4)).await;
        assert_eq!(world.notices("a1").await.len(), 1, "that day was dunned");
        world.run_and_send(day(5)).await;

        let stages: Vec<i32> = world.notices("a1").await.iter().map(|notice| notice.stage).collect();
        assert_eq!(stages, [4, 2]);
        assert_eq!(reached().await, 2);
    }

    async fn activation_retires_the_strategy_of_the_same_grade(db: Db) {
        let world = World::new(db).await;
        let made = create(&world, strict(PbGrade::Unspecified)).await;
        assert_eq!(made.state(), pb::StrategyState::Draft);
        let active = activate(&world, &made.strategy_id).await.unwrap();
        assert_eq!((active.state(), active.activated_by.as_str()), (pb::StrategyState::Active, "collector-1"));
        assert_eq!(list(&world, pb::StrategyState::Active).await, ["Strict"]);
        assert_eq!(list(&world, pb::StrategyState::Retired).await, ["Sales, finance, legal"]);
        let status = activate(&world, &made.strategy_id).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn an_account_follows_the_strategy_of_its_grade(db: Db) {
        let world = World::new(db).await;
        let made = create(&world, strict(PbGrade::C)).await;
        activate(&world, &made.strategy_id).await.unwrap();
        for (account, grade) in [("a1", Grade::A), ("c1", Grade::C)] {
            let id = AccountId::parse(account).unwrap();
            let learn = async |tx: &mut Tx| world.context.learn_grade_in(tx, &id, Some(grade), 1).await;
            world.context.env().db.transact(learn).await.unwrap();
            world.learn(account, vec![item(&format!("inv-{account}"), day(0), 500)]).await;
        }
        world.run(day(5)).await;
        let owners = (world.cases("a1").await[0].owner(), world.cases("c1").await[0].owner());
        assert_eq!(owners, (pb::StageOwner::Sales, pb::StageOwner::Legal));
    }

    async fn a_date_is_run_again_after_an_activation_as_another_run(db: Db) {
        let world = World::new(db).await;
        let first = world.run(day(1)).await;
        let made = create(&world, strict(PbGrade::Unspecified)).await;
        activate(&world, &made.strategy_id).await.unwrap();
        let second = world.run(day(1)).await;
        assert_ne!(first.run_id, second.run_id);
    }

    async fn bad_strategies_name_every_field(db: Db) {
        let world = World::new(db).await;
        let bad = pb::Strategy {
            name: String::new(),
            grade: 99,
            stages: vec![pb::Stage::default()],
            ..pb::Strategy::default()
        };
        let request = pb::CreateStrategyRequest {
            request_id: "with space".to_owned(),
            strategy: Some(bad),
            validate_only: false,
        };
        let status = world.client().create_strategy(request).await.unwrap_err();
        assert_eq!(
            bad_fields(&status),
            [
                "request_id",
                "strategy.grade",
                "strategy.name",
                "strategy.stages[0].expected_recovery_percent",
                "strategy.stages[0].name",
                "strategy.stages[0].owner",
            ]
        );
        let order = pb::Strategy {
            stages: vec![stage(5, pb::StageOwner::Sales), stage(5, pb::StageOwner::Sales)],
            ..strict(PbGrade::A)
        };
        let request = pb::CreateStrategyRequest {
            request_id: world.request(),
            strategy: Some(order),
            validate_only: true,
        };
        let status = world.client().create_strategy(request).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["strategy.stages[1].from_days_past_due"]);
    }
}
