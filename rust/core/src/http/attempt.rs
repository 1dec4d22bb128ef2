//! One attempt of a call: permit, connection, request, response head. [`send`] makes it for our own calls,
//! [`send_as_is`] for the requests of other libraries.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::response::Parts;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::Url;

use super::exchange::{Exchange, Incoming, Request};
use super::fault;
use super::handshake::Probe;
use super::outgoing::{Outgoing, Target};
use super::response::{Body, Head};
use super::transport::{HttpClient, Transport};
use crate::error::{ApiFailure, Error, ErrorKind, Phase};

/// How many redirects within an origin are followed.
const REDIRECTS: usize = 3;

/// The runtime of a sync caller sleeps between two calls. In a pause as long as this, the server may have closed
/// the idle connection unnoticed, and a request on it would be lost.
const ASLEEP: Duration = Duration::from_micros(50);

/// Headers with the provider's id of the request; the first one counts. `inference-id` (Cerebras, Hugging Face) stands
/// beside `x-request-id`, which proxies use, too. Of the others the names that several providers use come first.
///
/// `request-id` is Anthropic's; `apim-request-id` and `x-ms-request-id` Azure's; `x-amzn-requestid` Bedrock's;
/// `mistral-correlation-id` and `x-kong-request-id` Mistral's; `x-generation-id` `OpenRouter`'s; `x-ds-trace-id`
/// `DeepSeek`'s; `x-inference-request-id` of a provider behind Hugging Face; `msh-request-id` Moonshot's; `nvcf-reqid`
/// NVIDIA's; `x-debug-trace-id` Cohere's; `trace-id` `MiniMax`'s; `x-github-request-id` GitHub's;
/// `x-global-transaction-id` watsonx's; the last three belong to the proxies One API, Portkey and `LiteLLM`.
const REQUEST_ID_HEADERS: [&str; 20] = [
    "inference-id",
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-ms-request-id",
    "x-amzn-requestid",
    "mistral-correlation-id",
    "x-generation-id",
    "x-ds-trace-id",
    "x-inference-request-id",
    "msh-request-id",
    "nvcf-reqid",
    "x-debug-trace-id",
    "x-kong-request-id",
    "trace-id",
    "x-github-request-id",
    "x-global-transaction-id",
    "x-oneapi-request-id",
    "x-portkey-trace-id",
    "x-litellm-call-id",
];

/// Makes one attempt. `queued` receives the seconds spent waiting for the permit. If `fresh` is set, the request
/// gets no idle connection.
pub(crate) async fn send(
    transport: &Transport,
    outgoing: &Outgoing,
    probe: &Arc<Probe>,
    fresh: bool,
    queued: &mut Option<f64>,
) -> Result<(Head, Body), Error> {
    let (client, permit) = admitted(transport, outgoing, probe, queued).await?;
    let mut target = Arc::clone(&outgoing.target);
    let mut last = None;
    for _ in 0..=REDIRECTS {
        let (parts, mut incoming) = exchange(&client, outgoing, &target, probe, fresh).await?;
        if let Some(next) = redirect_target(&parts, outgoing, &target.url)? {
            target = Target::new(next)?;
            last = Some(head_of(&parts));
            incoming.skip().await;
            continue;
        }
        // The pause before the next call begins about here.
        transport.touch();
        // The values of the headers are slices of the connection's first read buffer, and would keep its 8 KiB for
        // as long as the stream lives. The head has copies.
        return Ok((head_of(&parts), Body::new(incoming, &parts.headers, permit)));
    }
    let message = format!(
        "{} redirects more than 3 times in a row",
        outgoing.place.origin
    );
    let error = Error::new(ErrorKind::Protocol, message).at(Phase::Head);
    Err(match last {
        Some(head) => head.seen_by(error),
        None => error,
    })
}

/// Makes one attempt of a request that is passed on as it is: no redirect is followed, and nothing is unpacked. The body
/// of `outgoing` may come in pieces.
pub(crate) async fn send_as_is(
    transport: &Transport,
    outgoing: &Outgoing,
    probe: &Arc<Probe>,
    fresh: bool,
) -> Result<(Parts, Body), Error> {
    let (client, permit) = admitted(transport, outgoing, probe, &mut None).await?;
    let (parts, incoming) = exchange(&client, outgoing, &outgoing.target, probe, fresh).await?;
    transport.touch();
    let body = Body::as_sent(incoming, &parts.headers, permit);
    Ok((parts, body))
}

