//! What was learned from receivables, by account and currency.

use weir_model::{AccountId, Currency};
use weir_store::{Json, Result, Runner, Tx};

use crate::behaviour::{Behaviour, Due, History};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        GET = "select history, schedule from behaviours where account_id = $1 and currency = $2";
        SAVE = "
            insert into behaviours (account_id, currency, version, history, schedule) values ($1, $2, $3, $4, $5)
            on conflict (account_id, currency) do update
            set version = excluded.version, schedule = excluded.schedule,
                history = coalesce(excluded.history, behaviours.history)
            where behaviours.version < excluded.version";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    history: Option<Json<History>>,
    schedule: Json<Vec<Due>>,
}

/// How an account behaves in a currency.
pub(crate) async fn behaviour<'c>(
    on: impl Runner<'c>,
    account_id: &AccountId,
    currency: Currency,
) -> Result<Option<Behaviour>> {
    let row: Option<Row> = on.query(sql::GET).bind(account_id.as_str()).bind(currency.code()).optional().await?;
    Ok(row.map(|row| Behaviour { currency, history: row.history.map(|json| json.0), schedule: row.schedule.0 }))
}

/// Keeps what was learned, unless something newer is known. A history not told again stays.
pub(crate) async fn save_behaviour_in(
    tx: &mut Tx,
    account_id: &AccountId,
    version: i64,
    behaviour: &Behaviour,
) -> Result<()> {
    tx.query(sql::SAVE)
        .bind(account_id.as_str())
        .bind(behaviour.currency.code())
        .bind(version)
        .bind(behaviour.history.as_ref().map(Json))
        .bind(Json(&behaviour.schedule))
        .execute()
        .await?;
    Ok(())
}
