//! Limits what a server may send before the head of its reply: interim heads (1xx) and empty lines.
//!
//! A client must pass over any number of interim heads (RFC 9110, section 15.2), and hyper does, so a server could hold
//! a call with an endless run of them. hyper passes over empty lines too, but reads all of them again whenever more
//! arrive. This follows the bytes of a connection far enough to count both, and no further.

use std::io;

/// How many interim heads a reply may have. Real servers send one or two.
const HEADS: usize = 16;
/// How many bytes all of them may have. Early hints (103) have a few hundred.
const BYTES: usize = 64 << 10;
/// How many empty lines there may be before a head. Real servers send none.
const EMPTY_LINES: usize = 64;

/// The part of a status line that identifies an interim head: `HTTP/1.1 103`.
const START: usize = 12;

/// What was read since the last request.
#[derive(Debug, Default)]
pub(super) struct Interim {
    heads: usize,
    bytes: usize,
    empty_lines: usize,
    at: At,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// In the first bytes of a head, of which so many have been read.
    Start([u8; START], usize),
    /// Further on in an interim head. The current line is empty so far, or it is not.
    Rest { is_empty: bool },
    /// In the reply, or behind it.
    Reply,
}

impl Default for At {
    fn default() -> Self {
        Self::Start([0; START], 0)
    }
}

/// What a server sends before its reply.
#[derive(Debug, thiserror::Error)]
enum TooMany {
    #[error("more than 16 interim heads (1xx) before the reply, or more than 64 KiB of them")]
    Heads,
    #[error("more than 64 empty lines before the reply")]
    EmptyLines,
}

/// What answers speaks TLS.
#[derive(Debug, thiserror::Error)]
#[error("an alert of TLS")]
pub(in crate::http) struct SpeaksTls;

/// How an alert begins: its type, and the major version of TLS (RFC 8446, section 5.1).
const ALERT: [u8; 2] = [0x15, 0x03];

impl Interim {
    /// Whether the reply has not begun, so that [`Self::read`] has to see what arrives.
    pub(super) fn is_counting(&self) -> bool {
        !matches!(self.at, At::Reply)
    }

    /// These bytes of a request will be written. The first ones begin a new count; the rest of a long request may be
    /// written after its reply began.
    pub(super) fn writes(&mut self, bytes: &[u8]) {
        if !self.is_counting() && begins_request(bytes) {
            *self = Self::default();
        }
    }

    /// Follows the next bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> io::Result<()> {
        if matches!(self.at, At::Start(_, 0))
            && let Some(line) = bytes.first_chunk::<START>()
            && line.starts_with(b"HTTP/")
            && !is_interim(*line)
        {
            // Nearly always, the reply begins at once.
            self.at = At::Reply;
            return Ok(());
        }
        if matches!(self.at, At::Start(_, 0)) && bytes.starts_with(&ALERT) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, SpeaksTls));
        }
        for byte in bytes {
            self.at = match self.at {
                At::Reply => return Ok(()),
                // Empty lines before a head are allowed.
                At::Start(_, 0) if matches!(byte, b'\r' | b'\n') => {
                    self.empty_lines += usize::from(*byte == b'\n');
                    self.at
                }
                At::Start(mut line, read) => {
                    if let Some(place) = line.get_mut(read) {
                        *place = *byte;
                    }
                    match read + 1 {
                        START if is_interim(line) => {
                            self.heads += 1;
                            At::Rest { is_empty: false }
                        }
                        START => At::Reply,
                        read => At::Start(line, read),
                    }
                }
                // An empty line ends the head.
                At::Rest { is_empty: true } if *byte == b'\n' => At::default(),
                At::Rest { is_empty } => At::Rest {
                    is_empty: *byte == b'\n' || (is_empty && *byte == b'\r'),
                },
            };
            self.bytes += usize::from(self.is_counting());
            let why = if self.empty_lines > EMPTY_LINES {
                TooMany::EmptyLines
            } else if self.heads > HEADS || self.bytes > BYTES {
                TooMany::Heads
            } else {
                continue;
            };
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(())
    }
}

/// Whether a head that starts like this is an interim one. 101 ends the exchange, so it is not.
fn is_interim(line: [u8; START]) -> bool {
    match &line {
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            _,
            b' ',
            status @ ..,
        ] => status[0] == b'1' && status.iter().all(u8::is_ascii_digit) && status != b"101",
        _ => false,
    }
}

