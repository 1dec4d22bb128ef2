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

/// As [`outline`], of JSON whose end is missing: what stands before it.
#[must_use]
pub fn outline_of_start(text: &str, most: usize) -> Option<Value> {
    let mut builder = Builder {
        left: most,
        is_cut: false,
        may_end: true,
    };
    let mut reader = Reader::over(text);
    let value = builder.value(&mut reader).ok()?;
    reader.end().ok()?;
    value
}

struct Builder {
    left: usize,
    is_cut: bool,
    /// Whether the text may end anywhere.
    may_end: bool,
}

impl Builder {
    fn read(bytes: &[u8], most: usize) -> Option<(Value, bool)> {
        let mut builder = Self {
            left: most,
            is_cut: false,
            may_end: false,
        };
        let mut reader = Reader::new(bytes).ok()?;
        let value = builder.value(&mut reader).ok()?;
        reader.end().ok()?;
        Some((value.unwrap_or_default(), builder.is_cut))
    }

    fn value(&mut self, reader: &mut Reader<'_>) -> Result<Option<Value>> {
        let Some(left) = self.left.checked_sub(1) else {
            self.is_cut = true;
            let skipped = reader.skip();
            self.unless_at_end(reader, skipped)?;
            return Ok(None);
        };
        self.left = left;
        Ok(Some(match reader.peek()? {
            Kind::Object => {
                let mut map = Map::new();
                let read = reader.object(|reader, key| {
                    if let Some(value) = self.value(reader)? {
                        map.insert(key.to_owned(), value);
                    }
                    Ok(())
                });
                self.unless_at_end(reader, read)?;
                Value::Object(map)
            }
            Kind::Array => {
                let mut list = Vec::new();
                let read = reader.array(|reader| {
                    list.extend(self.value(reader)?);
                    Ok(())
                });
                self.unless_at_end(reader, read)?;
                Value::Array(list)
            }
            Kind::String => {
                let start = reader.offset() + 1;
                match reader.string() {
                    Ok(text) => Value::String(text.into_lossy().into_owned()),
                    Err(error) => {
                        self.unless_at_end(reader, Err(error))?;
                        let rest = reader.text.get(start..).unwrap_or_default();
                        Value::String(rest.to_owned())
                    }
                }
            }
            Kind::Null | Kind::Bool | Kind::Number => {
                let raw = reader.raw()?;
                // A number that is too large for a tree stays as it was written.
                serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()))
            }
        }))
    }

    /// Passes an error on, except that of a text that may end where it ends.
    fn unless_at_end(&self, reader: &mut Reader<'_>, read: Result<()>) -> Result<()> {
        match read {
            Err(error) if self.may_end && is_torn(reader.text, error.offset) => {
                reader.at = reader.text.len();
                Ok(())
            }
            read => read,
        }
    }
}

/// Whether only a part of a number, a word or an escape is left.
fn is_torn(text: &str, at: usize) -> bool {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let may_go_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"\\+-.".contains(byte);
    rest.iter().all(may_go_on)
}

#[cfg(test)]
mod tests {
    use super::{outline, outline_of_start, tree};
    use serde_json::{Value, json};

    #[test]
    fn of_a_text_without_its_end_what_stands_before_is_read() {
        let whole = r#"{"a":[1,{"b":"c\n\u00e9"}],"d":"e","f":{"g":[[null]]},"h":2.5}"#;
        for end in 1..whole.len() {
            let text = &whole[..end];
            let read = outline_of_start(text, 99).unwrap_or_else(|| panic!("{text}"));
            if end > 25 {
                assert_eq!(read.pointer("/a/0"), Some(&json!(1)), "{text}");
                assert_eq!(read.pointer("/a/1/b"), Some(&json!("c\né")), "{text}");
            }
        }
        for (text, read) in [
            (r#"{"a":{"b":"ab\"c"#, json!({"a": {"b": "ab\\\"c"}})),
            (r#"[{"a":1},{"a""#, json!([{"a": 1}, {}])),
            (r#"{"a":[1,2,3,4"#, json!({"a": [1, 2]})),
        ] {
            assert_eq!(outline_of_start(text, 4), Some(read), "{text}");
        }
        for text in ["", "{]", r#"{"a" "b"#, "[1,2] 3]", "<x>"] {
            assert_eq!(outline_of_start(text, 9), None, "{text}");
        }
    }

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
