//! What a collector answers: the few messages of it that we read, and how long it asks to wait.

use std::io::Read;
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use prost::Message;

use crate::export::push::Outcome;

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
    /// A string, but one that was cut within a character must not hide the number before it.
    #[prost(bytes = "vec", tag = "2")]
    pub error_message: Vec<u8>,
}

/// `google.rpc.Status`, in `grpc-status-details-bin` and as the body of HTTP errors.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// As [`PartialSuccess::error_message`].
    #[prost(bytes = "vec", tag = "2")]
    pub message: Vec<u8>,
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

/// What has come of a response's body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AnswerBody {
    pub bytes: Vec<u8>,
    /// There was more than the limit.
    pub too_long: bool,
    limit: usize,
}

impl AnswerBody {
    /// `limit` is what is read of a response, compressed and not. One that is longer is an error for
    /// good (OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP Response").
    pub fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            too_long: false,
            limit,
        }
    }

    /// Takes what fits.
    pub fn append(&mut self, chunk: &[u8]) {
        let room = self.limit - self.bytes.len();
        self.too_long |= chunk.len() > room;
        self.bytes
            .extend_from_slice(&chunk[..chunk.len().min(room)]);
    }

    /// Decompresses gzip, which we do not ask for but some proxies send. What is no gzip stays as
    /// it is, and cannot be read.
    pub fn gunzip(self) -> Self {
        let mut bytes = Vec::new();
        let limit = self.limit;
        let read = MultiGzDecoder::new(self.bytes.as_slice())
            .take(limit as u64 + 1)
            .read_to_end(&mut bytes);
        if read.is_err() && bytes.is_empty() {
            return self;
        }
        let too_long = self.too_long || bytes.len() > limit;
        bytes.truncate(limit);
        Self {
            bytes,
            too_long,
            limit,
        }
    }
}

/// How a message says that an answer is longer than the limit.
pub(super) fn more_than(limit: usize) -> String {
    format!(
        "more than {}, the most that is read of an answer",
        size(limit)
    )
}

/// Bytes as people write them.
pub(super) fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    match bytes {
        mib if mib % (KIB * KIB) == 0 => format!("{} MiB", mib / (KIB * KIB)),
        kib if kib % KIB == 0 => format!("{} KiB", kib / KIB),
        other => format!("{other} bytes"),
    }
}

/// The outcome of a request that the collector accepted. What cannot be read is taken for a full
/// success: many back ends answer `200` with a body of their own.
pub(super) fn accepted(body: &[u8]) -> Outcome {
    ExportResponse::decode(body)
        .ok()
        .and_then(|response| response.partial_success)
        .map_or(Outcome::Ok, |partial| {
            let message = String::from_utf8_lossy(&partial.error_message);
            partial_success(partial.rejected_data_points, &message)
        })
}

/// [`accepted`] for OTLP/JSON.
pub(super) fn accepted_json(body: &[u8]) -> Outcome {
    let Ok(response) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Outcome::Ok;
    };
    let partial = member(&response, "partialSuccess", "partial_success");
    let rejected = match member(partial, "rejectedDataPoints", "rejected_data_points") {
        serde_json::Value::String(digits) => digits.parse().unwrap_or(0.0),
        other => other.as_f64().unwrap_or(0.0),
    };
    let message = member(partial, "errorMessage", "error_message");
    partial_success(rejected as i64, message.as_str().unwrap_or(""))
}

/// proto3's JSON mapping lets a sender use the field's own name too.
fn member<'a>(object: &'a serde_json::Value, name: &str, field: &str) -> &'a serde_json::Value {
    match &object[name] {
        serde_json::Value::Null => &object[field],
        value => value,
    }
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
        return RpcStatus::decode(body).map_or_else(
            |_| String::new(),
            |status| excerpt(&String::from_utf8_lossy(&status.message)),
        );
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

