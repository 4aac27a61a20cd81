//! What a collector answers: the few messages of it that we read, and how long it asks to wait.

use std::time::{Duration, SystemTime};

use prost::Message;

use crate::export::push::Outcome;

/// What is read of a response. An answer to an export is a few dozen bytes; what is longer is not
/// from a collector, or not worth holding.
pub(super) const ANSWER_LIMIT: usize = 64 * 1024;

/// What of a collector's own words is repeated in a message.
const EXCERPT: usize = 300;

/// A collector that asks for a longer pause is taken to be mistaken.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// `opentelemetry.proto.collector.metrics.v1.ExportMetricsPartialSuccess`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub rejected_data_points: i64,
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// `google.rpc.Status`, in `grpc-status-details-bin` and as the body of HTTP errors.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProtoDuration {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl RpcStatus {
    /// The pause that a `RetryInfo` among the details asks for; `None` without one, which is not
    /// the same as a pause of zero.
    pub fn retry_delay(&self) -> Option<Duration> {
        let info = self
            .details
            .iter()
            .find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
        let delay = RetryInfo::decode(info.value.as_slice())
            .ok()?
            .retry_delay
            .unwrap_or_default();
        let seconds = Duration::from_secs(u64::try_from(delay.seconds).unwrap_or(0));
        let nanos = Duration::from_nanos(u64::try_from(delay.nanos).unwrap_or(0));
        Some(seconds.saturating_add(nanos).min(LONGEST_PAUSE))
    }
}

/// The outcome of a request that the collector accepted. What cannot be read is taken for a full
/// success: many back ends answer `200` with a body of their own.
pub(super) fn accepted(body: &[u8]) -> Outcome {
    ExportResponse::decode(body)
        .ok()
        .and_then(|response| response.partial_success)
        .map_or(Outcome::Ok, |partial| {
            partial_success(partial.rejected_data_points, &partial.error_message)
        })
}

/// [`accepted`] for OTLP/JSON.
pub(super) fn accepted_json(body: &[u8]) -> Outcome {
    let Ok(response) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Outcome::Ok;
    };
    let partial = &response["partialSuccess"];
    let rejected = match &partial["rejectedDataPoints"] {
        serde_json::Value::String(digits) => digits.parse().unwrap_or(0),
        other => other.as_i64().unwrap_or(0),
    };
    partial_success(rejected, partial["errorMessage"].as_str().unwrap_or(""))
}

fn partial_success(rejected: i64, message: &str) -> Outcome {
    let rejected = u64::try_from(rejected).unwrap_or(0);
    if rejected == 0 && message.is_empty() {
        return Outcome::Ok;
    }
    Outcome::PartialSuccess {
        rejected,
        message: excerpt(message),
    }
}

/// What an HTTP error's body says for people: the message of a `google.rpc.Status` in either
/// encoding, else the text itself; empty when it is neither.
pub(super) fn error_text(content_type: &str, body: &[u8]) -> String {
    if content_type.starts_with("application/x-protobuf") {
        return RpcStatus::decode(body).map_or_else(|_| String::new(), |s| excerpt(&s.message));
    }
    if content_type.starts_with("application/json") {
        if let Ok(status) = serde_json::from_slice::<serde_json::Value>(body) {
            if let Some(message) = status["message"].as_str() {
                return excerpt(message);
            }
        }
    }
    if content_type.starts_with("text/html") {
        return "an HTML page".to_owned();
    }
    std::str::from_utf8(body).map_or_else(|_| String::new(), excerpt)
}

/// One line of at most [`EXCERPT`] characters, without control characters.
pub(super) fn excerpt(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(EXCERPT) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

/// `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3), counted from `now`.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let pause = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates_and_bounds_both() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Sat, 06 Nov 1993 08:50:07 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(
            retry_after("18446744073709551615", now),
            Some(LONGEST_PAUSE)
        );
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }

    #[test]
    fn retry_info_is_found_among_other_details() {
        let info = RetryInfo {
            retry_delay: Some(ProtoDuration {
                seconds: 2,
                nanos: 500_000_000,
            }),
        };
        let mut status = RpcStatus {
            code: 8,
            message: String::new(),
            details: vec![Any {
                type_url: "type.googleapis.com/google.rpc.DebugInfo".into(),
                value: vec![1, 2, 3],
            }],
        };
        assert_eq!(status.retry_delay(), None);
        status.details.push(Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
            value: info.encode_to_vec(),
        });
        assert_eq!(status.retry_delay(), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn a_partial_success_is_read_from_both_encodings() {
        let expected = Outcome::PartialSuccess {
            rejected: 3,
            message: "too old".into(),
        };
        let response = ExportResponse {
            partial_success: Some(PartialSuccess {
                rejected_data_points: 3,
                error_message: "too old".into(),
            }),
        };
        assert_eq!(accepted(&response.encode_to_vec()), expected);
        for rejected in ["\"3\"", "3"] {
            let json = format!(
                "{{\"partialSuccess\":{{\"rejectedDataPoints\":{rejected},\"errorMessage\":\"too old\"}}}}"
            );
            assert_eq!(accepted_json(json.as_bytes()), expected);
        }
        for nothing in [&b""[..], b"{}", b"OK", b"{\"partialSuccess\":{}}"] {
            assert_eq!(accepted_json(nothing), Outcome::Ok);
        }
        assert_eq!(accepted(b""), Outcome::Ok);
        assert_eq!(accepted(b"\x0a\x00"), Outcome::Ok);
    }

    #[test]
    fn what_a_collector_says_becomes_one_short_line() {
        assert_eq!(
            error_text("text/plain", b" not\r\n\tallowed \x1b[31m"),
            "not allowed [31m"
        );
        assert_eq!(
            error_text("application/json", b"{\"code\":3,\"message\":\"bad unit\"}"),
            "bad unit"
        );
        assert_eq!(error_text("text/plain", &[0xff, 0xfe]), "");
        let long = "ä".repeat(1000);
        assert_eq!(
            error_text("text/plain", long.as_bytes()).chars().count(),
            EXCERPT + 1
        );
    }
}
