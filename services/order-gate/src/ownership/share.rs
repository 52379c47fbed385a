//! How partitions are shared out: evenly, moving as few as possible. Every process works this out for itself from the same
//! rows, so nobody has to say it.

/// What a process is to do about its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// It has what it should, or nothing is free.
    Nothing,
    /// It takes so many of the free partitions.
    Take(usize),
    /// It gives up so many, for others to take.
    Give(usize),
}

/// What the process `me` is to do. `owned` says of each process that is alive how many partitions it has, `free` how many
/// nobody has.
///
/// Everybody is to have the same number or one more; the one more goes to those who have most already, then by name. So
/// what moves is the least that has to.
pub(crate) fn due(me: &str, owned: &[(&str, usize)], free: usize) -> Due {
    let mut ranked: Vec<_> = owned.to_vec();
    ranked.sort_unstable_by(|(name, has), (other, other_has)| other_has.cmp(has).then(name.cmp(other)));
    let all = free + ranked.iter().map(|(_, has)| has).sum::<usize>();
    let Some(each) = all.checked_div(ranked.len()) else { return Due::Nothing };
    let with_one_more = all % ranked.len();
    let Some((rank, (_, has))) = ranked.iter().enumerate().find(|(_, (name, _))| *name == me) else {
        return Due::Nothing;
    };
    let fair = each + usize::from(rank < with_one_more);
    match fair.checked_sub(*has) {
        Some(missing) if missing.min(free) > 0 => Due::Take(missing.min(free)),
        Some(_) => Due::Nothing,
        None => Due::Give(has - fair),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whoever_is_alone_takes_everything() {
        assert_eq!(due("a", &[("a", 0)], 64), Due::Take(64));
        assert_eq!(due("a", &[("a", 40)], 24), Due::Take(24));
        assert_eq!(due("a", &[("a", 64)], 0), Due::Nothing);
    }

    #[test]
    fn whoever_joins_is_given_its_share_by_those_who_have_more() {
        let joined = [("a", 32), ("b", 32), ("c", 0)];
        assert_eq!(due("a", &joined, 0), Due::Give(10), "22 of 64 for the first by name");
        assert_eq!(due("b", &joined, 0), Due::Give(11));
        assert_eq!(due("c", &joined, 0), Due::Nothing, "nothing is free yet");
        assert_eq!(due("c", &[("a", 22), ("b", 21), ("c", 0)], 21), Due::Take(21));
    }

    #[test]
    fn those_who_stay_share_what_one_that_left_had() {
        let stayed = [("a", 22), ("b", 21)];
        assert_eq!((due("a", &stayed, 21), due("b", &stayed, 21)), (Due::Take(10), Due::Take(11)));
    }

    #[test]
    fn a_process_nobody_counts_does_nothing() {
        assert_eq!(due("z", &[("a", 3)], 5), Due::Nothing);
        assert_eq!(due("z", &[], 5), Due::Nothing);
    }

    proptest! {
        #[test]
        fn all_end_with_the_same_number_or_one_more_and_little_more_moves_than_has_to(
            has in prop::collection::vec(0_usize..70, 1..8),
            free in 0_usize..70,
        ) {
            let names: Vec<String> = (0..has.len()).map(|n| n.to_string()).collect();
            let mut has = has;
            let mut free = free;
            let all = free + has.iter().sum::<usize>();
            let (most, least) = (all.div_ceil(has.len()), all / has.len());
            let moved_at_least: usize = has.iter().map(|has| has.saturating_sub(most)).sum();
            let mut given = 0;
            for _ in 0..3 {
                for index in 0..has.len() {
                    let owned: Vec<_> = names.iter().map(String::as_str).zip(has.iter().copied()).collect();
                    match due(&names[index], &owned, free) {
                        Due::Nothing => {}
                        Due::Take(count) => {
                            prop_assert!(count <= free);
                            has[index] += count;
                            free -= count;
                        }
                        Due::Give(count) => {
                            has[index] -= count;
                            free += count;
                            given += count;
                        }
                    }
                }
            }
            prop_assert!(has.iter().all(|has| (least..=most).contains(has)), "{:?}", has);
            prop_assert_eq!(free, 0);
            // one after the other they may each keep one more for a while
            prop_assert!(given >= moved_at_least && given <= moved_at_least + has.len());
        }
    }
}
