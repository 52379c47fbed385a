//! The services through their generated clients, on both databases.

use weir_store::{Db, on_both_databases};
use weir_wire::{assessment::v1 as pb, common::v1::Grade};

use super::world::*;

on_both_databases! {
    async fn an_account_without_any_fact_is_scored_by_the_missing_bins(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let assessment = world.assess("acme").await;
        assert_eq!(assessment.state(), pb::AssessmentState::Approved);
        assert_eq!(assessment.grade(), Grade::D);
        assert_eq!(assessment.recommended_terms_days, 0);
        let report = assessment.report.unwrap();
        assert!(report.dimensions.iter().flat_map(|dimension| &dimension.factors).any(|factor| factor.missing));
    }
}
