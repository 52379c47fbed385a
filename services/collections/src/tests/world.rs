//! A context on a fresh database, driven through gRPC as a caller would, with debts told as receivables would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, NaiveDate, NaiveTime};
use parking_lot::Mutex;
use tempfile::TempDir;
use tonic::service::RoutesBuilder;
use weir_model::{AccountId, Clock, CorrelationId, Currency, Ids, Money, Principal, Role, SubjectId};
use weir_store::{Db, Env, Tx};
use weir_wire::{
    PageTokens, Peer,
    collections::v1::{self as pb, collections_service_client::CollectionsServiceClient},
    emit,
};

use crate::{
    Collections, MIGRATIONS, Settings, Transport, api, facade::PositionLearned, item::Item, settings::Internal,
};

pub(super) fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

pub(super) fn money(minor: i64) -> Money {
    Money::new(minor, cny())
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The date on which something due on 2026-03-01 is so many days past due.
pub(super) fn day(days_past_due: i64) -> NaiveDate {
    date("2026-03-01") + Duration::days(days_past_due)
}

/// An undisputed item due on a date.
pub(super) fn item(id: &str, due_date: NaiveDate, open: i64) -> Item {
    Item {
        item_id: weir_model::ItemId::parse(id).unwrap(),
        document_number: id.to_owned(),
        document_date: due_date - Duration::days(30),
        due_date,
        amount: money(open),
        open: money(open),
        disputed: money(0),
        settled_date: None,
        order_id: None,
        correlation_id: Some(CorrelationId::parse(&format!("story-of-{id}")).unwrap()),
        version: 1,
        reached_day: None,
        pauses: Vec::new(),
    }
}

pub(super) struct World {
    pub(super) context: Arc<Collections>,
    pub(super) clock: Clock,
    pub(super) folder: TempDir,
    versions: Mutex<BTreeMap<String, i64>>,
    requests: AtomicI64,
}

impl World {
    /// A context whose notices go into a folder, on 2026-03-01.
    pub(super) async fn new(db: Db) -> World {
        let folder = tempfile::tempdir().unwrap();
        let transport = Transport::Folder { folder: folder.path().to_owned() };
        Self::with(db, Settings { transport, ..Settings::default() }, folder).await
    }

    pub(super) async fn with(db: Db, settings: Settings, folder: TempDir) -> World {
        db.migrate(MIGRATIONS).await.unwrap();
        let start = day(0).and_time(NaiveTime::from_hms_opt(4, 0, 0).unwrap()).and_utc();
        let clock = Clock::manual(start, chrono_tz::Asia::Shanghai);
        let env = Env { db, clock: clock.clone(), ids: Ids::random() };
        let internal = Internal {
            finance_manager: vec!["finance.manager@weir.example".to_owned()],
            sales_head: vec!["sales.head@weir.example".to_owned()],
            ..Internal::default()
        };
        let settings = Settings { internal, ..settings };
        let context = Arc::new(Collections::open(env, settings).await.unwrap());
        World { context, clock, folder, versions: Mutex::default(), requests: AtomicI64::new(0) }
    }

    /// A client of a caller who may do everything.
    pub(super) fn client(&self) -> CollectionsServiceClient<Peer> {
        CollectionsServiceClient::new(self.peer("collector-1"))
    }

    /// A way to the context's services, as a caller.
    pub(super) fn peer(&self, subject: &str) -> Peer {
        let mut builder = RoutesBuilder::default();
        api::routes(&self.context, &PageTokens::new([7; 32]), &mut builder);
        let principal = Principal::new(SubjectId::parse(subject).unwrap(), [Role::Admin]);
        Peer::new(
            builder.routes(),
            Arc::new(move |request: &mut http::Request<tonic::body::Body>| {
                request.extensions_mut().insert(principal.clone());
            }),
        )
    }

    /// A request id never used before.
    pub(super) fn request(&self) -> String {
        format!("r-{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Moves the clock to noon of a date.
    pub(super) fn set_date(&self, date: NaiveDate) {
        let noon: DateTime<chrono::Utc> = date.and_time(NaiveTime::from_hms_opt(4, 0, 0).unwrap()).and_utc();
        self.clock.set(noon);
    }

    /// What receivables would tell of an account's items.
    pub(super) async fn learn(&self, account: &str, items: Vec<Item>) {
        let version = {
            let mut versions = self.versions.lock();
            let version = versions.entry(account.to_owned()).or_insert(0);
            *version += 1;
            *version
        };
        let items = items.into_iter().map(|item| Item { version, ..item }).collect();
        self.learn_exactly(account, version, items).await;
    }

    /// What receivables would tell of an account's credit that is not allocated yet.
    pub(super) async fn learn_credit(&self, account: &str, credit: Money) {
        let version = self.versions.lock().get(account).copied().unwrap_or(0) + 1;
        self.versions.lock().insert(account.to_owned(), version);
        let learned = PositionLearned {
            account_id: AccountId::parse(account).unwrap(),
            credit,
            version,
            items: Vec::new(),
            correlation_id: CorrelationId::parse("payment").unwrap(),
        };
        let learn = async |tx: &mut Tx| self.context.learn_position_in(tx, &learned).await;
        self.context.env().db.transact(learn).await.unwrap();
    }

    pub(super) async fn learn_exactly(&self, account: &str, version: i64, items: Vec<Item>) {
        let learned = PositionLearned {
            account_id: AccountId::parse(account).unwrap(),
            credit: Money::zero(items.first().map_or(cny(), |item: &Item| item.amount.currency())),
            version,
            items,
            correlation_id: CorrelationId::parse("payment").unwrap(),
        };
        let learn = async |tx: &mut Tx| self.context.learn_position_in(tx, &learned).await;
        self.context.env().db.transact(learn).await.unwrap();
    }

    /// Says how a debtor is reached.
    pub(super) async fn put_debtor(&self, account: &str, language: pb::Language) {
        let debtor = pb::Debtor {
            account_id: account.to_owned(),
            name: format!("{account} <Trading> & Co"),
            language: language.into(),
            emails: vec![format!("{account}@debtor.example")],
            salesperson: "sales-1".to_owned(),
            ..pb::Debtor::default()
        };
        let request = pb::PutDebtorRequest { request_id: self.request(), debtor: Some(debtor) };
        self.client().put_debtor(request).await.unwrap();
    }

    /// Runs a date, on that date.
    pub(super) async fn run(&self, date: NaiveDate) -> pb::RunCollectionsResponse {
        self.set_date(date);
        let request = pb::RunCollectionsRequest {
            request_id: self.request(),
            business_date: Some(emit::date(date)),
            at_least_as_fresh: None,
        };
        self.client().run_collections(request).await.unwrap().into_inner()
    }

    /// Runs a date and sends what it queued.
    pub(super) async fn run_and_send(&self, date: NaiveDate) -> pb::RunCollectionsResponse {
        let ran = self.run(date).await;
        while self.context.send_step().await.unwrap() > 0 {}
        ran
    }

    /// Notices about an account, oldest first.
    pub(super) async fn notices(&self, account: &str) -> Vec<pb::Notice> {
        let request = pb::ListNoticesRequest { account_id: account.to_owned(), ..pb::ListNoticesRequest::default() };
        let mut notices = self.client().list_notices(request).await.unwrap().into_inner().notices;
        notices.reverse();
        notices
    }

    /// The cases of an account, oldest first.
    pub(super) async fn cases(&self, account: &str) -> Vec<pb::Case> {
        let request = pb::ListCasesRequest { account_id: account.to_owned(), ..pb::ListCasesRequest::default() };
        self.client().list_cases(request).await.unwrap().into_inner().cases
    }

    /// The tasks of a case.
    pub(super) async fn tasks(&self, case_id: &str) -> Vec<pb::Task> {
        let request = pb::ListTasksRequest { case_id: case_id.to_owned(), ..pb::ListTasksRequest::default() };
        self.client().list_tasks(request).await.unwrap().into_inner().tasks
    }

    /// What the gate is told of an account.
    pub(super) async fn standing(&self, account: &str) -> pb::Standing {
        let request = pb::GetStandingRequest { account_id: account.to_owned(), ..pb::GetStandingRequest::default() };
        self.client().get_standing(request).await.unwrap().into_inner().standing.unwrap()
    }

    /// Files that went out.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        files(self.folder.path())
    }
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    files.sort();
    files
}

/// The reason in an error's details.
pub(super) fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().map_or_else(String::new, |info| info.reason)
}

/// The bad fields in an error's details, in order of their paths.
pub(super) fn bad_fields(status: &tonic::Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let mut fields: Vec<String> = violations.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}
