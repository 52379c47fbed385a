//! Contacts: appended, never changed.

use chrono::{DateTime, Utc};
use weir_model::{AccountId, CaseId, ContactId, SubjectId};
use weir_store::{Db, Id, Instant, Tx};

use super::{Page, known};
use crate::{
    Error,
    contact::{Contact, ContactChannel, ContactOutcome},
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into contacts (contact_id, case_id, account_id, channel, outcome, contact_person, note, contact_at,
                recorded_by, recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    contact_id: Id<ContactId>,
    case_id: Id<CaseId>,
    account_id: Id<AccountId>,
    channel: String,
    outcome: String,
    contact_person: String,
    note: String,
    contact_at: Instant,
    recorded_by: Id<SubjectId>,
    recorded_at: Instant,
}

impl Row {
    fn contact(self) -> Result<Contact, Error> {
        Ok(Contact {
            contact_id: self.contact_id.0,
            case_id: self.case_id.0,
            account_id: self.account_id.0,
            channel: known("contact channel", ContactChannel::from_name(&self.channel))?,
            outcome: known("contact outcome", ContactOutcome::from_name(&self.outcome))?,
            contact_person: self.contact_person,
            note: self.note,
            contact_at: self.contact_at.get(),
            recorded_by: self.recorded_by.0,
            recorded_at: self.recorded_at.get(),
        })
    }
}

pub(crate) async fn insert_in(tx: &mut Tx, contact: &Contact) -> Result<(), Error> {
    tx.query(sql::INSERT)
        .bind(contact.contact_id.as_str())
        .bind(contact.case_id.as_str())
        .bind(contact.account_id.as_str())
        .bind(contact.channel.as_str())
        .bind(contact.outcome.as_str())
        .bind(contact.contact_person.as_str())
        .bind(contact.note.as_str())
        .bind(Instant::from(contact.contact_at))
        .bind(contact.recorded_by.as_str())
        .bind(Instant::from(contact.recorded_at))
        .execute()
        .await?;
    Ok(())
}

/// Where a list of contacts goes on.
pub(crate) type Key = (DateTime<Utc>, ContactId);

/// Contacts of a case, newest first.
pub(crate) async fn list(db: &Db, case_id: &CaseId, page: &Page<Key>) -> Result<Vec<Contact>, Error> {
    let mut query = db
        .build(
            "select contact_id, case_id, account_id, channel, outcome, contact_person, note, contact_at, recorded_by,
                recorded_at
            from contacts where case_id = ",
        )
        .value(case_id.as_str());
    if let Some((at, id)) = &page.after {
        query = query.push(" and (recorded_at, contact_id) < (").value(Instant::from(*at)).push(", ");
        query = query.value(id.as_str()).push(")");
    }
    let query = query.push(" order by recorded_at desc, contact_id desc limit ").value(page.size);
    query.all::<Row>().await?.into_iter().map(Row::contact).collect()
}
