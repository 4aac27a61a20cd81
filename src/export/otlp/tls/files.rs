//! PEM files, and what may be wrong with them.

use std::path::Path;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error as TlsError, InconsistentKeys};

use super::verifier::webpki_error;
use super::{provider, SUPPORTED_KEYS};
use crate::config::TlsConfig;
use crate::error::{Error, Result};
use crate::export::otlp::endpoint::invalid;

const CERT_FILE: &str = "OTLP tls.certFile";
const KEY_FILE: &str = "OTLP tls.keyFile";

/// Object identifiers of keys that certificates have now and then and ring does not know.
const UNSUPPORTED_KEYS: [(&[u8], &str); 7] = [
    (b"\x06\x05\x2b\x81\x04\x00\x23", "P-521"),
    (b"\x06\x05\x2b\x81\x04\x00\x21", "P-224"),
    (b"\x06\x05\x2b\x81\x04\x00\x0a", "secp256k1"),
    (b"\x06\x08\x2b\x24\x03\x03\x02\x08\x01\x01", "Brainpool"),
    (b"\x06\x03\x2b\x65\x71", "Ed448"),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS"),
    (b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01", "DSA"),
];

/// The kind of a key, public or private, in DER, when it is known not to be supported.
pub(super) fn unsupported_key(der: &[u8]) -> Option<&'static str> {
    // The identifier comes before the key itself, except in SEC 1, where it comes last.
    let names = |oid: &[u8]| der.windows(oid.len()).any(|window| window == oid);
    let found = UNSUPPORTED_KEYS.iter().find(|(oid, _)| names(oid));
    found.map(|(_, kind)| *kind)
}

/// The certificates of a file that `name` was given as; at least one.
pub(super) fn certificates(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read(name, path)?;
    let certificates: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| damaged(name, path, &error))?;
    if certificates.is_empty() {
        return Err(instead(name, path, &pem, "certificate"));
    }
    Ok(certificates)
}

/// What the client shows when the collector demands a certificate.
pub(super) fn identity(config: &TlsConfig) -> Result<Option<Arc<dyn ResolvesClientCert>>> {
    let (cert_file, key_file) = match (&config.cert_file, &config.key_file) {
        (Some(cert_file), Some(key_file)) => (cert_file, key_file),
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(invalid(
                "OTLP tls has a certFile but no keyFile: a client certificate needs both"
                    .to_owned(),
            ))
        }
        (None, Some(_)) => {
            return Err(invalid(
                "OTLP tls has a keyFile but no certFile: a client certificate needs both"
                    .to_owned(),
            ))
        }
    };
    let chain = certificates(CERT_FILE, cert_file)?;
    let der = private_key(key_file)?;
    let kind = unsupported_key(der.secret_der());
    let key = provider().key_provider.load_private_key(der);
    let key = key.map_err(|error| {
        let found = kind.map_or_else(|| error.to_string(), |kind| format!("a key of {kind}"));
        invalid(format!(
            "the {KEY_FILE} {key_file:?} cannot be used: found {found}, expected {SUPPORTED_KEYS}"
        ))
    })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(TlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        // Not for us to read; the collector may.
        Err(error) if webpki_error(&error) == Some(&webpki::Error::UnsupportedCertVersion) => {}
        Err(TlsError::InconsistentKeys(_)) => {
            return Err(invalid(mismatch(cert_file, key_file, certified)))
        }
        Err(error) => {
            return Err(invalid(format!(
                "the first certificate in the {CERT_FILE} {cert_file:?} cannot be used: {error}"
            )))
        }
    }
    Ok(Some(Arc::new(SingleCertAndKey::from(certified))))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let pem = read(KEY_FILE, path)?;
    let encrypted = contains(&pem, "BEGIN ENCRYPTED PRIVATE KEY") || contains(&pem, "4,ENCRYPTED");
    if encrypted {
        return Err(invalid(format!(
            "the {KEY_FILE} {path:?} is encrypted, and there is no way to give its passphrase: \
             decrypt it, such as with openssl pkey -in encrypted.pem -out key.pem, and let nobody \
             else read it"
        )));
    }
    match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(key) => Ok(key),
        Err(PemError::NoItemsFound) => Err(instead(KEY_FILE, path, &pem, "private key")),
        Err(error) => Err(damaged(KEY_FILE, path, &error)),
    }
}

fn mismatch(cert_file: &Path, key_file: &Path, mut certified: CertifiedKey) -> String {
    let length = certified.cert.len();
    let own = (1..length).find(|_| {
        certified.cert.rotate_left(1);
        certified.keys_match().is_ok()
    });
    match own {
        Some(own) => format!(
            "the {KEY_FILE} {key_file:?} belongs to certificate number {} in the {CERT_FILE} \
             {cert_file:?}: expected it to be the first, and those of its authorities to follow",
            own + 1
        ),
        None => format!(
            "the {KEY_FILE} {key_file:?} does not belong to the certificate in the {CERT_FILE} \
             {cert_file:?}"
        ),
    }
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = std::fs::read(path)
        .map_err(|error| invalid(format!("cannot read the {name} {path:?}: {error}")))?;
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

fn damaged(name: &str, path: &Path, error: &PemError) -> Error {
    invalid(format!("the {name} {path:?} is damaged: {error}"))
}

/// What a file holds that does not hold what it should.
fn instead(name: &str, path: &Path, bytes: &[u8], expected: &str) -> Error {
    let found = if bytes.trim_ascii().is_empty() {
        "nothing"
    } else if bytes[0] == 0x30 || bytes.contains(&0) {
        "binary data, such as DER or PKCS #12 (openssl x509, pkey and pkcs12 turn it into PEM)"
    } else if contains(bytes, "BEGIN TRUSTED CERTIFICATE") {
        "OpenSSL's own kind of certificate (openssl x509 makes an ordinary one of it)"
    } else if contains(bytes, "BEGIN OPENSSH PRIVATE KEY") {
        "a key of OpenSSH's own format (ssh-keygen -p -m PKCS8 turns it into PEM)"
    } else if contains(bytes, "BEGIN CERTIFICATE REQUEST") {
        "a request for a certificate, not yet signed"
    } else if contains(bytes, "BEGIN CERTIFICATE") {
        "a certificate"
    } else if contains(bytes, "PRIVATE KEY-----") {
        "a private key"
    } else {
        "something else"
    };
    invalid(format!(
        "the {name} {path:?} holds no PEM {expected}: found {found}"
    ))
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
