//! HTTP: a request in, a head and a body out. The only folder that names hyper.
//!
//! Read `attempt` first: it makes one attempt of a call, from the permit to the response head. An
//! attempt sends what `outgoing` holds, over the connections of a runtime (`transport`, `clients`), under
//! what the whole process shares (`hub`: the permits of `origin`, the TLS configurations of `tls`, the
//! cache of `dns`). A connection is made by `connector` and `dial`, through a `proxy` where there is one.
//! What comes back is a `head` and a `body`, or an error that `fault` has read out of hyper's.
//! `test_rules` is what a test puts between all of this and the network.

mod attempt;
mod body;
mod clients;
mod connector;
mod dial;
mod dns;
mod fault;
mod head;
mod hub;
mod origin;
mod outgoing;
mod proxy;
pub mod test_rules;
#[cfg(test)]
mod tests;
mod tls;
mod transport;

pub(crate) use attempt::send;
pub(crate) use body::Body;
pub(crate) use connector::Probe;
pub(crate) use fault::Place;
pub use head::Head;
pub use hub::Hub;
pub(crate) use origin::Origin;
pub(crate) use outgoing::{Outgoing, Route, Target};
pub use proxy::proxy_in_use;
pub(crate) use proxy::{Proxy, from_environment as proxy_from_environment};
pub(crate) use test_rules::Interception;
pub(crate) use tls::TlsKey;
pub use tls::{RootPlace, root_places};
pub use transport::Transport;
