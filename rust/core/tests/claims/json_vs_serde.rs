//! A property that a fuzzer attacks and `tests/corpus.rs` replays.

use serde_json::Value;
use tokenwire_core::json::{self, Error, Kind, Reader, write_string};

/// `serde_json` and our reader agree, except about numbers out of range, numbers of Python
/// and lone surrogates.
pub fn holds(input: &[u8]) {
    // Numbers of Python, which are null to `serde_json`.
    let text = std::str::from_utf8(input).map(json::strict);
    let theirs = match &text {
        Ok(text) => serde_json::from_str::<Value>(text),
        Err(_) => serde_json::from_slice(input),
    };
    let ours = Reader::new(input).and_then(|mut reader| {
        reader.skip()?;
        reader.end()
    });
    match (&theirs, ours) {
        (Ok(value), Ok(())) => {
            let mut reader = Reader::new(input).unwrap();
            assert_eq!(&read(&mut reader).unwrap(), value);
            let whole = value.is_object() || value.is_array();
            assert_eq!(json::is_complete(input), whole);
        }
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) => panic!("we refuse it: {error:?}"),
        (Err(error), Ok(())) => {
            let error = error.to_string();
            let known = ["out of range", "surrogate", "unexpected end of hex escape"];
            assert!(
                known.iter().any(|word| error.contains(word)),
                "serde_json refuses it: {error}"
            );
        }
    }
}

/// Builds a tree like `serde_json`; the reader limits its depth.
fn read(reader: &mut Reader<'_>) -> Result<Value, Error> {
    Ok(match reader.peek()? {
        Kind::String => {
            let text = reader.string()?.into_lossy().into_owned();
            let mut written = Vec::new();
            write_string(&mut written, &text);
            assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
            Value::String(text)
        }
        Kind::Array => {
            let mut items = Vec::new();
            reader.array(|reader| {
                items.push(read(reader)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        Kind::Object => {
            let mut fields = serde_json::Map::new();
            reader.object(|reader, key| {
                fields.insert(key.to_owned(), read(reader)?);
                Ok(())
            })?;
            Value::Object(fields)
        }
        Kind::Number => serde_json::from_str(&json::strict(reader.number()?)).unwrap(),
        Kind::Null | Kind::Bool => serde_json::from_str(reader.raw()?).unwrap(),
    })
}
