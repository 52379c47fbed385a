//! The configuration of the process, layered: flags over environment over file over embedded defaults.
//!
//! The defaults name every key there is, with its type; a key they do not name is refused, whoever names it. Each value
//! remembers where it came from. The only place where the environment is read.

mod effective;
mod environment;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use self::effective::Entry;
pub use self::effective::{Effective, Line};

/// Defaults of the sections that every process has: `server`, `edge`, `principal`, `shutdown`, `telemetry`.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The embedded defaults.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// Everything wrong with the configuration, one problem a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    fn one(problem: String) -> Self {
        ConfigError(vec![problem])
    }
}

/// A configuration being put together. Layers may be added in any order; the rank of an origin decides.
#[derive(Debug, Default)]
pub struct Layers {
    entries: BTreeMap<String, Entry>,
    file: Option<(Origin, Vec<(String, Value)>)>,
    environment: Vec<(Origin, String, String)>,
    flags: Vec<(Origin, String, String)>,
    problems: Vec<String>,
}

impl Layers {
    /// Begins with the embedded defaults: TOML texts that together name every key.
    pub fn new(defaults: &[&str]) -> Self {
        let mut layers = Layers::default();
        for text in defaults {
            match read_toml(text) {
                Ok(leaves) => leaves.into_iter().for_each(|(key, value)| layers.add_default(&key, value)),
                Err(problem) => layers.problems.push(format!("embedded defaults: {problem}")),
            }
        }
        layers
    }

    /// Adds the configuration file.
    #[must_use]
    pub fn with_file(mut self, path: &Path) -> Self {
        let origin = Origin::File(path.to_owned());
        let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
        match read.and_then(|text| read_toml(&text)) {
            Ok(leaves) => self.file = Some((origin, leaves)),
            Err(problem) => self.problems.push(format!("{origin}: {problem}")),
        }
        self
    }

    /// Adds the environment: `WEIR_SERVER__LISTEN` sets `server.listen`.
    #[must_use]
    pub fn with_environment(self) -> Self {
        self.with_variables(environment::variables())
    }

    /// Adds environment variables given by name and value.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in variables {
            if let Some(key) = environment::key(&name) {
                self.environment.push((Origin::Environment(name), key, value));
            }
        }
        self
    }

    /// Adds a flag of the command line, such as `--listen` for `server.listen`.
    #[must_use]
    pub fn with_flag(mut self, flag: &'static str, key: &str, value: impl Into<String>) -> Self {
        self.flags.push((Origin::Flag(flag), key.to_owned(), value.into()));
        self
    }

    /// Marks keys whose values are never shown.
    #[must_use]
    pub fn with_secrets(mut self, keys: &[&str]) -> Self {
        for key in keys {
            match self.entries.get_mut(*key) {
                Some(entry) => entry.is_secret = true,
                None => self.problems.push(format!("embedded defaults: the secret {key} has no default")),
            }
        }
        self
    }

    /// The value of every key, or everything that is wrong.
    ///
    /// # Errors
    /// Where a layer cannot be read, names a key that does not exist, or gives a value of another type.
    pub fn load(mut self) -> Result<Effective, ConfigError> {
        if let Some((origin, leaves)) = self.file.take() {
            for (key, value) in leaves {
                self.set(&origin, &key, |default| of_type(value, default));
            }
        }
        let texts = std::mem::take(&mut self.environment).into_iter().chain(std::mem::take(&mut self.flags));
        for (origin, key, text) in texts {
            self.set(&origin, &key, |default| read_text(&text, default));
        }
        if self.problems.is_empty() { Ok(Effective::new(self.entries)) } else { Err(ConfigError(self.problems)) }
    }

    fn add_default(&mut self, key: &str, value: Value) {
        let entry = Entry::new(key, value);
        if self.entries.insert(key.to_owned(), entry).is_some() {
            self.problems.push(format!("embedded defaults: {key} is there twice"));
        }
    }

    fn set(&mut self, origin: &Origin, key: &str, read: impl FnOnce(&Value) -> Result<Value, String>) {
        let Some(entry) = self.entries.get_mut(key) else {
            let hint = self.similar(key).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
            self.problems.push(format!("{origin}: unknown key {key}{hint}"));
            return;
        };
        match read(&entry.default) {
            Ok(value) => entry.set(value, origin.clone()),
            Err(problem) => self.problems.push(format!("{origin}: {key}: {problem}")),
        }
    }

    /// A known key with the same letters at its end, or in another place.
    fn similar(&self, key: &str) -> Option<&String> {
        let last = key.rsplit('.').next().unwrap_or(key);
        let squeezed = |key: &str| key.replace(['.', '_'], "");
        self.entries.keys().find(|known| {
            squeezed(known) == squeezed(key) || known.rsplit('.').next().is_some_and(|known| known == last)
        })
    }
}

/// The leaves of a TOML text by dotted key.
fn read_toml(text: &str) -> Result<Vec<(String, Value)>, String> {
    let table: Table = toml::from_str(text).map_err(|error| place_of(&error, text))?;
    let mut leaves = Vec::new();
    flatten("", table, &mut leaves);
    Ok(leaves)
}

/// What is wrong in which line; not the line itself, which may hold a secret.
fn place_of(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message().trim().replace('\n', " "))
}

fn flatten(prefix: &str, table: Table, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(table) => flatten(&key, table, leaves),
            leaf => leaves.push((key, leaf)),
        }
    }
}

/// A value of the same type as the default.
fn of_type(value: Value, default: &Value) -> Result<Value, String> {
    if value.same_type(default) {
        return Ok(value);
    }
    Err(format!("must be of type {}, not {}", default.type_str(), value.type_str()))
}

/// A text read as a value of the default's type; lists are separated by commas.
fn read_text(text: &str, default: &Value) -> Result<Value, String> {
    let bad = || format!("must be of type {}", default.type_str());
    match default {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| bad()),
        Value::Boolean(_) => text.trim().parse().map(Value::Boolean).map_err(|_| bad()),
        Value::Float(_) => text.trim().parse().map(Value::Float).map_err(|_| bad()),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        Value::Datetime(_) | Value::Table(_) => Err(bad()),
    }
}
