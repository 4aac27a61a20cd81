//! Exemplars on their way from an environment: numbers and text, because the event loop has better
//! things to do than to make anything of them.

use opentelemetry::{KeyValue, SpanId, TraceId};

use super::attributes::Flat;
use super::clock::Timestamp;
use super::plan::Storage;
use super::points::{Exemplar, Number, Span};

/// Characters of both ids of a span, in hexadecimal.
const IDS: usize = 2 * (16 + 8);

/// What an environment captured of the values in one of its storages.
pub struct Captured {
    pub storage: Storage,
    /// Slot, value and milliseconds since the epoch of each, in turn.
    pub numbers: Vec<f64>,
    /// Trace id and span id of each, 48 characters; anything but hexadecimal digits where there was no
    /// span.
    pub ids: String,
    /// `[[index, [key, value, …]], …]` as JSON, ascending: the attributes that no stream keeps.
    pub attributes: Option<String>,
}

impl Captured {
    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.as_ref().map_or(0, String::len);
        self.numbers.len() * size_of::<f64>() + self.ids.len() + attributes
    }

    /// Slot and exemplar of each; none is later than `now`.
    pub(super) fn exemplars<'c>(
        &'c self,
        now: Timestamp,
    ) -> impl Iterator<Item = (u32, Exemplar)> + 'c {
        let attributes = self.attributes.as_deref();
        let attributes: Vec<(usize, Flat)> = attributes
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        let mut attributes = attributes.into_iter().peekable();
        let numbers = self.numbers.as_chunks::<3>().0.iter();
        let ids = self.ids.as_bytes().chunks(IDS);
        let ids = ids.chain(std::iter::repeat(&[][..]));
        numbers
            .zip(ids)
            .enumerate()
            .map(move |(index, (&[slot, value, millis], ids))| {
                let dropped = attributes.next_if(|(at, _)| *at == index);
                let dropped: Box<[KeyValue]> = match dropped {
                    Some((_, Flat(dropped))) => dropped.iter().map(|kv| (**kv).clone()).collect(),
                    None => Box::default(),
                };
                let exemplar = Exemplar {
                    value: Number::Double(value),
                    time: Timestamp::from_nanos(millis as u64 * 1_000_000).min(now),
                    span: span(ids),
                    attributes: dropped,
                };
                (slot as u32, exemplar)
            })
    }
}

impl Span {
    /// From hexadecimal digits, 32 and 16, which are not all zero.
    pub fn parse(trace_id: &str, span_id: &str) -> Option<Self> {
        // The API's own reading takes any number of digits, and a sign.
        let is_id = |id: &str, digits: usize| {
            id.len() == digits && id.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        if !is_id(trace_id, 32) || !is_id(span_id, 16) {
            return None;
        }
        let trace_id = TraceId::from_hex(trace_id).ok()?;
        let span_id = SpanId::from_hex(span_id).ok()?;
        let valid = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        valid.then_some(Self { trace_id, span_id })
    }
}

/// From both ids, one behind the other.
fn span(ids: &[u8]) -> Option<Span> {
    let (trace_id, span_id) = str::from_utf8(ids).ok()?.split_at_checked(32)?;
    Span::parse(trace_id, span_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn what_was_captured_is_told_apart_again() {
        let captured = Captured {
            storage: Storage::Block,
            numbers: vec![3.0, 0.5, 1000.0, 4.0, 2.0, 9000.0, 5.0, 7.0, 2.0],
            ids: format!("{TRACE}b7ad6b7169203331{:48}{TRACE}b7ad6b7169203331", ""),
            attributes: Some(r#"[[1,["user","a"]]]"#.to_owned()),
        };
        let now = Timestamp::from_nanos(5_000_000_000);
        let read: Vec<_> = captured.exemplars(now).collect();
        assert_eq!(
            read.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(),
            [3, 4, 5]
        );
        let (_, first) = &read[0];
        let span = first.span.unwrap();
        assert_eq!(span.trace_id.to_string(), TRACE);
        assert_eq!(span.span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(
            (first.value, first.time.as_nanos()),
            (Number::Double(0.5), 1_000_000_000)
        );
        assert!(first.attributes.is_empty());
        let (_, second) = &read[1];
        assert_eq!((second.span, second.time), (None, now));
        assert_eq!(*second.attributes, [KeyValue::new("user", "a")]);
        assert!(read[2].1.attributes.is_empty());
    }

    #[test]
    fn what_is_not_hexadecimal_or_nothing_but_zeros_is_no_span() {
        let zeros = "0".repeat(48);
        let signed = format!("+{}", "1".repeat(47));
        for ids in ["", "00", &zeros, &signed, &"g".repeat(48), &"é".repeat(24)] {
            assert_eq!(span(ids.as_bytes()), None, "{ids}");
        }
    }
}
