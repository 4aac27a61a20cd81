//! TLS with certificates of our own making, over both transports.

use std::path::PathBuf;
use std::sync::Arc;

use opentelemetry_sdk::metrics::Temporality;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;

use crate::config::{OtlpConfig, OtlpProtocol, TlsConfig};
use crate::error::Code;
use crate::export::otlp::fake_collector::{FakeCollector, Reply};
use crate::export::otlp::tls::provider;
use crate::export::otlp::OtlpExporter;
use crate::export::push::{Outcome, PushExporter};
use crate::export::testing::{block_on, otlp_config, TestSource};

/// A directory of PEM files that goes away with the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let directory =
            std::env::temp_dir().join(format!("otlp-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn write(&self, name: &str, pem: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, pem).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate for 127.0.0.1 and its key.
    fn issue(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        (certificate, key)
    }

    fn acceptor(&self, http2: bool, demand_client: bool) -> TlsAcceptor {
        let (certificate, key) = self.issue();
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if demand_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![if http2 { "h2" } else { "http/1.1" }.into()];
        TlsAcceptor::from(Arc::new(config))
    }
}

const PROTOCOLS: [OtlpProtocol; 2] = [OtlpProtocol::HttpProtobuf, OtlpProtocol::Grpc];

/// What becomes of one export to a collector that has a certificate of `authority`.
fn export(
    protocol: OtlpProtocol,
    authority: &Authority,
    demand_client: bool,
    tls: TlsConfig,
) -> Outcome {
    block_on(async {
        let http2 = protocol == OtlpProtocol::Grpc;
        let collector = FakeCollector::tls(
            http2,
            authority.acceptor(http2, demand_client),
            move |_, _| match http2 {
                true => Reply::grpc(None, &[("grpc-status", "0")]),
                false => Reply::status(200),
            },
        )
        .await;
        let url = format!("https://{}/v1/metrics", collector.address);
        send(&OtlpConfig {
            tls,
            ..otlp_config(&url, protocol)
        })
        .await
    })
}

async fn send(config: &OtlpConfig) -> Outcome {
    let source = TestSource::new(Temporality::Cumulative);
    source.meter().u64_counter("c").build().add(1, &[]);
    let exporter = OtlpExporter::new(config, &Handle::current()).unwrap();
    let batch = exporter.prepare(&source.collection()).pop().unwrap();
    exporter.send(&batch).await.outcome
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Retryable { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_private_authority_is_trusted_when_configured() {
    let files = Files::new("ca");
    let authority = Authority::new();
    let tls = TlsConfig {
        ca_file: Some(files.write("ca.pem", &authority.0.pem())),
        ..TlsConfig::default()
    };
    for protocol in PROTOCOLS {
        let outcome = export(protocol, &authority, false, tls.clone());
        assert_eq!(outcome, Outcome::Ok, "{protocol:?}");
    }
}

#[test]
fn another_authoritys_collector_is_not_trusted() {
    let files = Files::new("other");
    let tls = TlsConfig {
        ca_file: Some(files.write("ca.pem", &Authority::new().0.pem())),
        ..TlsConfig::default()
    };
    for protocol in PROTOCOLS {
        let reason = reason(export(protocol, &Authority::new(), false, tls.clone()));
        assert!(reason.contains("certificate"), "{protocol:?}: {reason}");
    }
}

#[test]
fn a_client_certificate_is_shown_when_demanded() {
    let files = Files::new("client");
    let authority = Authority::new();
    let (certificate, key) = authority.issue();
    let without = TlsConfig {
        ca_file: Some(files.write("ca.pem", &authority.0.pem())),
        ..TlsConfig::default()
    };
    let with = TlsConfig {
        cert_file: Some(files.write("cert.pem", &certificate.pem())),
        key_file: Some(files.write("key.pem", &key.serialize_pem())),
        ..without.clone()
    };
    for protocol in PROTOCOLS {
        let outcome = export(protocol, &authority, true, with.clone());
        assert_eq!(outcome, Outcome::Ok, "{protocol:?}");
        reason(export(protocol, &authority, true, without.clone()));
    }
}

#[test]
fn https_to_a_plain_port_is_explained() {
    let files = Files::new("plain");
    let ca_file = Some(files.write("ca.pem", &Authority::new().0.pem()));
    for protocol in PROTOCOLS {
        let outcome = block_on(async {
            let collector = FakeCollector::http(|_, _| Reply::status(200)).await;
            let url = format!("https://{}/v1/metrics", collector.address);
            let mut config = otlp_config(&url, protocol);
            config.tls.ca_file = ca_file.clone();
            send(&config).await
        });
        let reason = reason(outcome);
        assert!(reason.contains("use http://"), "{protocol:?}: {reason}");
    }
}

#[test]
fn unusable_files_are_named() {
    let files = Files::new("bad");
    let empty = files.write("empty.pem", "");
    let missing = files.0.join("missing.pem");
    let key_only = PathBuf::from("keyFile");
    let cases = [
        (Some(&missing), None, None, &missing),
        (Some(&empty), None, None, &empty),
        (None, Some(&empty), Some(&empty), &empty),
        (None, Some(&empty), None, &key_only),
    ];
    for (ca, cert, key, named) in cases {
        let tls = TlsConfig {
            ca_file: ca.cloned(),
            cert_file: cert.cloned(),
            key_file: key.cloned(),
            extra_ca_file: None,
        };
        for protocol in PROTOCOLS {
            let config = OtlpConfig {
                tls: tls.clone(),
                ..otlp_config("https://127.0.0.1:1", protocol)
            };
            let error = block_on(async { OtlpExporter::new(&config, &Handle::current()) })
                .err()
                .unwrap();
            assert_eq!(error.code(), Code::InvalidConfig);
            let named = named.to_str().unwrap();
            assert!(error.message().contains(named), "{}", error.message());
        }
    }
}
