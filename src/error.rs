//! The one error of this crate: a stable code and a sentence that names the value and what is allowed.

use std::fmt;

/// What went wrong, as the `code` property of the JavaScript error says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A metric name breaks a naming rule. The caller can fix the name.
    InvalidName,
    /// A configuration key or value is not allowed. The operator can fix the configuration.
    InvalidConfig,
    /// `configure` was called a second time with other options.
    AlreadyConfigured,
    /// An instrument was asked for with an impossible kind or advice.
    InvalidInstrument,
    /// An exporter could not deliver. The message says which one and why.
    Export,
    /// The engine has been shut down.
    ShutDown,
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Code::InvalidName => "ERR_METRICS_INVALID_NAME",
            Code::InvalidConfig => "ERR_METRICS_INVALID_CONFIG",
            Code::AlreadyConfigured => "ERR_METRICS_ALREADY_CONFIGURED",
            Code::InvalidInstrument => "ERR_METRICS_INVALID_INSTRUMENT",
            Code::Export => "ERR_METRICS_EXPORT",
            Code::ShutDown => "ERR_METRICS_SHUT_DOWN",
        }
    }
}

/// An error with a [`Code`] that programs can test and a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: String,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
