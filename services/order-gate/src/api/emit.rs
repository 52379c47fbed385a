//! From the gate's words to messages.

use weir_model::{Currency, HoldId, Money};
use weir_wire::{
    common::v1::{Context, FeedPosition, Grade as WireGrade, Token},
    emit::{date, decimal, money, timestamp},
    google::r#type as pb,
    order_gate::v1 as wire,
};

use super::{groups, token};
use crate::commitment::CommitmentState;
use crate::decision::{Decision, Failure, Followed, Measure, Outcome, WayOut};
use crate::dossier::Commitment;
use crate::exposure::Exposure;
use crate::facade::{AccountStanding, Checked, Decided};
use crate::hold::{Hold, HoldState, Release};
use crate::order::Checkpoint;
use crate::ownership::Partition;
use crate::policy::{Action, Rule};
use crate::standing::{Grade, LimitInForce};

fn amount(minor: i64, currency: Currency) -> Option<pb::Money> {
    Some(money(Money::new(minor, currency)))
}

pub(super) fn partition(partition: Partition) -> wire::Partition {
    let Partition { partition, address, epoch } = partition;
    // there are fewer than 65 536
    wire::Partition { partition: i32::try_from(partition).unwrap_or_default(), address, epoch }
}

pub(super) fn checked(checked: &Checked) -> wire::CheckOrderResponse {
    let Checked { decision, judged_as_new } = checked;
    wire::CheckOrderResponse { decision: Some(self::decision(decision)), judged_as_new: *judged_as_new }
}

pub(super) fn decided(decided: &Decided) -> wire::AuthorizeOrderResponse {
    let Decided { decision, position } = decided;
    wire::AuthorizeOrderResponse { decision: Some(self::decision(decision)), token: token(*position) }
}

pub(super) fn decision(decision: &Decision) -> wire::Decision {
    let (verdict, currency) = (&decision.verdict, decision.currency);
    let (limit, unlimited) = limit(verdict.limit, currency);
    wire::Decision {
        decision_id: decision.decision_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        order_id: decision.order_id.to_string(),
        revision: decision.revision,
        account_id: decision.account_id.to_string(),
        checkpoint: checkpoint(decision.checkpoint).into(),
        outcome: outcome(verdict.outcome).into(),
        failures: verdict.failures.iter().map(|f| failure(f, currency)).collect(),
        foreign: verdict.foreign.iter().map(|f| groups::foreign(f, currency)).collect(),
        pools: verdict.pools.iter().map(groups::pool).collect(),
        country: verdict.country.as_deref().map(groups::country),
        required_amount: amount(verdict.required, currency),
        exposure_before: Some(exposure(&verdict.before, currency)),
        exposure_after: Some(exposure(&verdict.after, currency)),
        limit,
        unlimited,
        headroom: verdict.headroom.and_then(|headroom| amount(headroom, currency)),
        utilisation_before_percent: verdict.utilisation_before.map(decimal),
        utilisation_after_percent: verdict.utilisation_after.map(decimal),
        ways_out: verdict.ways_out.iter().map(|way| way_out(*way, (currency, decision.currency_of_order()))).collect(),
        policy_version: decision.policy_version,
        limit_version: decision.limit_version,
        based_on: Some(based_on(decision.based_on)),
        staleness_ms: decision.staleness_ms,
        business_date: Some(date(decision.business_date)),
        decided_time: Some(timestamp(decision.decided_at)),
        hold_id: decision.hold_id.as_ref().map(HoldId::to_string).unwrap_or_default(),
        correlation_id: decision.correlation_id.to_string(),
    }
}

/// The limit as an amount, and whether it is unlimited.
fn limit(limit: LimitInForce, currency: Currency) -> (Option<pb::Money>, bool) {
    match limit {
        LimitInForce::Missing => (None, false),
        LimitInForce::Expired(_) => (amount(0, currency), false),
        LimitInForce::Amount(minor) => (amount(minor, currency), false),
        LimitInForce::Unlimited => (None, true),
    }
}

fn based_on(followed: Followed) -> Token {
    let known = [
        (Context::Limits, followed.limits),
        (Context::Receivables, followed.receivables),
        (Context::Collections, followed.collections),
    ];
    let positions = known
        .into_iter()
        .filter_map(|(context, position)| position.map(|position| FeedPosition { context: context.into(), position }));
    Token { positions: positions.collect() }
}

