//! Contact data, and what a debtor reads.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::collections::v1 as pb;

use super::world::{World, bad_fields, day, item};

on_both_databases! {
    async fn a_debtor_is_replaced_with_a_higher_version(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        world.put_debtor("a1", pb::Language::ZhCn).await;
        let request = pb::GetDebtorRequest { account_id: "a1".to_owned() };
        let debtor = world.client().get_debtor(request).await.unwrap().into_inner().debtor.unwrap();
        assert_eq!((debtor.language(), debtor.version), (pb::Language::ZhCn, 2));
    }

    async fn an_unknown_debtor_is_not_found(db: Db) {
        let world = World::new(db).await;
        let status = world.client().get_debtor(pb::GetDebtorRequest { account_id: "a1".to_owned() }).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }

    async fn bad_contact_data_names_every_field(db: Db) {
        let world = World::new(db).await;
        let debtor = pb::Debtor {
            account_id: "a\u{7}".to_owned(),
            name: " ".to_owned(),
            language: 9,
            emails: vec!["a@b.example".to_owned(), "not an address".to_owned(), "a@b.example".to_owned()],
            phone: "1".repeat(41),
            salesperson: "two words".to_owned(),
            version: 0,
        };
        let request = pb::PutDebtorRequest { request_id: String::new(), debtor: Some(debtor) };
        let status = world.client().put_debtor(request).await.unwrap_err();
        assert_eq!(
            bad_fields(&status),
            [
                "debtor.account_id",
                "debtor.emails[1]",
                "debtor.emails[2]",
                "debtor.language",
                "debtor.name",
                "debtor.phone",
                "debtor.salesperson",
                "request_id",
            ]
        );
    }

    async fn a_notice_speaks_the_debtors_language(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::ZhCn).await;
        world.learn("a1", vec![item("inv-1", day(0), 3_000_000)]).await;
        world.run(day(16)).await;
        let notice = &world.notices("a1").await[0];
        assert_eq!(notice.subject, "付款提示：30,000.00 CNY 已逾期");
        assert!(notice.body_text.contains("逾期 16 天"), "{}", notice.body_text);
        assert_eq!((notice.template.as_str(), notice.template_version.len()), ("zh-CN/friendly", 12));
        assert_eq!(notice.recipients, ["a1@debtor.example"]);
    }

    async fn an_address_found_later_gets_the_notice_and_closes_the_search(db: Db) {
        let world = World::new(db).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.run(day(1)).await;
        let case_id = world.cases("a1").await[0].case_id.clone();
        let search = |tasks: Vec<pb::Task>| {
            tasks.into_iter().find(|task| task.kind() == pb::TaskKind::FindAddress).unwrap().state()
        };
        assert_eq!(search(world.tasks(&case_id).await), pb::TaskState::Open);
        assert!(world.notices("a1").await.is_empty());

        world.put_debtor("a1", pb::Language::En).await;
        world.run(day(2)).await;

        assert_eq!(search(world.tasks(&case_id).await), pb::TaskState::Closed);
        assert_eq!(world.notices("a1").await.len(), 1);
    }
}
