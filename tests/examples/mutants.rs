//! Shows that the tests of crashes and takeovers can fail: builds the gate without one of its safeguards, in a copy of the
//! sources, and has them run against it: the gate's own, then the suite of histories.
//!
//!     cargo run -p weir-tests --example mutants
//!
//! The gate as it is must pass, and no gate without a safeguard may. Takes as long as a build from nothing and a few
//! minutes more, in `target/mutants`; needs PostgreSQL.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// A part of a source, and what stands in its place.
struct Edit {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// A gate without a safeguard.
struct Mutant {
    name: &'static str,
    edits: &'static [Edit],
}

const MUTANTS: &[Mutant] = &[
    Mutant { name: "the gate as it is", edits: &[] },
    Mutant {
        name: "nobody fences a gate that was taken over from",
        edits: &[
            Edit {
                file: "services/order-gate/src/store/save.rs",
                from: "\"exists (select 1 from proof)\"",
                to: "\"true\"",
            },
            // nor does it find out by its clock, or by what it sees of the partitions
            Edit {
                file: "services/order-gate/src/engine.rs",
                from: "is_some_and(|until| Instant::now() < until)",
                to: "is_some()",
            },
            Edit {
                file: "services/order-gate/src/engine/steward.rs",
                from: "=> is_lost = true,",
                to: "=> is_lost |= false,",
            },
        ],
    },
    Mutant {
        name: "a gate does not know what it answered before",
        edits: &[Edit {
            file: "services/order-gate/src/draft/authorize.rs",
            from: "dossier.answer_to(order.revision))",
            to: "dossier.answer_to(order.revision)).filter(|_| false)",
        }],
    },
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let work = root.join("target/mutants");
    let mut as_it_should_be = true;
    for mutant in MUTANTS {
        let sources = copy(root, &work);
        for edit in mutant.edits {
            apply(&sources, edit);
        }
        let passes = passes(&sources, &work);
        let is_sound = mutant.edits.is_empty();
        as_it_should_be &= passes == is_sound;
        let (what, verdict) =
            (if passes { "passes" } else { "fails" }, if passes == is_sound { "right" } else { "WRONG" });
        writeln!(io::stdout(), "{}: the suite {what}: {verdict}", mutant.name).expect("somebody reads");
    }
    if as_it_should_be { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The tracked sources as they are now; what did not change keeps its time, so that it is not built again.
fn copy(root: &Path, work: &Path) -> PathBuf {
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root).output();
    let listed = String::from_utf8(listed.expect("git lists the sources").stdout).expect("names are text");
    let sources = work.join("source");
    for name in listed.lines().filter(|name| root.join(name).is_file()) {
        let (from, to) = (fs::read(root.join(name)).expect("a source can be read"), sources.join(name));
        if fs::read(&to).is_ok_and(|there| there == from) {
            continue;
        }
        fs::create_dir_all(to.parent().expect("a source lies in a folder")).expect("a folder can be made");
        fs::write(to, from).expect("a copy can be written");
    }
    sources
}

fn apply(sources: &Path, edit: &Edit) {
    let file = sources.join(edit.file);
    let text = fs::read_to_string(&file).expect("a source is text");
    assert_eq!(text.matches(edit.from).count(), 1, "{}: {} must stand there once", edit.file, edit.from);
    fs::write(file, text.replace(edit.from, edit.to)).expect("a copy can be written");
}

/// Whether the program builds, as it must, and the suite passes.
fn passes(sources: &Path, work: &Path) -> bool {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(sources).env("CARGO_TARGET_DIR", work.join("target"));
        command.status().expect("cargo runs").success()
    };
    assert!(cargo(&["build", "--quiet", "--package", "weir"]), "it does not build");
    // a stopped gate that wakes up finds out so soon that a few histories seldom meet it at work: that it could write
    // nothing is asked of it directly
    cargo(&["test", "--quiet", "--package", "weir-order-gate", "--lib", "--", "ownership", "concurrency"])
        && cargo(&["test", "--quiet", "--package", "weir-tests", "--test", "it", "histories"])
}
