//! Layers: who wins, who is refused, what is shown.

use std::io::Write as _;

use serde::Deserialize;
use tempfile::NamedTempFile;

use super::*;
use crate::{EdgeConfig, PrincipalConfig, ServerConfig, ShutdownConfig, TelemetryConfig};

const DEFAULT: &str = r#"
[server]
listen = "127.0.0.1:1"
streams_max = 1
[gate]
mode = "fast"
is_open = false
names = ["a"]
[gate.inner]
depth = 1
[store]
url = ""
admin_password = ""
"#;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn line(effective: &Effective, key: &str) -> (String, Origin) {
    let line = effective.lines().into_iter().find(|line| line.key == key).unwrap();
    (line.value, line.origin)
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
    let file = file("[server]\nstreams_max = 2\nlisten = \"127.0.0.1:2\"\n[gate]\nmode = \"file\"\n");
    let origin = Origin::File(file.path().to_owned());
    let variable = |name: &str| Origin::Environment(name.to_owned());
    let effective = Layers::new(&[DEFAULT])
        .with_flag("--listen", "server.listen", "127.0.0.1:4")
        .with_variables(variables(&[("WEIR_SERVER__LISTEN", "127.0.0.1:3"), ("WEIR_SERVER__STREAMS_MAX", "3")]))
        .with_file(file.path())
        .load()
        .unwrap();
    assert_eq!(line(&effective, "server.listen"), ("\"127.0.0.1:4\"".to_owned(), Origin::Flag("--listen")));
    assert_eq!(line(&effective, "server.streams_max"), ("3".to_owned(), variable("WEIR_SERVER__STREAMS_MAX")));
    assert_eq!(line(&effective, "gate.mode"), ("\"file\"".to_owned(), origin));
    assert_eq!(line(&effective, "gate.is_open"), ("false".to_owned(), Origin::Default));
}

#[test]
fn unknown_keys_are_all_refused_and_named_with_their_origin() {
    let file = file("[server]\nlitsen = \"x\"\n[sevrer]\nlisten = \"x\"\n");
    let error = Layers::new(&[DEFAULT])
        .with_file(file.path())
        .with_variables(variables(&[("WEIR_SERVER_LISTEN", "x"), ("WEIR_GATE__SHUT", "x")]))
        .with_flag("--colour", "gate.colour", "x")
        .load()
        .unwrap_err()
        .to_string();
    let path = file.path().display();
    for told in [
        format!("file {path}: unknown key server.litsen"),
        format!("file {path}: unknown key sevrer.listen; did you mean server.listen?"),
        "environment WEIR_SERVER_LISTEN: unknown key server_listen; did you mean server.listen?".to_owned(),
        "environment WEIR_GATE__SHUT: unknown key gate.shut".to_owned(),
        "flag --colour: unknown key gate.colour".to_owned(),
    ] {
        assert!(error.lines().any(|line| line == told), "{told:?} in\n{error}");
    }
}

