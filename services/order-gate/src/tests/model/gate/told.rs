//! What others say to the gate under test, as the gate takes it in.

use std::sync::Arc;

use weir_wire::order_gate::v1::{self as wire, RuleAction};

use super::super::documents::{AccountNo, Credit, Group, Limit, Policy, Review, Statement};
use super::super::reference::News;
use super::{account_name, group_name, order_name};
use crate::draft::{Invoiced, News as Told};
use crate::exposure::Due;
use crate::pool;
use crate::standing::{self, Conduct, Overlay, TemporaryLimit};
use crate::tests::pools::group_id;
use crate::tests::world::{account, amount, cny, credit, date, line, order_id, yuan};

pub(super) fn told(news: &News) -> Told {
    match news {
        News::Credit(number, said) => Told::Credit(account(&account_name(*number)), Arc::new(credit_of(said))),
        News::Conduct(number, said) => {
            let blocked = said.blocked.then(|| "does not answer".to_owned());
            let conduct = Conduct { version: said.version, blocked, dunning_level: said.dunning_level };
            Told::Conduct(account(&account_name(*number)), Arc::new(conduct))
        }
        News::Statement(number, said) => statement_of(*number, said),
        News::Group(number, said) => Told::Group(group_id(&group_name(*number)), Arc::new(group_of(said))),
    }
}

pub(super) fn credit_of(said: &Credit) -> standing::Credit {
    let mut told = credit(0);
    told.version = said.version;
    told.grade = told.grade.filter(|_| said.assessed);
    told.frozen = said.frozen.then(|| "insolvent".to_owned());
    told.limits[0].limit = match said.limit {
        Limit::Never => standing::Limit::None,
        Limit::Ended => standing::Limit::Amount(yuan(500)),
        Limit::Amount(amount) => standing::Limit::Amount(yuan(amount)),
        Limit::Unlimited => standing::Limit::Unlimited,
    };
    told.limits[0].to = (said.limit == Limit::Ended).then(|| date(2026, 3, 30));
    let overlay = |(delta, to)| TemporaryLimit { overlay: Overlay::Delta(yuan(delta)), from: date(2026, 1, 1), to };
    told.temporary_limits = said.temporary.map(overlay).into_iter().collect();
    if let Some(membership) = said.membership {
        told.group_id = Some(group_id(&group_name(membership.group)));
        (told.shares_exposure, told.inherits_block) = (membership.shares, membership.inherits);
    }
    told.review = Some(match said.review {
        Review::Above(most) => standing::Review::Above(yuan(most)),
        Review::EveryOrder => standing::Review::EveryOrder,
        Review::NoCredit => standing::Review::NoCredit,
    });
    told
}

pub(super) fn group_of(said: &Group) -> pool::Group {
    pool::Group {
        version: said.version,
        parent: said.above.map(|above| group_id(&group_name(above))),
        shares_exposure: said.shares,
        inherits_block: said.inherits,
        limit: said.pool.map(|limit| weir_model::Money::new(yuan(limit), cny())),
        head: said.head.map(|head| account(&account_name(head))),
    }
}

pub(super) fn statement_of(number: AccountNo, said: &Statement) -> Told {
    let schedule = said.open.iter().map(|(date, open)| Due { date: *date, open: yuan(*open), disputed: 0 });
    let unapplied_credit = yuan(said.unapplied);
    let position =
        standing::Position { version: said.version, schedule: schedule.collect(), unapplied_credit, behaviour: None };
    let invoiced = said.invoiced.iter().map(|(order, of, total)| Invoiced {
        order_id: order_id(&order_name(*order)),
        line_id: line(&of.to_string()),
        currency: cny(),
        invoiced: yuan(*total),
    });
    Told::Position(account(&account_name(number)), cny(), Arc::new(position), invoiced.collect())
}

pub(super) fn rows(policy: &Policy) -> wire::Policy {
    let row = |rule: wire::Rule, action: RuleAction| wire::RuleRow {
        rule: rule.into(),
        action: action.into(),
        ..Default::default()
    };
    let mut rules = vec![
        wire::RuleRow {
            days: Some(policy.overdue_days.into()),
            amounts: amount(100).into_iter().collect(),
            ..row(wire::Rule::OverdueDaysExceeded, RuleAction::Block)
        },
        wire::RuleRow {
            amounts: policy.order_value_max.and_then(amount).into_iter().collect(),
            ..row(wire::Rule::OrderValueExceeded, if policy.rejects { RuleAction::Reject } else { RuleAction::Block })
        },
    ];
    if policy.below_limit {
        let comparator = wire::Comparator::Below.into();
        rules.push(wire::RuleRow { comparator, ..row(wire::Rule::LimitExceeded, RuleAction::Block) });
    }
    if policy.forced {
        rules.push(row(wire::Rule::ForcedHold, RuleAction::Block));
    }
    wire::Policy { rules, commitment_days: policy.commitment_days.map(i32::from), ..Default::default() }
}
