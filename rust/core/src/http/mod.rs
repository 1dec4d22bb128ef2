//! HTTP: sends a request, returns a head and a body. Only this folder uses hyper and reqwest.
//!
//! Read `attempt` first: it makes one attempt of a call, from the permit to the response head. In that order:
//!
//! - `outgoing`: the request that is sent, and the route it takes; `payload`: its body
//! - `transport`: the connections of one runtime
//! - `hub`: what the whole process shares: the permits of `origin`, the TLS configurations of `tls`, the cache of `dns`
//! - `flights`: the threads on which names are looked up and the files of `certificates` and `private_key` are read
//! - `roots`: where root certificates are; `verifier`: whether a server is trusted, beyond what rustls itself checks
//! - `exchange`: what a transport does; `direct` and `general`: the two transports
//! - `handshake` and `link`: how a connection is made, with `unix` for those at a path; `proxy`: through which proxy,
//!   with its `proxy_credentials`; `no_proxy`: which hosts need none; `tunnel`: what a proxy answers to CONNECT
//! - `host`: what a host means: this machine, a private network, one interface of this machine
//! - `response`: the head and body that are returned, which `encoding` unpacks; `fault`: the error of a failed attempt,
//!   with `tls_words` for TLS and `proxy_words` for proxies
//! - `turn`: how much a task may do before the others of its thread get their turns
//! - `test_rules`: what a test sets for the calls of its process

mod attempt;
mod certificates;
mod direct;
mod dns;
pub mod encoding;
mod exchange;
mod fault;
mod flights;
mod general;
mod handshake;
pub(crate) mod host;
mod hub;
mod link;
mod no_proxy;
mod origin;
mod outgoing;
mod payload;
mod private_key;
mod proxy;
mod proxy_credentials;
mod proxy_words;
mod response;
mod roots;
pub mod test_rules;
#[cfg(test)]
mod tests;
mod tls;
mod tls_words;
mod transport;
mod tunnel;
mod turn;
pub(crate) mod unix;
mod verifier;

pub(crate) use attempt::{send, send_as_is};
pub(crate) use fault::Place;
pub(crate) use handshake::Probe;
pub use hub::Hub;
pub(crate) use origin::Origin;
pub(crate) use outgoing::{Outgoing, Road, Route, Target};
pub(crate) use payload::{Payload, PieceSource};
pub use proxy::proxy_in_use;
pub(crate) use proxy::{
    ARGUMENT as PROXY_ARGUMENT, Proxy, from_environment as proxy_from_environment,
};
pub(crate) use response::Body;
pub use response::Head;
pub use roots::{RootPlace, root_places};
pub(crate) use test_rules::{Interception, mistake};
pub(crate) use tls::TlsKey;
pub use transport::Transport;
pub(crate) use unix::UnixSocket;
