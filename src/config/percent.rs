//! Percent-encoding (RFC 3986, section 2.1), by the crate that URLs are read with.

use percent_encoding::{percent_decode_str, percent_encode, AsciiSet, NON_ALPHANUMERIC};

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `None` where a percent sign begins no escape, or the bytes are not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    is_strict(text)
        .then(|| percent_decode_str(text).decode_utf8().ok())
        .flatten()
        .map(String::from)
}

/// Whether two hexadecimal digits follow every percent sign.
pub(super) fn is_strict(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// One spelling for all that name the same path (RFC 3986, section 6.2.2): what is reserved or not
/// ASCII is escaped, the rest is not.
pub(crate) fn canonical_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let bytes: Vec<u8> = percent_decode_str(segment).collect();
        percent_encode(&bytes, RESERVED).to_string()
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Whether a request asks for a path in its canonical spelling. No client escapes what needs none,
/// and a gate that knows the path as it is written would let such a request pass.
pub(crate) fn asks_for(request: &str, canonical: &str) -> bool {
    request == canonical || (canonical_path(request) == canonical && !is_disguised(request))
}

/// Whether an unreserved character is escaped.
fn is_disguised(path: &str) -> bool {
    path.split('%').skip(1).any(|after| {
        let digits = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        digits.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_escapes_of_utf8_are_decoded() {
        for (text, expected) in [
            ("", Some("")),
            ("a+b c", Some("a+b c")),
            ("a%20b%C3%a4", Some("a bä")),
            ("100%25", Some("100%")),
            ("%2541", Some("%41")),
            ("ä", Some("ä")),
            ("100%", None),
            ("%2", None),
            ("%+f", None),
            ("%-1", None),
            ("% 1", None),
            ("%zz", None),
            ("%%41", None),
            ("%ä1", None),
            ("%ff", None),
            ("%C3", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn spellings_of_one_path_are_one() {
        for (spellings, expected) in [
            (&["/metrics", "/%6detrics", "/%6Detrics"][..], "/metrics"),
            (
                &["/métriques", "/m%c3%a9triques", "/m%C3%A9triques"],
                "/m%C3%A9triques",
            ),
            (&["/a:b", "/a%3ab"], "/a%3Ab"),
            (&["/", "/"], "/"),
        ] {
            for path in spellings {
                assert_eq!(canonical_path(path), expected, "{path}");
            }
        }
        for (request, asks) in [
            ("/m%c3%a9triques", true),
            ("/métriques", true),
            ("/%6d%c3%a9triques", false),
            ("/metriques", false),
        ] {
            assert_eq!(asks_for(request, "/m%C3%A9triques"), asks, "{request}");
        }
        for different in [["/a/b", "/a%2Fb"], ["/a", "/a/"], ["/a", "/A"]] {
            assert_ne!(canonical_path(different[0]), canonical_path(different[1]));
        }
    }
}
