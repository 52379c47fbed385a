//! What an operator decides for this context: how notices leave, from whom, and who is told of held orders.

use std::{fmt, path::PathBuf};

use serde::Deserialize;

use crate::notice::Language;

/// What an operator decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How notices leave.
    pub transport: Transport,
    /// Sender of every notice, such as `Receivables <receivables@example.com>`.
    pub sender: String,
    /// Domain of Message-IDs.
    pub message_domain: String,
    /// Who is told of held orders.
    pub internal: Internal,
    /// The ladder to begin with, as TOML; the embedded one unless given. Used once, when there is none yet.
    pub first_strategy: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            transport: Transport::Console,
            sender: "Receivables <receivables@weir.example>".to_owned(),
            message_domain: "weir.example".to_owned(),
            internal: Internal::default(),
            first_strategy: None,
        }
    }
}

/// Who is told of held orders.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Internal {
    /// Addresses of the finance manager.
    pub finance_manager: Vec<String>,
    /// Addresses of the head of sales.
    pub sales_head: Vec<String>,
    /// Language to write to them in.
    pub language: Language,
}

impl Default for Internal {
    fn default() -> Self {
        Internal {
            finance_manager: vec!["finance.manager@weir.example".to_owned()],
            sales_head: vec!["sales.head@weir.example".to_owned()],
            language: Language::En,
        }
    }
}

/// How notices leave.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Transport {
    /// Written to standard output.
    Console,
    /// Written into a folder, a file a notice.
    Folder {
        /// The folder; made if absent.
        folder: PathBuf,
    },
    /// Sent by mail.
    Smtp(SmtpSettings),
}

/// A mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the line is protected.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// User to log in as.
    #[serde(default)]
    pub user: Option<String>,
    /// Password of the user.
    #[serde(default)]
    pub password: Option<Password>,
}

/// How the line to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// TLS after a greeting in the clear; refused if the server does not offer it.
    StartTls,
    /// Not at all: for a server on the same machine.
    None,
}

/// A password that does not show in logs.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Password(text)
    }
}

impl Password {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}
