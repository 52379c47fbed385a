//! The values that hold, each with where it came from; what `weir config` shows.

use std::{collections::BTreeMap, fmt};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{ConfigError, Origin};

/// What is shown instead of a secret.
const REDACTED: &str = "[redacted]";

/// A key whose name ends so is a secret, even if nobody said so.
const SECRET_ENDINGS: [&str; 3] = ["password", "secret", "token"];

/// A value with its history.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) default: Value,
    value: Value,
    origin: Origin,
    pub(super) is_secret: bool,
}

impl Entry {
    pub(super) fn new(key: &str, default: Value) -> Self {
        let is_secret = SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending));
        Entry { value: default.clone(), default, origin: Origin::Default, is_secret }
    }

    pub(super) fn set(&mut self, value: Value, origin: Origin) {
        (self.value, self.origin) = (value, origin);
    }

    /// The value as it may be shown: nothing of a secret, nothing of a password within an address.
    fn shown(&self) -> String {
        match &self.value {
            Value::String(text) if text.is_empty() => "\"\"".to_owned(),
            _ if self.is_secret => REDACTED.to_owned(),
            Value::String(text) => format!("{:?}", without_password(text)),
            other => other.to_string(),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.shown(), self.origin)
    }
}

/// One value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The dotted key.
    pub key: String,
    /// The value in TOML, secrets redacted.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The configuration that holds.
#[derive(Debug, Clone)]
pub struct Effective {
    entries: BTreeMap<String, Entry>,
}

impl Effective {
    pub(super) fn new(entries: BTreeMap<String, Entry>) -> Self {
        Effective { entries }
    }

    /// Reads a section, such as `server`, into its type.
    ///
    /// # Errors
    /// Where a value does not fit the type; the error names the key and where the value came from.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let read = |chosen: &dyn Fn(&str) -> bool| Value::Table(self.table(name, chosen)).try_into::<T>();
        let error = match read(&|_| true) {
            Ok(section) => return Ok(section),
            Err(error) => error,
        };
        for (key, entry) in self.within(name).filter(|(_, entry)| entry.origin != Origin::Default) {
            if let Err(error) = read(&|chosen| chosen == key) {
                let problem = if entry.is_secret { "the value does not fit".to_owned() } else { one_line(&error) };
                return Err(ConfigError::one(format!("{}: {key}: {problem}", entry.origin)));
            }
        }
        Err(ConfigError::one(format!("section {name}: {}", one_line(&error))))
    }

    /// Every value by key, as it may be shown.
    pub fn lines(&self) -> Vec<Line> {
        let line = |(key, entry): (&String, &Entry)| Line {
            key: key.clone(),
            value: entry.shown(),
            origin: entry.origin.clone(),
        };
        self.entries.iter().map(line).collect()
    }

    fn within<'a>(&'a self, section: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let inside = move |key: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry)).filter(move |(key, _)| inside(key))
    }

    /// A section as a table; keys that are not chosen keep their default.
    fn table(&self, section: &str, is_chosen: &dyn Fn(&str) -> bool) -> Table {
        let mut table = Table::new();
        for (key, entry) in self.within(section) {
            let value = if is_chosen(key) { &entry.value } else { &entry.default };
            let path = key.get(section.len() + 1..).unwrap_or_default();
            insert(&mut table, path, value.clone());
        }
        table
    }
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = table.entry(name.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', " ")
}

/// An address such as `postgres://user:password@host/name` without its password.
fn without_password(text: &str) -> String {
    let hide = || {
        let (scheme, rest) = text.split_once("://")?;
        let (user, host) = rest.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:{REDACTED}@{host}"))
    };
    hide().unwrap_or_else(|| text.to_owned())
}