pub(super) fn exposure(exposure: &Exposure, currency: Currency) -> wire::Exposure {
    wire::Exposure {
        open_not_due: amount(exposure.open_not_due, currency),
        overdue: amount(exposure.overdue, currency),
        disputed: amount(exposure.disputed, currency),
        ordered: amount(exposure.ordered, currency),
        delivered_not_billed: amount(exposure.delivered_not_billed, currency),
        unapplied_credit: amount(exposure.unapplied_credit, currency),
        // an exposure whose gross does not fit is never made
        gross: exposure.gross().ok().and_then(|gross| amount(gross, currency)),
        net: exposure.net().ok().and_then(|net| amount(net, currency)),
        prepaid: amount(exposure.prepaid, currency),
        other_currencies: amount(exposure.elsewhere, currency),
    }
}

pub(super) fn failure(failure: &Failure, currency: Currency) -> wire::RuleFailure {
    let currency = failure.currency.unwrap_or(currency);
    let measure = |measure: Option<Measure>| measure.map(|m| wire::Measure { measure: Some(of(m, currency)) });
    wire::RuleFailure {
        rule: rule(failure.rule).into(),
        action: action(failure.action).into(),
        value: measure(failure.value),
        threshold: measure(failure.threshold),
        shortfall: failure.shortfall.and_then(|shortfall| amount(shortfall, currency)),
        message: failure.message.clone(),
        group_id: failure.group_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        country_code: failure.country.map(|country| country.to_string()).unwrap_or_default(),
    }
}

fn of(measure: Measure, currency: Currency) -> wire::measure::Measure {
    match measure {
        Measure::Amount(minor) => wire::measure::Measure::Amount(money(Money::new(minor, currency))),
        Measure::Percent(percent) => wire::measure::Measure::Percent(decimal(percent)),
        Measure::Days(days) => wire::measure::Measure::Days(days),
        Measure::Level(level) => wire::measure::Measure::Level(level),
        Measure::Milliseconds(ms) => wire::measure::Measure::Milliseconds(ms),
        Measure::Index(index) => wire::measure::Measure::Index(decimal(index)),
    }
}

/// A way out; what is asked of the order itself is in its own currency.
fn way_out(way: WayOut, (currency, of_order): (Currency, Currency)) -> wire::WayOut {
    use wire::way_out::Way;
    let currency = match way {
        WayOut::ReduceOrderTo(_) | WayOut::Prepay(_) => of_order,
        WayOut::Pay(_) | WayOut::AskTemporaryLimit(_) | WayOut::AskRelease(_) => currency,
    };
    let in_money = |minor| money(Money::new(minor, currency));
    let text = |minor| Money::new(minor, currency).to_string();
    let (way, message) = match way {
        WayOut::ReduceOrderTo(to) => (Way::ReduceOrderTo(in_money(to)), format!("reduce the order to {}", text(to))),
        WayOut::Pay(sum) => (Way::Pay(in_money(sum)), format!("pay {} of what is open, the oldest first", text(sum))),
        WayOut::Prepay(sum) => (Way::Prepay(in_money(sum)), format!("pay {} of the order in advance", text(sum))),
        WayOut::AskTemporaryLimit(sum) => {
            (Way::AskTemporaryLimit(in_money(sum)), format!("ask a temporary limit that adds {}", text(sum)))
        }
        WayOut::AskRelease(sum) => {
            (Way::AskRelease(in_money(sum)), format!("ask a person with authority over {} to release it", text(sum)))
        }
    };
    wire::WayOut { way: Some(way), message }
}

