//! Whom a collector's certificate has to come from.
//!
//! `openssl req -x509` marks the certificate that it makes as an authority's. webpki takes that for
//! no server's; Node and OpenSSL do when exactly this certificate is among those they trust, and so
//! does [`PinningVerifier`]. Everything else about it is checked: that the peer has its key, when it
//! is valid, and for which name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// A certificate that is trusted itself.
#[derive(Debug)]
pub(super) struct SelfSigned {
    certificate: CertificateDer<'static>,
    common_names: Vec<String>,
}

impl SelfSigned {
    /// `subject`: that of the certificate, in DER.
    pub fn new(certificate: CertificateDer<'static>, subject: &[u8]) -> Self {
        Self {
            certificate,
            common_names: common_names(subject).collect(),
        }
    }

    /// Whether its common name, which counts where a certificate has no other names, is the
    /// server's. As in Node, addresses are no common names.
    fn is_called(&self, server_name: &ServerName<'_>) -> bool {
        let ServerName::DnsName(name) = server_name else {
            return false;
        };
        let name = name.as_ref();
        self.common_names.iter().any(|common_name| {
            let wildcard = common_name
                .strip_prefix("*.")
                .filter(|domain| domain.contains('.'))
                .zip(name.split_once('.'));
            name.eq_ignore_ascii_case(common_name)
                || wildcard.is_some_and(|(domain, (_, rest))| rest.eq_ignore_ascii_case(domain))
        })
    }
}

/// Accepts what another verifier accepts, and the certificates that are trusted themselves.
#[derive(Debug)]
pub(super) struct PinningVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    self_signed: Vec<SelfSigned>,
}

impl PinningVerifier {
    /// `inner` has to be webpki's where `self_signed` is not empty: it checks when a certificate is
    /// valid before what it is for, and its issuer before its name.
    pub fn new(inner: Arc<dyn ServerCertVerifier>, self_signed: Vec<SelfSigned>) -> Self {
        Self { inner, self_signed }
    }
}

impl ServerCertVerifier for PinningVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut outcome = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let mut trusted = self.self_signed.iter();
        let Some(trusted) = trusted.find(|trusted| trusted.certificate == *end_entity) else {
            return outcome;
        };
        if outcome.as_ref().is_err_and(is_an_authoritys) {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            outcome = verify_server_name(&certificate, server_name)
                .map(|()| ServerCertVerified::assertion());
        }
        match outcome {
            Err(error) if has_no_names(&error) && trusted.is_called(server_name) => {
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether a certificate was refused for being an authority's own.
pub(super) fn is_an_authoritys(error: &Error) -> bool {
    webpki_error(error) == Some(&webpki::Error::CaUsedAsEndEntity)
}

/// What webpki says, where rustls has no word for it.
pub(super) fn webpki_error(error: &Error) -> Option<&webpki::Error> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

fn has_no_names(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })
            if presented.is_empty()
    )
}

/// The common names in a subject (X.501 `Name`): a sequence of sets of pairs of an identifier and
/// its value.
fn common_names(subject: &[u8]) -> impl Iterator<Item = String> + '_ {
    const COMMON_NAME: &[u8] = b"\x55\x04\x03";
    elements(subject).flat_map(elements).filter_map(|pair| {
        match &elements(pair).collect::<Vec<_>>()[..] {
            [COMMON_NAME, value] => String::from_utf8(value.to_vec()).ok(),
            _ => None,
        }
    })
}

/// The contents of DER elements that stand one after the other.
fn elements(mut der: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = match *der {
            [_, length @ ..=0x7f, ref rest @ ..] => (length.into(), rest),
            [_, 0x81, length, ref rest @ ..] => (length.into(), rest),
            [_, 0x82, high, low, ref rest @ ..] => (u16::from_be_bytes([high, low]).into(), rest),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        der = rest;
        Some(content)
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
    use rustls::RootCertStore;

    use super::*;

    fn self_signed(names: &[&str]) -> SelfSigned {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        let organisation = "an organisation with a long name ".repeat(20);
        let name = &mut params.distinguished_name;
        name.push(DnType::OrganizationName, organisation);
        for common_name in names {
            name.push(DnType::CommonName, *common_name);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        SelfSigned::new(certificate, &roots.roots[0].subject)
    }

    #[test]
    fn a_common_name_is_a_host_or_all_those_right_below_a_domain() {
        let called = |common_name: &str, host: &'static str| {
            self_signed(&[common_name]).is_called(&ServerName::try_from(host).unwrap())
        };
        assert!(called("collector.example", "collector.example"));
        assert!(called("Collector.example", "collector.EXAMPLE"));
        assert!(called("*.example.com", "collector.example.com"));
        assert!(!called("*.example.com", "example.com"));
        assert!(!called("*.example.com", "a.b.example.com"));
        assert!(!called("*.com", "example.com"));
        assert!(!called("*", "localhost"));
        assert!(!called("example", "collector.example"));
        assert!(!called("127.0.0.1", "127.0.0.1"));
    }

    #[test]
    fn a_subject_without_a_common_name_has_none_and_nonsense_neither() {
        assert!(self_signed(&[]).common_names.is_empty());
        for nonsense in [
            &b""[..],
            b"\x31",
            b"\x31\x82\xff",
            b"\x31\x7fabc",
            &[0xff; 64],
        ] {
            assert_eq!(common_names(nonsense).count(), 0, "{nonsense:?}");
        }
    }
}
