//! Reads requests, within limits.

use bytes::{Buf, Bytes, BytesMut};
use httparse::{EMPTY_HEADER, Error, Status};

use super::request::Request;
use super::wire::{Gone, Wire};

/// The largest head of a request, in bytes; also the most bytes between two chunks of a body.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The largest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Why no request was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The client left.
    Gone(Gone),
    /// The request cannot be served. Answer with this status, then close the connection.
    Bad(u16, &'static str),
}

const MALFORMED: ReadError = ReadError::Bad(400, "the request is malformed");
const HEAD_TOO_LARGE: ReadError = ReadError::Bad(
    431,
    "the request's head is larger than 64 KiB or has more than 100 fields",
);
const BODY_TOO_LARGE: ReadError = ReadError::Bad(413, "the request's body is larger than 64 MiB");

impl From<Gone> for ReadError {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error {
            Error::TooManyHeaders => HEAD_TOO_LARGE,
            _ => MALFORMED,
        }
    }
}

/// Reads the next request, with its body.
pub(crate) async fn read_request(wire: &mut Wire) -> Result<Request, ReadError> {
    let mut request = read_parsed(wire, |bytes| Ok(Request::parse(bytes)?)).await?;
    request.body = read_body(wire, &request).await?;
    Ok(request)
}

/// Reads until `parse` finds what it looks for, and takes the bytes that it used.
async fn read_parsed<T>(
    wire: &mut Wire,
    parse: impl Fn(&[u8]) -> Result<Status<(usize, T)>, ReadError>,
) -> Result<T, ReadError> {
    loop {
        match parse(&wire.inbox)? {
            Status::Complete((used, _)) if used > MAX_HEAD_BYTES => return Err(HEAD_TOO_LARGE),
            Status::Complete((used, parsed)) => {
                wire.inbox.advance(used);
                return Ok(parsed);
            }
            Status::Partial if wire.inbox.len() > MAX_HEAD_BYTES => return Err(HEAD_TOO_LARGE),
            Status::Partial => wire.fill().await?,
        }
    }
}

async fn read_body(wire: &mut Wire, request: &Request) -> Result<Bytes, ReadError> {
    let length = request.header("content-length");
    let is_chunked = match request.header("transfer-encoding") {
        None => false,
        Some(coding) if coding.eq_ignore_ascii_case("chunked") && length.is_none() => true,
        Some(_) => return Err(MALFORMED),
    };
    let length: usize = length.unwrap_or("0").parse().map_err(|_| MALFORMED)?;
    if length > MAX_BODY_BYTES {
        return Err(BODY_TOO_LARGE);
    }
    let expects = request
        .header("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
    if expects && (is_chunked || wire.inbox.len() < length) {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if is_chunked {
        read_chunks(wire).await
    } else {
        read_exactly(wire, length).await
    }
}

async fn read_exactly(wire: &mut Wire, length: usize) -> Result<Bytes, ReadError> {
    wire.inbox.reserve(length.saturating_sub(wire.inbox.len()));
    while wire.inbox.len() < length {
        wire.fill().await?;
    }
    Ok(wire.inbox.split_to(length).freeze())
}

async fn read_chunks(wire: &mut Wire) -> Result<Bytes, ReadError> {
    let mut body = BytesMut::new();
    loop {
        let chunk_size = |bytes: &[u8]| httparse::parse_chunk_size(bytes).map_err(|_| MALFORMED);
        let size = read_parsed(wire, chunk_size).await?;
        if size == 0 {
            // Trailers are dropped.
            read_parsed(wire, |bytes| {
                let mut fields = [EMPTY_HEADER; 16];
                Ok(match httparse::parse_headers(bytes, &mut fields)? {
                    Status::Complete((used, _)) => Status::Complete((used, ())),
                    Status::Partial => Status::Partial,
                })
            })
            .await?;
            return Ok(body.freeze());
        }
        let size = usize::try_from(size)
            .ok()
            .filter(|size| *size <= MAX_BODY_BYTES - body.len())
            .ok_or(BODY_TOO_LARGE)?;
        body.extend_from_slice(&read_exactly(wire, size).await?);
        if &*read_exactly(wire, 2).await? != b"\r\n" {
            return Err(MALFORMED);
        }
    }
}
