mod encoding;
mod grpc;
mod http;
mod tls;
