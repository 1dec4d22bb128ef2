//! Finds the sources that Gemini names: in the `groundingMetadata` and the `citationMetadata` of a candidate.
//!
//! Their offsets count bytes (ai.google.dev, `Segment` and `CitationSource`).

use std::borrow::Cow;

use super::citations::{Citation, Span};
use super::extra::RawJson;
use super::part::Part;
use crate::json::{Error, Kind, Reader, Text};

/// How many citations are made of one reply. Each takes more memory than the two bytes that name its source.
const MOST: usize = 16_384;
/// How many times its own size the JSON of the sources may take, which a support may name again and again.
const MOST_TIMES: usize = 8;

/// Adds the citations of a candidate with these parts.
pub(super) fn add(parts: &[Part], found: &mut Vec<Citation>) {
    let mut grounds = Grounds::default();
    for part in parts {
        let Part::Opaque { field, json } = part else {
            continue;
        };
        // The text was checked when it was received.
        let _ = match &**field {
            "groundingMetadata" => grounds.supports(json.get(), &Texts::of(parts)),
            "citationMetadata" => grounds.sources(json.get()),
            _ => Ok(()),
        };
    }
    if !grounds.noted.is_empty() {
        grounds.place(&Texts::of(parts).whole, found);
    }
}

/// The text of a candidate.
struct Texts {
    whole: String,
    /// Where each part begins in it, in bytes, if it is text.
    begins: Vec<Option<usize>>,
}

impl Texts {
    fn of(parts: &[Part]) -> Self {
        let mut whole = String::new();
        let begins = parts.iter().map(|part| match part {
            Part::Text { text, .. } => {
                let begin = whole.len();
                whole.push_str(text);
                Some(begin)
            }
            _ => None,
        });
        let begins = begins.collect();
        Self { whole, begins }
    }
}

/// A span of a text, as it was sent.
#[derive(Default)]
struct Segment<'a> {
    part: usize,
    start: usize,
    end: Option<usize>,
    text: Option<Cow<'a, str>>,
}

