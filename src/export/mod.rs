//! Export: OTLP, Prometheus exposition and the console, on a small runtime of their own, so that a
//! slow collector never delays a scrape or the next collection.

pub mod prometheus;
