//! Where requests go, and how to speak of it: nothing that leaves through a message may hold a
//! secret, and everything in it should help to find the mistake.

use std::error::Error as StdError;
use std::io;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use http::header::{HeaderMap, HeaderName, HeaderValue, AUTHORIZATION};
use reqwest::Url;

use super::tls;
use crate::config::{OtlpConfig, OtlpProtocol, Secret, TlsConfig};
use crate::error::{Code, Error, Result};
use crate::export::push::OTHER;

/// The ports that OTLP has registered.
const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// A header value shorter than this is no secret worth the risk of blotting out half a message.
const SHORTEST_SECRET: usize = 4;

/// The endpoint and the headers of its requests, checked.
pub(super) struct Target {
    /// Without user information: that has become a header.
    pub url: Url,
    pub headers: HeaderMap,
    protocol: OtlpProtocol,
    tls: TlsConfig,
    secrets: Vec<String>,
}

impl Target {
    /// # Errors
    /// [`Code::InvalidConfig`] for what is no URL, header name or header value.
    pub fn new(config: &OtlpConfig) -> Result<Self> {
        // The parser's message may repeat what it was given, and that may hold a password.
        let mut url = Url::parse(&config.endpoint)
            .map_err(|error| invalid(format!("the OTLP endpoint is not a URL: {error}")))?;
        let mut target_headers = HeaderMap::new();
        let mut secrets = Vec::new();
        if let Some(credentials) = take_credentials(&mut url) {
            let encoded = STANDARD.encode(credentials.expose());
            let value = Secret::new(format!("Basic {encoded}"));
            secrets.extend(parts(&value));
            let mut header = HeaderValue::try_from(value.expose())
                .expect("Base64 is made of visible characters");
            header.set_sensitive(true);
            target_headers.insert(AUTHORIZATION, header);
        }
        for (name, value) in &config.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| invalid(format!("{name:?} is not a valid OTLP header name")))?;
            let mut header = HeaderValue::try_from(value.expose()).map_err(|_| {
                invalid(format!(
                    "the value of the OTLP header {:?} holds characters that a header may not",
                    name.as_str()
                ))
            })?;
            header.set_sensitive(true);
            secrets.extend(parts(value));
            target_headers.insert(name, header);
        }
        // Whole values before their parts, or the rest of a value would remain.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Ok(Self {
            url,
            headers: target_headers,
            protocol: config.protocol,
            tls: config.tls.clone(),
            secrets,
        })
    }

    /// The endpoint without user information, query and fragment.
    pub fn name(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let name = String::from(url);
        name.strip_suffix('/').map(str::to_owned).unwrap_or(name)
    }

    /// The host, as `server.address` has it: IPv6 without brackets.
    pub fn address(&self) -> &str {
        let host = self.url.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The text without anything that was given as a header value.
    pub fn redact(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "<secret>");
            }
        }
        text
    }

    /// Why a request did not come through, from what the transport says.
    pub fn transport_reason(&self, error: &(dyn StdError + 'static)) -> String {
        if let Some(reason) = tls::explain(error, &self.tls) {
            return self.redact(reason);
        }
        let cause = cause(error);
        let hint = if self.url.scheme() == "https" && cause.contains("InvalidContentType") {
            " (the endpoint does not seem to speak TLS: use http://)"
        } else if self.protocol != OtlpProtocol::Grpc
            && (cause.contains("unexpected message") || cause.contains("invalid HTTP version"))
        {
            // hyper's words for frames that come before a request was sent, and after it.
            " (the endpoint seems to speak HTTP/2 only, as OTLP over gRPC does: use protocol grpc, \
             or the collector's HTTP port, usually 4318)"
        } else {
            self.port_hint()
        };
        self.redact(format!("{cause}{hint}"))
    }

    /// A remark when the port is the other protocol's; empty otherwise.
    pub fn port_hint(&self) -> &'static str {
        match (self.protocol, self.url.port()) {
            (OtlpProtocol::Grpc, Some(HTTP_PORT)) => {
                " (port 4318 usually speaks OTLP over HTTP: use port 4317, or protocol http/protobuf)"
            }
            (OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson, Some(GRPC_PORT)) => {
                " (port 4317 usually speaks OTLP over gRPC: use port 4318, or protocol grpc)"
            }
            _ => "",
        }
    }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(Code::InvalidConfig, message)
}

/// `user:password`, taken out of the URL.
fn take_credentials(url: &mut Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_decode(text.as_bytes());
    let credentials = format!(
        "{}:{}",
        decode(url.username()),
        decode(url.password().unwrap_or_default())
    );
    // These fail only for URLs that cannot have user information in the first place.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    Some(Secret::new(credentials))
}

/// A header's value, and what a collector may make of it: its words, because a rejected token is
/// often repeated without its scheme, and the user and password that Base64 hides.
fn parts(value: &Secret) -> Vec<String> {
    let value = value.expose().trim();
    let mut parts: Vec<String> = std::iter::once(value)
        .chain(value.split_whitespace().skip(1))
        .map(str::to_owned)
        .collect();
    if let Some(credentials) = basic_credentials(value) {
        parts.extend(
            credentials
                .split_once(':')
                .map(|(_, password)| password.to_owned()),
        );
        parts.push(credentials);
    }
    parts.retain(|part| part.len() >= SHORTEST_SECRET);
    parts
}

