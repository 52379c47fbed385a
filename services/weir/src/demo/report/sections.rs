//! The sections of the report.

use std::io::{self, Write};

use weir_wire::{
    common::v1::Grade,
    order_gate::v1::{GetStandingResponse, Hold},
};

use super::{
    super::office::{CURRENCY, minor},
    Report, words,
};
use crate::print::{Align, Table, amount_of, bar, count, decimal, fit, heading, print_aging};

/// Lines of each list.
const SHOWN: usize = 12;
/// Width of names.
const NAME_WIDTH: usize = 28;
/// Width of bars.
const BAR_WIDTH: usize = 24;

impl Report {
    pub(super) fn print_year(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, &format!("What happened up to {}", self.day))?;
        let (deeds, rulings, efforts) = (self.deeds, self.rulings, self.efforts);
        let mut table = Table::new(&[("", Align::Left), ("", Align::Right), ("", Align::Left)]);
        let mut line = |what: &str, number: i64, more: String| {
            table.row([what.to_owned(), count(number), more]);
        };
        line("orders", deeds.orders, format!("{} warned, {} held", count(deeds.warned), count(deeds.held)));
        line("held orders decided by people", rulings.released + rulings.rejected, {
            format!("{} released, {} rejected", count(rulings.released), count(rulings.rejected))
        });
        line("temporary limits granted", rulings.temporary_limits, String::new());
        line("invoices", deeds.invoices, format!("{} disputed", count(deeds.disputes)));
        line("payments", deeds.payments, String::new());
        line("alerts", efforts.alerts, String::new());
        line("collection cases", efforts.cases_opened, format!("{} still open", count(self.cases_open)));
        line("notices", efforts.notices, String::new());
        line("promises to pay", efforts.promises, String::new());
        line("accounts blocked", efforts.blocks, String::new());
        table.print(out)?;
        heading(out, "Grades")?;
        let of = |grade: Grade| self.standings.iter().filter(|standing| standing.grade() == grade).count();
        let grades = [Grade::A, Grade::B, Grade::C, Grade::D, Grade::Unspecified].map(|grade| (grade, of(grade)));
        let most = grades.iter().map(|(_, accounts)| *accounts).max().unwrap_or(0);
        let mut table = Table::new(&[("Grade", Align::Left), ("Accounts", Align::Right), ("", Align::Left)]);
        for (grade, accounts) in grades {
            let accounts = i64::try_from(accounts).unwrap_or(i64::MAX);
            let whole = i64::try_from(most).unwrap_or(i64::MAX);
            table.row([words::grade(grade), &count(accounts), &bar(accounts, whole, BAR_WIDTH)]);
        }
        table.print(out)
    }

    pub(super) fn print_aging(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, &format!("Aging as of {}", self.day))?;
        print_aging(out, &self.aging)
    }

    pub(super) fn print_figures(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Days sales outstanding, last 90 days")?;
        let Some(figures) = &self.figures else { return writeln!(out, "  nothing was sold") };
        let mut table = Table::new(&[("", Align::Left), ("", Align::Right)]);
        table.row(["days sales outstanding", &decimal(figures.dso_days.as_ref(), 2)]);
        table.row(["count-back days sales outstanding", &decimal(figures.countback_dso_days.as_ref(), 2)]);
        table.row(["best possible", &decimal(figures.best_possible_dso_days.as_ref(), 2)]);
        table.row(["average days delinquent", &decimal(figures.average_days_delinquent.as_ref(), 2)]);
        table.row(["collection effectiveness, %", &decimal(figures.collection_effectiveness_percent.as_ref(), 2)]);
        table.row(["overdue, %", &decimal(figures.overdue_percent.as_ref(), 2)]);
        table.row([&format!("sales, {CURRENCY}"), &amount_of(figures.sales_amount.as_ref())]);
        table.print(out)
    }

    pub(super) fn print_utilisation(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Utilisation, highest first")?;
        let mut standings: Vec<&GetStandingResponse> =
            self.standings.iter().filter(|standing| minor(standing.limit.as_ref()) > 0).collect();
        let key = |standing: &GetStandingResponse| {
            let limit = i128::from(minor(standing.limit.as_ref()).max(1));
            std::cmp::Reverse(i128::from(net(standing)) * 1_000_000 / limit)
        };
        standings.sort_by_key(|standing| (key(standing), standing.account_id.clone()));
        let mut table = Table::new(&[
            ("Account", Align::Left),
            ("Name", Align::Left),
            ("Grade", Align::Left),
            ("Exposure", Align::Right),
            ("Limit", Align::Right),
            ("%", Align::Right),
            ("", Align::Left),
        ]);
        for standing in standings.into_iter().take(SHOWN) {
            let exposure = standing.exposure.as_ref().and_then(|exposure| exposure.net.as_ref());
            let limit = minor(standing.limit.as_ref());
            let flag = match (standing.blocked, standing.over_limit) {
                (true, _) => " blocked",
                (false, true) => " over limit",
                (false, false) => "",
            };
            table.row([
                standing.account_id.clone(),
                fit(self.name(&standing.account_id), NAME_WIDTH),
                words::grade(standing.grade()).to_owned(),
                amount_of(exposure),
                amount_of(standing.limit.as_ref()),
                decimal(standing.utilisation_percent.as_ref(), 2),
                format!("{}{flag}", bar(net(standing), limit, BAR_WIDTH)),
            ]);
        }
        table.print(out)
    }

    pub(super) fn print_holds(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, &format!("Held orders: {}", self.holds.len()))?;
        let mut holds: Vec<&Hold> = self.holds.iter().collect();
        holds.sort_by_key(|hold| (std::cmp::Reverse(minor(hold.required_amount.as_ref())), hold.order_id.clone()));
        for hold in holds.into_iter().take(SHOWN) {
            let amount = amount_of(hold.required_amount.as_ref());
            writeln!(out, "  {}  {} {amount}  {}", hold.order_id, CURRENCY, self.name(&hold.account_id))?;
            for failure in &hold.failures {
                writeln!(out, "      {}", words::failure(failure))?;
            }
            let ways: Vec<String> = hold.ways_out.iter().map(words::way_out).collect();
            if !ways.is_empty() {
                writeln!(out, "      → {}", ways.join(", or "))?;
            }
        }
        if self.holds.len() > SHOWN {
            writeln!(out, "  … and {} more", self.holds.len() - SHOWN)?;
        }
        Ok(())
    }

    pub(super) fn print_story(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(story) = &self.story else { return Ok(()) };
        heading(out, "One order, told step by step")?;
        story.tell(out)
    }

    pub(super) fn print_worklist(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Collections: what to work on, the most valuable first")?;
        let mut table = Table::new(&[
            ("Account", Align::Left),
            ("Debtor", Align::Left),
            ("Stage", Align::Left),
            ("Days", Align::Right),
            ("Overdue", Align::Right),
            ("Expected", Align::Right),
            ("Urgency", Align::Right),
            ("Next", Align::Left),
        ]);
        let cases = self.worklist.iter().filter_map(|entry| entry.case.as_ref().map(|case| (entry, case)));
        let overdue = cases.filter(|(_, case)| minor(case.overdue_amount.as_ref()) > 0);
        for (entry, case) in overdue.take(SHOWN) {
            table.row([
                case.account_id.clone(),
                fit(&entry.debtor_name, NAME_WIDTH),
                fit(&case.stage_name, NAME_WIDTH),
                count(case.days_past_due.into()),
                amount_of(case.overdue_amount.as_ref()),
                amount_of(entry.expected_recovery_amount.as_ref()),
                decimal(entry.urgency.as_ref(), 2),
                words::next_action(entry.next_action()).to_owned(),
            ]);
        }
        if table.is_empty() {
            return writeln!(out, "  nothing is overdue");
        }
        table.print(out)
    }
}

fn net(standing: &GetStandingResponse) -> i64 {
    minor(standing.exposure.as_ref().and_then(|exposure| exposure.net.as_ref()))
}
