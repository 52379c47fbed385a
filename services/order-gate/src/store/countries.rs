//! What the accounts of each country owe together, as each process tells the others.

use weir_model::{Country, Currency};
use weir_store::{Db, Result};

use super::Tenure;

/// Rows of one insert.
const ROWS_MAX: usize = 1_000;

/// What is owed in a country and currency, in minor units.
pub(crate) type Owed = (Country, Currency, i64);

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        FORGET = "delete from country_totals where owner = $1";
        OTHERS = "
            select country, currency, amount from country_totals where owner <> $1 order by country, currency, owner";
    }
}

/// Tells the others what the accounts of this process owe, in place of what it told before.
pub(crate) async fn tell_totals(db: &Db, tenure: &Tenure, totals: &[Owed]) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.query(sql::FORGET).bind(&*tenure.owner).execute().await?;
    for chunk in totals.chunks(ROWS_MAX) {
        let query = tx.build("insert into country_totals (owner, country, currency, amount) values");
        let query = query.values(chunk, |row, (country, currency, amount)| {
            row.value(&*tenure.owner).value(country.code()).value(currency.code()).value(*amount);
        });
        query.execute().await?;
    }
    tx.commit().await
}

/// What the others told last, each for itself.
pub(crate) async fn totals_of_others(db: &Db, tenure: &Tenure) -> Result<Vec<Owed>> {
    let rows: Vec<(String, String, i64)> = db.query(sql::OTHERS).bind(&*tenure.owner).all().await?;
    let unreadable = |error: String| weir_store::Error::Migration(error);
    let read = |(country, currency, amount): (String, String, i64)| {
        let country = Country::from_code(&country).map_err(|error| unreadable(error.to_string()))?;
        let currency = Currency::from_code(&currency).map_err(|error| unreadable(error.to_string()))?;
        Ok((country, currency, amount))
    };
    rows.into_iter().map(read).collect()
}
