//! A property that a fuzzer attacks and `tests/corpus.rs` replays.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tokenwire_core::http::encoding::{Broken, Unpacker};

const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// The first byte is the coding and the size of the chunks, the rest is the body. Its chunks do not matter, except for
/// how much comes out before an error, and it does not unpack to more than a bomb may.
pub fn holds(input: &[u8]) {
    let Some((&first, body)) = input.split_first() else {
        return;
    };
    let coding = CODINGS[usize::from(first) % CODINGS.len()];
    let size = usize::from(first) / CODINGS.len() + 1;
    let (whole, end) = unpacked(coding, body, body.len().max(1));
    for size in [size, 1] {
        let (other, other_end) = unpacked(coding, body, size);
        assert_eq!(end, other_end, "chunks of {size}");
        let common = whole.len().min(other.len());
        assert!(whole[..common] == other[..common], "chunks of {size}");
        assert!(
            end.is_err() || whole.len() == other.len(),
            "chunks of {size}"
        );
    }
    let most = (8 << 20).max(201 * body.len());
    assert!(whole.len() <= most, "{} bytes", whole.len());
}

/// What comes out, and how it ends.
fn unpacked(coding: &str, body: &[u8], size: usize) -> (Vec<u8>, Result<(), Broken>) {
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", HeaderValue::from_str(coding).unwrap());
    let mut unpacker = Unpacker::of(&headers).unwrap();
    let mut all = Vec::new();
    for chunk in body.chunks(size) {
        unpacker.push(Bytes::copy_from_slice(chunk));
        loop {
            match unpacker.next() {
                Ok(Some(piece)) => {
                    assert!((1..=16 << 10).contains(&piece.len()));
                    all.extend_from_slice(&piece);
                }
                Ok(None) => break,
                Err(broken) => return (all, Err(broken)),
            }
        }
    }
    let end = unpacker.finish();
    (all, end)
}
