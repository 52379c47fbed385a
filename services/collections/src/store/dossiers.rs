//! Everything about the debts of a range of accounts, read in a few statements however many they are.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use weir_model::{AccountId, CorrelationId, Currency, ItemId, Money, OrderId};
use weir_store::{Db, Id, Runner, Tx};

use super::{accounts, cases, money, notices, opt_outs, pauses, promises, tasks};
use crate::{
    Error,
    case::OpenCase,
    debtor::Debtor,
    item::Item,
    pause::Pause,
    record::PauseRecord,
    run::{Address, Dossier},
    standing::Standing,
    strategy::Grade,
    suppression::Consent,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        ITEMS = "
            select account_id, item_id, currency, document_number, document_date, due_date, amount, open, disputed,
                settled_date, order_id, correlation_id, version, reached_day
            from items where account_id >= $1 and account_id <= $2 and open > 0
            order by account_id, due_date, item_id";
        DEBTS = "
            select account_id, currency, last_notice_date, credit from debts
            where account_id >= $1 and account_id <= $2";
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ItemRow {
    account_id: Id<AccountId>,
    item_id: Id<ItemId>,
    currency: String,
    document_number: String,
    document_date: NaiveDate,
    due_date: NaiveDate,
    amount: i64,
    open: i64,
    disputed: i64,
    settled_date: Option<NaiveDate>,
    order_id: Option<Id<OrderId>>,
    correlation_id: Option<Id<CorrelationId>>,
    version: i64,
    reached_day: Option<i64>,
}

impl ItemRow {
    pub(crate) fn item(self) -> Result<(AccountId, Item), Error> {
        let item = Item {
            item_id: self.item_id.0,
            document_number: self.document_number,
            document_date: self.document_date,
            due_date: self.due_date,
            amount: money(self.amount, &self.currency)?,
            open: money(self.open, &self.currency)?,
            disputed: money(self.disputed, &self.currency)?,
            settled_date: self.settled_date,
            order_id: self.order_id.map(|id| id.0),
            correlation_id: self.correlation_id.map(|id| id.0),
            version: self.version,
            reached_day: self.reached_day,
            pauses: Vec::new(),
        };
        Ok((self.account_id.0, item))
    }
}

/// An account with its debts.
#[derive(Debug)]
pub(crate) struct Account {
    /// What the gate is told.
    pub(crate) standing: Standing,
    /// Its grade, if known.
    pub(crate) grade: Option<Grade>,
    /// How it is reached, if known.
    pub(crate) debtor: Option<Debtor>,
    /// Its debts, a currency each.
    pub(crate) debts: Vec<Dossier>,
}

/// Locks the accounts of a range and reads everything about their debts.
pub(crate) async fn load_in(tx: &mut Tx, first: &AccountId, last: &AccountId) -> Result<Vec<Account>, Error> {
    let locked = accounts::lock_in(tx, first, last).await?;
    let mut debtors: BTreeMap<AccountId, Debtor> =
        accounts::debtors_in(tx, first, last).await?.into_iter().map(|d| (d.account_id.clone(), d)).collect();
    let mut dossiers = Dossiers::default();
    for row in tx.query(sql::ITEMS).bind(first.as_str()).bind(last.as_str()).all::<ItemRow>().await? {
        let (account_id, item) = row.item()?;
        dossiers.of(&account_id, item.amount.currency()).items.push(item);
    }
    for case in cases::open_in(tx, first, last).await? {
        let open = OpenCase { case_id: case.case_id, course: case.course };
        dossiers.of(&case.account_id, case.currency).case = Some(open);
    }
    for (account_id, currency, task) in tasks::of_open_cases_in(tx, first, last).await? {
        dossiers.of(&account_id, currency).tasks.push(task);
    }
    for record in promises::open_in(tx, first, last).await? {
        let currency = record.promise.amount.currency();
        dossiers.of(&record.account_id, currency).promises.push(record.promise);
    }
    for (account_id, currency, unsent) in notices::unsent_in(tx, first, last).await? {
        dossiers.of(&account_id, currency).unsent = Some(unsent);
    }
    for debt in debts(&mut *tx, first, last).await? {
        if let Some(dossier) = dossiers.0.get_mut(&debt.account_id).and_then(|of| of.get_mut(&debt.credit.currency())) {
            (dossier.last_sent, dossier.credit) = (debt.last_notice_date, debt.credit);
        }
    }
    let pauses = pauses::of(&mut *tx, first, last).await?;
    let opted_out = opt_outs::of(&mut *tx, first, last).await?;
    let mut loaded = Vec::with_capacity(locked.len());
    for (standing, grade) in locked {
        let debtor = debtors.remove(&standing.account_id);
        let mut debts: Vec<Dossier> =
            dossiers.0.remove(&standing.account_id).unwrap_or_default().into_values().collect();
        for debt in &mut debts {
            debt.address = debtor.as_ref().map_or(Address::Missing, Debtor::address);
            debt.salesperson = debtor.as_ref().and_then(|debtor| debtor.salesperson.clone());
            if opted_out.contains(&standing.account_id) {
                debt.consent = Consent::Withdrawn;
            }
            for item in &mut debt.items {
                item.pauses = of_item(&pauses, &standing.account_id, item);
            }
        }
        loaded.push(Account { standing, grade, debtor, debts });
    }
    Ok(loaded)
}

/// The open items of a range of accounts, oldest first.
pub(crate) async fn open_items(db: &Db, first: &AccountId, last: &AccountId) -> Result<Vec<(AccountId, Item)>, Error> {
    let query = Runner::query(db, sql::ITEMS).bind(first.as_str()).bind(last.as_str());
    let rows = query.all::<ItemRow>().await?;
    let pauses = pauses::of(db, first, last).await?;
    let with_pauses = |row: ItemRow| {
        let (account_id, mut item) = row.item()?;
        item.pauses = of_item(&pauses, &account_id, &item);
        Ok((account_id, item))
    };
    rows.into_iter().map(with_pauses).collect()
}

fn of_item(pauses: &[PauseRecord], account_id: &AccountId, item: &Item) -> Vec<Pause> {
    let own = pauses.iter().filter(|record| record.account_id == *account_id && record.pause.is_of(&item.item_id));
    own.map(|record| record.pause.clone()).collect()
}

/// What is known of a debt beside its items.
#[derive(Debug)]
pub(crate) struct Debt {
    /// The account.
    pub(crate) account_id: AccountId,
    /// Business date of the last notice that was sent.
    pub(crate) last_notice_date: Option<NaiveDate>,
    /// Credit that is not allocated yet.
    pub(crate) credit: Money,
}

/// The debts of a range of accounts.
pub(crate) async fn debts<'c>(
    runner: impl Runner<'c>,
    first: &AccountId,
    last: &AccountId,
) -> Result<Vec<Debt>, Error> {
    type Row = (Id<AccountId>, String, Option<NaiveDate>, i64);
    let rows = runner.query(sql::DEBTS).bind(first.as_str()).bind(last.as_str()).all::<Row>().await?;
    let debt = |(id, currency, last_notice_date, credit): Row| {
        Ok(Debt { account_id: id.0, last_notice_date, credit: money(credit, &currency)? })
    };
    rows.into_iter().map(debt).collect()
}

/// Dossiers by account and currency, made when first asked for.
#[derive(Debug, Default)]
struct Dossiers(BTreeMap<AccountId, BTreeMap<Currency, Dossier>>);

impl Dossiers {
    fn of(&mut self, account_id: &AccountId, currency: Currency) -> &mut Dossier {
        let of_account = self.0.entry(account_id.clone()).or_default();
        of_account.entry(currency).or_insert_with(|| Dossier::empty(currency))
    }
}
