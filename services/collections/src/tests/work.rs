//! The desk's work: worklist, tasks, contacts, cases, page by page.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{collections::v1 as pb, emit};

use super::world::{World, bad_fields, day, item, money, reason};

async fn three_debtors(db: Db) -> World {
    let world = World::new(db).await;
    for (account, due, open) in [("small", 0, 10_000), ("large", 0, 500_000), ("old", -30, 400_000)] {
        world.put_debtor(account, pb::Language::En).await;
        world.learn(account, vec![item(&format!("inv-{account}"), day(due), open)]).await;
    }
    world.run(day(1)).await;
    world
}

on_both_databases! {
    async fn the_worklist_puts_the_most_valuable_first(db: Db) {
        let world = three_debtors(db).await;
        let list = world.client().get_worklist(pb::GetWorklistRequest::default()).await.unwrap().into_inner();
        let order: Vec<_> = list
            .entries
            .iter()
            .map(|entry| (entry.case.clone().unwrap().account_id, entry.priority.clone().unwrap().value))
            .collect();
        // 5,000.00 × 95 % × 1.02; 4,000.00 × 50 % × 1.52; 100.00 × 95 % × 1.02
        let expected = [("large", "4845.00"), ("old", "3040.00"), ("small", "96.90")];
        assert_eq!(order, expected.map(|(account, priority)| (account.to_owned(), priority.to_owned())));
        let first = &list.entries[0];
        assert_eq!(first.next_action(), pb::NextAction::Call);
        assert!(!first.task_id.is_empty() && first.factors.len() == 2);
        assert_eq!(list.entries[1].next_action(), pb::NextAction::LegalReview);
    }

    async fn the_worklist_is_cut_by_department_and_salesperson(db: Db) {
        let world = three_debtors(db).await;
        let legal = pb::GetWorklistRequest { owner: pb::StageOwner::Legal.into(), ..pb::GetWorklistRequest::default() };
        let list = world.client().get_worklist(legal).await.unwrap().into_inner();
        assert_eq!(list.entries.len(), 1);
        let nobody = pb::GetWorklistRequest { salesperson: "sales-9".to_owned(), ..pb::GetWorklistRequest::default() };
        assert!(world.client().get_worklist(nobody).await.unwrap().into_inner().entries.is_empty());
    }

    async fn lists_go_on_where_a_page_ended(db: Db) {
        let world = three_debtors(db).await;
        let mut request = pb::GetWorklistRequest { page_size: 1, ..pb::GetWorklistRequest::default() };
        let mut accounts = Vec::new();
        loop {
            let page = world.client().get_worklist(request.clone()).await.unwrap().into_inner();
            accounts.extend(page.entries.into_iter().map(|entry| entry.case.unwrap().account_id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(accounts, ["large", "old", "small"]);

        let mut request = pb::ListTasksRequest { page_size: 2, ..pb::ListTasksRequest::default() };
        let page = world.client().list_tasks(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.tasks.len(), 2);
        request.page_token = page.next_page_token.clone();
        let rest = world.client().list_tasks(request).await.unwrap().into_inner();
        assert_eq!((rest.tasks.len(), rest.next_page_token.as_str()), (1, ""));

        let other = pb::ListTasksRequest {
            page_token: page.next_page_token,
            state: pb::TaskState::Open.into(),
            ..pb::ListTasksRequest::default()
        };
        let status = world.client().list_tasks(other).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["page_token"], "a token is good for the list it was made for");
    }

    async fn a_task_is_handed_over_and_done_once(db: Db) {
        let world = three_debtors(db).await;
        let case_id = world.cases("large").await[0].case_id.clone();
        let task = world.tasks(&case_id).await.remove(0);
        assert_eq!((task.kind(), task.assignee.as_str()), (pb::TaskKind::Call, "sales-1"));
        let handed = pb::ReassignTaskRequest {
            request_id: world.request(),
            task_id: task.task_id.clone(),
            assignee: "sales-2".to_owned(),
        };
        let handed = world.client().reassign_task(handed).await.unwrap().into_inner().task.unwrap();
        assert_eq!((handed.assignee.as_str(), handed.version), ("sales-2", 2));

        let done = |request_id| pb::CompleteTaskRequest {
            request_id,
            task_id: task.task_id.clone(),
            note: "will pay\non Friday".to_owned(),
        };
        let completed = world.client().complete_task(done(world.request())).await.unwrap().into_inner().task.unwrap();
        assert_eq!((completed.state(), completed.done_by.as_str()), (pb::TaskState::Done, "collector-1"));
        let status = world.client().complete_task(done(world.request())).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
        world.run(day(2)).await;
        assert_eq!(world.tasks(&case_id).await.len(), 1, "a task done is not given out again");
    }

    async fn contacts_are_appended(db: Db) {
        let world = three_debtors(db).await;
        let case_id = world.cases("large").await[0].case_id.clone();
        for note in ["first", "second"] {
            let contact = pb::RecordContactRequest {
                request_id: world.request(),
                case_id: case_id.clone(),
                channel: pb::ContactChannel::Phone.into(),
                outcome: pb::ContactOutcome::Reached.into(),
                note: note.to_owned(),
                ..pb::RecordContactRequest::default()
            };
            world.client().record_contact(contact).await.unwrap();
            world.clock.advance(chrono::Duration::seconds(1));
        }
        let request = pb::ListContactsRequest { case_id, ..pb::ListContactsRequest::default() };
        let contacts = world.client().list_contacts(request).await.unwrap().into_inner().contacts;
        let notes: Vec<_> = contacts.iter().map(|contact| contact.note.as_str()).collect();
        assert_eq!(notes, ["second", "first"]);
    }

    async fn a_case_shows_its_items_as_of_a_date(db: Db) {
        let world = World::new(db).await;
        let disputed = crate::item::Item { disputed: money(300), ..item("inv-2", day(5), 300) };
        world.learn("a1", vec![item("inv-1", day(0), 500), disputed]).await;
        world.run(day(1)).await;
        let case_id = world.cases("a1").await[0].case_id.clone();
        let request = pb::GetCaseRequest {
            case_id,
            as_of_date: Some(emit::date(day(20))),
            at_least_as_fresh: None,
        };
        let case = world.client().get_case(request).await.unwrap().into_inner().case.unwrap();
        assert_eq!((case.days_past_due, case.stage_name.as_str()), (20, "Finance, formal"));
        assert_eq!(case.open_amount, Some(emit::money(money(800))));
        assert_eq!(case.overdue_amount, Some(emit::money(money(800))));
        let items: Vec<_> =
            case.items.iter().map(|i| (i.item_id.as_str(), i.days_past_due, i.suppression())).collect();
        assert_eq!(
            items,
            [("inv-1", 20, pb::Suppression::Unspecified), ("inv-2", 15, pb::Suppression::Disputed)]
        );
    }
}
