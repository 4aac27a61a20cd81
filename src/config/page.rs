//! The settings of the scrape endpoint that are more than their type: where it is and who may read
//! it.

use std::net::{IpAddr, Ipv4Addr};

use super::percent::{canonical_path, is_strict};
use super::values::invalid;
use super::Secret;
use crate::error::Result;

/// Also in the brackets that URLs want around IPv6.
pub(super) fn host_address(host: &str) -> Option<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bracketed.unwrap_or(host).parse().ok()
}

/// The path in the spelling that requests are compared in. What no client asks for as it is written
/// is refused: clients cut off queries, resolve dots, and proxies merge slashes.
pub(super) fn page_path(given: &str, on_backend: bool, at: &str) -> Result<String> {
    let refused =
        |expected: &str| Err(invalid(at, format!("found {given:?}, expected {expected}")));
    if !given.starts_with('/')
        || given.contains(|c: char| {
            matches!(c, '?' | '#' | '\\') || c.is_whitespace() || c.is_control()
        })
    {
        return refused(
            "a path that starts with / and has no query, white space or backslash, such as /metrics",
        );
    }
    if !is_strict(given) {
        return refused("two hexadecimal digits after every percent sign; write %25 for one");
    }
    let canonical = canonical_path(given);
    let inner = canonical.strip_suffix('/').unwrap_or(&canonical);
    let mut segments = inner.split('/').skip(1);
    if segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return refused("a path without //, . and .., which clients and proxies take out");
    }
    // Express reads the others as patterns.
    let is_plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "/-._~%".contains(c);
    if on_backend && (canonical == "/" || !given.chars().all(is_plain)) {
        return refused(
            "with onBackend a path of letters, digits and - . _ ~ after the /, such as /metrics",
        );
    }
    Ok(canonical)
}

/// A token that a request can carry. White space around it, such as the line break at the end of a
/// secret's file, is not part of it: scrapers take it off as well.
pub(super) fn page_token(given: &Secret, at: &str) -> Result<Secret> {
    let token = given.expose().trim();
    if token.is_empty() {
        return Err(invalid(
            at,
            "found an empty string, expected a token; leave the key out for none",
        ));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(
            at,
            "found a token with white space, control characters or characters that are not ASCII, \
             which no request could carry; expected visible ASCII characters alone",
        ));
    }
    Ok(Secret::new(token))
}
