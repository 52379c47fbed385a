//! Who may import whom, and where SQL, clocks and the wire may be mentioned: read from cargo and the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, MetadataCommand};

const CONTEXTS: [&str; 5] =
    ["weir-assessment", "weir-limits", "weir-order-gate", "weir-receivables", "weir-collections"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Which of our crates each of our crates imports, test-only imports left out.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    metadata
        .packages
        .iter()
        .map(|package| {
            let ours = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development && dependency.path.is_some())
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), ours)
        })
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Every source file of ours below a folder, tests left out, with its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found
        .into_iter()
        .filter(|path| {
            !path
                .components()
                .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "examples" | "benches")))
        })
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// Whether a file below a context's `src` is the module `name` or lies in its folder.
fn is_module(path: &str, name: &str) -> bool {
    path.ends_with(&format!("/src/{name}.rs")) || path.contains(&format!("/src/{name}/"))
}

/// The lines of code of a source, comments left out.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn the_model_imports_nothing_of_ours() {
    assert_eq!(imports()["weir-model"], set(&[]));
}

#[test]
fn wire_store_and_runtime_import_the_model_alone() {
    for name in ["weir-wire", "weir-store", "weir-runtime"] {
        assert_eq!(imports()[name], set(&["weir-model"]), "{name}");
    }
}

#[test]
fn no_context_imports_another() {
    let shared = set(&["weir-model", "weir-wire", "weir-store", "weir-runtime"]);
    for name in CONTEXTS {
        let imported = &imports()[name];
        assert!(imported.is_subset(&shared), "{name} imports {imported:?}");
    }
}

#[test]
fn nothing_but_the_tests_imports_the_binary() {
    for (name, imported) in imports() {
        assert!(name == "weir-tests" || !imported.contains("weir"), "{name} imports the binary");
    }
}

#[test]
fn exactly_one_program_is_built() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let programs: Vec<String> = metadata
        .packages
        .iter()
        .flat_map(|package| package.targets.iter().filter(|target| target.is_bin()).map(|target| target.name.clone()))
        .collect();
    assert_eq!(programs, ["weir"]);
}

#[test]
fn sql_stands_in_stores_alone() {
    let verbs = ["select ", "insert into ", "update ", "delete from "];
    for (path, text) in sources("services") {
        if is_module(&path, "store") {
            continue;
        }
        for line in code(&text) {
            let lower = line.to_lowercase();
            let sql =
                verbs.iter().any(|verb| lower.contains(&format!("\"{verb}")) || lower.trim_start().starts_with(verb));
            assert!(!sql, "{path}: SQL outside the store: {}", line.trim());
        }
    }
}

#[test]
fn the_wire_is_mentioned_at_the_edges_alone() {
    for context in ["assessment", "limits", "order-gate", "receivables", "collections"] {
        for (path, text) in sources(&format!("services/{context}/src")) {
            let edge = is_module(&path, "api") || is_module(&path, "follow");
            let mentions = code(&text).any(|line| line.contains("weir_wire") || line.contains("tonic::"));
            assert!(edge || !mentions, "{path} knows the wire");
        }
    }
}

#[test]
fn only_the_runtime_knows_opentelemetry() {
    for folder in ["shared/model", "shared/wire", "shared/store", "services"] {
        for (path, text) in sources(folder) {
            assert!(!code(&text).any(|line| line.contains("opentelemetry")), "{path} knows OpenTelemetry");
        }
    }
}

#[test]
fn no_float_is_used_where_credit_is_decided() {
    for folder in ["shared/model", "shared/wire", "shared/store", "services"] {
        for (path, text) in sources(folder) {
            for line in code(&text) {
                let float = ["f64", "f32"]
                    .iter()
                    .any(|name| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == *name));
                assert!(!float, "{path}: {}", line.trim());
            }
        }
    }
}

#[test]
fn files_stay_within_400_lines() {
    let long: Vec<String> = ["shared", "services", "tests"]
        .into_iter()
        .flat_map(sources)
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(path, text)| format!("{path} has {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn no_test_is_ignored_or_sleeps() {
    // Read whole: this one looks into the tests as well.
    fn walk(folder: &Path, check: &mut impl FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, check);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                check(&path, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    for folder in ["shared", "services", "tests"] {
        walk(&root().join(folder), &mut |path, text| {
            let in_tests =
                path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "it" | "tests.rs")));
            let ignored = text.lines().any(|line| line.trim_start().starts_with("#[ignore"));
            let sleeps =
                in_tests && !path.ends_with("architecture.rs") && code(text).any(|line| line.contains("sleep("));
            assert!(!ignored && !sleeps, "{} has a test that is ignored or sleeps", path.display());
        });
    }
}
