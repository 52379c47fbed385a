//! What a credit manager wants to see at the end of the year, asked from the services and printed.

mod sections;
pub(super) mod words;

use std::{collections::BTreeMap, io::Write};

use anyhow::Context as _;
use chrono::NaiveDate;
use weir_wire::{
    collections::v1::WorklistEntry,
    emit,
    order_gate::v1::{GetStandingRequest, GetStandingResponse, Hold},
    receivables::v1::{Figures, GetAgingRequest, GetAgingResponse, GetFiguresRequest},
};

use super::{
    collecting::{self, Efforts},
    credit::{self, Rulings},
    customer::{Customer, Deeds},
    office::{CURRENCY, Office, Who},
    story::Story,
};

/// Days the figures look back over.
const WINDOW_DAYS: i32 = 90;
/// Worklist entries read.
const WORKLIST_SIZE: i32 = 200;

/// Everything the report is printed from.
pub(super) struct Report {
    day: NaiveDate,
    names: BTreeMap<String, String>,
    deeds: Deeds,
    rulings: Rulings,
    efforts: Efforts,
    standings: Vec<GetStandingResponse>,
    aging: GetAgingResponse,
    figures: Option<Figures>,
    holds: Vec<Hold>,
    cases_open: i64,
    worklist: Vec<WorklistEntry>,
    story: Option<Story>,
}

impl Report {
    /// Asks the services.
    pub(super) async fn ask(
        office: &Office,
        day: NaiveDate,
        customers: &[Customer],
        (rulings, efforts): (Rulings, Efforts),
    ) -> anyhow::Result<Self> {
        let request = GetAgingRequest { page_size: 1, as_of_date: Some(emit::date(day)), ..Default::default() };
        let aging = office.receivables(Who::Finance).get_aging(request).await?.into_inner();
        let request = GetFiguresRequest {
            account_id: String::new(),
            currency_code: CURRENCY.to_owned(),
            as_of_date: Some(emit::date(day)),
            window_days: WINDOW_DAYS,
        };
        let figures = office.receivables(Who::Finance).get_figures(request).await?.into_inner();
        Ok(Report {
            day,
            names: customers.iter().map(|one| (one.company.account.to_string(), one.company.name.clone())).collect(),
            deeds: sum(customers),
            rulings,
            efforts,
            standings: standings(office, customers).await?,
            aging,
            figures: figures.figures.into_iter().next(),
            holds: credit::waiting(office).await?,
            cases_open: collecting::cases_open(office).await?,
            worklist: collecting::worklist(office, day, WORKLIST_SIZE).await?,
            story: None,
        })
    }

    /// The same with a story.
    pub(super) fn with_story(mut self, story: Story) -> Self {
        self.story = Some(story);
        self
    }

    /// Prints it.
    pub(super) fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        self.print_year(out)?;
        self.print_aging(out)?;
        self.print_figures(out)?;
        self.print_utilisation(out)?;
        self.print_holds(out)?;
        self.print_story(out)?;
        self.print_worklist(out)
    }

    /// A company's name; its account where it has none.
    fn name<'a>(&'a self, account: &'a str) -> &'a str {
        self.names.get(account).map_or(account, String::as_str)
    }
}

fn sum(customers: &[Customer]) -> Deeds {
    customers.iter().fold(Deeds::default(), |sum, customer| {
        let own = customer.deeds;
        Deeds {
            orders: sum.orders + own.orders,
            warned: sum.warned + own.warned,
            held: sum.held + own.held,
            invoices: sum.invoices + own.invoices,
            payments: sum.payments + own.payments,
            disputes: sum.disputes + own.disputes,
        }
    })
}

async fn standings(office: &Office, customers: &[Customer]) -> anyhow::Result<Vec<GetStandingResponse>> {
    let mut standings = Vec::new();
    for customer in customers {
        let account_id = customer.company.account.to_string();
        let request = GetStandingRequest { account_id: account_id.clone(), ..GetStandingRequest::default() };
        match office.gate(Who::Manager).get_standing(request).await {
            Ok(answer) => standings.push(answer.into_inner()),
            // nothing has happened to it yet
            Err(status) if status.code() == tonic::Code::NotFound => {}
            Err(status) => return Err(status).with_context(|| format!("standing of {account_id}")),
        }
    }
    Ok(standings)
}
