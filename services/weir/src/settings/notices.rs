//! How notices leave, as settings.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use weir_collections::{Internal, Language, SmtpSecurity, SmtpSettings, Transport};

/// Section `[notices]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// The way they leave.
    pub channel: Channel,
    /// Where channel `folder` writes.
    pub folder: PathBuf,
    /// The address they come from.
    pub sender: String,
    /// Domain of Message-IDs.
    pub message_domain: String,
    /// The mail server.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// How the line to it is protected.
    pub smtp_security: SmtpSecurity,
    /// User to log in as; empty for none.
    pub smtp_user: String,
    /// The user's password.
    pub smtp_password: SecretString,
    /// Addresses told of held orders.
    pub finance_manager: Vec<String>,
    /// Addresses told of held orders.
    pub sales_head: Vec<String>,
    /// Language to write to those two in.
    pub language: Language,
}

/// The ways notices can leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To standard output.
    Console,
    /// Into a folder, a file a notice.
    Folder,
    /// By mail.
    Smtp,
}

impl Notices {
    /// The same, as collections takes it.
    pub(crate) fn for_collections(&self) -> weir_collections::Settings {
        let transport = match self.channel {
            Channel::Console => Transport::Console,
            Channel::Folder => Transport::Folder { folder: self.folder.clone() },
            Channel::Smtp => Transport::Smtp(SmtpSettings {
                host: self.smtp_host.clone(),
                port: self.smtp_port,
                security: self.smtp_security,
                user: given(&self.smtp_user).map(str::to_owned),
                password: given(self.smtp_password.expose_secret()).map(|password| password.to_owned().into()),
            }),
        };
        let internal = Internal {
            finance_manager: self.finance_manager.clone(),
            sales_head: self.sales_head.clone(),
            language: self.language,
        };
        weir_collections::Settings {
            transport,
            sender: self.sender.clone(),
            message_domain: self.message_domain.clone(),
            internal,
            first_strategy: None,
        }
    }
}

/// The text, unless it is empty, which means not set.
fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
