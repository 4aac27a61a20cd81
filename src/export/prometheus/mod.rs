//! Prometheus exposition: the pull side of export.
//!
//! From a [`Collection`](crate::engine::collection::Collection) to a page: `names` and `labels`
//! translate, `families` groups, `encode` (with `written`) and `protobuf` write, `chunks` carries. From
//! a request to an answer: `listen`, `serve`, `negotiate`, `respond`. Follows the OpenTelemetry
//! specification's "Prometheus and OpenMetrics Compatibility" and "Metrics Exporter - Prometheus".

mod activity;
mod body;
mod buckets;
mod chunks;
mod crowd;
mod distinct;
mod encode;
#[cfg(test)]
mod exemplar_tests;
mod exemplars;
mod families;
mod hosted;
mod labels;
mod listen;
mod names;
mod negotiate;
mod notices;
mod number;
mod outage;
mod page;
mod protobuf;
mod quoting;
mod respond;
mod series;
mod serve;
mod turns;
mod units;
mod unread;
mod written;

pub use body::{Body, Truncated};
pub use hosted::HostedAnswer;
pub use listen::{IsExporters, ScrapePort};
pub use respond::Exposition;
pub use serve::{serve, Limits, Server};

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod foreign_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod serve_tests;
#[cfg(test)]
mod tests;
