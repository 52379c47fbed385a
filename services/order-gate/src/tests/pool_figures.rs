//! What members of groups, and accounts of countries, owe together is at every moment what adding it all up anew gives (rule 4.5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use weir_model::{Country, Currency, GroupId, SubjectId};

use super::documents::Desk;
use super::pools::{group_id, member};
use super::world::{account, credit, line, order_id};
use crate::book::{Account, Book};
use crate::country::Countries as _;
use crate::draft::{AuthorizeTogether, News, PutRates};
use crate::exposure::Due;
use crate::fx::Rates;
use crate::order::{Checkpoint, Order, OrderLine};
use crate::pool::Group;
use crate::standing::{Credit, Position};

const GROUPS: u8 = 5;
const ACCOUNTS: u8 = 4;

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Happens {
    /// A group is told of, perhaps below one that is below it.
    Group {
        group: u8,
        parent: Option<u8>,
        shares: bool,
    },
    /// An account joins a group, moves or leaves; and is said to be of one of two countries, or of none.
    Join {
        account: u8,
        group: Option<u8>,
        shares: bool,
        country: Option<bool>,
    },
    Owe {
        account: u8,
        is_dollars: bool,
        open: i64,
        unapplied: i64,
    },
    /// A revision of an order, perhaps of another account and in another currency than the one before.
    Order {
        order: u8,
        account: u8,
        is_dollars: bool,
        value: i64,
        prepaid: i64,
    },
    /// Nothing of what was just to happen is kept.
    Together {
        account: u8,
        value: i64,
    },
}

fn happens() -> impl Strategy<Value = Happens> {
    let (group, account) = (0..GROUPS, 0..ACCOUNTS);
    prop_oneof![
        3 => (group.clone(), prop::option::weighted(0.8, group.clone()), prop::bool::weighted(0.8))
            .prop_map(|(group, parent, shares)| Happens::Group { group, parent, shares }),
        2 => (account.clone(), prop::option::weighted(0.9, group), prop::bool::weighted(0.9), any::<Option<bool>>())
            .prop_map(|(account, group, shares, country)| Happens::Join { account, group, shares, country }),
        2 => (account.clone(), any::<bool>(), 0..200_i64, 0..100_i64)
            .prop_map(|(account, is_dollars, open, unapplied)| Happens::Owe { account, is_dollars, open, unapplied }),
        3 => (0..6_u8, account.clone(), any::<bool>(), 0..200_i64, 0..100_i64)
            .prop_map(|(order, account, is_dollars, value, prepaid)| {
                Happens::Order { order, account, is_dollars, value, prepaid: prepaid.min(value) }
            }),
        1 => (account, 1..300_i64).prop_map(|(account, value)| Happens::Together { account, value }),
    ]
}

fn currency(is_dollars: bool) -> Currency {
    Currency::from_code(if is_dollars { "USD" } else { "CNY" }).unwrap()
}

fn of_two(is_first: bool) -> Country {
    Country::from_code(if is_first { "CN" } else { "VN" }).unwrap()
}

fn name(kind: &str, n: u8) -> String {
    format!("{kind}-{n}")
}

fn asked(order: u8, revision: i32, account_n: u8, is_dollars: bool, (value, prepaid): (i64, i64)) -> Order {
    Order {
        order_id: order_id(&name("o", order)),
        revision,
        account_id: account(&name("a", account_n)),
        currency: currency(is_dollars),
        lines: vec![OrderLine { line_id: line("1"), amount: value }],
        prepaid,
        ship_date: None,
        terms_days: 0,
        discount_percent: None,
        requested_by: SubjectId::parse("sales-1").unwrap(),
        submitted_by: None,
        checkpoint: Checkpoint::Order,
    }
}

