//! TLS as both transports use it: whom they trust, who they are, and how to speak of what fails.

mod files;
mod trouble;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{ring, CryptoProvider};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::endpoint::invalid;
use crate::config::TlsConfig;
use crate::error::Result;
use files::identity;
use verifier::{PinningVerifier, SelfSigned};

pub(super) use trouble::explain;

/// What certificates may have that are verified, and shown.
const SUPPORTED_KEYS: &str = "RSA from 2048 bits on, P-256, P-384 and Ed25519";

/// A set-up that both transports can use.
pub(super) struct Tls {
    pub config: ClientConfig,
    /// What is ignored of the environment.
    pub warnings: Vec<String>,
}

/// The cryptography of every connection, whatever else in the process has chosen for itself.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl Tls {
    /// Reads the files. For `http` URLs too, whose mistakes would show only with the first `https`
    /// one otherwise; but the system's authorities are not needed then, and slim container images
    /// have none.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) for a file that cannot be used,
    /// naming it, and where nobody would be trusted.
    pub fn new(config: &TlsConfig, scheme: &str) -> Result<Self> {
        let mut warnings = Vec::new();
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS 1.2 and 1.3 need");
        let verifier = match &config.ca_file {
            Some(path) => Some(only(path)?),
            None if scheme == "https" => {
                let extra = match &config.extra_ca_file {
                    // Node itself ignores such a file with a warning.
                    Some(path) => anchors("NODE_EXTRA_CA_CERTS", path).unwrap_or_else(|error| {
                        warnings.push(format!("{}; ignored", error.message()));
                        Anchors::none()
                    }),
                    None => Anchors::none(),
                };
                Some(system(extra)?)
            }
            None => None,
        };
        let builder = match verifier {
            Some(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier)),
            None => builder.with_root_certificates(RootCertStore::empty()),
        };
        let config = match identity(config)? {
            Some(identity) => builder.with_client_cert_resolver(identity),
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config, warnings })
    }
}

/// Authorities, and certificates that stand for themselves.
struct Anchors {
    certificates: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
}

impl Anchors {
    fn none() -> Self {
        Self {
            certificates: Vec::new(),
            roots: RootCertStore::empty(),
        }
    }

    fn self_signed(&self) -> Vec<SelfSigned> {
        let anchors = self.roots.roots.iter();
        anchors
            .zip(&self.certificates)
            .map(|(anchor, certificate)| SelfSigned::new(certificate.clone(), &anchor.subject))
            .collect()
    }
}

/// The certificates of a file that `name` was given as.
fn anchors(name: &str, path: &Path) -> Result<Anchors> {
    let mut anchors = Anchors::none();
    for (number, certificate) in files::certificates(name, path)?.into_iter().enumerate() {
        anchors.roots.add(certificate.clone()).map_err(|error| {
            invalid(format!(
                "the certificate number {} in the {name} {path:?} cannot be used: {error}",
                number + 1
            ))
        })?;
        anchors.certificates.push(certificate);
    }
    let kinds: Vec<_> = anchors
        .roots
        .roots
        .iter()
        .filter_map(|anchor| files::unsupported_key(&anchor.subject_public_key_info))
        .collect();
    if kinds.len() == anchors.certificates.len() {
        return Err(invalid(format!(
            "the {name} {path:?} has no certificate whose key is supported: found {}, expected {}",
            kinds.join(", "),
            SUPPORTED_KEYS
        )));
    }
    Ok(anchors)
}

/// Trusts nobody but the file, as the OTLP exporter specification has it.
fn only(path: &Path) -> Result<PinningVerifier> {
    let anchors = anchors("OTLP tls.caFile", path)?;
    let self_signed = anchors.self_signed();
    let verifier = WebPkiServerVerifier::builder_with_provider(anchors.roots.into(), provider())
        .build()
        .map_err(|error| {
            invalid(format!(
                "the OTLP tls.caFile {path:?} is not usable: {error}"
            ))
        })?;
    Ok(PinningVerifier::new(verifier, self_signed))
}

/// Trusts the system's authorities, and others beside them.
fn system(extra: Anchors) -> Result<PinningVerifier> {
    // Apple's and Microsoft's verifiers accept a self-signed certificate that is among the roots.
    let self_signed = match cfg!(any(windows, target_vendor = "apple")) {
        true => Vec::new(),
        false => extra.self_signed(),
    };
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra.certificates, provider())
            .map_err(|error| {
                invalid(format!(
                    "cannot set up TLS for the OTLP exporter: {error} (is the system's \
                     ca-certificates package installed? Or name the collector's authority as \
                     tls.caFile)"
                ))
            })?;
    Ok(PinningVerifier::new(Arc::new(verifier), self_signed))
}
