//! Tasks and contacts.

use weir_model::{Call, CaseId, Fault, SubjectId, TaskId};
use weir_store::{Done, Tx};

use super::Collections;
use crate::{
    Error,
    contact::{Contact, NewContact},
    record::TaskRecord,
    store::{
        Notes, Page, cases, contacts,
        tasks::{self, TaskFilter},
    },
    task::TaskState,
};

impl Collections {
    /// Tasks by due date.
    pub async fn list_tasks(&self, filter: &TaskFilter, page: &Page<tasks::Key>) -> Result<Vec<TaskRecord>, Error> {
        tasks::list(&self.env.db, filter, page).await
    }

    /// Notes that an open task was done.
    pub async fn complete_task(&self, call: &Call, id: &TaskId, note: &str) -> Result<Done<TaskRecord>, Error> {
        let change = |before: &TaskRecord| TaskRecord {
            state: TaskState::Done,
            note: note.to_owned(),
            done_by: Some(call.principal.subject.clone()),
            ended_at: Some(call.at),
            ..before.clone()
        };
        self.change_task(call, id, "task_done", change).await
    }

    /// Gives an open task to another person, or to anybody of its department.
    pub async fn reassign_task(
        &self,
        call: &Call,
        id: &TaskId,
        assignee: Option<&SubjectId>,
    ) -> Result<Done<TaskRecord>, Error> {
        let change = |before: &TaskRecord| TaskRecord { assignee: assignee.cloned(), ..before.clone() };
        self.change_task(call, id, "task_reassigned", change).await
    }

    async fn change_task(
        &self,
        call: &Call,
        id: &TaskId,
        kind: &'static str,
        change: impl Fn(&TaskRecord) -> TaskRecord + Sync,
    ) -> Result<Done<TaskRecord>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let before = tasks::get_in(tx, id).await?;
                let before = before.ok_or_else(|| Error::NotFound { what: "task", id: id.to_string() })?;
                if before.state != TaskState::Open {
                    let state = before.state.as_str();
                    return Err(Error::WrongState { what: "task", id: id.to_string(), state });
                }
                let after = TaskRecord { version: before.version + 1, ..change(&before) };
                tasks::save_in(tx, &after).await?;
                let mut notes = Notes::default();
                notes.add(call, kind, id.as_str(), after.version, (Some(&before), &after))?;
                notes.write_in(tx).await?;
                Ok(after)
            })
            .await
    }

    /// Notes a contact with a debtor.
    pub async fn record_contact(&self, call: &Call, new: &NewContact) -> Result<Done<Contact>, Error> {
        if new.contact_at.is_some_and(|at| at > call.at) {
            return Err(Fault::invalid("contact_time", "must not be in the future").into());
        }
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let case = cases::get_in(tx, &new.case_id).await?;
                let case = case.ok_or_else(|| Error::NotFound { what: "case", id: new.case_id.to_string() })?;
                let contact = Contact {
                    contact_id: self.env.ids.next(),
                    case_id: case.case_id,
                    account_id: case.account_id,
                    channel: new.channel,
                    outcome: new.outcome,
                    contact_person: new.contact_person.clone(),
                    note: new.note.clone(),
                    contact_at: new.contact_at.unwrap_or(call.at),
                    recorded_by: call.principal.subject.clone(),
                    recorded_at: call.at,
                };
                contacts::insert_in(tx, &contact).await?;
                let mut notes = Notes::default();
                notes.add(call, "contact_recorded", contact.contact_id.as_str(), 1, (None, &contact))?;
                notes.write_in(tx).await?;
                Ok(contact)
            })
            .await
    }

    /// Contacts of a case, newest first.
    pub async fn list_contacts(&self, case_id: &CaseId, page: &Page<contacts::Key>) -> Result<Vec<Contact>, Error> {
        if cases::get(&self.env.db, case_id).await?.is_none() {
            return Err(Error::NotFound { what: "case", id: case_id.to_string() });
        }
        contacts::list(&self.env.db, case_id, page).await
    }
}