pub(super) fn hold(hold: &Hold) -> wire::Hold {
    let currency = hold.currency();
    wire::Hold {
        hold_id: hold.hold_id.to_string(),
        order_id: hold.order.order_id.to_string(),
        revision: hold.order.revision,
        account_id: hold.order.account_id.to_string(),
        state: hold_state(hold.state).into(),
        required_amount: amount(hold.required, currency),
        failures: hold.failures.iter().map(|f| failure(f, currency)).collect(),
        ways_out: hold.ways_out.iter().map(|way| way_out(*way, (currency, hold.order.currency))).collect(),
        excess_amount: amount(hold.excess, currency),
        decision_id: hold.decision_id.to_string(),
        requested_by: hold.order.requested_by.to_string(),
        held_time: Some(timestamp(hold.held_at)),
        ended_time: hold.ended_at.map(timestamp),
        release: hold.release.as_ref().map(|r| release(r, hold.order.currency)),
        rejection_reason: hold.rejection_reason.clone().unwrap_or_default(),
        version: hold.version,
        correlation_id: hold.correlation_id.to_string(),
        notice_roles: hold.notice_roles.clone(),
        newest_decision_id: hold.newest_decision_id.to_string(),
    }
}

fn release(release: &Release, currency: Currency) -> wire::Release {
    wire::Release {
        approved_amount: amount(release.approved, currency),
        tolerance_percent: Some(decimal(release.tolerance_percent)),
        valid_until_date: Some(date(release.valid_until)),
        released_by: release.released_by.to_string(),
        reason: release.reason.clone(),
        checkpoints: release.checkpoints.iter().map(|c| checkpoint(*c).into()).collect(),
        authority_amount: Some(money(release.authority)),
    }
}

pub(super) fn commitment(commitment: &Commitment) -> wire::Commitment {
    let currency = commitment.currency;
    wire::Commitment {
        order_id: commitment.order_id.to_string(),
        revision: commitment.revision,
        account_id: commitment.account_id.to_string(),
        state: commitment_state(commitment.state).into(),
        lines: commitment
            .lines
            .iter()
            .map(|line| wire::CommitmentLine {
                line_id: line.line_id.to_string(),
                ordered_amount: amount(line.ordered, currency),
                cancelled_amount: amount(line.cancelled, currency),
                delivered_amount: amount(line.delivered, currency),
                invoiced_amount: amount(line.invoiced, currency),
            })
            .collect(),
        ordered_amount: amount(commitment.ordered, currency),
        delivered_not_billed_amount: amount(commitment.delivered_not_billed, currency),
        ship_date: commitment.ship_date.map(date),
        version: commitment.version,
        correlation_id: commitment.correlation_id.to_string(),
        prepaid_amount: amount(commitment.prepaid, currency),
        release: commitment.release.as_ref().map(|r| release(r, currency)),
    }
}

pub(super) fn standing(account_id: String, standing: AccountStanding) -> wire::GetStandingResponse {
    let [limit_version, position_version, standing_version] = standing.versions;
    let in_force = standing.currency.map(|currency| limit(standing.limit, currency));
    let (limit, unlimited) = in_force.unwrap_or_default();
    wire::GetStandingResponse {
        account_id,
        group_id: standing.group_id.map(|id| id.to_string()).unwrap_or_default(),
        grade: standing.grade.map_or(WireGrade::Unspecified, grade).into(),
        exposure: standing.currency.map(|currency| exposure(&standing.exposure, currency)),
        foreign: standing
            .currency
            .map(|currency| standing.foreign.iter().map(|f| groups::foreign(f, currency)).collect())
            .unwrap_or_default(),
        pools: standing.pools.iter().map(groups::pool).collect(),
        inherited_stops: standing.inherited.into_iter().map(groups::inherited).collect(),
        limit,
        unlimited,
        headroom: standing.currency.and_then(|currency| amount(standing.headroom?, currency)),
        utilisation_percent: standing.utilisation.map(decimal),
        over_limit: standing.over_limit,
        blocked: standing.blocked.is_some(),
        block_reason: standing.blocked.unwrap_or_default(),
        frozen: standing.frozen.is_some(),
        freeze_reason: standing.frozen.unwrap_or_default(),
        dunning_level: standing.dunning_level,
        oldest_overdue_days: standing.oldest_overdue_days,
        held_count: i32::try_from(standing.held_count).unwrap_or(i32::MAX),
        limit_version,
        position_version,
        standing_version,
        policy_version: standing.policy_version,
        based_on: Some(based_on(standing.based_on)),
        staleness_ms: standing.staleness_ms,
        terms_days: standing.terms_days,
    }
}

