//! The errors of bodies that cannot be unpacked.

use super::{BOMB_BYTES, BOMB_RATIO, Broken, Unpacker};
use crate::error::{Error, ErrorKind, Phase};
use crate::http::Place;
use crate::redact::one_line;

/// How many characters of the header are shown.
const SHOWN_CHARS: usize = 60;

/// The codings of a body as messages show them.
pub(super) fn shown(codings: &[String]) -> String {
    one_line(&codings.join(", "), SHOWN_CHARS)
}

impl Unpacker {
    /// Why the body cannot be read, and who has to change what.
    pub(in crate::http) fn reason(&self, broken: Broken) -> String {
        let coding = format!("`content-encoding: {}`", self.coding);
        let sender = "the server, or a gateway in between, must send";
        match broken {
            Broken::Unknown => format!(
                "the body has {coding}, which cannot be unpacked: {sender} `identity`, gzip, deflate, br or zstd"
            ),
            Broken::Nested => format!(
                "the body was compressed more than once ({coding}): {sender} `identity` or one coding"
            ),
            Broken::Corrupt => format!(
                "the body is not what {coding} says, or it is damaged: {sender} `identity` or the coding that it names"
            ),
            Broken::Cut => format!("the body ended in the middle of its data ({coding})"),
            Broken::Bomb => format!(
                "the body ({coding}) unpacks to over {} MiB and {BOMB_RATIO} times its size, as in an attack: {sender} \
                 `identity`",
                BOMB_BYTES >> 20
            ),
        }
    }

    /// The error of a body from `place` that cannot be unpacked. Only a cut one is worth another attempt.
    pub(in crate::http) fn error(&self, broken: Broken, place: &Place) -> Error {
        let kind = match broken {
            Broken::Unknown | Broken::Nested | Broken::Corrupt => ErrorKind::Decode,
            Broken::Cut => ErrorKind::ConnectionLost,
            Broken::Bomb => ErrorKind::ResponseTooLarge,
        };
        let message = format!(
            "the reply of {} cannot be read: {}",
            place.origin,
            self.reason(broken)
        );
        Error::new(kind, message)
            .at(Phase::Body)
            .retryable(broken == Broken::Cut)
            .maybe_processed(true)
    }
}
