//! The tree of groups.

use weir_model::GroupId;

use crate::group::{Misfit, left, may_head, may_join};

fn ids(names: &[&str]) -> Vec<GroupId> {
    names.iter().map(|name| GroupId::parse(name).unwrap()).collect()
}

#[test]
fn a_group_joins_neither_itself_nor_what_lies_below_it() {
    let newcomer = GroupId::parse("a").unwrap();
    assert_eq!(may_join(&newcomer, &ids(&["a"]), 1), Err(Misfit::Cycle));
    assert_eq!(may_join(&newcomer, &ids(&["c", "b", "a"]), 3), Err(Misfit::Cycle));
    assert_eq!(may_join(&newcomer, &ids(&["c", "b"]), 1), Ok(()));
}

#[test]
fn eight_levels_are_allowed_and_nine_are_not() {
    let newcomer = GroupId::parse("new").unwrap();
    let line = ids(&["g", "f", "e", "d", "c", "b", "a"]);
    assert_eq!(may_join(&newcomer, &line, 1), Ok(()));
    assert_eq!(may_join(&newcomer, &line, 2), Err(Misfit::TooDeep));
}

#[test]
fn members_of_a_group_and_of_those_below_it_may_head_it() {
    let group = GroupId::parse("a").unwrap();
    assert!(may_head(&group, &ids(&["a", "top"])));
    assert!(may_head(&group, &ids(&["c", "b", "a", "top"])));
    assert!(!may_head(&group, &ids(&["top"])));
    assert!(!may_head(&group, &[]));
}

#[test]
fn a_move_leaves_the_groups_that_are_not_above_the_new_place() {
    let from = ids(&["c", "b", "a", "top"]);
    assert!(left(&from, &ids(&["d", "a", "top"])).eq(&ids(&["c", "b"])));
    assert!(left(&from, &ids(&["e", "c", "b", "a", "top"])).eq(&[]));
    assert!(left(&from, &[]).eq(&from));
}