impl<'a> Segment<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut segment = Self::default();
        let index = |count: Option<u64>| count.and_then(|count| usize::try_from(count).ok());
        reader.object_or_skip(|reader, key| {
            match key {
                "partIndex" => segment.part = index(reader.count_or_skip()?).unwrap_or(0),
                "startIndex" => segment.start = index(reader.count_or_skip()?).unwrap_or(0),
                "endIndex" => segment.end = index(reader.count_or_skip()?),
                "text" => segment.text = reader.string_or_skip()?.map(Text::into_lossy),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(segment)
    }

    /// Its bytes in the whole text.
    ///
    /// It counts from the beginning of its part. But the texts of a stream arrive in other parts than the server's, and then
    /// it counts from the beginning of all text, which its own text shows.
    fn bytes(&self, texts: &Texts) -> Option<(usize, usize)> {
        let end = self.end.filter(|&end| self.start < end)?;
        let from = |begin: usize| Some((begin.checked_add(self.start)?, begin.checked_add(end)?));
        let fits = |begin: usize| {
            let bytes = from(begin).and_then(|(start, end)| texts.whole.get(start..end));
            bytes.is_some() && bytes == self.text.as_deref()
        };
        match texts.begins.get(self.part).copied().flatten() {
            Some(begin) if fits(begin) || !fits(0) => from(begin),
            _ => from(0),
        }
    }
}

/// The citations that were found, each with its bytes in the whole text.
#[derive(Default)]
struct Grounds {
    noted: Vec<(Citation, Option<(usize, usize)>)>,
}

impl Grounds {
    /// Reads a `groundingMetadata`: one citation for each source that supports a segment.
    fn supports(&mut self, raw: &str, texts: &Texts) -> Result<(), Error> {
        let (mut chunks, mut supports) = (Vec::new(), "[]");
        Reader::over(raw).object_or_skip(|reader, key| {
            match key {
                "groundingChunks" => {
                    reader.array_or_skip(|reader| {
                        chunks.push(reader.raw()?);
                        Ok(())
                    })?;
                }
                "groundingSupports" => supports = reader.raw()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        let mut left = MOST_TIMES * raw.len();
        Reader::over(supports).array_or_skip(|reader| {
            let (mut segment, mut indices) = (Segment::default(), "[]");
            reader.object_or_skip(|reader, key| {
                match key {
                    "segment" => segment = Segment::read(reader)?,
                    "groundingChunkIndices" => indices = reader.raw()?,
                    _ => reader.skip()?,
                }
                Ok(())
            })?;
            let bytes = segment.bytes(texts);
            Reader::over(indices).array_or_skip(|reader| {
                let index = reader
                    .count_or_skip()?
                    .and_then(|it| usize::try_from(it).ok());
                let chunk = index.and_then(|index| chunks.get(index));
                if let Some(chunk) = chunk.filter(|chunk| chunk.len() <= left) {
                    left -= chunk.len();
                    self.note(chunk, bytes)?;
                }
                Ok(())
            })?;
            Ok(())
        })?;
        Ok(())
    }

    /// Reads a `citationMetadata`.
    fn sources(&mut self, raw: &str) -> Result<(), Error> {
        Reader::over(raw).object_or_skip(|reader, key| {
            if !matches!(key, "citations" | "citationSources") {
                return reader.skip();
            }
            reader.array_or_skip(|reader| {
                let raw = reader.raw()?;
                let segment = Segment::read(&mut Reader::over(raw))?;
                let bytes = segment.end.map(|end| (segment.start, end));
                self.note(raw, bytes.filter(|(start, end)| start < end))
            })?;
            Ok(())
        })?;
        Ok(())
    }

    /// Notes a source, unless it says nothing.
    fn note(&mut self, raw: &str, bytes: Option<(usize, usize)>) -> Result<(), Error> {
        let mut source = Source::default();
        Reader::over(raw).object_or_skip(|reader, key| source.read(reader, key, true))?;
        let says = bytes.is_some() || source.url.is_some() || source.title.is_some();
        if let Some(raw) = RawJson::read(raw)
            && (says || source.document.is_some())
            && self.noted.len() < MOST
        {
            let citation = Citation {
                span: None,
                url: source.url,
                title: source.title,
                document: source.document,
                raw,
            };
            self.noted.push((citation, bytes));
        }
        Ok(())
    }

    /// Gives the citations their spans of the whole text, in one pass over it.
    fn place(self, whole: &str, found: &mut Vec<Citation>) {
        let ends = self.noted.iter().filter_map(|(_, bytes)| *bytes);
        let mut offsets: Vec<usize> = ends.flat_map(|(start, end)| [start, end]).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut places = Vec::with_capacity(offsets.len());
        let (mut chars, mut at) = (0, 0);
        for &offset in &offsets {
            // An offset in the middle of a character, or behind the end, has no place.
            let between = whole.get(at..offset);
            if let Some(between) = between {
                chars += between.chars().count();
                at = offset;
            }
            places.push(between.map(|_| chars));
        }
        found.extend(self.noted.into_iter().map(|(mut citation, bytes)| {
            let place = |offset: usize| *places.get(offsets.binary_search(&offset).ok()?)?;
            citation.span = bytes.and_then(|(start, end)| {
                Some(Span {
                    chars: place(start)?..place(end)?,
                    bytes: start..end,
                })
            });
            citation
        }));
    }
}

/// What is known of a source.
#[derive(Default)]
struct Source {
    url: Option<String>,
    title: Option<String>,
    document: Option<String>,
}

impl Source {
    /// Reads a key. A source is in an object that says what it is (`web`, `retrievedContext`, `maps`, …), or is that object.
    fn read(&mut self, reader: &mut Reader<'_>, key: &str, outer: bool) -> Result<(), Error> {
        let field = match (key, reader.peek()?) {
            ("uri", Kind::String) => &mut self.url,
            ("title", Kind::String) => &mut self.title,
            ("documentName" | "fileSearchStore", Kind::String) => &mut self.document,
            (_, Kind::Object) if outer => {
                return reader.object(|reader, key| self.read(reader, key, false));
            }
            _ => return reader.skip(),
        };
        let text = reader.string()?.into_lossy().into_owned();
        if field.is_none() {
            *field = Some(text).filter(|text| !text.is_empty());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::extra::Extra;
    use super::super::reply::Choice;
    use super::*;

    fn text(text: &str) -> Part {
        let (text, extra) = (text.to_owned(), Extra::default());
        Part::Text { text, extra }
    }

    fn beside(field: &str, value: &Value) -> Part {
        let json = RawJson::read(&value.to_string()).unwrap();
        let field = field.to_owned();
        Part::Opaque { field, json }
    }

    fn thought(text: &str) -> Part {
        Part::Reasoning {
            text: text.to_owned(),
            signature: None,
            field: Some("thought".to_owned()),
            extra: Extra::default(),
        }
    }

    /// The cited text of each citation, its offsets in characters, its address and its title.
    fn cited(parts: Vec<Part>) -> Value {
        let choice = Choice {
            parts,
            ..Choice::default()
        };
        let whole = choice.text().into_owned();
        let cited = choice.citations().into_iter().map(|one| {
            let span = one.span.map(|span| {
                json!([
                    whole.get(span.bytes).unwrap(),
                    span.chars.start,
                    span.chars.end
                ])
            });
            json!([span, one.url, one.title])
        });
        cited.collect()
    }

    fn chunks() -> Value {
        json!([
            {"web": {"uri": "https://a", "title": "A"}},
            {"retrievedContext": {"uri": "", "title": "B", "documentName": "d"}},
        ])
    }

    #[test]
    fn grounding_supports_count_bytes_and_name_each_source() {
        let metadata = json!({
            "groundingSupports": [
                {"segment": {"endIndex": 7, "text": "Grüße"}, "groundingChunkIndices": [0, 1, 7]},
                {"segment": {"startIndex": 9, "endIndex": 18}, "groundingChunkIndices": [1]},
                {"segment": {"startIndex": 3, "endIndex": 9}, "groundingChunkIndices": [0]},
                {"segment": {"startIndex": 3, "endIndex": 99}, "groundingChunkIndices": [0]},
                {"segment": {}, "groundingChunkIndices": ["1"]},
                {"groundingChunkIndices": null}, 7,
            ],
            "groundingChunks": chunks(),
        });
        let found = cited(vec![
            text("Grüße, 日本é!"),
            beside("groundingMetadata", &metadata),
        ]);
        assert_eq!(
            found,
            json!([
                [["Grüße", 0, 5], "https://a", "A"],
                [["Grüße", 0, 5], null, "B"],
                [["日本é!", 7, 11], null, "B"],
                // It begins in the middle of a character.
                [null, "https://a", "A"],
                [null, "https://a", "A"],
                [null, null, "B"],
            ])
        );
    }

    #[test]
    fn a_segment_counts_within_its_part_or_if_its_text_says_so_within_all_text() {
        let support = |part: Value, text: Value| {
            let segment = json!({"partIndex": part, "startIndex": 0, "endIndex": 3, "text": text});
            beside(
                "groundingMetadata",
                &json!({
                    "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
                    "groundingChunks": chunks(),
                }),
            )
        };
        let found = |part: Value, of: Value| {
            let parts = vec![thought("hm"), text("é1 "), text("日2"), support(part, of)];
            cited(parts)[0][0].clone()
        };
        assert_eq!(found(json!(2), Value::Null), json!(["日", 3, 4]));
        assert_eq!(found(json!(2), json!("日")), json!(["日", 3, 4]));
        assert_eq!(found(json!(1), json!("é1")), json!(["é1", 0, 2]));
        assert_eq!(found(json!(2), json!("é1")), json!(["é1", 0, 2]));
        assert_eq!(found(Value::Null, Value::Null), json!(["é1", 0, 2]));
        assert_eq!(found(json!(0), Value::Null), json!(["é1", 0, 2]));
        assert_eq!(found(json!(9), Value::Null), json!(["é1", 0, 2]));
    }

    #[test]
    fn citation_sources_count_bytes_of_all_text() {
        let metadata = json!({"citations": [
            {}, {"uri": "https://a"}, {"startIndex": 3, "endIndex": 6, "title": "T", "license": "mit"},
        ]});
        let older = json!({"citationSources": [{"endIndex": 2, "uri": "https://b"}]});
        let found = cited(vec![
            text("é "),
            text("日"),
            beside("citationMetadata", &metadata),
            beside("citationMetadata", &older),
        ]);
        assert_eq!(
            found,
            json!([
                [null, "https://a", null],
                [["日", 2, 3], null, "T"],
                [["é", 0, 1], "https://b", null]
            ])
        );
    }

    #[test]
    fn a_source_that_is_named_again_and_again_takes_bounded_memory() {
        let chunk = json!({"web": {"uri": "https://a", "title": "x".repeat(50_000)}});
        let metadata = json!({
            "groundingChunks": [chunk],
            "groundingSupports": [{"segment": {}, "groundingChunkIndices": vec![0; 20_000]}],
        });
        let choice = Choice {
            parts: vec![beside("groundingMetadata", &metadata)],
            ..Choice::default()
        };
        let raw: usize = choice.citations().iter().map(|it| it.raw.get().len()).sum();
        assert!(raw <= MOST_TIMES * metadata.to_string().len(), "{raw}");
        assert!(raw > 0);
    }
}
