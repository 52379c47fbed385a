//! Processor time of processes, as Linux counts it. Elsewhere nothing is read and nothing shown.

use std::{collections::HashSet, fs};

/// Ticks of `/proc/<pid>/stat`: a hundredth of a second on every Linux there is.
const MICROS_PER_TICK: u64 = 10_000;

/// Processor time a group of processes has taken so far, in microseconds: themselves and their children.
pub(crate) fn micros(pids: &[u32]) -> u64 {
    let mut group: HashSet<u32> = pids.iter().copied().collect();
    let all: Vec<Stat> =
        fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|e| stat(&e.path())).collect();
    // children of children too: a few passes reach them all
    for _ in 0..3 {
        let children: Vec<u32> = all.iter().filter(|s| group.contains(&s.parent)).map(|s| s.pid).collect();
        group.extend(children);
    }
    all.iter().filter(|stat| group.contains(&stat.pid)).map(|stat| stat.ticks * MICROS_PER_TICK).sum()
}

/// Processor time of this process alone.
pub(crate) fn own_micros() -> u64 {
    stat(std::path::Path::new("/proc/self")).map_or(0, |stat| stat.ticks * MICROS_PER_TICK)
}

struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
}

fn stat(folder: &std::path::Path) -> Option<Stat> {
    let text = fs::read_to_string(folder.join("stat")).ok()?;
    let pid = text.split(' ').next()?.parse().ok()?;
    // the name in brackets may hold spaces
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok());
    Some(Stat { pid, parent: fields.get(1)?.parse().ok()?, ticks: ticks(11)? + ticks(12)? })
}
