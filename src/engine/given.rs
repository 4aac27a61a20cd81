//! Exemplars that reservoirs of the program's chose (Metrics SDK specification, "ExemplarReservoir"), on
//! their way from the environment that runs them.

use opentelemetry::KeyValue;
use serde::Deserialize;

use super::attributes::Flat;
use super::canonical::Canonical;
use super::clock::Timestamp;
use super::instrument::InstrumentId;
use super::points::{Exemplar, Number, Span};

/// Of one series.
pub struct Given {
    pub instrument: InstrumentId,
    /// What the environment knows the stream by.
    pub stream: u32,
    /// What the stream keeps of them.
    pub attributes: Canonical,
    pub exemplars: Vec<Exemplar>,
}

/// `[[instrument, stream, [key, value, …], [exemplar, …]], …]`, each exemplar as [`Written`] has it. The
/// environment need not wait until they are read.
#[derive(Debug, Default)]
pub struct Givens(String);

#[derive(Deserialize)]
struct OfSeries(InstrumentId, u32, Flat, Vec<Written>);

/// `[value, seconds, nanoseconds, trace id, span id, [key, value, …]]`
#[derive(Deserialize)]
struct Written(f64, u64, u64, String, String, Flat);

impl Givens {
    pub fn from_json(json: String) -> Self {
        Self(json)
    }

    /// About how many bytes they take.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }

    /// None is later than `now`.
    ///
    /// # Errors
    /// They are not what an environment writes.
    pub(super) fn read(&self, now: Timestamp) -> serde_json::Result<Vec<Given>> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let all: Vec<OfSeries> = serde_json::from_str(&self.0)?;
        let given = all
            .into_iter()
            .map(|OfSeries(instrument, stream, set, written)| Given {
                instrument,
                stream,
                exemplars: written.into_iter().map(|one| one.read(now)).collect(),
                attributes: set.0,
            });
        Ok(given.collect())
    }
}

impl Written {
    fn read(self, now: Timestamp) -> Exemplar {
        let Self(value, seconds, nanos, trace_id, span_id, Flat(attributes)) = self;
        let time = seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        let attributes = attributes.iter().map(|kv| KeyValue::clone(kv));
        Exemplar {
            value: Number::Double(value),
            time: Timestamp::from_nanos(time).min(now),
            span: Span::parse(&trace_id, &span_id),
            attributes: attributes.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reservoirs_chose_is_read_with_its_series() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let json = format!(
            r#"[[3,77,["a","b"],[[1.5,2,5,"{trace}","{span}",["user",7]],[2,9,0,"no","ids",[]]]],
                [4,78,[],[]]]"#
        );
        let now = Timestamp::from_nanos(4_000_000_000);
        let given = Givens::from_json(json).read(now).unwrap();
        assert_eq!(given.len(), 2);
        assert_eq!((given[0].instrument, given[0].stream), (3, 77));
        assert_eq!(
            given[0].attributes,
            Canonical::from_iter([KeyValue::new("a", "b")])
        );
        let [first, second] = &given[0].exemplars[..] else {
            panic!("{} exemplars", given[0].exemplars.len());
        };
        assert_eq!(first.value, Number::Double(1.5));
        assert_eq!(first.time.as_nanos(), 2_000_000_005);
        assert_eq!(first.span.unwrap().trace_id.to_string(), trace);
        assert_eq!(*first.attributes, [KeyValue::new("user", 7)]);
        assert_eq!((second.time, second.span), (now, None));
        assert!(given[1].exemplars.is_empty());
    }
}
