//! Finds the sources that the text of a choice names.

use std::ops::Range;

use super::extra::RawJson;
use super::grounding;
use super::part::Part;
use super::reply::Choice;
use crate::json::{self, Reader};

/// A source that a provider names for a span of the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Citation {
    /// The span; `None` if the provider gives none.
    pub span: Option<Span>,
    /// The address of the source.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The id of the file that it is in, or else its name.
    pub document: Option<String>,
    /// The JSON object as sent.
    pub raw: RawJson,
}

/// A span of the text of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// In characters.
    pub chars: Range<usize>,
    /// In bytes.
    pub bytes: Range<usize>,
}

impl Choice {
    /// The sources that the provider names for [`Self::text`], in the order in which it sent them.
    ///
    /// They are the `annotations` of a block of text, whose indexes count the characters of that block; or those of the
    /// message, whose indexes count the characters of its text (`OpenAI`'s API reference, "annotations"). Or they are the
    /// `citations` of a block of text, each of which is about the whole block (Anthropic's API reference, "Citations"). `grounding`
    /// finds those of Gemini.
    #[must_use]
    pub fn citations(&self) -> Vec<Citation> {
        let mut found = Vec::new();
        let mut before = Place::default();
        for part in &self.parts {
            if let Part::Text { text, extra } = part {
                let mut noted = Vec::new();
                extra.each("annotations", |list| read(list, &mut noted));
                found.extend(placed(noted, [text.as_str()].into_iter(), before));
                let begin = before;
                before = before.after(text);
                let mut noted = Vec::new();
                extra.each("citations", |list| read(list, &mut noted));
                let span = Span {
                    chars: begin.chars..before.chars,
                    bytes: begin.bytes..before.bytes,
                };
                found.extend(noted.into_iter().map(|(citation, _)| Citation {
                    span: Some(span.clone()).filter(|_| !text.is_empty()),
                    ..citation
                }));
            }
        }
        let mut noted = Vec::new();
        for part in &self.parts {
            if let Part::Opaque { field, json } = part
                && field == "annotations"
            {
                read(json.get(), &mut noted);
            }
        }
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        found.extend(placed(noted, texts, Place::default()));
        grounding::add(&self.parts, &mut found);
        found
    }
}

/// A place in the text.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    chars: usize,
    bytes: usize,
}

impl Place {
    fn after(self, text: &str) -> Self {
        Self {
            chars: self.chars + text.chars().count(),
            bytes: self.bytes + text.len(),
        }
    }
}

/// A citation, and its start and end in characters of the block that it is in.
type Noted = (Citation, Option<(usize, usize)>);

/// Puts the citations of one block in their places, in one pass over its text. The block begins at `begin`.
fn placed<'a>(
    noted: Vec<Noted>,
    texts: impl Iterator<Item = &'a str>,
    begin: Place,
) -> impl Iterator<Item = Citation> {
    let ends = noted.iter().filter_map(|(_, span)| *span);
    let mut offsets: Vec<usize> = ends.flat_map(|(start, end)| [start, end]).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let mut bytes = Vec::with_capacity(offsets.len());
    if !offsets.is_empty() {
        // The offset of each character, and that of the end.
        let mut at = (0, 0);
        let mut wanted = offsets.iter().peekable();
        let mut note = |(chars, place): (usize, usize)| {
            while wanted.next_if(|&&offset| offset == chars).is_some() {
                bytes.push(place);
            }
        };
        for c in texts.flat_map(str::chars) {
            note(at);
            at = (at.0 + 1, at.1 + c.len_utf8());
        }
        note(at);
    }
    noted.into_iter().map(move |(mut citation, span)| {
        // An offset behind the end of the text has no place.
        let place = |chars: usize| bytes.get(offsets.binary_search(&chars).ok()?).copied();
        citation.span = span.and_then(|(start, end)| {
            Some(Span {
                bytes: begin.bytes + place(start)?..begin.bytes + place(end)?,
                chars: begin.chars + start..begin.chars + end,
            })
        });
        citation
    })
}

