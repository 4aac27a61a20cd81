mod encoding;
mod grpc;
mod http;
mod oracle;
mod tls;
