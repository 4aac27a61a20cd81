//! The form in which the engine knows attribute sets.

use std::sync::Arc;

use opentelemetry::{KeyValue, Value};

/// Attributes in the engine's canonical form: sorted by key, no key twice.
pub type Canonical = Arc<[KeyValue]>;

/// The attributes of the series that takes what exceeds the cardinality limit.
pub fn overflow_attributes() -> Canonical {
    Arc::from([KeyValue::new("otel.metric.overflow", true)])
}

pub fn is_overflow(attributes: &Canonical) -> bool {
    matches!(&attributes[..], [only] if only.key.as_str() == "otel.metric.overflow"
        && only.value == Value::Bool(true))
}