#[test]
fn variables_that_are_not_settings_are_left_alone() {
    let names = [
        "WEIR_CONFIG",
        "WEIR_TEST_POSTGRES",
        "WEIR_PORT",
        "WEIR_SERVICE_HOST",
        "WEIR_SERVICE_PORT_GRPC",
        "WEIR_PORT_7460_TCP_ADDR",
        "WEIR_ORDER_GATE_PORT_7460_TCP",
        "HOME",
    ];
    let pairs: Vec<(&str, &str)> = names.into_iter().map(|name| (name, "x")).collect();
    assert!(Layers::new(&[DEFAULT]).with_variables(variables(&pairs)).load().is_ok());
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    Safe,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Gate {
    mode: Mode,
    is_open: bool,
    names: Vec<String>,
    inner: Inner,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    depth: u8,
}

#[test]
fn a_section_is_read_into_its_type_from_every_layer() {
    let file = file("[gate.inner]\ndepth = 7\n");
    let effective = Layers::new(&[DEFAULT])
        .with_file(file.path())
        .with_variables(variables(&[("WEIR_GATE__NAMES", "b, c"), ("WEIR_GATE__IS_OPEN", "true")]))
        .with_flag("--mode", "gate.mode", "safe")
        .load()
        .unwrap();
    let gate: Gate = effective.section("gate").unwrap();
    let names = vec!["b".to_owned(), "c".to_owned()];
    assert_eq!(gate, Gate { mode: Mode::Safe, is_open: true, names, inner: Inner { depth: 7 } });
}

#[test]
fn a_value_of_another_type_is_named_with_its_origin() {
    let file = file("[server]\nstreams_max = \"many\"\n");
    let error = Layers::new(&[DEFAULT])
        .with_file(file.path())
        .with_variables(variables(&[("WEIR_GATE__IS_OPEN", "perhaps")]))
        .load()
        .unwrap_err()
        .to_string();
    assert!(error.contains("server.streams_max: must be of type integer, not string"), "{error}");
    assert!(error.contains("environment WEIR_GATE__IS_OPEN: gate.is_open: must be of type boolean"), "{error}");
}

#[test]
fn a_value_out_of_range_is_named_with_its_origin() {
    let effective = Layers::new(&[DEFAULT])
        .with_flag("--depth", "gate.inner.depth", "256")
        .with_variables(variables(&[("WEIR_GATE__NAMES", "z")]))
        .load()
        .unwrap();
    let error = effective.section::<Gate>("gate").unwrap_err().to_string();
    assert!(error.starts_with("flag --depth: gate.inner.depth: "), "{error}");
    let effective = Layers::new(&[DEFAULT]).with_flag("--mode", "gate.mode", "slow").load().unwrap();
    let error = effective.section::<Gate>("gate").unwrap_err().to_string();
    assert!(error.starts_with("flag --mode: gate.mode: ") && error.contains("slow"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Layers::new(&[DEFAULT]).with_file(Path::new("/nowhere/weir.toml")).load().unwrap_err().to_string();
    assert!(error.contains("/nowhere/weir.toml"), "{error}");
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line_and_not_its_content() {
    let file = file("[store]\nadmin_password = hunter2\n");
    let error = Layers::new(&[DEFAULT]).with_file(file.path()).load().unwrap_err().to_string();
    assert!(error.starts_with(&format!("file {}: line 2: ", file.path().display())), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn secrets_are_not_shown() {
    let effective = Layers::new(&[DEFAULT])
        .with_secrets(&["gate.mode"])
        .with_flag("--mode", "gate.mode", "hunter1")
        .with_flag("--password", "store.admin_password", "hunter2")
        .with_flag("--url", "store.url", "postgres://weir:hunter3@db:5432/weir")
        .load()
        .unwrap();
    let error = effective.section::<Gate>("gate").unwrap_err().to_string();
    for shown in [format!("{effective:?}"), format!("{:?}", effective.lines()), error] {
        assert!(!shown.contains("hunter"), "{shown}");
    }
    assert_eq!(line(&effective, "store.url").0, "\"postgres://weir:[redacted]@db:5432/weir\"");
    assert_eq!(line(&effective, "store.admin_password").0, "[redacted]");
}

#[test]
fn a_secret_that_was_not_given_shows_as_empty() {
    let effective = Layers::new(&[DEFAULT]).load().unwrap();
    assert_eq!(line(&effective, "store.admin_password").0, "\"\"");
}

#[test]
fn a_key_with_two_defaults_is_refused() {
    let error = Layers::new(&["[a]\nb = 1", "[a]\nb = 2"]).load().unwrap_err().to_string();
    assert!(error.contains("a.b is there twice"), "{error}");
}

#[test]
fn the_embedded_defaults_are_those_of_the_types() {
    let effective = Layers::new(&[DEFAULTS]).load().unwrap();
    assert_eq!(effective.section::<ServerConfig>("server").unwrap(), ServerConfig::default());
    assert_eq!(effective.section::<EdgeConfig>("edge").unwrap(), EdgeConfig::default());
    assert_eq!(effective.section::<PrincipalConfig>("principal").unwrap(), PrincipalConfig::default());
    assert_eq!(effective.section::<ShutdownConfig>("shutdown").unwrap(), ShutdownConfig::default());
    assert_eq!(effective.section::<TelemetryConfig>("telemetry").unwrap(), TelemetryConfig::default());
}

#[test]
fn the_embedded_defaults_name_every_field_of_the_types() {
    let known: Vec<String> =
        Layers::new(&[DEFAULTS]).load().unwrap().lines().into_iter().map(|line| line.key).collect();
    let mut fields = Vec::new();
    for (section, value) in [
        ("server", Value::try_from(ServerConfig::default())),
        ("edge", Value::try_from(EdgeConfig::default())),
        ("principal", Value::try_from(PrincipalConfig::default())),
        ("shutdown", Value::try_from(ShutdownConfig::default())),
        ("telemetry", Value::try_from(TelemetryConfig::default())),
    ] {
        let Ok(Value::Table(table)) = value else { panic!("{section} is no table") };
        fields.extend(table.keys().map(|field| format!("{section}.{field}")));
    }
    fields.sort();
    assert_eq!(known, fields);
}
