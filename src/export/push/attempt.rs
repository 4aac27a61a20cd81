//! One attempt to send a batch: what became of it, and what self-metrics say about it.

use std::time::Duration;

use opentelemetry::{KeyValue, Value};

use crate::engine::Component;

/// The `error.type` of what has no name of its own (semantic conventions).
pub const OTHER: &str = "_OTHER";

/// What one attempt came to.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub outcome: Outcome,
    pub status: Status,
}

/// What became of the batch (OTLP specification, "OTLP Response").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// Taken, except for some points that sending again would not save. With `rejected` 0 the
    /// message is a warning.
    PartialSuccess {
        rejected: u64,
        message: String,
    },
    /// Not taken, but may be later; not before `after`, when the receiver said so. What it said
    /// does not shorten the pause that is made anyway.
    Retryable {
        after: Option<Duration>,
        reason: String,
    },
    /// Will never be taken.
    Permanent {
        reason: String,
    },
}

/// What the receiver's answer was marked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Http(u16),
    /// By its name: `UNAVAILABLE`.
    Grpc(&'static str),
    /// No status came. In a word, why: an `error.type` of low cardinality.
    Missing(&'static str),
}

impl Status {
    /// The attributes of an export that ended so (semantic conventions,
    /// `otel.sdk.exporter.operation.duration`).
    pub(super) fn attributes(self, component: &Component, outcome: &Outcome) -> Vec<KeyValue> {
        let mut attributes = component.attributes(self.error(outcome));
        match self {
            Status::Http(code) => {
                attributes.push(KeyValue::new("http.response.status_code", i64::from(code)));
            }
            Status::Grpc(code) => attributes.push(KeyValue::new("rpc.status_code", code)),
            Status::Missing(_) => {}
        }
        attributes
    }

    fn error(self, outcome: &Outcome) -> Option<Value> {
        match outcome {
            Outcome::Ok | Outcome::PartialSuccess { rejected: 0, .. } => None,
            Outcome::PartialSuccess { .. } => Some("rejected".into()),
            Outcome::Retryable { .. } | Outcome::Permanent { .. } => Some(match self {
                // A page in place of a collector's answer.
                Status::Http(200..300) => OTHER.into(),
                Status::Http(code) => code.to_string().into(),
                Status::Grpc(code) => code.into(),
                Status::Missing(why) => why.into(),
            }),
        }
    }
}