/// `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3). The date is the sender's, so it is
/// counted from the sender's `Date` where there is one: clocks differ.
pub(super) fn retry_after(value: &str, date: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    // More seconds than any number holds are still a number of seconds.
    let seconds = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let pause = if seconds {
        value.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        let now = httpdate::parse_http_date(date.trim()).unwrap_or(now);
        httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates_and_bounds_both() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let retry_after = |value, now| super::retry_after(value, "", now);
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
        let beyond_numbers = "9".repeat(400);
        assert_eq!(retry_after(&beyond_numbers, now), Some(LONGEST_PAUSE));
        for nonsense in ["", "soon", "-1", "1.5", "NaN", "inf", "1e3", "+7"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn a_date_to_come_back_at_is_counted_by_the_clock_that_it_comes_from() {
        let at = "Sun, 06 Nov 1994 08:50:07 GMT";
        let their_now = "Sun, 06 Nov 1994 08:49:37 GMT";
        let day = Duration::from_secs(24 * 3600);
        let now = httpdate::parse_http_date(their_now).unwrap();
        for ours in [now - day, now, now + day] {
            assert_eq!(
                retry_after(at, their_now, ours),
                Some(Duration::from_secs(30))
            );
        }
        let by_ours = retry_after(at, "today", now);
        assert_eq!(by_ours, Some(Duration::from_secs(30)));
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
            message: Vec::new(),
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
                error_message: b"too old".to_vec(),
            }),
        };
        assert_eq!(accepted(&response.encode_to_vec()), expected);
        for rejected in ["\"3\"", "3", "3.0", "3e0"] {
            let json = format!(
                "{{\"partialSuccess\":{{\"rejectedDataPoints\":{rejected},\"errorMessage\":\"too old\"}}}}"
            );
            assert_eq!(accepted_json(json.as_bytes()), expected);
        }
        let fields =
            r#"{"partial_success":{"rejected_data_points":"3","error_message":"too old"}}"#;
        assert_eq!(accepted_json(fields.as_bytes()), expected);
        for nothing in [&b""[..], b"{}", b"OK", b"{\"partialSuccess\":{}}"] {
            assert_eq!(accepted_json(nothing), Outcome::Ok);
        }
        assert_eq!(accepted(b""), Outcome::Ok);
        assert_eq!(accepted(b"\x0a\x00"), Outcome::Ok);
    }

    #[test]
    fn a_message_that_was_cut_within_a_character_hides_no_number() {
        let mut said = "zu spät".as_bytes().to_vec();
        said.truncate("zu sp".len() + 1);
        let response = ExportResponse {
            partial_success: Some(PartialSuccess {
                rejected_data_points: 3,
                error_message: said.clone(),
            }),
        };
        let message = "zu sp\u{fffd}".to_owned();
        let expected = Outcome::PartialSuccess {
            rejected: 3,
            message: message.clone(),
        };
        assert_eq!(accepted(&response.encode_to_vec()), expected);
        let status = RpcStatus {
            code: 3,
            message: said,
            details: Vec::new(),
        };
        let text = error_text("application/x-protobuf", &status.encode_to_vec());
        assert_eq!(text, message);
    }

    const LIMIT: usize = 1024 * 1024;

    #[test]
    fn a_size_is_written_in_the_largest_unit_that_it_is_whole_in() {
        let sizes = [4 * 1024 * 1024, 1536 * 1024, 2048, 1025];
        let written = ["4 MiB", "1536 KiB", "2 KiB", "1025 bytes"];
        assert_eq!(sizes.map(size), written);
    }

    #[test]
    fn a_body_is_kept_up_to_the_limit_whether_or_not_it_is_compressed() {
        let gzip = |bytes: usize| {
            let mut encoder = flate2::read::GzEncoder::new(
                std::io::repeat(0).take(bytes as u64),
                Default::default(),
            );
            let mut body = AnswerBody::new(LIMIT);
            encoder.read_to_end(&mut body.bytes).unwrap();
            body
        };
        for (bytes, too_long) in [
            (0, false),
            (LIMIT, false),
            (LIMIT + 1, true),
            (100 * LIMIT, true),
        ] {
            let mut plain = AnswerBody::new(LIMIT);
            for chunk in vec![0; bytes].chunks(1 << 20) {
                plain.append(chunk);
            }
            assert_eq!(plain.too_long, too_long, "{bytes}");
            assert_eq!(gzip(bytes).gunzip(), plain, "{bytes}");
        }
        let mut no_gzip = AnswerBody::new(LIMIT);
        no_gzip.append(b"OK");
        assert_eq!(no_gzip.gunzip().bytes, b"OK");
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
