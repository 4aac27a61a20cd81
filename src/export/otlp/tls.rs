//! The PEM files of a TLS configuration, read and checked once for both transports.

use std::path::Path;

use reqwest::Certificate;

use super::endpoint::invalid;
use crate::config::TlsConfig;
use crate::error::Result;

/// What the files hold.
#[derive(Default)]
pub(super) struct TlsFiles {
    /// Trusted instead of the system's roots, as the OTLP exporter specification has it.
    pub ca: Option<Vec<u8>>,
    /// Certificate chain and private key of the client.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsFiles {
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) for a file that cannot be read or
    /// holds no certificate, and for a certificate without its key or the other way round.
    pub fn read(config: &TlsConfig) -> Result<Self> {
        let ca = match &config.ca_file {
            Some(path) => {
                let pem = read(path)?;
                if !holds_certificates(&pem) {
                    return Err(invalid(format!(
                        "the OTLP TLS file {path:?} holds no PEM certificate"
                    )));
                }
                Some(pem)
            }
            None => None,
        };
        let identity = match (&config.cert_file, &config.key_file) {
            (Some(cert), Some(key)) => {
                let (chain, key) = (read(cert)?, read(key)?);
                if !holds_certificates(&chain) {
                    return Err(invalid(format!(
                        "the OTLP TLS file {cert:?} holds no PEM certificate"
                    )));
                }
                Some((chain, key))
            }
            (None, None) => None,
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
        Ok(Self { ca, identity })
    }
}

/// Makes ring the process's cryptography, unless something else in it has chosen before.
pub(super) fn install_crypto_provider() {
    // The error only says that there is a default already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| invalid(format!("cannot read the OTLP TLS file {path:?}: {error}")))
}

fn holds_certificates(pem: &[u8]) -> bool {
    Certificate::from_pem_bundle(pem).is_ok_and(|certificates| !certificates.is_empty())
}
