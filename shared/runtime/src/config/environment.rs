//! The process's environment, as far as it is ours.
//!
//! `WEIR_A__B` sets the key `a.b`. Left alone: `WEIR_CONFIG` (the file, read with the flags), `WEIR_TEST_…` (for tests),
//! and what Kubernetes sets for a Service named `weir…`. Any other `WEIR_…` is taken for a key, and refused where there
//! is none: a typing mistake must not pass for a setting.

const PREFIX: &str = "WEIR_";

/// All variables that can be read as text.
pub(super) fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// The key a variable sets, if it is one of ours.
pub(super) fn key(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    if rest == "CONFIG" || rest.starts_with("TEST_") || is_service_link(rest) {
        return None;
    }
    Some(rest.replace("__", ".").to_ascii_lowercase())
}

/// `…_SERVICE_HOST`, `…_SERVICE_PORT…`, `…PORT` and `…PORT_80_TCP…` are Kubernetes' service links.
fn is_service_link(rest: &str) -> bool {
    if rest.contains("__") {
        return false;
    }
    let is_port = rest == "PORT" || rest.ends_with("_PORT");
    let is_detail = rest.contains("PORT_") && (rest.contains("_TCP") || rest.contains("_UDP"));
    is_port || is_detail || rest.contains("SERVICE_HOST") || rest.contains("SERVICE_PORT")
}
