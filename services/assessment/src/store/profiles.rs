//! Profiles.

use chrono::{DateTime, Utc};
use weir_model::{AccountId, Money};
use weir_store::{Error, Id, Instant, Result, Runner, Sql, Tx};

use super::{currency, money};
use crate::profile::Profile;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        GET = "
            select account_id, version, legal_name, country, industry, cross_border, currency, requested_limit,
                   daily_sales
            from profiles where account_id = $1";
        LOCK = "
            select account_id, version, legal_name, country, industry, cross_border, currency, requested_limit,
                   daily_sales
            from profiles where account_id = $1" pg(" for update");
        INSERT = "
            insert into profiles (account_id, version, legal_name, country, industry, cross_border, currency,
                                  requested_limit, daily_sales, updated_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            on conflict (account_id) do nothing";
        UPDATE = "
            update profiles set version = $2, legal_name = $3, country = $4, industry = $5, cross_border = $6,
                                currency = $7, requested_limit = $8, daily_sales = $9, updated_at = $10
            where account_id = $1";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    account_id: Id<AccountId>,
    version: i64,
    legal_name: String,
    country: String,
    industry: String,
    cross_border: bool,
    currency: String,
    requested_limit: Option<i64>,
    daily_sales: Option<i64>,
}

impl Row {
    fn read(self) -> Result<(Profile, i64)> {
        let currency = currency(&self.currency)?;
        let profile = Profile {
            account_id: self.account_id.0,
            legal_name: self.legal_name,
            country: self.country,
            industry: self.industry,
            cross_border: self.cross_border,
            currency,
            requested_limit: money(self.requested_limit, currency),
            daily_sales: money(self.daily_sales, currency),
        };
        Ok((profile, self.version))
    }
}

/// A profile with its version.
pub(crate) async fn profile<'c>(on: impl Runner<'c>, account_id: &AccountId) -> Result<Option<(Profile, i64)>> {
    find(on, sql::GET, account_id).await
}

/// The same, locked until the transaction ends.
pub(crate) async fn profile_for_update(tx: &mut Tx, account_id: &AccountId) -> Result<Option<(Profile, i64)>> {
    find(tx, sql::LOCK, account_id).await
}

async fn find<'c>(on: impl Runner<'c>, query: Sql, account_id: &AccountId) -> Result<Option<(Profile, i64)>> {
    on.query(query).bind(account_id.as_str()).optional::<Row>().await?.map(Row::read).transpose()
}

/// Writes a profile: version 1 is new, any other takes the place of the one locked before.
pub(crate) async fn save_profile_in(tx: &mut Tx, profile: &Profile, version: i64, at: DateTime<Utc>) -> Result<()> {
    let query = if version == 1 { sql::INSERT } else { sql::UPDATE };
    let written = tx
        .query(query)
        .bind(profile.account_id.as_str())
        .bind(version)
        .bind(profile.legal_name.as_str())
        .bind(profile.country.as_str())
        .bind(profile.industry.as_str())
        .bind(profile.cross_border)
        .bind(profile.currency.code())
        .bind(profile.requested_limit.map(Money::minor))
        .bind(profile.daily_sales.map(Money::minor))
        .bind(Instant::from(at))
        .execute()
        .await?;
    if written == 1 { Ok(()) } else { Err(Error::Retry("another call made the profile first".to_owned())) }
}