pub(super) fn grade(grade: Grade) -> WireGrade {
    match grade {
        Grade::A => WireGrade::A,
        Grade::B => WireGrade::B,
        Grade::C => WireGrade::C,
        Grade::D => WireGrade::D,
    }
}

pub(super) fn checkpoint(checkpoint: Checkpoint) -> wire::Checkpoint {
    match checkpoint {
        Checkpoint::Contract => wire::Checkpoint::Contract,
        Checkpoint::Order => wire::Checkpoint::Order,
        Checkpoint::Delivery => wire::Checkpoint::Delivery,
        Checkpoint::GoodsIssue => wire::Checkpoint::GoodsIssue,
    }
}

pub(super) fn outcome(outcome: Outcome) -> wire::Outcome {
    match outcome {
        Outcome::Approve => wire::Outcome::Approve,
        Outcome::ApproveWithWarnings => wire::Outcome::ApproveWithWarnings,
        Outcome::Hold => wire::Outcome::Hold,
        Outcome::Reject => wire::Outcome::Reject,
    }
}

pub(super) fn rule(rule: Rule) -> wire::Rule {
    match rule {
        Rule::AccountBlocked => wire::Rule::AccountBlocked,
        Rule::Technical => wire::Rule::Technical,
        Rule::ForcedHold => wire::Rule::ForcedHold,
        Rule::AccountFrozen => wire::Rule::AccountFrozen,
        Rule::NotAssessed => wire::Rule::NotAssessed,
        Rule::ReviewOverdue => wire::Rule::ReviewOverdue,
        Rule::InsuranceLapsed => wire::Rule::InsuranceLapsed,
        Rule::NoCreditGrade => wire::Rule::NoCreditGrade,
        Rule::LimitMissing => wire::Rule::LimitMissing,
        Rule::LimitExpired => wire::Rule::LimitExpired,
        Rule::LimitExceeded => wire::Rule::LimitExceeded,
        Rule::GroupPoolExceeded => wire::Rule::GroupPoolExceeded,
        Rule::CountryCapExceeded => wire::Rule::CountryCapExceeded,
        Rule::LimitExceededInHorizon => wire::Rule::LimitExceededInHorizon,
        Rule::ComponentLimitExceeded => wire::Rule::ComponentLimitExceeded,
        Rule::OrderValueExceeded => wire::Rule::OrderValueExceeded,
        Rule::GradeReview => wire::Rule::GradeReview,
        Rule::TermsExceeded => wire::Rule::TermsExceeded,
        Rule::DiscountExceeded => wire::Rule::DiscountExceeded,
        Rule::OrderPatternDeviation => wire::Rule::OrderPatternDeviation,
        Rule::OverdueDaysExceeded => wire::Rule::OverdueDaysExceeded,
        Rule::OverdueAmountExceeded => wire::Rule::OverdueAmountExceeded,
        Rule::OverdueShareExceeded => wire::Rule::OverdueShareExceeded,
        Rule::DunningLevelExceeded => wire::Rule::DunningLevelExceeded,
        Rule::PaymentIndexBelowMinimum => wire::Rule::PaymentIndexBelowMinimum,
        Rule::WatchBand => wire::Rule::WatchBand,
    }
}

pub(super) fn action(action: Action) -> wire::RuleAction {
    match action {
        Action::Reject => wire::RuleAction::Reject,
        Action::Block => wire::RuleAction::Block,
        Action::Warn => wire::RuleAction::Warn,
        Action::Info => wire::RuleAction::Info,
        Action::Off => wire::RuleAction::Off,
    }
}

fn hold_state(state: HoldState) -> wire::HoldState {
    match state {
        HoldState::Held => wire::HoldState::Held,
        HoldState::Approved => wire::HoldState::Approved,
        HoldState::Released => wire::HoldState::Released,
        HoldState::Rejected => wire::HoldState::Rejected,
        HoldState::Lapsed => wire::HoldState::Lapsed,
    }
}

fn commitment_state(state: CommitmentState) -> wire::CommitmentState {
    match state {
        CommitmentState::Live => wire::CommitmentState::Live,
        CommitmentState::Converted => wire::CommitmentState::Converted,
        CommitmentState::Cancelled => wire::CommitmentState::Cancelled,
        CommitmentState::Expired => wire::CommitmentState::Expired,
    }
}
