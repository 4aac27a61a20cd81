//! What TLS failures mean for whoever configured the exporter.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, Error, OtherError};

use super::verifier::{is_an_authoritys, webpki_error};
use super::SUPPORTED_KEYS;
use crate::config::TlsConfig;

/// The reason in plain words, when TLS is what failed.
pub(in super::super) fn explain(
    error: &(dyn StdError + 'static),
    config: &TlsConfig,
) -> Option<String> {
    let error = tls_error(error)?;
    match error {
        Error::InvalidCertificate(reason) => {
            let not_trusted = "the collector's certificate is not trusted";
            Some(if is_an_authoritys(error) {
                match &config.ca_file {
                    Some(path) => format!(
                        "{not_trusted}: it is self-signed, or an authority's own, and not the one \
                         in the caFile {path:?}"
                    ),
                    None => format!(
                        "{not_trusted}: it is self-signed, or an authority's own (give it as \
                         tls.caFile)"
                    ),
                }
            } else if *reason == CertificateError::UnknownIssuer {
                match &config.ca_file {
                    Some(path) => {
                        format!("{not_trusted}: it comes from no authority in the caFile {path:?}")
                    }
                    None => format!(
                        "{not_trusted}: it comes from no authority that the system knows (give \
                         the authority's certificate, or a self-signed one, as tls.caFile)"
                    ),
                }
            } else {
                format!("{error}{}", unsupported(error))
            })
        }
        Error::AlertReceived(alert) => Some(format!("{error}{}", alert_hint(*alert, config))),
        _ => None,
    }
}

/// What a certificate has that is not supported.
fn unsupported(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(_))) => {
            match webpki_error(error) {
                Some(webpki::Error::UnsupportedCertVersion) => {
                    " (it has to be an X.509 certificate of version 3)".to_owned()
                }
                _ => String::new(),
            }
        }
        Error::InvalidCertificate(
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => format!(" (supported are {SUPPORTED_KEYS})"),
        _ => String::new(),
    }
}

fn alert_hint(alert: AlertDescription, config: &TlsConfig) -> String {
    match alert {
        AlertDescription::HandshakeFailure => format!(
            " (nothing in common: perhaps the kind of the certificate's key; supported are \
             {SUPPORTED_KEYS}{})",
            match config.cert_file {
                Some(_) => "",
                None => "; or the collector demands a certificate: tls.certFile and tls.keyFile",
            }
        ),
        AlertDescription::ProtocolVersion => {
            " (nothing in common: TLS 1.2 and 1.3 are supported)".to_owned()
        }
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => match &config.cert_file {
            Some(path) => format!(" (the collector does not accept the certFile {path:?})"),
            None => " (the collector demands a certificate: set tls.certFile and tls.keyFile)"
                .to_owned(),
        },
        _ => String::new(),
    }
}

/// rustls' error, which libraries hand on within errors of the operating system's kind.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(error);
        }
        cause = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
