//! OTLP push: a collection becomes bytes once, and the bytes are sent over HTTP or gRPC until the
//! collector has them or the time is up.
//!
//! Why not `opentelemetry-otlp`: its exporter takes the SDK's `ResourceMetrics` only, which the engine
//! does not make, and does not keep encoded batches for sending again; it reads the environment over
//! explicit options, and does not cancel an attempt at its deadline.

mod answer;
mod encode;
mod endpoint;
#[cfg(test)]
pub(super) mod fake_collector;
mod grpc;
mod http;
mod json;
mod protobuf;
#[cfg(test)]
mod tests;
mod tls;

use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;
use tokio::runtime::Handle;

use crate::config::{Compression, Encoding, OtlpConfig, OtlpProtocol};
use crate::engine::collection::Collection;
use crate::engine::Component;
use crate::error::Result;
use crate::export::push::{Attempt, Batch, PushExporter};
use crate::export::runtime;
use encode::{Cut, Request, LONGEST_REQUEST};
use endpoint::Target;
use grpc::GrpcTransport;
use http::HttpTransport;
use tls::Tls;

/// What collectors see of us in their access logs (OTLP exporter specification, "User Agent"): the
/// distribution, then the exporter with its language.
const USER_AGENT_VALUE: &str = concat!(
    "nativestage-metrics/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-JavaScript/",
    env!("CARGO_PKG_VERSION")
);

/// A whole collection as one `ExportMetricsServiceRequest`; an empty collection is a request without
/// data.
pub fn encode_whole(collection: &Collection, encoding: Encoding) -> Vec<u8> {
    let request = encode_cut(collection, encoding, Cut::NEVER)
        .into_iter()
        .next();
    let body = request.map(|request| request.body);
    // JavaScript's thread will free it.
    runtime::give_back_soon();
    body.unwrap_or_else(|| match encoding {
        Encoding::Json => br#"{"resourceMetrics":[]}"#.to_vec(),
        Encoding::Protobuf => Vec::new(),
    })
}

fn encode_cut(collection: &Collection, encoding: Encoding, cut: Cut) -> Vec<Request> {
    match encoding {
        Encoding::Json => encode::requests(collection, json::Json::default(), cut),
        Encoding::Protobuf => encode::requests(collection, protobuf::Protobuf::default(), cut),
    }
}

/// A collection as requests of OTLP/JSON or binary protobuf, of so many points at most; empty when it
/// has no points.
pub fn encode_requests(
    collection: &Collection,
    encoding: Encoding,
    most_points: u64,
) -> Vec<Batch> {
    let cut = Cut {
        points: most_points,
        ..Cut::NEVER
    };
    encode_cut(collection, encoding, cut)
        .into_iter()
        .map(|request| Batch {
            body: request.body.into(),
            points: request.points,
            delta: request.delta,
            unsendable: None,
        })
        .collect()
}

/// Sends collections to one OTLP endpoint.
pub struct OtlpExporter {
    name: String,
    component: Component,
    protocol: OtlpProtocol,
    compression: Compression,
    cut: Cut,
    /// Requests that may be under way at once.
    concurrent: usize,
    transport: Transport,
    warnings: Vec<String>,
}

enum Transport {
    Http(HttpTransport),
    Grpc(GrpcTransport),
}

impl OtlpExporter {
    /// Reads the TLS files and prepares the connection; nothing is connected until the first
    /// export. `runtime` is where connections live.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) for an endpoint that is no URL,
    /// an impossible header (named, without its value), and TLS files that cannot be used.
    pub fn new(config: &OtlpConfig, runtime: &Handle) -> Result<Self> {
        let target = Target::new(config)?;
        let tls = Tls::new(&config.tls, target.url.scheme())?;
        Ok(Self {
            name: format!("OTLP export to {}", target.name()),
            component: component(config.protocol, &target),
            protocol: config.protocol,
            compression: config.compression,
            cut: Cut {
                bytes: config.max_request_size,
                points: config.max_batch_size.unwrap_or(u64::MAX),
            },
            concurrent: config.max_concurrent_exports,
            transport: match config.protocol {
                OtlpProtocol::Grpc => {
                    Transport::Grpc(GrpcTransport::new(config, target, tls.config, runtime)?)
                }
                OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => {
                    Transport::Http(HttpTransport::new(config, target, tls.config)?)
                }
            },
            warnings: tls.warnings,
        })
    }

    /// Tells it from other exporters of its kind in the provider, by a number from 0.
    #[must_use]
    pub fn numbered(mut self, number: usize) -> Self {
        self.component = self.component.numbered(number);
        self
    }

    /// What is ignored of the environment, and worth a line.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn encode(&self, collection: &Collection) -> Vec<Request> {
        let encoding = match self.protocol {
            OtlpProtocol::HttpJson => Encoding::Json,
            OtlpProtocol::Grpc | OtlpProtocol::HttpProtobuf => Encoding::Protobuf,
        };
        encode_cut(collection, encoding, self.cut)
    }

    fn pack(&self, body: Vec<u8>) -> Bytes {
        let compressed = self.compression == Compression::Gzip;
        let body = if compressed { gzip(&body) } else { body };
        match self.protocol {
            OtlpProtocol::Grpc => grpc::frame(&body, compressed),
            OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => body.into(),
        }
    }
}

impl PushExporter for OtlpExporter {
    fn name(&self) -> &str {
        &self.name
    }

    fn component(&self) -> Option<Component> {
        Some(self.component.clone())
    }

    fn concurrent(&self) -> usize {
        self.concurrent
    }

    fn prepare(&self, collection: &Collection) -> Vec<Batch> {
        self.encode(collection)
            .into_iter()
            .map(|request| {
                let unsendable = too_long(request.body.len());
                Batch {
                    body: match unsendable {
                        Some(_) => Bytes::new(),
                        None => self.pack(request.body),
                    },
                    points: request.points,
                    delta: request.delta,
                    unsendable,
                }
            })
            .collect()
    }

    async fn send(&self, batch: &Batch) -> Attempt {
        match &self.transport {
            Transport::Http(http) => http.send(batch.body.clone()).await,
            Transport::Grpc(grpc) => grpc.send(batch.body.clone()).await,
        }
    }
}

/// Why a request of this length is not sent, if it is not.
fn too_long(bytes: usize) -> Option<String> {
    const MIB: usize = 1024 * 1024;
    (bytes > LONGEST_REQUEST).then(|| {
        format!(
            "a request would have {:.1} MiB, and none above {} MiB is sent: shorten the attributes \
             of the series, or of the resource",
            bytes as f64 / MIB as f64,
            LONGEST_REQUEST / MIB
        )
    })
}

/// The first of its kind.
fn component(protocol: OtlpProtocol, target: &Target) -> Component {
    let kind = match protocol {
        OtlpProtocol::Grpc => "otlp_grpc_metric_exporter",
        OtlpProtocol::HttpProtobuf => "otlp_http_metric_exporter",
        OtlpProtocol::HttpJson => "otlp_http_json_metric_exporter",
    };
    Component::new(kind, 0).sending_to(target.address(), target.url.port_or_known_default())
}

/// The fastest level: on OTLP, whose attributes repeat, it already shrinks to a few percent.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(body.len() / 8),
        flate2::Compression::fast(),
    );
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("a Vec takes every write")
}
