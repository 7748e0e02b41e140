//! A small HTTP/1.1 server for provisioning that answers as a case orders (RFC 9110, RFC 9112).

mod authentication;
mod body;
mod date;
mod digest;
mod order;
mod parser;
mod request;
mod response;
mod server;
mod site;

pub use authentication::Authentication;
pub use digest::DigestAlgorithm;
pub use order::{HttpFault, HttpOrder, Route};
pub use parser::{Parser, Progress};
pub use request::{HttpRequest, RequestError};
pub use response::HttpResponse;
pub use server::HttpServer;
pub use site::{HttpReply, HttpTreatment, Requester, Site};
