//! Where OTLP goes: checking the URL and adding the metrics path.

use reqwest::Url;

use super::values::invalid;
use super::OtlpProtocol;
use crate::error::Result;

/// Whether the signal's path is added to the URL (OTLP exporter specification, "Endpoint URLs for
/// OTLP/HTTP").
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Signal {
    /// To the URL of all signals.
    Append,
    /// Unless it is there: our own option takes either URL.
    AppendOnce,
    /// To a URL from a signal-specific variable it is not.
    Verbatim,
}

pub(super) fn endpoint_url(
    endpoint: &str,
    protocol: OtlpProtocol,
    signal: Signal,
    at: &str,
) -> Result<String> {
    if !is_usable(endpoint) {
        let found = redact(endpoint);
        return Err(invalid(
            at,
            format!("found {found:?}, expected a URL such as http://127.0.0.1:4318"),
        ));
    }
    if protocol == OtlpProtocol::Grpc || signal == Signal::Verbatim {
        return Ok(endpoint.to_owned());
    }
    // The path ends where the query begins.
    let (base, query) = endpoint.split_at(endpoint.find('?').unwrap_or(endpoint.len()));
    let base = base.trim_end_matches('/');
    Ok(
        if signal == Signal::AppendOnce && base.ends_with("/v1/metrics") {
            format!("{base}{query}")
        } else {
            format!("{base}/v1/metrics{query}")
        },
    )
}

/// Both parsers that a request goes through have to agree: `Uri` takes a port that is no number and
/// no host before it, `Url` takes what follows `http:///` for the host.
fn is_usable(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<http::Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && Url::parse(endpoint).is_ok()
}

/// A URL without its user information and its query, for messages.
fn redact(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let (user, rest) = match rest.rsplit_once('@') {
        // Of a password or of a query: what follows may be either's.
        Some((before, _)) if before.contains(['?', '#']) => ("<secret>", ""),
        Some((_, rest)) => ("<secret>@", rest),
        None => ("", rest),
    };
    match rest.split_once(['?', '#']) {
        Some((rest, _)) => format!("{scheme}{user}{rest}?<secret>"),
        None => format!("{scheme}{user}{rest}"),
    }
}
