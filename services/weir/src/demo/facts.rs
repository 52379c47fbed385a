//! What registers, courts, bureaus and balance sheets say of a company, by how sound it is. Pure.
//!
//! Figures are made so that the default scorecard tells the kinds apart; what it makes of them is its own business.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use rand::{RngExt as _, rngs::StdRng};
use rust_decimal::Decimal;
use weir_wire::{
    assessment::v1::{Fact, FactValue, fact_value::Kind},
    emit,
};

use super::company::{Company, Quality};

/// A balance sheet and what led to it.
struct Statement {
    /// Shares of total assets, in thousandths.
    liabilities: i64,
    liabilities_before: i64,
    current_assets: i64,
    current_liabilities: i64,
    retained_earnings: i64,
    revenue: i64,
    revenue_before: i64,
    operating_cash_flow: i64,
    /// Shares of revenue, in thousandths.
    gross_profit: i64,
    ebit: i64,
    net_profit: i64,
}

/// What is not in the balance sheet.
struct Record {
    ownership: &'static str,
    capital: i64,
    years: i32,
    qualifications: i64,
    lawsuits: i64,
    penalties: i64,
    related_parties: &'static str,
    bureau: &'static str,
    total_assets: i64,
}

const STRONG: (Statement, Record) = (
    Statement {
        liabilities: 320,
        liabilities_before: 360,
        current_assets: 500,
        current_liabilities: 200,
        retained_earnings: 350,
        revenue: 1400,
        revenue_before: 1200,
        operating_cash_flow: 150,
        gross_profit: 360,
        ebit: 140,
        net_profit: 110,
    },
    Record {
        ownership: "listed",
        capital: 50_000_000,
        years: 15,
        qualifications: 4,
        lawsuits: 0,
        penalties: 0,
        related_parties: "low",
        bureau: "AA",
        total_assets: 400_000_000,
    },
);

const GOOD: (Statement, Record) = (
    Statement {
        liabilities: 480,
        liabilities_before: 480,
        current_assets: 460,
        current_liabilities: 270,
        retained_earnings: 220,
        revenue: 1100,
        revenue_before: 1130,
        operating_cash_flow: 60,
        gross_profit: 220,
        ebit: 80,
        net_profit: 50,
    },
    Record {
        ownership: "private",
        capital: 6_000_000,
        years: 8,
        qualifications: 2,
        lawsuits: 0,
        penalties: 0,
        related_parties: "low",
        bureau: "A",
        total_assets: 60_000_000,
    },
);

const FAIR: (Statement, Record) = (
    Statement {
        liabilities: 640,
        liabilities_before: 600,
        current_assets: 430,
        current_liabilities: 340,
        retained_earnings: 90,
        revenue: 900,
        revenue_before: 980,
        operating_cash_flow: 30,
        gross_profit: 120,
        ebit: 35,
        net_profit: 15,
    },
    Record {
        ownership: "private",
        capital: 2_000_000,
        years: 4,
        qualifications: 1,
        lawsuits: 1,
        penalties: 0,
        related_parties: "medium",
        bureau: "BB",
        total_assets: 15_000_000,
    },
);

const WEAK: (Statement, Record) = (
    Statement {
        liabilities: 820,
        liabilities_before: 700,
        current_assets: 380,
        current_liabilities: 450,
        retained_earnings: -50,
        revenue: 800,
        revenue_before: 1000,
        operating_cash_flow: -20,
        gross_profit: 40,
        ebit: -20,
        net_profit: -30,
    },
    Record {
        ownership: "sole_proprietor",
        capital: 500_000,
        years: 2,
        qualifications: 0,
        lawsuits: 4,
        penalties: 2,
        related_parties: "high",
        bureau: "CCC",
        total_assets: 4_000_000,
    },
);

