//! The outbox: what leaves, how often, and what never does; by folder and by a real mail server in its own process.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use chrono::Duration;
use tempfile::TempDir;
use weir_store::{Db, Tx, on_both_databases};
use weir_wire::{collections::v1 as pb, emit};

use super::world::{World, day, files, item, money};
use crate::{
    Settings, SmtpSecurity, SmtpSettings, Transport, channel::ChannelError, record::NoticeRecord, store::notices,
};

/// A mail server of our own, in its own process; ends with it.
struct Sink {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Sink {
    fn start() -> Sink {
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.pop();
        let program: PathBuf = program.join("examples").join("smtp_sink");
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(&program)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; cargo test builds it with the examples", program.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Sink { port: line.trim().parse().unwrap(), child, folder }
    }

    fn settings(&self) -> Settings {
        let smtp = SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: SmtpSecurity::None,
            user: None,
            password: None,
        };
        Settings { transport: Transport::Smtp(smtp), ..Settings::default() }
    }

    fn mails(&self) -> Vec<String> {
        files(self.folder.path()).into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn owing(world: &World, emails: &[&str]) {
    let debtor = pb::Debtor {
        account_id: "a1".to_owned(),
        name: "ACME".to_owned(),
        emails: emails.iter().map(|&email| email.to_owned()).collect(),
        ..pb::Debtor::default()
    };
    let request = pb::PutDebtorRequest { request_id: world.request(), debtor: Some(debtor) };
    world.client().put_debtor(request).await.unwrap();
    world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
}

/// What a sender claims that is not heard of again.
async fn claim(world: &World) -> NoticeRecord {
    let now = world.clock.now();
    let claim = async |tx: &mut Tx| notices::claim_in(tx, now, now + Duration::minutes(15)).await;
    world.context.env().db.transact::<_, crate::Error>(claim).await.unwrap().unwrap()
}

/// A mail server turns a claimed notice away for now.
async fn refuse(world: &World, notice: &NoticeRecord) {
    let refused = Err(ChannelError::Transient("greylisted".to_owned()));
    let mark = async |tx: &mut Tx| world.context.mark_in(tx, notice, &refused).await;
    world.context.env().db.transact(mark).await.unwrap();
}

on_both_databases! {
    async fn a_notice_reaches_a_mail_server(db: Db) {
        let sink = Sink::start();
        let world = World::with(db, sink.settings(), tempfile::tempdir().unwrap()).await;
        owing(&world, &["one@debtor.example", "two@debtor.example"]).await;
        world.run_and_send(day(1)).await;

        let notice = &world.notices("a1").await[0];
        assert_eq!((notice.state(), notice.attempts), (pb::NoticeState::Sent, 1));
        let mails = sink.mails();
        assert_eq!(mails.len(), 1);
        for part in [
            "RCPT TO:<one@debtor.example>".to_owned(),
            "RCPT TO:<two@debtor.example>".to_owned(),
            format!("Message-ID: <{}>", notice.message_id),
            "Subject: 5.00 CNY is past due".to_owned(),
            "Content-Type: text/plain; charset=utf-8".to_owned(),
            "Content-Type: text/html; charset=utf-8".to_owned(),
        ] {
            assert!(mails[0].contains(&part), "{part} is missing in\n{}", mails[0]);
        }
    }

    async fn a_notice_whose_sender_died_leaves_again_under_the_same_message_id(db: Db) {
        let sink = Sink::start();
        let world = World::with(db, sink.settings(), tempfile::tempdir().unwrap()).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        let claimed = claim(&world).await;
        assert_eq!(world.context.send_step().await.unwrap(), 0, "it is that sender's until its claim ends");

        world.clock.advance(Duration::minutes(16));
        assert_eq!(world.context.send_step().await.unwrap(), 1);

        let notice = &world.notices("a1").await[0];
        assert_eq!((notice.state(), notice.attempts), (pb::NoticeState::Sent, 2));
        assert!(sink.mails()[0].contains(&claimed.message_id));
    }

    async fn a_notice_whose_sender_died_never_leaves_once_its_debt_is_paid(db: Db) {
        let world = World::new(db).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        claim(&world).await;
        let paid = crate::item::Item { open: money(0), settled_date: Some(day(1)), ..item("inv-1", day(0), 500) };
        world.learn("a1", vec![paid]).await;

        world.clock.advance(Duration::minutes(16));
        assert_eq!(world.context.send_step().await.unwrap(), 0);

        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Cancelled);
        assert!(world.files().is_empty());
    }

    async fn a_notice_is_claimed_alone_and_all_others_can_be_recalled(db: Db) {
        let world = World::new(db).await;
        for account in ["a1", "a2"] {
            world.put_debtor(account, pb::Language::En).await;
            world.learn(account, vec![item("inv-1", day(0), 500)]).await;
        }
        world.run(day(1)).await;
        let claimed = claim(&world).await;
        let other = if claimed.account_id.as_str() == "a1" { "a2" } else { "a1" };

        let paid = crate::item::Item { open: money(0), settled_date: Some(day(1)), ..item("inv-1", day(0), 500) };
        world.learn(other, vec![paid]).await;

        assert_eq!(world.notices(other).await[0].state(), pb::NoticeState::Cancelled);
        assert_eq!(world.notices(claimed.account_id.as_str()).await[0].state(), pb::NoticeState::Sending);
    }

    async fn a_notice_that_left_counts_though_its_debt_was_paid_meanwhile(db: Db) {
        let world = World::new(db).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        let notice = claim(&world).await;
        let paid = crate::item::Item { open: money(0), settled_date: Some(day(1)), ..item("inv-1", day(0), 500) };
        world.learn("a1", vec![paid]).await;

        let mark = async |tx: &mut Tx| world.context.mark_in(tx, &notice, &Ok(())).await;
        world.context.env().db.transact(mark).await.unwrap();

        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Sent);
        assert_eq!(world.cases("a1").await[0].last_notice_date, Some(emit::date(day(1))));
    }