/// Everybody may owe anything: what is told here is not whether orders pass.
fn happen(desk: &mut Desk, step: &Happens, version: i64) {
    match *step {
        Happens::Group { group, parent, shares } => {
            let parent = parent.map(|parent| group_id(&name("g", parent)));
            let told = Group { version, parent, shares_exposure: shares, ..Group::default() };
            desk.hear(News::Group(group_id(&name("g", group)), Arc::new(told)));
        }
        Happens::Join { account: n, group, shares, country } => {
            let known = Credit { version, country: country.map(of_two), ..credit(1_000_000) };
            let told = group.map_or(known.clone(), |group| member(&name("g", group), known));
            let told = Credit { shares_exposure: shares && told.group_id.is_some(), ..told };
            desk.hear(News::Credit(account(&name("a", n)), Arc::new(told)));
        }
        Happens::Owe { account: n, is_dollars, open, unapplied } => {
            let schedule = vec![Due { date: super::world::today(), open, disputed: 0 }];
            let position = Position { version, schedule, unapplied_credit: unapplied, behaviour: None };
            let account_id = account(&name("a", n));
            desk.hear(News::Position(account_id, currency(is_dollars), Arc::new(position), Vec::new()));
        }
        Happens::Order { order, account: n, is_dollars, value, prepaid } => {
            let known = desk.rows.get(&order_id(&name("o", order))).and_then(|dossier| dossier.answered.as_ref());
            let revision = known.map_or(1, |answered| answered.revision + 1);
            desk.authorize(asked(order, revision, n, is_dollars, (value, prepaid))).unwrap();
        }
        Happens::Together { account: n, value } => {
            // the second asks for more than anybody may owe: both are taken back
            let orders = [(100, value), (101, i64::MAX / 2)];
            let orders = orders.map(|(order, value)| asked(order, 1, n, false, (value, 0)));
            let ask = AuthorizeTogether::new(orders.to_vec(), super::world::today());
            let settled = desk.run(|draft, call| draft.authorize_together(call, &ask)).unwrap();
            assert!(!settled.together.unwrap().reserved);
        }
    }
}

/// What everybody in a group owes, added up by hand: members, and the groups below that share and lie on no circle.
fn by_hand(book: &Book, group: &GroupId) -> BTreeMap<Currency, i128> {
    let parent_of = |id: &GroupId| book.pools.get(id).and_then(|pool| pool.group.parent.clone());
    let is_on_a_circle = |id: &GroupId| {
        let (mut next, mut steps) = (parent_of(id), 0);
        while let Some(above) = next.filter(|_| steps <= GROUPS) {
            if above == *id {
                return true;
            }
            (next, steps) = (parent_of(&above), steps + 1);
        }
        false
    };
    let mut total = BTreeMap::new();
    for account in book.accounts.values() {
        let credit = account.credit.as_ref().filter(|credit| credit.shares_exposure);
        if credit.is_none_or(|credit| credit.group_id.as_ref() != Some(group)) {
            continue;
        }
        owed_by(account, &mut total);
    }
    for (below, pool) in &book.pools {
        let counts = pool.group.shares_exposure && pool.group.parent.as_ref() == Some(group) && !is_on_a_circle(below);
        if counts {
            by_hand(book, below).into_iter().for_each(|(currency, owed)| *total.entry(currency).or_default() += owed);
        }
    }
    total.retain(|_, owed| *owed != 0);
    total
}

fn owed_by(account: &Account, total: &mut BTreeMap<Currency, i128>) {
    for purse in &account.purses {
        let open: i64 = purse.schedule().iter().map(|due| due.open).sum();
        let reserved = purse.reserved.ordered + purse.reserved.delivered;
        let credit = i128::from(purse.unapplied_credit()).max(purse.reserved.prepaid);
        *total.entry(purse.currency).or_default() += (i128::from(open) + reserved - credit).max(0);
    }
}

/// What everybody of a country owes, added up by hand.
fn of_country_by_hand(book: &Book, country: Country) -> BTreeMap<Currency, i128> {
    let mut total = BTreeMap::new();
    for account in book.accounts.values() {
        if account.credit.as_ref().is_some_and(|credit| credit.country == Some(country)) {
            owed_by(account, &mut total);
        }
    }
    total.retain(|_, owed| *owed != 0);
    total
}

fn of_country(book: &Book, country: Country) -> BTreeMap<Currency, i128> {
    book.country(country).map(|total| total.total().into_iter().collect()).unwrap_or_default()
}

