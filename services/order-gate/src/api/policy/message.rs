//! The policy, written to messages.

use weir_wire::{
    emit::{decimal, money, timestamp},
    order_gate::v1 as wire,
};

use super::emit;
use crate::exposure::{Component, LeftOut};
use crate::policy::{Comparator, Exclusion, Policy, PolicyVersion, RuleRow, Scope, StaleAfter};

/// A policy as it was activated.
pub(in super::super) fn version(version: &PolicyVersion) -> wire::PolicyVersion {
    wire::PolicyVersion {
        version: version.version,
        policy: Some(policy(&version.policy)),
        activated_by: version.activated_by.to_string(),
        activated_time: Some(timestamp(version.activated_at)),
        reason: version.reason.clone(),
    }
}

fn policy(policy: &Policy) -> wire::Policy {
    wire::Policy {
        rules: policy.rules.iter().map(row).collect(),
        exclusions: policy.exclusions.iter().map(exclusion).collect(),
        left_out_components: left_out(policy.left_out),
        hold_notice_roles: policy.hold_notice_roles.clone(),
        commitment_days: policy.commitment_days,
        fx_rate_days_max: policy.fx_rate_days_max,
    }
}

fn row(row: &RuleRow) -> wire::RuleRow {
    wire::RuleRow {
        rule: emit::rule(row.rule).into(),
        scope: scope(&row.scope),
        action: emit::action(row.action).into(),
        checkpoints: row.checkpoints.iter().map(|c| emit::checkpoint(*c).into()).collect(),
        comparator: match row.comparator {
            Comparator::AtMost => wire::Comparator::AtMost,
            Comparator::Below => wire::Comparator::Below,
        }
        .into(),
        days: row.days,
        amounts: row.amounts.iter().copied().map(money).collect(),
        percent: row.percent.map(decimal),
        level: row.level,
        index_min: row.index_min.map(decimal),
        component: row.component.map_or(wire::ExposureComponent::Unspecified, component).into(),
        country_code: row.country.map(|country| country.to_string()).unwrap_or_default(),
        stale_after: stale_after(row.stale_after),
    }
}

fn exclusion(exclusion: &Exclusion) -> wire::Exclusion {
    wire::Exclusion {
        rule: emit::rule(exclusion.rule).into(),
        scope: scope(&exclusion.scope),
        checkpoints: exclusion.checkpoints.iter().map(|c| emit::checkpoint(*c).into()).collect(),
        reason: exclusion.reason.clone(),
    }
}

fn scope(scope: &Scope) -> Option<wire::Scope> {
    use wire::scope::Scope as Wire;
    let scope = match scope {
        Scope::All => return None,
        Scope::Grade(grade) => Wire::Grade(emit::grade(*grade).into()),
        Scope::Segment(segment) => Wire::Segment(segment.clone()),
        Scope::Group(group_id) => Wire::GroupId(group_id.to_string()),
        Scope::Account(account_id) => Wire::AccountId(account_id.to_string()),
    };
    Some(wire::Scope { scope: Some(scope) })
}

fn stale_after(bounds: StaleAfter) -> Option<wire::StaleAfter> {
    let StaleAfter { limits_ms, receivables_ms, collections_ms } = bounds;
    (bounds != StaleAfter::default()).then_some(wire::StaleAfter { limits_ms, receivables_ms, collections_ms })
}

fn left_out(left_out: LeftOut) -> Vec<i32> {
    use wire::ExposureComponent as Wire;
    let LeftOut { open_not_due, overdue, ordered, delivered_not_billed, unapplied_credit } = left_out;
    let parts = [
        (open_not_due, Wire::OpenNotDue),
        (overdue, Wire::Overdue),
        (ordered, Wire::Ordered),
        (delivered_not_billed, Wire::DeliveredNotBilled),
        (unapplied_credit, Wire::UnappliedCredit),
    ];
    parts.into_iter().filter(|(is_left_out, _)| *is_left_out).map(|(_, part)| part.into()).collect()
}

pub(super) fn component(component: Component) -> wire::ExposureComponent {
    match component {
        Component::OpenNotDue => wire::ExposureComponent::OpenNotDue,
        Component::Overdue => wire::ExposureComponent::Overdue,
        Component::Disputed => wire::ExposureComponent::Disputed,
        Component::Ordered => wire::ExposureComponent::Ordered,
        Component::DeliveredNotBilled => wire::ExposureComponent::DeliveredNotBilled,
    }
}
