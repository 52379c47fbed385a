//! What was learned from receivables, by account and currency, as it was known at the end of each day that is kept.

use chrono::NaiveDate;
use weir_model::{AccountId, Currency};
use weir_store::{Db, Id, Json, Result, Runner, Tx};

use super::currency;
use crate::behaviour::{Behaviour, Due, History};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        // of the time before anything was known, what was known first speaks: books are brought in long after the fact
        KNOWN_ON = "
            with known as (
                select version, history, schedule from behaviour_days
                where account_id = $1 and currency = $2
                  and (known_on <= $3 or known_on = (select min(first.known_on) from behaviour_days first
                                                     where first.account_id = $1 and first.currency = $2)))
            select (select history from known where history is not null order by version desc limit 1) as history,
                   schedule
            from known order by version desc limit 1";
        SAVE = "
            insert into behaviour_days (account_id, currency, known_on, version, history, schedule)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (account_id, currency, known_on) do update
            set version = excluded.version, schedule = excluded.schedule,
                history = coalesce(excluded.history, behaviour_days.history)
            where behaviour_days.version < excluded.version";
        TO_FORGET = "
            select account_id, currency from behaviour_days
            where (account_id, currency) > ($1, $2) and known_on <= $3
            group by account_id, currency having count(*) > 1 order by account_id, currency limit $4";
        LAST_KNOWN = "
            select known_on, version from behaviour_days
            where account_id = $1 and currency = $2 and known_on <= $3
            order by version desc, known_on desc limit 1" pg(" for update");
        INHERIT = "
            update behaviour_days
            set history = (select known.history from behaviour_days known
                           where known.account_id = $1 and known.currency = $2 and known.history is not null
                             and known.known_on <= $3 and known.version <= $5
                           order by known.version desc limit 1)
            where account_id = $1 and currency = $2 and known_on = $4 and history is null";
        FORGET = "
            delete from behaviour_days
            where account_id = $1 and currency = $2 and known_on <= $3 and known_on <> $4 and version <= $5";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    history: Option<Json<History>>,
    schedule: Json<Vec<Due>>,
}

/// How an account behaves in a currency, as it was known on a day; for a day before anything was known of it, as it was
/// known first.
pub(crate) async fn behaviour<'c>(
    on: impl Runner<'c>,
    account_id: &AccountId,
    currency: Currency,
    as_of: NaiveDate,
) -> Result<Option<Behaviour>> {
    let query = on.query(sql::KNOWN_ON).bind(account_id.as_str()).bind(currency.code()).bind(as_of);
    let row: Option<Row> = query.optional().await?;
    Ok(row.map(|row| Behaviour { currency, history: row.history.map(|json| json.0), schedule: row.schedule.0 }))
}

/// Keeps what became known on a day, unless something newer is known of it. A history not told again stays.
pub(crate) async fn save_behaviour_in(
    tx: &mut Tx,
    account_id: &AccountId,
    (known_on, version): (NaiveDate, i64),
    behaviour: &Behaviour,
) -> Result<()> {
    tx.query(sql::SAVE)
        .bind(account_id.as_str())
        .bind(behaviour.currency.code())
        .bind(known_on)
        .bind(version)
        .bind(behaviour.history.as_ref().map(Json))
        .bind(Json(&behaviour.schedule))
        .execute()
        .await?;
    Ok(())
}

/// Accounts and currencies after one of which more is known than the last by a day.
pub(crate) async fn behaviours_to_forget(
    db: &Db,
    by: NaiveDate,
    after: Option<&(AccountId, Currency)>,
    limit: i64,
) -> Result<Vec<(AccountId, Currency)>> {
    let (account, code) = after.map_or(("", ""), |(account_id, currency)| (account_id.as_str(), currency.code()));
    let query = db.query(sql::TO_FORGET).bind(account).bind(code).bind(by).bind(limit);
    let rows: Vec<(Id<AccountId>, String)> = query.all().await?;
    rows.into_iter().map(|(account_id, code)| Ok((account_id.0, currency(&code)?))).collect()
}

/// Forgets what was known of accounts by a day, but for the last of it, which takes over the history it built on.
pub(crate) async fn forget_behaviours_in(tx: &mut Tx, of: &[(AccountId, Currency)], by: NaiveDate) -> Result<()> {
    for (account_id, currency) in of {
        let (account, code) = (account_id.as_str(), currency.code());
        let last = tx.query(sql::LAST_KNOWN).bind(account).bind(code).bind(by).optional::<(NaiveDate, i64)>().await?;
        let Some((known_on, version)) = last else { continue };
        for forgetting in [sql::INHERIT, sql::FORGET] {
            let query = tx.query(forgetting).bind(account).bind(code).bind(by);
            query.bind(known_on).bind(version).execute().await?;
        }
    }
    Ok(())
}