    async fn a_notice_that_comes_back_after_its_debt_was_paid_never_leaves(db: Db) {
        let world = World::new(db).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        let notice = claim(&world).await;
        let paid = crate::item::Item { open: money(0), settled_date: Some(day(1)), ..item("inv-1", day(0), 500) };
        world.learn("a1", vec![paid]).await;
        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Sending, "beyond recall");

        refuse(&world, &notice).await;

        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Cancelled);
        world.clock.advance(Duration::hours(2));
        assert_eq!(world.context.send_step().await.unwrap(), 0);
    }

    async fn a_notice_that_comes_back_asks_for_what_is_owed_by_then(db: Db) {
        let world = World::new(db).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        let notice = claim(&world).await;
        let partly = crate::item::Item { open: money(200), ..item("inv-1", day(0), 500) };
        world.learn("a1", vec![partly]).await;

        refuse(&world, &notice).await;

        let notice = world.notices("a1").await.remove(0);
        assert_eq!((notice.state(), notice.total_amount), (pb::NoticeState::Queued, Some(emit::money(money(200)))));
    }

    async fn a_mail_server_that_is_away_is_tried_again_later(db: Db) {
        let sink = Sink::start();
        let settings = sink.settings();
        drop(sink);
        let world = World::with(db, settings, tempfile::tempdir().unwrap()).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        assert_eq!(world.context.send_step().await.unwrap(), 1);
        let notice = &world.notices("a1").await[0];
        assert_eq!((notice.state(), notice.attempts), (pb::NoticeState::Queued, 1));
        assert!(!notice.state_reason.is_empty());
        assert_eq!(world.context.send_step().await.unwrap(), 0, "not before the pause has passed");
        world.clock.advance(Duration::seconds(30));
        assert_eq!(world.context.send_step().await.unwrap(), 1);
        assert_eq!(world.notices("a1").await[0].attempts, 2);
    }

    async fn a_notice_rewritten_during_its_pause_waits_for_the_rest_of_it(db: Db) {
        let world = World::new(db).await;
        owing(&world, &["one@debtor.example"]).await;
        world.run(day(1)).await;
        let notice = claim(&world).await;
        refuse(&world, &notice).await;
        world.clock.advance(Duration::seconds(29));

        let partly = crate::item::Item { open: money(200), ..item("inv-1", day(0), 500) };
        world.learn("a1", vec![partly]).await;
        let rewritten = world.notices("a1").await.remove(0);
        assert_eq!((rewritten.total_amount, rewritten.attempts), (Some(emit::money(money(200))), 1));
        assert_eq!(world.context.send_step().await.unwrap(), 0);

        world.clock.advance(Duration::seconds(1));
        assert_eq!(world.context.send_step().await.unwrap(), 1);
    }

    async fn a_notice_given_up_after_all_attempts_pauses_before_the_next_run_sends_it(db: Db) {
        let sink = Sink::start();
        let world = World::with(db, sink.settings(), tempfile::tempdir().unwrap()).await;
        owing(&world, &["later@debtor.example"]).await;
        world.run(day(1)).await;
        for _ in 0..8 {
            world.clock.advance(Duration::hours(2));
            assert_eq!(world.context.send_step().await.unwrap(), 1);
        }
        let request = pb::RunCollectionsRequest { request_id: world.request(), ..pb::RunCollectionsRequest::default() };
        world.client().run_collections(request).await.unwrap();
        let waiting = world.notices("a1").await.remove(0);
        assert_eq!((waiting.state(), waiting.attempts), (pb::NoticeState::Queued, 0));
        assert_eq!(world.context.send_step().await.unwrap(), 0, "64 minutes after the eighth attempt");
        world.clock.advance(Duration::minutes(64));
        assert_eq!(world.context.send_step().await.unwrap(), 1);
    }

    async fn a_notice_given_up_is_replaced_by_the_next_run(db: Db) {
        let sink = Sink::start();
        let world = World::with(db, sink.settings(), tempfile::tempdir().unwrap()).await;
        owing(&world, &["refused@debtor.example"]).await;
        world.run_and_send(day(1)).await;
        let failed = world.notices("a1").await.remove(0);
        assert_eq!(failed.state(), pb::NoticeState::Failed);
        assert!(failed.state_reason.contains("no such mailbox"), "{}", failed.state_reason);

        owing(&world, &["right@debtor.example"]).await;
        world.run_and_send(day(1)).await;

        let notices = world.notices("a1").await;
        assert_eq!((notices.len(), notices[0].state()), (1, pb::NoticeState::Sent));
        assert_eq!(notices[0].recipients, ["right@debtor.example"]);
        assert_eq!(sink.mails().len(), 1);
    }

    async fn a_notice_refused_for_now_is_tried_eight_times(db: Db) {
        let sink = Sink::start();
        let world = World::with(db, sink.settings(), tempfile::tempdir().unwrap()).await;
        owing(&world, &["later@debtor.example"]).await;
        world.run(day(1)).await;
        for attempt in 1..=8 {
            assert_eq!(world.context.send_step().await.unwrap(), 1);
            let notice = &world.notices("a1").await[0];
            assert_eq!(notice.attempts, attempt);
            let expected = if attempt < 8 { pb::NoticeState::Queued } else { pb::NoticeState::Failed };
            assert_eq!(notice.state(), expected, "attempt {attempt}");
            world.clock.advance(Duration::hours(2));
        }
        assert_eq!(world.context.send_step().await.unwrap(), 0);
    }

    async fn a_notice_in_the_folder_is_a_whole_mail(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::ZhCn).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.run_and_send(day(1)).await;
        let mail = std::fs::read_to_string(&world.files()[0]).unwrap();
        assert!(mail.contains("To: a1@debtor.example") && mail.contains("multipart/alternative"), "{mail}");
    }
}
