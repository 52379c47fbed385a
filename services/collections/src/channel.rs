//! How a notice leaves: to the console, into a folder as `.eml` files, or by SMTP. Promises that a notice goes out
//! under the same Message-ID however often it has to be sent. Knows no case and no table.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart, SinglePart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::record::NoticeRecord;
use crate::settings::{SmtpSecurity, SmtpSettings, Transport};

/// How long a mail server may take for one notice.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a notice could not be handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// It can never be: an address or a header is no good.
    #[error("{0}")]
    Permanent(String),
    /// Not now.
    #[error("{0}")]
    Transient(String),
}

/// A way out.
#[derive(Debug, Clone)]
pub(crate) enum Channel {
    /// Written to standard output as text.
    Console,
    /// Written into a folder, a file a notice.
    Folder(PathBuf),
    /// Sent by mail.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

impl Channel {
    /// The way out that the settings name; connects to nothing yet.
    pub(crate) fn new(transport: &Transport) -> Result<Self, ChannelError> {
        match transport {
            Transport::Console => Ok(Channel::Console),
            Transport::Folder { folder } => Ok(Channel::Folder(folder.clone())),
            Transport::Smtp(settings) => Ok(Channel::Smtp(Box::new(smtp(settings)?))),
        }
    }

    /// Hands a notice over.
    pub(crate) async fn send(&self, notice: &NoticeRecord, sender: &str) -> Result<(), ChannelError> {
        let mail = mail(notice, sender)?;
        match self {
            Channel::Console => print(notice),
            Channel::Folder(folder) => file(folder, notice.notice_id.as_str(), &mail.formatted()).await,
            Channel::Smtp(transport) => match transport.send(mail).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(ChannelError::Permanent(error.to_string())),
                Err(error) => Err(transient(error)),
            },
        }
    }
}

fn smtp(settings: &SmtpSettings) -> Result<AsyncSmtpTransport<Tokio1Executor>, ChannelError> {
    let builder = match settings.security {
        SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host).map_err(permanent)?,
        SmtpSecurity::StartTls => {
            AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host).map_err(permanent)?
        }
        SmtpSecurity::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host),
    };
    let builder = builder.port(settings.port).timeout(Some(SMTP_TIMEOUT));
    let builder = match (&settings.user, &settings.password) {
        (Some(user), Some(password)) => {
            builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()))
        }
        _ => builder,
    };
    Ok(builder.build())
}

/// The notice as a mail of two parts, plain text and HTML.
fn mail(notice: &NoticeRecord, sender: &str) -> Result<Message, ChannelError> {
    let sender: Mailbox = sender.parse().map_err(|error| ChannelError::Permanent(format!("{sender}: {error}")))?;
    let mut builder = Message::builder()
        .from(sender)
        .subject(notice.content.subject.clone())
        .message_id(Some(format!("<{}>", notice.message_id)))
        .date(notice.created_at.into());
    for recipient in &notice.recipients {
        builder = builder.to(recipient.parse().map_err(|e| ChannelError::Permanent(format!("{recipient}: {e}")))?);
    }
    let html = SinglePart::builder().header(header::ContentType::TEXT_HTML).body(notice.content.html.clone());
    let text = SinglePart::builder().header(header::ContentType::TEXT_PLAIN).body(notice.content.text.clone());
    builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html)).map_err(permanent)
}

fn print(notice: &NoticeRecord) -> Result<(), ChannelError> {
    let to = notice.recipients.join(", ");
    let text = format!("To: {to}\nSubject: {}\n\n{}\n", notice.content.subject, notice.content.text);
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(transient)
}

/// Writes beside and renames, so that nobody reads half a mail.
async fn file(folder: &Path, name: &str, mail: &[u8]) -> Result<(), ChannelError> {
    tokio::fs::create_dir_all(folder).await.map_err(transient)?;
    let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let half = folder.join(format!(".{safe}.part"));
    tokio::fs::write(&half, mail).await.map_err(transient)?;
    tokio::fs::rename(&half, folder.join(format!("{safe}.eml"))).await.map_err(transient)
}

fn transient(error: impl std::fmt::Display) -> ChannelError {
    ChannelError::Transient(error.to_string())
}

fn permanent(error: impl std::fmt::Display) -> ChannelError {
    ChannelError::Permanent(error.to_string())
}

/// Whether a mail can be addressed to it.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}
