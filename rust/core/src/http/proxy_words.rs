//! Why there is no connection through a proxy, in words.

use std::error::Error as StdError;

use http::StatusCode;

use super::fault::{find, reason, root_io, root_of};
use super::proxy::ARGUMENT;
use super::tunnel::{Answered, SocksError, TunnelError};
use crate::error::{Error, ErrorKind};

/// The proxy `shown`, which is from `name`, made no connection to `origin`.
pub(super) fn of_proxy(
    error: &(dyn StdError + 'static),
    origin: &str,
    shown: &str,
    name: &str,
) -> Error {
    let Reason { why, fix, is_final } = reason_of(error);
    let fix = fix.map_or_else(String::new, |fix| format!(": {fix}"));
    let from = match name {
        ARGUMENT => String::new(),
        variable => format!("; the proxy is from {variable}"),
    };
    let message = format!("no connection to {origin} through the proxy {shown} ({why}){fix}{from}");
    Error::new(ErrorKind::Proxy, message).retryable(!is_final)
}

struct Reason {
    why: String,
    fix: Option<&'static str>,
    /// Whether the same request would be refused again.
    is_final: bool,
}

const HTTP_CREDENTIALS: &str = "it requires credentials, as in http://user:password@host:port";
const SOCKS_CREDENTIALS: &str =
    "it requires credentials, as in socks5h://user:password@host:port, or refuses these";

fn reason_of(error: &(dyn StdError + 'static)) -> Reason {
    if let Some(Answered(status)) = find(error) {
        return of_status(*status);
    }
    if let Some(tunnel) = find::<TunnelError>(error) {
        let why = match tunnel {
            TunnelError::ProxyAuthRequired => {
                return of_status(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            }
            TunnelError::TunnelUnexpectedEof => "it closed the connection instead of an answer",
            TunnelError::TunnelUnsuccessful | TunnelError::ProxyHeadersTooLong => {
                "it refused CONNECT, or its answer is not valid HTTP/1.1"
            }
            _ => return of_other(error),
        };
        return Reason {
            why: why.to_owned(),
            fix: None,
            is_final: false,
        };
    }
    match find::<SocksError>(error) {
        Some(SocksError::V5(refused)) => of_socks(5, &refused.to_string()),
        Some(SocksError::V4(refused)) => of_socks(4, &refused.to_string()),
        Some(SocksError::Parsing(_)) => Reason {
            why: "its answer is not valid SOCKS".to_owned(),
            fix: None,
            is_final: false,
        },
        _ => of_other(error),
    }
}

fn of_status(status: StatusCode) -> Reason {
    let fix = match status.as_u16() {
        200..=299 => Some("it had refused the same tunnel just before"),
        300..=399 => Some("a proxy that redirects may want a login in a browser first"),
        407 => Some(HTTP_CREDENTIALS),
        401 | 403 => Some("it does not permit this connection"),
        400 | 404 | 405 | 501 => Some("is it an HTTP proxy?"),
        502..=504 => Some("it does not reach the server"),
        _ => None,
    };
    Reason {
        // With its usual name, if it has one.
        why: match status.canonical_reason() {
            Some(name) => format!("it answered CONNECT with {}, {name}", status.as_u16()),
            None => format!("it answered CONNECT with {}", status.as_u16()),
        },
        fix,
        is_final: status.is_client_error(),
    }
}

/// What a SOCKS proxy refused. The types of the reasons are private to hyper-util, so their texts decide.
fn of_socks(version: u8, refused: &str) -> Reason {
    let fix = match refused {
        "server does not support user/pass authentication"
        | "server implements authentication incorrectly"
        | "credentials not accepted" => Some(SOCKS_CREDENTIALS),
        "IPV6 is not supported" => Some("SOCKS 4 has no IPv6: use socks5h://"),
        _ => None,
    };
    Reason {
        why: format!("SOCKS {version}: {refused}"),
        fix,
        is_final: fix.is_some(),
    }
}

fn of_other(error: &(dyn StdError + 'static)) -> Reason {
    Reason {
        why: root_io(error).map_or_else(|| root_of(error), reason),
        fix: None,
        is_final: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(link: impl StdError + 'static) -> Error {
        of_proxy(&link, "host:1", "http://p:2", ARGUMENT)
    }

    #[test]
    fn the_status_of_a_refusal_is_named_and_a_4xx_is_final() {
        for (status, is_final, part) in [
            (302, false, "302, Found): a proxy that redirects"),
            (401, true, "401, Unauthorized)"),
            (403, true, "403, Forbidden): it does not permit"),
            (404, true, "404, Not Found): is it an HTTP proxy?"),
            (407, true, "http://user:password@host:port"),
            (429, true, "429, Too Many Requests)"),
            (
                502,
                false,
                "502, Bad Gateway): it does not reach the server",
            ),
            (599, false, "with 599)"),
            (200, false, "200, OK): it had refused"),
        ] {
            let error = error(Answered(StatusCode::from_u16(status).unwrap()));
            assert_eq!(error.kind(), ErrorKind::Proxy);
            assert_eq!(error.is_retryable(), !is_final, "{error}");
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn the_errors_of_hyper_util_are_known_by_their_types() {
        let auth = error(TunnelError::ProxyAuthRequired);
        assert!(auth.message().contains("407, Proxy Auth") && !auth.is_retryable());
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for (error, part) in [
            (
                error(TunnelError::TunnelUnexpectedEof),
                "(it closed the connection",
            ),
            (
                error(TunnelError::TunnelUnsuccessful),
                "(it refused CONNECT",
            ),
            (error(TunnelError::Io(io)), "(reset by the peer)"),
            (
                error(SocksError::Io(std::io::ErrorKind::ConnectionReset.into())),
                "(reset by",
            ),
        ] {
            assert!(error.message().contains(part), "{error}");
            assert!(error.is_retryable(), "{error}");
        }
    }
}
