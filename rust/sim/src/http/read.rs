//! Reads requests off a wire, within limits.

use bytes::{Buf, Bytes, BytesMut};

use super::request::Request;
use super::wire::{Gone, Wire};

/// Largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Largest body of a request, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Why no request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The client went; `true` when it had begun a request.
    Gone(Gone, bool),
    /// The request cannot be taken; answer with this status and close.
    Bad(u16, &'static str),
}

const MALFORMED: ReadError = ReadError::Bad(400, "the request is malformed");

/// Reads the next request in full.
pub(crate) async fn read_request(wire: &mut Wire) -> Result<Request, ReadError> {
    let mut scanned = 0_usize;
    let head_len = loop {
        let from = scanned.saturating_sub(3);
        let fresh = wire.inbox.get(from..).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(fresh, b"\r\n\r\n") {
            break from + at + 4;
        }
        scanned = wire.inbox.len();
        if scanned > MAX_HEAD_BYTES {
            return Err(ReadError::Bad(
                431,
                "the head of the request is over 64 KiB",
            ));
        }
        wire.fill()
            .await
            .map_err(|gone| ReadError::Gone(gone, scanned > 0))?;
    };
    if head_len > MAX_HEAD_BYTES {
        return Err(ReadError::Bad(
            431,
            "the head of the request is over 64 KiB",
        ));
    }
    let mut request = {
        let head = wire.inbox.get(..head_len).unwrap_or_default();
        Request::parse(head).ok_or(MALFORMED)?
    };
    wire.inbox.advance(head_len);
    read_body(wire, &mut request).await?;
    Ok(request)
}

async fn read_body(wire: &mut Wire, request: &mut Request) -> Result<(), ReadError> {
    let length = request.header("content-length").map(str::to_owned);
    let chunked = match request.header("transfer-encoding") {
        None => false,
        Some(coding) if coding.eq_ignore_ascii_case("chunked") => true,
        Some(_) => return Err(MALFORMED),
    };
    if chunked && length.is_some() {
        return Err(MALFORMED);
    }
    let length = match length {
        Some(text) => text.parse::<usize>().map_err(|_| MALFORMED)?,
        None => 0,
    };
    if length > MAX_BODY_BYTES {
        return Err(ReadError::Bad(
            413,
            "the body of the request is over 64 MiB",
        ));
    }
    let expects = request
        .header("expect")
        .is_some_and(|v| v.eq_ignore_ascii_case("100-continue"));
    if expects && (chunked || wire.inbox.len() < length) {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .map_err(|gone| ReadError::Gone(gone, true))?;
    }
    request.body = if chunked {
        read_chunks(wire).await?
    } else {
        read_exactly(wire, length).await?
    };
    Ok(())
}

async fn read_exactly(wire: &mut Wire, length: usize) -> Result<Bytes, ReadError> {
    let missing = length.saturating_sub(wire.inbox.len());
    wire.inbox.reserve(missing);
    while wire.inbox.len() < length {
        wire.fill()
            .await
            .map_err(|gone| ReadError::Gone(gone, true))?;
    }
    Ok(wire.inbox.split_to(length).freeze())
}

async fn read_chunks(wire: &mut Wire) -> Result<Bytes, ReadError> {
    let mut body = BytesMut::new();
    loop {
        let line = read_line(wire).await?;
        let digits = line.split(|b| *b == b';').next().unwrap_or_default();
        let digits = std::str::from_utf8(digits).map_err(|_| MALFORMED)?;
        let size = usize::from_str_radix(digits.trim(), 16).map_err(|_| MALFORMED)?;
        if size == 0 {
            // Trailers are read and dropped.
            while !read_line(wire).await?.is_empty() {}
            return Ok(body.freeze());
        }
        if size > MAX_BODY_BYTES - body.len().min(MAX_BODY_BYTES) {
            return Err(ReadError::Bad(
                413,
                "the body of the request is over 64 MiB",
            ));
        }
        let chunk = read_exactly(wire, size).await?;
        body.extend_from_slice(&chunk);
        if !read_line(wire).await?.is_empty() {
            return Err(MALFORMED);
        }
    }
}

/// One line without its end.
async fn read_line(wire: &mut Wire) -> Result<Bytes, ReadError> {
    loop {
        if let Some(end) = memchr::memchr(b'\n', &wire.inbox) {
            let mut line = wire.inbox.split_to(end + 1).freeze();
            line.truncate(end);
            if line.last() == Some(&b'\r') {
                line.truncate(end - 1);
            }
            return Ok(line);
        }
        if wire.inbox.len() > 4096 {
            return Err(MALFORMED);
        }
        wire.fill()
            .await
            .map_err(|gone| ReadError::Gone(gone, true))?;
    }
}
