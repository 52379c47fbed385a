//! The tree of groups.

use weir_model::GroupId;

use crate::group::{Misfit, may_join};

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