/// Everything that is known of a company when the year begins.
pub(super) fn facts(company: &Company, rng: &mut StdRng, known: DateTime<Utc>) -> Vec<Fact> {
    let (statement, record) = match company.quality {
        Quality::Strong => STRONG,
        Quality::Good => GOOD,
        Quality::Fair => FAIR,
        Quality::Weak => WEAK,
    };
    let last_day = |years_ago: i32| NaiveDate::from_ymd_opt(known.year() - years_ago, 12, 31).unwrap_or_default();
    let mut book = Book { account: company.account.to_string(), known, facts: Vec::new() };

    let years = record.years + rng.random_range(0..=1);
    book.text("registry", "registration_status", "active");
    book.put("registry", "registration_verified", Kind::Flag(true), None);
    book.number("registry", "registered_capital", record.capital * rng.random_range(100..=120) / 100, None);
    book.put("registry", "established_date", Kind::Date(emit::date(last_day(years + 1))), None);
    book.text("registry", "ownership_type", record.ownership);
    book.number("registry", "qualification_count", record.qualifications, None);
    book.number("registry", "penalty_count", record.penalties, None);
    book.number("court", "litigation_count", record.lawsuits, None);
    book.put("court", "dishonest_debtor", Kind::Flag(company.is_dishonest), None);
    book.text("bureau", "related_party_risk", record.related_parties);
    book.text("bureau", "bureau_rating", record.bureau);

    let assets = record.total_assets * rng.random_range(80..=125) / 100;
    book.statement(&statement, assets, last_day(1));
    book.statement_before(&statement, assets * 95 / 100, last_day(2));
    book.facts
}

struct Book {
    account: String,
    known: DateTime<Utc>,
    facts: Vec<Fact>,
}

impl Book {
    fn text(&mut self, source: &str, name: &str, word: &str) {
        self.put(source, name, Kind::Text(word.to_owned()), None);
    }

    fn number(&mut self, source: &str, name: &str, number: i64, period: Option<NaiveDate>) {
        self.put(source, name, Kind::Number(emit::decimal(Decimal::from(number))), period);
    }

    fn put(&mut self, source: &str, name: &str, kind: Kind, period: Option<NaiveDate>) {
        self.facts.push(Fact {
            account_id: self.account.clone(),
            name: name.to_owned(),
            value: Some(FactValue { kind: Some(kind) }),
            period_end_date: period.map(emit::date),
            source: source.to_owned(),
            source_document_id: format!("{source}-{}", self.known.year()),
            retrieved_time: Some(emit::timestamp(self.known)),
            valid_until_date: None,
        });
    }

    fn statement(&mut self, statement: &Statement, assets: i64, period: NaiveDate) {
        let of_assets = |share: i64| assets * share / 1000;
        let revenue = of_assets(statement.revenue);
        let of_revenue = |share: i64| revenue * share / 1000;
        for (name, number) in [
            ("total_assets", assets),
            ("current_assets", of_assets(statement.current_assets)),
            ("total_liabilities", of_assets(statement.liabilities)),
            ("current_liabilities", of_assets(statement.current_liabilities)),
            ("retained_earnings", of_assets(statement.retained_earnings)),
            ("total_equity", of_assets(1000 - statement.liabilities)),
            ("revenue", revenue),
            ("gross_profit", of_revenue(statement.gross_profit)),
            ("ebit", of_revenue(statement.ebit)),
            ("net_profit", of_revenue(statement.net_profit)),
            ("operating_cash_flow", of_assets(statement.operating_cash_flow)),
        ] {
            self.number("balance_sheet", name, number, Some(period));
        }
    }

    /// What the year before is needed for: how debt and revenue moved.
    fn statement_before(&mut self, statement: &Statement, assets: i64, period: NaiveDate) {
        for (name, number) in [
            ("total_assets", assets),
            ("total_liabilities", assets * statement.liabilities_before / 1000),
            ("revenue", assets * statement.revenue_before / 1000),
        ] {
            self.number("balance_sheet", name, number, Some(period));
        }
    }
}
