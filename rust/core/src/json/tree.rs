//! Trees of values, of a size that does not depend on what a server sends.

use serde_json::{Map, Value};

use super::reader::{Kind, Reader, Result};

/// The JSON in `bytes` as a tree of at most `most` values; the members and items after them are left out. `None` if
/// it is not one JSON value.
///
/// A value in a tree takes up to a kilobyte of memory, though a server can write one in two bytes.
#[must_use]
pub fn outline(bytes: &[u8], most: usize) -> Option<Value> {
    Builder::read(bytes, most).map(|(value, _)| value)
}

/// The JSON in `text` as a tree; `None` if it has more than `most` values or is not one JSON value.
#[must_use]
pub fn tree(text: &str, most: usize) -> Option<Value> {
    let (value, is_cut) = Builder::read(text.as_bytes(), most)?;
    (!is_cut).then_some(value)
}

struct Builder {
    left: usize,
    is_cut: bool,
}

impl Builder {
    fn read(bytes: &[u8], most: usize) -> Option<(Value, bool)> {
        let mut builder = Self {
            left: most,
            is_cut: false,
        };
        let mut reader = Reader::new(bytes).ok()?;
        let value = builder.value(&mut reader).ok()?;
        reader.end().ok()?;
        Some((value.unwrap_or_default(), builder.is_cut))
    }

    fn value(&mut self, reader: &mut Reader<'_>) -> Result<Option<Value>> {
        let Some(left) = self.left.checked_sub(1) else {
            self.is_cut = true;
            reader.skip()?;
            return Ok(None);
        };
        self.left = left;
        Ok(Some(match reader.peek()? {
            Kind::Object => {
                let mut map = Map::new();
                reader.object(|reader, key| {
                    if let Some(value) = self.value(reader)? {
                        map.insert(key.to_owned(), value);
                    }
                    Ok(())
                })?;
                Value::Object(map)
            }
            Kind::Array => {
                let mut list = Vec::new();
                reader.array(|reader| {
                    list.extend(self.value(reader)?);
                    Ok(())
                })?;
                Value::Array(list)
            }
            Kind::String => Value::String(reader.string()?.into_lossy().into_owned()),
            Kind::Null | Kind::Bool | Kind::Number => {
                let raw = reader.raw()?;
                // A number that is too large for a tree stays as it was written.
                serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()))
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{outline, tree};
    use serde_json::{Value, json};

    #[test]
    fn a_tree_has_at_most_so_many_values() {
        let text = r#"{"a":[1,"x\ud83d",null],"b":{"c":1.5}}"#;
        let whole = json!({"a": [1, "x\u{fffd}", null], "b": {"c": 1.5}});
        assert_eq!(tree(text, 7), Some(whole.clone()));
        assert_eq!(tree(text, 6), None);
        assert_eq!(outline(text.as_bytes(), 7), Some(whole));
        assert_eq!(outline(text.as_bytes(), 3), Some(json!({"a": [1]})));
        assert_eq!(outline(b"[1,]", 9), None);
        assert_eq!(outline(b"", 9), None);
        assert_eq!(
            outline(b"1e999", 9),
            Some(Value::String("1e999".to_owned()))
        );
    }
}