/// Reads a list of annotations. Those that are not citations are left out.
fn read(list: &str, noted: &mut Vec<Noted>) {
    // The text was checked when it was received.
    let _ = Reader::over(list).array_or_skip(|reader| {
        let raw = reader.raw()?;
        let mut fields = Fields::default();
        fields.read(raw)?;
        noted.extend(fields.citation(raw));
        Ok(())
    });
}

/// The keys of an annotation that have a meaning.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    /// Whether the source is one of the caller's documents.
    is_document: bool,
    start: Option<u64>,
    end: Option<u64>,
    url: Option<String>,
    title: Option<String>,
    file: Option<String>,
    name: Option<String>,
    /// The address of a source, or what else it is called.
    source: Option<String>,
}

impl Fields {
    fn read(&mut self, raw: &str) -> Result<(), json::Error> {
        Reader::over(raw).object_or_skip(|reader, key| match key {
            // Chat has the keys of a citation in an object of their own.
            "url_citation" | "file_citation" => {
                let inner = reader.object_or_skip(|reader, key| self.take(reader, key));
                inner.map(|_| ())
            }
            _ => self.take(reader, key),
        })?;
        Ok(())
    }

    fn take(&mut self, reader: &mut Reader<'_>, key: &str) -> Result<(), json::Error> {
        match key {
            "document_index" => {
                self.is_document = true;
                reader.skip()?;
            }
            "start_index" => self.start = reader.count_or_skip()?,
            "end_index" => self.end = reader.count_or_skip()?,
            _ => {
                let text = reader.string_or_skip()?;
                let text = text.map(|text| text.into_lossy().into_owned());
                match key {
                    "type" => self.kind = text,
                    "url" => self.url = text,
                    "title" | "document_title" => self.title = text,
                    "file_id" => self.file = text,
                    "filename" => self.name = text,
                    "source" => self.source = text,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn citation(self, raw: &str) -> Option<Noted> {
        let kind = self.kind.as_deref()?;
        let is_location = kind.ends_with("_location");
        if !is_location && !kind.ends_with("citation") && kind != "file_path" {
            return None;
        }
        let index = |number: u64| usize::try_from(number).ok();
        let span = self.start.and_then(index).zip(self.end.and_then(index));
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let is_url = |text: &String| text.starts_with("https://") || text.starts_with("http://");
        let (source_url, source) = match some(self.source).filter(|_| is_location) {
            Some(source) if is_url(&source) => (Some(source), None),
            source => (None, source),
        };
        let title = some(self.title);
        let named = title.clone().filter(|_| is_location && self.is_document);
        let citation = Citation {
            span: None,
            url: some(self.url).or(source_url),
            title,
            document: some(self.file)
                .or_else(|| some(self.name))
                .or(named)
                .or(source),
            raw: RawJson::read(raw)?,
        };
        // OpenRouter writes 0 and 0 where it knows no span.
        Some((citation, span.filter(|(start, end)| start < end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Extra;

    fn text(text: &str, annotations: &str) -> Part {
        let mut extra = Extra::default();
        if let Some(json) = RawJson::read(annotations) {
            extra.push("annotations", &json);
        }
        let text = text.to_owned();
        Part::Text { text, extra }
    }

    /// The text of each span, and its offsets in characters.
    fn cited(parts: Vec<Part>) -> Vec<Option<(String, Range<usize>)>> {
        let choice = Choice {
            parts,
            ..Choice::default()
        };
        let whole = choice.text().into_owned();
        let cited = choice.citations().into_iter();
        cited
            .map(|one| {
                let Span { chars, bytes } = one.span?;
                Some((whole.get(bytes)?.to_owned(), chars))
            })
            .collect()
    }

    fn at(start: usize, end: usize) -> String {
        format!(r#"{{"type": "url_citation", "start_index": {start}, "end_index": {end}}}"#)
    }

    #[test]
    fn indexes_count_characters_of_their_own_block() {
        let list = format!("[{}, {}, {}, {}]", at(7, 8), at(0, 5), at(2, 7), at(7, 9));
        let found = cited(vec![text("Grüße! ", "null"), text("日本🎉ab, é", &list)]);
        let expected = [("é", 14..15), ("日本🎉ab", 7..12), ("🎉ab, ", 9..14)];
        let expected = expected.map(|(text, chars)| Some((text.to_owned(), chars)));
        // The last one ends behind its block.
        assert_eq!(found, [&expected[..], &[None]].concat());
    }

    #[test]
    fn a_span_that_is_not_one_is_left_out() {
        for (start, end) in [
            (0, 0),
            (3, 3),
            (4, 2),
            (0, 9),
            (8, 9),
            (usize::MAX, usize::MAX),
        ] {
            let found = cited(vec![text("12345678", &format!("[{}]", at(start, end)))]);
            assert_eq!(found, [None], "{start} to {end}");
        }
        let whole = cited(vec![text("12345678", &format!("[{}]", at(0, 8)))]);
        assert_eq!(whole, [Some(("12345678".to_owned(), 0..8))]);
    }

    #[test]
    fn those_of_a_message_count_its_whole_text() {
        let json = r#"[{"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 3, "url": "u",
            "title": "t"}}, {"type": "file", "file": {}}, 7, {"url": "x"}]"#;
        let note = Part::Opaque {
            field: "annotations".into(),
            json: RawJson::read(json).unwrap_or_else(|| unreachable!()),
        };
        let parts = vec![text("ab", "null"), note, text("cd", "7")];
        let choice = Choice {
            parts,
            ..Choice::default()
        };
        let [one] = &*choice.citations() else {
            panic!("{:?}", choice.citations());
        };
        let span = one.span.clone().map(|span| (span.chars, span.bytes));
        assert_eq!(span, Some((1..3, 1..3)));
        assert_eq!(
            (one.url.as_deref(), one.title.as_deref()),
            (Some("u"), Some("t"))
        );
    }

    #[test]
    fn a_file_is_named_by_its_id_or_else_its_name() {
        let list = r#"[{"type": "file_citation", "file_id": "f", "filename": "n", "index": 2},
            {"type": "container_file_citation", "container_id": "c", "file_id": "", "filename": "n"},
            {"type": "file_path", "file_id": "g", "title": null, "url": 7}]"#;
        let choice = Choice {
            parts: vec![text("x", list)],
            ..Choice::default()
        };
        let found = choice.citations();
        let documents: Vec<_> = found.iter().map(|one| one.document.as_deref()).collect();
        assert_eq!(documents, [Some("f"), Some("n"), Some("g")]);
        assert!(
            found
                .iter()
                .all(|one| one.url.is_none() && one.title.is_none())
        );
        assert!(found[1].raw.get().contains("container_id"));
    }

    #[test]
    fn fragments_that_are_not_joined_yet_are_read() {
        let mut part = text("abcdef", &format!("[{}]", at(0, 1)));
        if let Some(extra) = part.extra_mut() {
            for annotation in [at(1, 2), at(2, 4)] {
                let mut more = Extra::default();
                more.push(
                    "annotations",
                    &RawJson::read(&format!("[{annotation}]")).unwrap_or_else(|| unreachable!()),
                );
                extra.extend(&more);
            }
        }
        let mut settled = part.clone();
        settled.extra_mut().into_iter().for_each(Extra::settle);
        let texts = |part| {
            cited(vec![part])
                .into_iter()
                .flatten()
                .map(|(text, _)| text)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(part), ["a", "b", "cd"]);
        assert_eq!(texts(settled), ["a", "b", "cd"]);
    }
}