/// The client of the route, and the permit of the attempt.
async fn admitted(
    transport: &Transport,
    outgoing: &Outgoing,
    probe: &Arc<Probe>,
    queued: &mut Option<f64>,
) -> Result<(Arc<HttpClient>, OwnedSemaphorePermit), Error> {
    let hub = transport.hub();
    hub.test_rules().check(outgoing)?;
    hub.test_rules().count(outgoing.route.road);
    let client = transport.client(outgoing, probe).await?;
    let asked = Instant::now();
    let permit = outgoing.origin.permit(probe.pool_limit(), hub.log());
    let permit = permit.await;
    *queued = Some(asked.elapsed().as_secs_f64());
    let permit = permit.ok_or_else(|| pool_timeout(outgoing, probe))?;
    if transport.last_used().elapsed() > ASLEEP {
        client.notice_closed().await;
    }
    transport.touch();
    probe.ask(asked);
    Ok((client, permit))
}

async fn exchange(
    client: &HttpClient,
    outgoing: &Outgoing,
    target: &Arc<Target>,
    probe: &Arc<Probe>,
    fresh: bool,
) -> Result<(Parts, Incoming), Error> {
    let request = Request {
        method: outgoing.method.clone(),
        target: Arc::clone(target),
        headers: outgoing.headers.clone(),
        body: outgoing.body.clone(),
        origin: Arc::clone(&outgoing.origin),
        fresh,
    };
    let exchanged = probe.watch(client.send(request)).await;
    let (parts, incoming) = exchanged.map_err(|failed| fault::of_send(&failed, outgoing))?;
    if head_bytes(&parts) > outgoing.route.max_head_bytes {
        return Err(fault::of_large_head(&outgoing.route));
    }
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(head_of(&parts).seen_by(fault::of_upgrade(&outgoing.place)));
    }
    Ok((parts, incoming))
}

/// How large a head is without blanks that mean nothing: its lines with their ends, and the empty line.
fn head_bytes(head: &Parts) -> usize {
    let reason = head.extensions.get::<hyper::ext::ReasonPhrase>();
    let reason = match reason {
        Some(reason) => reason.as_bytes().len(),
        None => head.status.canonical_reason().unwrap_or_default().len(),
    };
    let lines = head.headers.iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    "HTTP/1.1 200 \r\n\r\n".len() + reason + lines.sum::<usize>()
}

/// The target of a redirect within the origin. A redirect to another origin is not followed, because the
/// prompt and the key are meant for this one.
fn redirect_target(
    response: &Parts,
    outgoing: &Outgoing,
    from: &Url,
) -> Result<Option<Url>, Error> {
    let status = response.status;
    let location = response.headers.get(http::header::LOCATION);
    let Some(location) = location.filter(|_| status.is_redirection()) else {
        return Ok(None);
    };
    let place = &outgoing.place;
    let target = location.to_str().ok().and_then(|text| from.join(text).ok());
    let why = match target {
        Some(target) if target.origin() == from.origin() => {
            if let 307 | 308 = status.as_u16() {
                return Ok(Some(target));
            }
            let setting = place.setting();
            format!("would drop the request's body: check the path of {setting}")
        }
        // Path, query and userinfo may hold what no log should.
        Some(target) => {
            let to = target.origin().ascii_serialization();
            format!(
                "leads to another origin, {to}, and is not followed: set {} to it if you trust it",
                place.base_url_name
            )
        }
        None => "has no usable target".to_owned(),
    };
    let message = format!(
        "the redirect ({}) from {} {why}",
        status.as_u16(),
        place.origin
    );
    let api = ApiFailure {
        status: Some(status.as_u16()),
        ..ApiFailure::default()
    };
    let error = Error::new(ErrorKind::Api, message).at(Phase::Head);
    Err(head_of(response).seen_by(error.with_api(api)))
}

fn pool_timeout(outgoing: &Outgoing, probe: &Probe) -> Error {
    let message = format!(
        "no free connection to {} within {} s (the `pool` timeout; Limits(max_connections={}))",
        outgoing.place.origin,
        probe.pool_limit().unwrap_or_default().as_secs_f64(),
        outgoing.origin.max_connections,
    );
    Error::new(ErrorKind::PoolTimeout, message).at(Phase::Connect)
}

fn head_of(response: &Parts) -> Head {
    let headers: Arc<[_]> = response
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let mut head = Head {
        status: response.status.as_u16(),
        headers,
        request_id: None,
    };
    head.request_id = REQUEST_ID_HEADERS
        .iter()
        .find_map(|name| head.header(name).filter(|id| !id.trim().is_empty()))
        .map(str::to_owned);
    head
}