fn running(book: &Book, group: &GroupId) -> BTreeMap<Currency, i128> {
    book.pools.get(group).map(|pool| pool.total().iter().copied().collect()).unwrap_or_default()
}

/// The book as a start reads it.
fn read_anew(desk: &Desk) -> Book {
    let mut book = Book::new(desk.book.policy.clone(), Rates::default(), desk.book.followed, 0);
    for (group, pool) in &desk.book.pools {
        // one nobody told of has no row
        if pool.group.version > 0 {
            book.enter_group(group, Group::clone(&pool.group));
        }
    }
    for (id, known) in &desk.book.accounts {
        let account = book.accounts.entry(id.clone()).or_default();
        account.credit.clone_from(&known.credit);
        for purse in &known.purses {
            account.purse_mut(purse.currency).position.clone_from(&purse.position);
        }
    }
    desk.rows.values().filter(|dossier| dossier.is_live()).for_each(|dossier| book.enter(dossier.clone()));
    book.add_up_pools();
    book
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_a_group_or_country_owes_is_what_adding_up_its_accounts_gives(steps in prop::collection::vec(happens(), 1..50)) {
        let mut desk = Desk::new();
        let rates = [("USD", "CNY"), ("CNY", "USD")].map(|(from, to)| crate::fx::Rate {
            from: Currency::from_code(from).unwrap(),
            to: Currency::from_code(to).unwrap(),
            effective: super::world::today(),
            rate: rust_decimal::Decimal::ONE,
        });
        let ask = PutRates { rates: rates.to_vec() };
        desk.run(|draft, call| draft.put_rates(call, &ask));
        for (version, step) in (1..).zip(&steps) {
            happen(&mut desk, step, version);
            let anew = read_anew(&desk);
            for group in (0..GROUPS).map(|group| group_id(&name("g", group))) {
                prop_assert_eq!(running(&desk.book, &group), by_hand(&desk.book, &group), "{} after {:?}", group, step);
                prop_assert_eq!(running(&desk.book, &group), running(&anew, &group), "{} read anew", group);
            }
            for country in [true, false].map(of_two) {
                let by_hand = of_country_by_hand(&desk.book, country);
                prop_assert_eq!(&of_country(&desk.book, country), &by_hand, "{} after {:?}", country, step);
                prop_assert_eq!(&of_country(&anew, country), &by_hand, "{} read anew", country);
            }
        }
    }
}

#[test]
fn groups_told_of_in_any_order_count_once_they_are_all_there() {
    // members, then the group above, then its own
    let mut desk = Desk::new();
    happen(&mut desk, &Happens::Join { account: 0, group: Some(0), shares: true, country: None }, 1);
    happen(&mut desk, &Happens::Owe { account: 0, is_dollars: false, open: 70, unapplied: 0 }, 2);
    happen(&mut desk, &Happens::Group { group: 1, parent: Some(2), shares: true }, 3);
    happen(&mut desk, &Happens::Group { group: 0, parent: Some(1), shares: true }, 4);
    let owed: BTreeSet<i128> =
        (0..3).flat_map(|group| running(&desk.book, &group_id(&name("g", group))).into_values()).collect();
    assert_eq!(owed, BTreeSet::from([70]));
}

#[test]
fn a_circle_counts_nowhere_above_until_it_is_broken() {
    let mut desk = Desk::new();
    happen(&mut desk, &Happens::Join { account: 0, group: Some(0), shares: true, country: None }, 1);
    happen(&mut desk, &Happens::Owe { account: 0, is_dollars: false, open: 70, unapplied: 0 }, 2);
    let owed =
        |desk: &Desk| (0..3).map(|n| running(&desk.book, &group_id(&name("g", n))).into_values().sum()).collect();
    for (version, (group, parent)) in (3..).zip([(0, 1), (1, 0)]) {
        happen(&mut desk, &Happens::Group { group, parent: Some(parent), shares: true }, version);
    }
    let none_above: Vec<i128> = owed(&desk);
    assert_eq!(none_above, [70, 0, 0]);
    happen(&mut desk, &Happens::Group { group: 1, parent: Some(2), shares: true }, 5);
    let broken: Vec<i128> = owed(&desk);
    assert_eq!(broken, [70, 70, 70]);
}
