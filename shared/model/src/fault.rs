//! The one error that leaves a context, and the collector of everything wrong with a request.

use std::{borrow::Cow, fmt, time::Duration};

use crate::Reason;

/// What went wrong, in the few kinds a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request can never succeed as it is.
    InvalidArgument,
    /// What the request names does not exist.
    NotFound,
    /// It exists already, with other content.
    AlreadyExists,
    /// A rule forbids it in the present state.
    FailedPrecondition,
    /// Somebody else was faster: read again, then try again.
    Aborted,
    /// Too much at once: try again later.
    ResourceExhausted,
    /// Not now: the same call may be repeated blindly.
    Unavailable,
    /// Our defect; says nothing of its cause to the caller.
    Internal,
    /// The caller is unknown.
    Unauthenticated,
    /// The caller may not.
    PermissionDenied,
    /// The time allowed ran out.
    DeadlineExceeded,
}

/// One bad field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field in the request, such as `invoice.lines[2].amount`.
    pub path: String,
    /// What is wrong with it, for a person.
    pub description: String,
}

/// An error as its caller will see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind, which decides the gRPC code.
    pub kind: Kind,
    /// The published reason, for programs.
    pub reason: Reason,
    /// One sentence, for people.
    pub message: Cow<'static, str>,
    /// Every bad field; empty unless the kind is `InvalidArgument`.
    pub fields: Vec<FieldViolation>,
    /// Facts behind the reason, for programs.
    pub metadata: Vec<(&'static str, String)>,
    /// When to try again, where that may help.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault of a kind and reason, told in one sentence.
    pub fn new(kind: Kind, reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Fault { kind, reason, message: message.into(), fields: Vec::new(), metadata: Vec::new(), retry_after: None }
    }

    /// What the request names does not exist.
    pub fn not_found(what: &str, id: impl fmt::Display) -> Self {
        Self::new(Kind::NotFound, Reason::NotFound, format!("{what} {id} does not exist"))
    }

    /// A rule forbids it in the present state.
    pub fn precondition(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::FailedPrecondition, reason, message)
    }

    /// Our defect: the cause goes to the log, not to the caller.
    pub fn internal() -> Self {
        Self::new(Kind::Internal, Reason::Internal, "internal error")
    }

    /// One bad field.
    pub fn invalid(path: impl Into<String>, description: impl Into<String>) -> Self {
        let mut fields = Fields::default();
        fields.add(path, description);
        fields.into_fault()
    }

    /// The same fault with a fact behind it.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.metadata.push((key, value.to_string()));
        self
    }

    /// The same fault with a time after which to try again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)?;
        for field in &self.fields {
            write!(f, "; {}: {}", field.path, field.description)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// Collects everything wrong with a request, so that its caller mends it in one go.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldViolation>);

impl Fields {
    /// Notes a bad field.
    pub fn add(&mut self, path: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation { path: path.into(), description: description.into() });
    }

    /// The value, or none and a note of what is wrong with the field.
    pub fn check<T, E: fmt::Display>(&mut self, path: impl Into<String>, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(path, error.to_string());
                None
            }
        }
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An `InvalidArgument` naming every bad field, unless there is none.
    pub fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_fault()) }
    }

    /// `InvalidArgument` unless a value was read and nothing is wrong.
    ///
    /// For the last step of reading a request: the value is none exactly when a field was noted.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Fault> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.into_fault()),
        }
    }

    fn into_fault(self) -> Fault {
        let names: Vec<&str> = self.0.iter().map(|field| field.path.as_str()).collect();
        let message = format!("invalid: {}", names.join(", "));
        Fault { fields: self.0, ..Fault::new(Kind::InvalidArgument, Reason::InvalidArgument, message) }
    }
}
