//! The year, day by day: money in the morning, orders and goods at noon, people's decisions in the afternoon.
//!
//! Companies act side by side, each by its own diary and generator. Between the parts of a day everything comes to
//! rest, so that nothing depends on who was faster: a seed plays one year, always the same.

use chrono::{Datelike as _, Duration, NaiveDate, NaiveTime, Weekday};
use rand::RngExt as _;
use weir_model::Clock;

use super::{
    Instant,
    collecting::{self, Efforts},
    credit::{self, Rulings},
    customer::Customer,
    diary::{Deed, business_day, is_business_day, later},
    history,
    office::Office,
};
use crate::{print::Progress, suite::Suite};

/// Companies act in so many groups side by side.
const GROUPS: usize = 8;
/// Every account is assessed again in every third month.
const REVIEW_MONTHS: u32 = 3;

/// A day's part begins.
const MORNING_HOUR: u32 = 9;
const NOON_HOUR: u32 = 12;
const AFTERNOON_HOUR: u32 = 16;

/// A year being played.
pub(super) struct Year<'a> {
    pub(super) suite: &'a Suite,
    pub(super) office: Office,
    pub(super) clock: Clock,
    pub(super) customers: Vec<Customer>,
    pub(super) rulings: Rulings,
    pub(super) efforts: Efforts,
}

/// What every company does at the same time.
#[derive(Debug, Clone, Copy)]
enum Part {
    Introduce(Instant),
    Assess,
    LookUp,
    Morning(NaiveDate),
    Noon(NaiveDate),
}

impl Year<'_> {
    /// Plays the days from `begins` to `ends`, both included.
    pub(super) async fn play(
        &mut self,
        (begins, ends): (NaiveDate, NaiveDate),
        progress: &Progress,
    ) -> anyhow::Result<()> {
        self.set_clock(begins, MORNING_HOUR);
        progress.show(0, "companies and their history");
        self.open(begins).await?;
        let days = begins.iter_days().take_while(|day| *day <= ends);
        for (played, day) in (1_u64..).zip(days) {
            if is_business_day(day) {
                self.day(day, begins).await?;
            }
            progress.show(played, day.to_string());
        }
        Ok(())
    }

    /// Introduces the companies, carries their history over, assesses those that have one, grants limits.
    async fn open(&mut self, begins: NaiveDate) -> anyhow::Result<()> {
        self.all(Part::Introduce(self.clock.now())).await?;
        history::carry_over(&self.office, &mut self.customers, begins).await?;
        self.suite.settle().await?;
        self.review(|customer| customer.company.history_months > 0).await?;
        for customer in &mut self.customers {
            let wait = customer.rng.random_range(0..=customer.company.order_interval_days.max(1));
            if customer.company.order_interval_days > 0 {
                customer.diary.note(business_day(later(begins, wait)), Deed::Order);
            }
        }
        Ok(())
    }

    async fn day(&mut self, day: NaiveDate, begins: NaiveDate) -> anyhow::Result<()> {
        self.set_clock(day, MORNING_HOUR);
        self.all(Part::Morning(day)).await?;
        collecting::alerts(&self.office, day, &mut self.efforts).await?;
        self.suite.settle().await?;
        if is_first_business_day(day) && day.month() != begins.month() {
            let turn = day.month() % REVIEW_MONTHS;
            self.review_in_turn(turn).await?;
        }
        self.set_clock(day, NOON_HOUR);
        self.all(Part::Noon(day)).await?;
        self.suite.settle().await?;
        self.set_clock(day, AFTERNOON_HOUR);
        credit::rule(&self.office, day, &mut self.rulings).await?;
        if day.weekday() == Weekday::Mon {
            self.suite.settle().await?;
            collecting::run(&self.office, day, &mut self.efforts).await?;
            // wakes the sender
            self.suite.settle().await?;
            collecting::wait_for_notices(&self.office).await?;
            collecting::call_debtors(&self.office, day, &mut self.customers, &mut self.efforts).await?;
        }
        self.suite.settle().await?;
        Ok(())
    }

    /// Assesses a third of the accounts, and new ones as soon as they come along.
    async fn review_in_turn(&mut self, turn: u32) -> anyhow::Result<()> {
        let mut number = 0;
        let in_turn = move |_: &Customer| {
            number += 1;
            number % REVIEW_MONTHS == turn
        };
        self.review(in_turn).await
    }

    /// Assesses the accounts that fit, and grants what follows.
    pub(super) async fn review(&mut self, mut fits: impl FnMut(&Customer) -> bool) -> anyhow::Result<()> {
        let (chosen, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.customers).into_iter().partition(|customer| fits(customer));
        self.customers = chosen;
        self.all(Part::Assess).await?;
        self.suite.settle().await?;
        credit::approve_limits(&self.office).await?;
        self.all(Part::LookUp).await?;
        self.customers.extend(others);
        self.customers.sort_by(|one, other| one.company.account.cmp(&other.company.account));
        self.suite.settle().await?;
        Ok(())
    }

    /// Lets every company do its part.
    async fn all(&mut self, part: Part) -> anyhow::Result<()> {
        let mut customers = std::mem::take(&mut self.customers);
        let size = customers.len().div_ceil(GROUPS).max(1);
        let mut groups = Vec::new();
        while !customers.is_empty() {
            let rest = customers.split_off(size.min(customers.len()));
            groups.push(tokio::spawn(group(self.office.clone(), customers, part)));
            customers = rest;
        }
        for done in futures::future::join_all(groups).await {
            self.customers.extend(done??);
        }
        Ok(())
    }

    fn set_clock(&self, day: NaiveDate, hour: u32) {
        self.clock.set(instant(&self.clock, day, hour));
    }
}

async fn group(office: Office, mut customers: Vec<Customer>, part: Part) -> anyhow::Result<Vec<Customer>> {
    for customer in &mut customers {
        match part {
            Part::Introduce(now) => credit::introduce(&office, customer, now).await?,
            Part::Assess => credit::assess(&office, customer).await?,
            Part::LookUp => credit::look_up(&office, customer).await?,
            Part::Morning(day) => customer.morning(&office, day).await?,
            Part::Noon(day) => customer.noon(&office, day).await?,
        }
    }
    Ok(customers)
}

/// An hour of a day where the clock stands.
pub(super) fn instant(clock: &Clock, day: NaiveDate, hour: u32) -> Instant {
    let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
    // at a gap in a zone's clock the hour after it is as good
    let zoned = local.and_local_timezone(clock.zone()).earliest();
    zoned.map_or_else(|| local.and_utc() + Duration::hours(1), |zoned| zoned.to_utc())
}

fn is_first_business_day(day: NaiveDate) -> bool {
    let first = day.with_day(1).unwrap_or(day);
    business_day(first) == day
}
