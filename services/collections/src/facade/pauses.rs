//! Pauses and opt-outs: what keeps a debtor from being asked, by a person's word.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, Fault, ItemId, add_days};
use weir_store::{Done, Tx};

use super::Collections;
use crate::{
    Error,
    pause::{PAUSE_DAYS_MAX, Pause, PauseKind},
    record::{OptOut, PauseRecord},
    store::{Notes, Page, accounts, opt_outs, pauses},
};

/// A pause to set.
#[derive(Debug, Clone)]
pub struct NewPause {
    /// The account.
    pub account_id: AccountId,
    /// The item; none for every item of the account.
    pub item_id: Option<ItemId>,
    /// Why the clock stands still.
    pub kind: PauseKind,
    /// The first day; none for today.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: NaiveDate,
    /// Anything else.
    pub note: String,
}

impl Collections {
    /// Stops the clock of an item, or of all items of an account, for some days.
    pub async fn set_pause(&self, call: &Call, new: &NewPause) -> Result<Done<PauseRecord>, Error> {
        self.env.db.once(call, async |tx: &mut Tx| self.set_pause_in(tx, call, new).await).await
    }

    async fn set_pause_in(&self, tx: &mut Tx, call: &Call, new: &NewPause) -> Result<PauseRecord, Error> {
        let account_id = &new.account_id;
        let from = new.from.unwrap_or(call.today);
        check_days(from, new.to, call.today)?;
        accounts::ensure_in(tx, account_id).await?;
        accounts::lock_in(tx, account_id, account_id).await?;
        if let Some(item_id) = &new.item_id {
            let item = accounts::item_in(tx, account_id, item_id).await?;
            item.ok_or_else(|| Error::NotFound { what: "item", id: item_id.to_string() })?;
        }
        let pause = Pause { item_id: new.item_id.clone(), from, to: new.to, lifted: None };
        let others = pauses::of(&mut *tx, account_id, account_id).await?;
        if let Some(other) = others.iter().find(|other| other.pause.overlaps(&pause)) {
            return Err(Error::PauseOverlaps(other.number));
        }
        let mut record = PauseRecord {
            number: 0,
            account_id: account_id.clone(),
            pause,
            kind: new.kind,
            note: new.note.clone(),
            set_by: call.principal.subject.clone(),
            set_at: call.at,
            lifted_by: None,
        };
        record.number = pauses::insert_in(tx, &record).await?;
        note_in(tx, call, "pause_set", account_id, (None, &record)).await?;
        self.look_again_in(tx, call, account_id).await?;
        Ok(record)
    }

    /// Ends a pause: today the clock goes on. One that has not begun never holds.
    pub async fn lift_pause(&self, call: &Call, number: i64) -> Result<Done<PauseRecord>, Error> {
        let lift = async |tx: &mut Tx| {
            let before = pauses::get_in(tx, number).await?;
            let before = before.ok_or_else(|| Error::NotFound { what: "pause", id: number.to_string() })?;
            if before.pause.last_day() < call.today {
                return Err(Error::WrongState { what: "pause", id: number.to_string(), state: "over" });
            }
            let account_id = &before.account_id;
            accounts::lock_in(tx, account_id, account_id).await?;
            pauses::lift_in(tx, number, call.today, &call.principal.subject).await?;
            let after = PauseRecord {
                pause: Pause { lifted: Some(call.today), ..before.pause.clone() },
                lifted_by: Some(call.principal.subject.clone()),
                ..before.clone()
            };
            note_in(tx, call, "pause_lifted", account_id, (Some(&before), &after)).await?;
            self.look_again_in(tx, call, account_id).await?;
            Ok::<_, Error>(after)
        };
        self.env.db.once(call, lift).await
    }

    /// Pauses of an account in the order in which they were set.
    pub async fn list_pauses(&self, id: &AccountId, page: &Page<i64>) -> Result<Vec<PauseRecord>, Error> {
        pauses::list(&self.env.db, id, page).await
    }

    /// Notes that a debtor wants no contact. A wish that stands keeps who recorded it and why.
    pub async fn record_opt_out(&self, call: &Call, id: &AccountId, reason: &str) -> Result<Done<OptOut>, Error> {
        let record = async |tx: &mut Tx| {
            accounts::ensure_in(tx, id).await?;
            accounts::lock_in(tx, id, id).await?;
            if let Some(standing) = opt_outs::get_in(tx, id).await? {
                return Ok::<_, Error>(standing);
            }
            let wish = OptOut {
                account_id: id.clone(),
                reason: reason.to_owned(),
                set_by: call.principal.subject.clone(),
                set_at: call.at,
            };
            opt_outs::insert_in(tx, &wish).await?;
            note_in(tx, call, "opt_out_recorded", id, (None, &wish)).await?;
            self.look_again_in(tx, call, id).await?;
            Ok(wish)
        };
        self.env.db.once(call, record).await
    }

    /// Notes that a debtor may be contacted again.
    pub async fn lift_opt_out(&self, call: &Call, id: &AccountId, reason: &str) -> Result<Done<()>, Error> {
        let lift = async |tx: &mut Tx| {
            accounts::lock_in(tx, id, id).await?;
            if opt_outs::get_in(tx, id).await?.is_none() {
                return Err(Error::WrongState { what: "account", id: id.to_string(), state: "not opted out" });
            }
            opt_outs::delete_in(tx, id).await?;
            note_in(tx, call, "opt_out_lifted", id, (None, &reason)).await?;
            self.look_again_in(tx, call, id).await?;
            Ok::<_, Error>(())
        };
        self.env.db.once(call, lift).await
    }
}

/// Days in order, near enough to today that a slip of the pen is found out.
fn check_days(from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Result<(), Fault> {
    let mut fields = weir_model::Fields::default();
    let (earliest, latest) = (add_days(today, -PAUSE_DAYS_MAX), add_days(today, PAUSE_DAYS_MAX));
    if earliest.is_some_and(|earliest| from < earliest) {
        fields.add("from_date", format!("must be at most {PAUSE_DAYS_MAX} days ago"));
    }
    if to < from {
        fields.add("to_date", format!("must not be before {from}"));
    } else if latest.is_some_and(|latest| to > latest) {
        fields.add("to_date", format!("must be at most {PAUSE_DAYS_MAX} days ahead"));
    }
    fields.finish()
}

async fn note_in<T: serde::Serialize>(
    tx: &mut Tx,
    call: &Call,
    kind: &'static str,
    id: &AccountId,
    change: (Option<&T>, &T),
) -> Result<(), Error> {
    let standing = accounts::lock_in(tx, id, id).await?;
    let version = standing.first().map_or(0, |(standing, _)| standing.version);
    let mut notes = Notes::default();
    notes.add(call, kind, id.as_str(), version, change)?;
    notes.write_in(tx).await
}