/// Whether a request may start like this: with a method and a space.
fn begins_request(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase());
    let length = method.count();
    length > 0 && bytes.get(length) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLY: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const REPLY: &str = "HTTP/1.1 200 OK\r\n\r\n";

    /// Reads `text` in pieces of `size` bytes; whether it is allowed.
    fn is_allowed(text: &str, size: usize) -> bool {
        let mut interim = Interim::default();
        let read = text
            .as_bytes()
            .chunks(size)
            .try_for_each(|piece| interim.read(piece));
        assert!(read.is_err() || !interim.is_counting(), "{text:?}");
        read.is_ok()
    }

    #[test]
    fn a_reply_may_have_sixteen_interim_heads_however_they_arrive() {
        let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        let bare = "HTTP/1.0 199 x\nlink: a\n\n";
        for head in [EARLY, go_on, bare, "\r\n\r\nHTTP/1.1 102 x\r\n\r\n"] {
            for size in [1, 2, 3, 7, 4_096] {
                let of = |count| format!("{}{REPLY}", head.repeat(count));
                assert!(is_allowed(&of(0), size));
                assert!(is_allowed(&of(HEADS), size), "{head:?} {size}");
                assert!(!is_allowed(&of(HEADS + 1), size), "{head:?} {size}");
            }
        }
    }

    #[test]
    fn interim_heads_are_bounded_in_bytes() {
        let of = |bytes: usize| {
            let head = "HTTP/1.1 103 Early Hints\r\nlink: ";
            format!("{head}{}\r\n\r\n{REPLY}", "a".repeat(bytes))
        };
        assert!(is_allowed(&of(BYTES / 2), 4_096));
        assert!(!is_allowed(&of(BYTES), 4_096));
        // Even if the head never ends.
        let mut interim = Interim::default();
        interim.read(b"HTTP/1.1 103 Early Hints\r\n").unwrap();
        let endless = (0..BYTES).try_for_each(|_| interim.read(b"a: b\r\n"));
        assert!(endless.is_err());
    }

    #[test]
    fn empty_lines_are_bounded() {
        for line in ["\r\n", "\n"] {
            let of = |count| format!("{}{REPLY}", line.repeat(count));
            assert!(is_allowed(&of(EMPTY_LINES), 1_000));
            assert!(!is_allowed(&of(EMPTY_LINES + 1), 1_000));
        }
        // Carriage returns alone do not count as lines, but they are bounded too.
        assert!(!is_allowed(&"\r".repeat(BYTES + 1), 1_000));
    }

    #[test]
    fn a_reply_is_followed_no_further_than_its_status() {
        let like_a_head = EARLY.repeat(HEADS + 1);
        for reply in [
            REPLY,
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 500 No\r\n\r\n",
            "HTTP/2.0 100 x\r\n\r\n",
            "not HTTP at all",
        ] {
            assert!(is_allowed(&format!("{EARLY}{reply}{like_a_head}"), 4_096));
        }
    }

    #[test]
    fn each_request_counts_anew() {
        let mut interim = Interim::default();
        for _ in 0..3 {
            let heads = EARLY.repeat(HEADS);
            interim.read(heads.as_bytes()).unwrap();
            interim.writes(b"GET /v1/models HTTP/1.1\r\n");
            assert!(interim.is_counting());
            interim.read(REPLY.as_bytes()).unwrap();
            assert!(!interim.is_counting());
            interim.writes(b"POST /v1/chat/completions HTTP/1.1\r\n");
            assert!(interim.is_counting());
        }
    }

    #[test]
    fn the_rest_of_a_request_begins_no_new_count() {
        let mut interim = Interim::default();
        interim.read(REPLY.as_bytes()).unwrap();
        for rest in ["{\"model\":\"m\"}", "", "x", "GET", " ", "A\n"] {
            interim.writes(rest.as_bytes());
            // Such a body would be too many empty lines before a head.
            interim
                .read("\n".repeat(EMPTY_LINES * 2).as_bytes())
                .unwrap();
        }
    }

    #[test]
    fn an_alert_of_tls_in_place_of_a_head_is_recognised() {
        let alert = [0x15, 3, 3, 0, 2, 2, 10];
        let error = Interim::default().read(&alert).unwrap_err();
        let inner = error.into_inner().unwrap();
        assert!(inner.downcast_ref::<SpeaksTls>().is_some());
        // In a body, it is data.
        let mut interim = Interim::default();
        interim.read(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        interim.read(&alert).unwrap();
    }
}
