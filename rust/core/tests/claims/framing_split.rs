//! A property that a fuzzer attacks and `tests/corpus.rs` replays.

use serde_json::value::RawValue;
use tokenwire_core::error::Error;
use tokenwire_core::framing::{Cutter, Framing, Progress};
use tokenwire_core::sse::Item;

/// Small, so that the limits are reached too.
const MOST_EVENT: usize = 300;
const MOST_REPLY: usize = 600;

/// What was read from a body.
#[derive(Debug, PartialEq)]
struct Cut {
    /// Names and data of events, and other lines.
    records: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is missing at the end of the body, or the error.
    end: Result<Option<&'static str>, String>,
    /// Whether the body was over before its end.
    is_over: bool,
    document: Option<Vec<u8>>,
}

/// A body gives the same records, or the same document, wherever it is cut. The records of an array are its elements.
///
/// The first byte says how long the chunks are, the rest is the body.
pub fn holds(input: &[u8]) {
    let Some((&size, body)) = input.split_first() else {
        return;
    };
    let whole = cut(body.chunks(body.len().max(1)));
    let parts = cut(body.chunks(usize::from(size).max(1)));
    assert_eq!(whole, parts, "chunks of {size}");
    assert_eq!(whole, cut(body.chunks(1)), "single bytes");
    check_array(body, &whole);
}

fn cut<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Cut {
    let mut cutter = Cutter::new(&[Framing::Events, Framing::Array], MOST_EVENT, MOST_REPLY);
    let mut records = Vec::new();
    let mut take = |item: Item<'_>| {
        records.push(match item {
            Item::Event { name, data } => (name.into(), data.into()),
            Item::Stray { name, value } => ([b"stray ", name].concat(), value.into()),
            Item::Comment(text) => (b"comment".into(), text.into()),
        });
        Ok(())
    };
    let mut read: Result<(), Error> = Ok(());
    for chunk in chunks {
        read = cutter.push(chunk, &mut take);
        if read.is_err() {
            break;
        }
        // The engine asks after each chunk.
        let kept = cutter.document().map_or(0, <[u8]>::len);
        assert!(kept <= MOST_REPLY + 7, "{kept} bytes are kept");
    }
    let end = read.and_then(|()| cutter.finish(&mut take));
    Cut {
        is_over: matches!(cutter.progress(), Progress::Ended | Progress::Wrong(_)),
        // After an error it is as long as it had become.
        document: cutter.document().filter(|_| end.is_ok()).map(Into::into),
        end: end.map_err(|error| error.to_string()),
        records,
    }
}

/// Compares with `serde_json`, if the body begins with an array.
fn check_array(body: &[u8], cut: &Cut) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii_start().first() != Some(&b'[') {
        return;
    }
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Vec<&RawValue>>();
    let Some(Ok(elements)) = values.next() else {
        return;
    };
    match &cut.end {
        Ok(missing) => {
            assert_eq!((cut.is_over, missing), (true, &None));
            let expected = elements.iter().map(|it| it.get().as_bytes());
            let came = cut.records.iter().map(|(name, data)| {
                assert!(name.is_empty());
                &**data
            });
            assert!(
                came.eq(expected),
                "{:?} instead of {elements:?}",
                cut.records
            );
        }
        Err(error) if error.contains("levels") => {
            let bytes = body.iter().filter(|byte| matches!(byte, b'[' | b'{'));
            assert!(bytes.count() > 127, "{error}");
        }
        Err(error) => {
            assert!(error.contains("max_event_bytes"), "{error}");
            let longest = elements.iter().map(|it| it.get().len()).max();
            assert!(longest > Some(MOST_EVENT), "{error}");
        }
    }
}
