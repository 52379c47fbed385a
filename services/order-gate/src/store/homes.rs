//! Accounts that lie with their groups, and letters between partitions.

use weir_model::{AccountId, OrderId};
use weir_store::{Db, Id, Result, Tx};

use super::{Tenure, owners, read, text};
use crate::decision::Followed;
use crate::letter::{Addressed, Letter};

/// Rows of one statement, and of one piece read.
const ROWS_MAX: usize = 1_000;
const PIECE: i64 = 10_000;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        AFTER = "
            select account_id, partition, change from homes where (change, account_id) > ($1, $2)
            order by change, account_id limit $3";
        IN = "select account_id from homes where partition = $1";
        OF = "select partition from homes where account_id = $1";
        PUT = "
            insert into homes (account_id, partition, change) values ($1, $2, $3)
            on conflict (account_id) do update set partition = excluded.partition, change = excluded.change";
        MOVE_INPUTS = "update inputs set partition = $3 where partition = $2 and account_id = $1";
        WRITE = "insert into letters (partition, letter) values ($1, $2)";
        LETTERS = "
            select letters.letter_id, letters.partition, letters.letter from letters
            join partitions on partitions.partition = letters.partition
            where partitions.owner = $1 order by letters.letter_id limit $2";
    }
}

/// An account that lies in another partition from now on.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub(crate) account_id: AccountId,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Its orders that count or wait.
    pub(crate) orders: Vec<OrderId>,
}

/// A place in the order of moves.
pub(crate) type MovedUpTo = (i64, String);

/// Where accounts lie that were moved after a place in the order of moves; and that place now.
pub(crate) async fn homes_after(db: &Db, mut after: MovedUpTo) -> Result<(Vec<(AccountId, i64)>, MovedUpTo)> {
    let mut homes = Vec::new();
    loop {
        let query = db.query(sql::AFTER).bind(after.0).bind(after.1.as_str()).bind(PIECE);
        let rows: Vec<(Id<AccountId>, i64, i64)> = query.all().await?;
        let Some((Id(last), _, change)) = rows.last() else { return Ok((homes, after)) };
        after = (*change, last.to_string());
        homes.extend(rows.into_iter().map(|(Id(account_id), partition, _)| (account_id, partition)));
    }
}

/// Accounts that were moved into partitions and lie there.
pub(crate) async fn homes_in(db: &Db, partitions: &[i64]) -> Result<Vec<(AccountId, i64)>> {
    let mut homes = Vec::new();
    for partition in partitions {
        let rows: Vec<Id<AccountId>> = db.query(sql::IN).bind(*partition).scalars().await?;
        homes.extend(rows.into_iter().map(|Id(account_id)| (account_id, *partition)));
    }
    Ok(homes)
}

/// Moves what is stored of accounts, before anything new is written of them.
pub(super) async fn move_in(tx: &mut Tx, moved: &[Moved]) -> Result<()> {
    for Moved { account_id, from, to, orders } in moved {
        tx.query(sql::MOVE_INPUTS).bind(account_id.as_str()).bind(*from).bind(*to).execute().await?;
        for chunk in orders.chunks(ROWS_MAX) {
            let query = tx.build("update orders set partition = ").value(*to).push(" where order_id in (values");
            let query = query.values(chunk, |row, order_id| {
                row.value(order_id.as_str());
            });
            query.push(")").execute().await?;
        }
    }
    Ok(())
}

/// Notes where accounts lie, at a position of the journal; its head is held by then, so that moves are seen in the order
/// of their positions.
pub(super) async fn put_homes_in(tx: &mut Tx, moved: &[Moved], position: i64) -> Result<()> {
    for Moved { account_id, to, .. } in moved {
        tx.query(sql::PUT).bind(account_id.as_str()).bind(*to).bind(position).execute().await?;
    }
    Ok(())
}

/// Writes letters.
pub(super) async fn write_letters_in(tx: &mut Tx, letters: &[Addressed]) -> Result<()> {
    for Addressed { partition, letter } in letters {
        tx.query(sql::WRITE).bind(*partition).bind(text(letter)?).execute().await?;
    }
    Ok(())
}

/// The oldest letters to the partitions an owner has: id, partition, letter.
pub(crate) async fn letters(db: &Db, owner: &str) -> Result<Vec<(i64, i64, Letter)>> {
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let rows: Vec<(i64, i64, String)> = db.query(sql::LETTERS).bind(owner).bind(limit).all().await?;
    rows.into_iter().map(|(letter_id, partition, letter)| Ok((letter_id, partition, read(&letter)?))).collect()
}

/// Takes letters away that have taken effect.
pub(super) async fn discard_in(tx: &mut Tx, letter_ids: &[i64]) -> Result<()> {
    for chunk in letter_ids.chunks(ROWS_MAX) {
        let query = tx.build("delete from letters where letter_id in (values").values(chunk, |row, letter_id| {
            row.value(*letter_id);
        });
        query.push(")").execute().await?;
    }
    Ok(())
}

/// Takes a letter away that says an account came; where it lies now. The feeds of others are followed from `followed` on.
pub(crate) async fn read_letter(
    db: &Db,
    tenure: &mut Tenure,
    letter_id: i64,
    account_id: &AccountId,
    followed: Followed,
) -> Result<Option<i64>> {
    let mut tx = owners::begin(db, tenure.lease).await?;
    owners::prove_in(&mut tx, tenure).await?;
    discard_in(&mut tx, &[letter_id]).await?;
    owners::follow_in(&mut tx, tenure, followed).await?;
    let home: Option<(i64,)> = tx.query(sql::OF).bind(account_id.as_str()).optional().await?;
    tx.commit().await?;
    tenure.batches += 1;
    Ok(home.map(|(partition,)| partition))
}
