//! A run: every account worked for a business date, one run at a time, as often as one likes.

use std::time::Duration;

use chrono::NaiveDate;
use weir_model::{AccountId, Call, Fault, TaskId};
use weir_store::{Done, Tx, lease};

use super::{Collections, desk::Work};
use crate::{
    Error,
    policy::Policy,
    record::{RunCounts, RunReport, StageCount},
    run::Occasion,
    store::{Notes, accounts, cases, runs, strategies},
};

/// Name of the lease that keeps runs apart.
const LEASE: &str = "collections-run";
/// How long a run may go without a sign of life before another may take over.
const LEASE_TTL: Duration = Duration::from_secs(60);
/// Accounts worked in one transaction: short enough not to hold up payments.
const ACCOUNTS_AT_ONCE: i64 = 100;

/// A run that has been let begin, and the strategies it follows.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Begun {
    run_id: String,
    policy_version: i64,
}

impl Collections {
    /// Works every account for a business date. The same date again changes nothing but unsent notices.
    ///
    /// Goes on to its end though the caller goes away.
    pub async fn run_collections(&self, call: &Call, date: NaiveDate) -> Result<Done<RunReport>, Error> {
        let (context, call) = (self.clone(), call.clone());
        let run = tokio::spawn(async move { context.run_alone(&call, date).await });
        run.await.map_err(|_| Error::Lost)?
    }

    async fn run_alone(&self, call: &Call, date: NaiveDate) -> Result<Done<RunReport>, Error> {
        let owner: TaskId = self.env.ids.next();
        let taken = lease::acquire(&self.env.db, LEASE, owner.as_str(), LEASE_TTL).await?;
        let lease = taken.ok_or(Error::RunInProgress)?;
        let done = self.run_under(call, date, &lease).await;
        // a lease that cannot be given back runs out by itself
        if let Err(error) = lease::release(&self.env.db, &lease).await {
            tracing::warn!(%error, "the lease of a run was not given back");
        }
        done
    }

    async fn run_under(&self, call: &Call, date: NaiveDate, lease: &lease::Lease) -> Result<Done<RunReport>, Error> {
        let begun = self.env.db.once(call, async |tx: &mut Tx| self.begin_in(tx, call, date).await).await?;
        if let Some(request_id) = call.request_id.as_ref().filter(|_| begun.replayed)
            && let Some(report) = runs::answered(&self.env.db, &call.principal.subject, request_id).await?
        {
            return Ok(Done { value: report, position: begun.position, replayed: true });
        }
        let mut policy = strategies::policy(&self.env.db).await?;
        let Begun { mut run_id, mut policy_version } = begun.value;
        // begun once and never finished, or overtaken by an activation: begins anew, if the date still allows it
        while begun.replayed || policy.version != policy_version {
            let again = self.env.db.transact(async |tx: &mut Tx| self.begin_in(tx, call, date).await).await?;
            (run_id, policy_version) = (again.run_id, again.policy_version);
            policy = strategies::policy(&self.env.db).await?;
            if policy.version == policy_version {
                break;
            }
        }
        let mut counts = RunCounts::default();
        let mut after = String::new();
        loop {
            let accounts = accounts::next(&self.env.db, &after, ACCOUNTS_AT_ONCE).await?;
            let (Some(first), Some(last)) = (accounts.first(), accounts.last()) else { break };
            lease::renew(&self.env.db, lease, LEASE_TTL).await?;
            let chunk = async |tx: &mut Tx| {
                lease::guard_in(tx, lease).await?;
                self.work_chunk_in(tx, call, (&run_id, date, &policy), (first, last)).await
            };
            counts.add(self.env.db.transact(chunk).await?);
            last.as_str().clone_into(&mut after);
        }
        let end = Call { request_id: None, ..call.clone() };
        let finish = async |tx: &mut Tx| self.finish_in(tx, call, (&run_id, date, &policy), &counts).await;
        self.env.db.once(&end, finish).await
    }

    async fn begin_in(&self, tx: &mut Tx, call: &Call, date: NaiveDate) -> Result<Begun, Error> {
        if date > call.today {
            // it would keep every earlier date from being run
            return Err(Fault::invalid("business_date", "must not be in the future").into());
        }
        let policy = strategies::policy_in(tx).await?;
        if let Some(newest) = runs::newest_in(tx).await?.filter(|newest| date < *newest) {
            return Err(Error::RunOutOfOrder { asked: date, newest });
        }
        let policy_version = policy.version;
        if let Some(run_id) = runs::find_in(tx, date, policy_version).await? {
            return Ok(Begun { run_id, policy_version });
        }
        let run_id = self.env.ids.next::<TaskId>().to_string();
        runs::start_in(tx, &run_id, (date, policy_version), &call.principal.subject, call.at).await?;
        let mut notes = Notes::default();
        notes.add(call, "run_started", &run_id, 1, (None, &(date, policy_version)))?;
        notes.write_in(tx).await?;
        Ok(Begun { run_id, policy_version })
    }

    async fn work_chunk_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        (run_id, date, policy): (&str, NaiveDate, &Policy),
        range: (&AccountId, &AccountId),
    ) -> Result<RunCounts, Error> {
        let mut counts = RunCounts::default();
        let work = Work { call, policy, date, occasion: Occasion::Run };
        self.work_in(tx, &work, range, &mut counts).await?;
        let mut so_far = runs::counts_in(tx, run_id).await?;
        so_far.add(counts.clone());
        runs::save_in(tx, run_id, &so_far, None).await?;
        Ok(counts)
    }

    async fn finish_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        (run_id, date, policy): (&str, NaiveDate, &Policy),
        counts: &RunCounts,
    ) -> Result<RunReport, Error> {
        let so_far = runs::counts_in(tx, run_id).await?;
        let in_stage = cases::by_stage_in(tx).await?;
        let mut stages = Vec::new();
        for (strategy_id, strategy) in policy.all() {
            for stage in &strategy.stages {
                let of = |(id, number, _): &&_| id == strategy_id && *number == stage.number;
                let queued = counts.queued_notices.get(strategy_id).and_then(|by| by.get(&stage.number));
                stages.push(StageCount {
                    strategy_id: strategy_id.clone(),
                    stage: stage.number,
                    stage_name: stage.name.clone(),
                    cases: in_stage.iter().find(of).map_or(0, |(_, _, count)| *count),
                    queued_notices: queued.copied().unwrap_or(0),
                });
            }
        }
        let version = runs::save_in(tx, run_id, &so_far, Some(call.at)).await?;
        let report = RunReport { run_id: run_id.to_owned(), business_date: date, counts: counts.clone(), stages };
        if let Some(request_id) = &call.request_id {
            runs::answer_in(tx, &call.principal.subject, request_id, &report).await?;
        }
        let mut notes = Notes::default();
        notes.add(call, "run_finished", run_id, version, (None, &report))?;
        notes.write_in(tx).await?;
        Ok(report)
    }
}