/// `user:password` of a basic `Authorization`.
fn basic_credentials(value: &str) -> Option<String> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = scheme
        .eq_ignore_ascii_case("basic")
        .then(|| STANDARD.decode(encoded.trim()).ok())??;
    String::from_utf8(decoded).ok()
}

/// As URLs and `grpc-message` have it; what is no escape stays as it is.
pub(super) fn percent_decode(text: &[u8]) -> String {
    percent_encoding::percent_decode(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// The innermost cause: what stands above it in the libraries' chains says only that a request or
/// a connection failed, which the caller says already.
fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    let mut text = None;
    loop {
        if let Some(error) = innermost.downcast_ref::<io::Error>() {
            text = known(error.kind())
                .map(|(words, _)| words.to_owned())
                .or(text);
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => return text.unwrap_or_else(|| innermost.to_string()),
        }
    }
}

/// The cause as an `error.type`.
pub(super) fn error_type(error: &(dyn StdError + 'static)) -> &'static str {
    let mut found = OTHER;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            found = known(error.kind()).map_or(found, |(_, name)| name);
        } else if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_incomplete_message() {
                found = CLOSED;
            }
        }
        cause = error.source();
    }
    found
}

const CLOSED: &str = "connection_closed";

/// What people and `error.type` call the troubles of connections.
fn known(kind: io::ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => ("connection refused", "connection_refused"),
        io::ErrorKind::ConnectionReset => ("connection reset", "connection_reset"),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            ("connection closed before an answer came", CLOSED)
        }
        io::ErrorKind::HostUnreachable => ("host unreachable", "host_unreachable"),
        io::ErrorKind::NetworkUnreachable => ("network unreachable", "network_unreachable"),
        io::ErrorKind::TimedOut => ("connection timed out", "timeout"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::testing::otlp_config;

    #[test]
    fn the_name_of_an_endpoint_holds_no_secret() {
        let config = otlp_config(
            "http://me:p%40ss@collector:4318/v1/metrics?key=hidden#x",
            OtlpProtocol::HttpProtobuf,
        );
        let target = Target::new(&config).unwrap();
        assert_eq!(target.name(), "http://collector:4318/v1/metrics");
        assert_eq!(target.url.query(), Some("key=hidden"));
        assert_eq!(target.headers[AUTHORIZATION], "Basic bWU6cEBzcw==");
        assert!(!target.url.as_str().contains("p%40ss"));
    }

    #[test]
    fn the_address_of_an_endpoint_is_its_host_alone() {
        for (url, address) in [
            ("http://me:p%40ss@collector:4318/v1/metrics", "collector"),
            ("https://[::1]", "::1"),
        ] {
            let config = otlp_config(url, OtlpProtocol::HttpProtobuf);
            assert_eq!(Target::new(&config).unwrap().address(), address);
        }
    }

    #[test]
    fn a_header_value_never_shows_in_a_message() {
        let mut config = otlp_config("http://collector:4318", OtlpProtocol::HttpProtobuf);
        config
            .headers
            .insert("authorization".into(), Secret::new("Bearer t0ps3cret"));
        config.headers.insert("x-tier".into(), Secret::new("1"));
        let target = Target::new(&config).unwrap();
        assert_eq!(
            target.redact("1: token t0ps3cret of \"Bearer t0ps3cret\" is bad".into()),
            "1: token <secret> of \"<secret>\" is bad"
        );
    }

    #[test]
    fn a_password_that_the_collector_decoded_never_shows_in_a_message() {
        let mut config = otlp_config("http://me:p%40ssw0rd@collector", OtlpProtocol::Grpc);
        let said = "me:p@ssw0rd: wrong password p@ssw0rd";
        let hidden = "<secret>: wrong password <secret>";
        assert_eq!(Target::new(&config).unwrap().redact(said.into()), hidden);

        config.endpoint = "http://collector".to_owned();
        let header = Secret::new("basic bWU6cEBzc3cwcmQ=");
        config.headers.insert("authorization".into(), header);
        assert_eq!(Target::new(&config).unwrap().redact(said.into()), hidden);
    }

    #[test]
    fn impossible_headers_are_named_without_their_values() {
        let mut config = otlp_config("http://collector:4318", OtlpProtocol::HttpProtobuf);
        config
            .headers
            .insert("x-key".into(), Secret::new("hidden\nvalue"));
        let error = Target::new(&config).err().unwrap();
        assert_eq!(error.code(), Code::InvalidConfig);
        assert!(error.message().contains("\"x-key\""));
        assert!(!error.message().contains("hidden"));

        config.headers.clear();
        config.headers.insert("x key".into(), Secret::new("v"));
        let error = Target::new(&config).err().unwrap();
        assert!(error.message().contains("\"x key\""));
    }

    #[test]
    fn escapes_are_decoded_and_stray_percent_signs_kept() {
        assert_eq!(percent_decode(b"a%20b%C3%A4%"), "a bä%");
        assert_eq!(percent_decode(b"100%zz %2"), "100%zz %2");
    }
}
