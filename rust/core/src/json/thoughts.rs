//! Parts the thoughts at the beginning of a text from the rest, while the text arrives in pieces.

use super::around::is_blank;
use super::thinking::{blocks, find};

/// Parts a growing text. Each byte is looked at once, except for those that may begin a tag.
#[derive(Debug, Clone)]
pub struct Thoughts {
    place: Place,
    /// Whether tags count that no template of a model has, but a prompt may ask for.
    prompted: bool,
    /// Whether there were thoughts. The white space after them is in neither text.
    any: bool,
}

#[derive(Debug, Clone)]
enum Place {
    /// Before the text, or between two blocks of thoughts.
    Before {
        blank: String,
        /// What may be the beginning of a tag.
        tag: String,
    },
    /// In a block of thoughts.
    Inside {
        end: &'static str,
        /// What may be the beginning of `end`.
        held: String,
    },
    /// In the text.
    After,
}

const BEFORE: Place = Place::Before {
    blank: String::new(),
    tag: String::new(),
};

impl Thoughts {
    /// Thoughts as the templates of models mark them.
    #[must_use]
    pub fn of_templates() -> Self {
        Self {
            place: BEFORE,
            prompted: false,
            any: false,
        }
    }

    /// Also thoughts as prompts ask for them, in `<analysis>` or `<scratchpad>`.
    #[must_use]
    pub fn of_prompts() -> Self {
        Self {
            prompted: true,
            ..Self::of_templates()
        }
    }

    /// Whether all that follows is text.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.place, Place::After)
    }

    /// Reads the next piece. `sink` gets what belongs to the thoughts (true) and to the text (false), in order.
    pub fn push(&mut self, piece: &str, mut sink: impl FnMut(bool, &str)) {
        let held = match &mut self.place {
            Place::Before { tag: held, .. } | Place::Inside { held, .. } => std::mem::take(held),
            Place::After => String::new(),
        };
        let joined;
        let mut rest = piece;
        if !held.is_empty() {
            joined = held + piece;
            rest = &joined;
        }
        loop {
            match &mut self.place {
                Place::After => {
                    pass(false, rest, &mut sink);
                    return;
                }
                Place::Before { blank, tag } => {
                    let after = rest.trim_start_matches(is_blank);
                    if !self.any {
                        blank.push_str(rest.get(..rest.len() - after.len()).unwrap_or_default());
                    }
                    match tag_of(after, self.prompted) {
                        Tag::Open => {
                            after.clone_into(tag);
                            return;
                        }
                        Tag::None => {
                            pass(false, blank, &mut sink);
                            pass(false, after, &mut sink);
                            self.place = Place::After;
                            return;
                        }
                        Tag::Whole { len, end } => {
                            rest = after.get(len..).unwrap_or_default();
                            self.any = true;
                            self.place = Place::Inside {
                                end,
                                held: String::new(),
                            };
                        }
                    }
                }
                Place::Inside { end, held } => {
                    let Some((at, len)) = find(rest, end) else {
                        let (sure, open) = rest.split_at(rest.len() - begun(rest, end));
                        pass(true, sure, &mut sink);
                        open.clone_into(held);
                        return;
                    };
                    pass(true, rest.get(..at).unwrap_or_default(), &mut sink);
                    rest = rest.get(at + len..).unwrap_or_default();
                    self.place = BEFORE;
                }
            }
        }
    }

    /// At the end of the text: `sink` gets what could have become a tag.
    pub fn finish(&mut self, mut sink: impl FnMut(bool, &str)) {
        match std::mem::replace(&mut self.place, Place::After) {
            Place::Before { blank, tag } => {
                pass(false, &blank, &mut sink);
                pass(false, &tag, &mut sink);
            }
            Place::Inside { held, .. } => pass(true, &held, &mut sink),
            Place::After => {}
        }
    }
}

fn pass(is_thought: bool, text: &str, sink: &mut impl FnMut(bool, &str)) {
    if !text.is_empty() {
        sink(is_thought, text);
    }
}

enum Tag {
    /// A tag begins the text.
    Whole {
        len: usize,
        end: &'static str,
    },
    /// The text may become a tag.
    Open,
    None,
}

fn tag_of(text: &str, prompted: bool) -> Tag {
    let mut open = false;
    for (begin, end) in blocks(prompted) {
        match starts(text, begin) {
            Some(true) => {
                return Tag::Whole {
                    len: begin.len(),
                    end,
                };
            }
            Some(false) => open = true,
            None => {}
        }
    }
    if open { Tag::Open } else { Tag::None }
}

/// Whether `text` begins with `tag` (true) or with the beginning of it and nothing else (false), in capital or small
/// letters.
pub(super) fn starts(text: &str, tag: &str) -> Option<bool> {
    let (text, tag) = (text.as_bytes(), tag.as_bytes());
    let len = text.len().min(tag.len());
    let same = text.get(..len)?.eq_ignore_ascii_case(tag.get(..len)?);
    same.then_some(len == tag.len())
}

/// How many bytes at the end of `text` are the beginning of `tag`.
pub(super) fn begun(text: &str, tag: &str) -> usize {
    let (text, tag) = (text.as_bytes(), tag.as_bytes());
    let most = text.len().min(tag.len().saturating_sub(1));
    let is_begin = |len: &usize| {
        let tail = text.get(text.len() - len..).unwrap_or_default();
        tag.get(..*len)
            .is_some_and(|tag| tag.eq_ignore_ascii_case(tail))
    };
    (1..=most).rev().find(is_begin).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(mut thoughts: Thoughts, pieces: &[&str]) -> (String, String) {
        let (mut thought, mut text) = (String::new(), String::new());
        let mut sink = |is_thought, piece: &str| {
            let to: &mut String = if is_thought { &mut thought } else { &mut text };
            to.push_str(piece);
        };
        for piece in pieces {
            thoughts.push(piece, &mut sink);
        }
        thoughts.finish(&mut sink);
        (thought, text)
    }

    const CASES: &[(&str, &str, &str)] = &[
        ("<think>a</think>b", "a", "b"),
        (" \n<think>\na\n</think>\n\nb ", "\na\n", "b "),
        ("<THINK>a</Think>b", "a", "b"),
        ("<think></think>b", "", "b"),
        ("<think>a</think> <think>b</think>c", "ab", "c"),
        ("[THINK]a[/THINK]b", "a", "b"),
        ("\u{25c1}think\u{25b7}a\u{25c1}/think\u{25b7}b", "a", "b"),
        // The end never comes.
        ("<think>a</thin", "a</thin", ""),
        ("<think>a<</think>b", "a<", "b"),
        // What begins like a tag, and is not one.
        (" <thi", "", " <thi"),
        ("<thin>a", "", "<thin>a"),
        ("\n x<think>a</think>", "", "\n x<think>a</think>"),
        ("a", "", "a"),
        ("", "", ""),
        ("  ", "", "  "),
        ("b<think>a</think>", "", "b<think>a</think>"),
    ];

    #[test]
    fn thoughts_at_the_beginning_are_parted_from_the_text_at_every_split() {
        for &(whole, thought, text) in CASES {
            let wanted = (thought.to_owned(), text.to_owned());
            for first in (0..=whole.len()).filter(|&at| whole.is_char_boundary(at)) {
                for second in (first..=whole.len()).filter(|&at| whole.is_char_boundary(at)) {
                    let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                    let found = parted(Thoughts::of_templates(), &pieces);
                    assert_eq!(found, wanted, "{pieces:?}");
                }
            }
        }
    }

    #[test]
    fn tags_that_a_prompt_asks_for_count_only_if_they_are_wanted() {
        let text = "<analysis>a</analysis>b";
        let of = |thoughts| parted(thoughts, &[text]);
        assert_eq!(of(Thoughts::of_templates()).1, text);
        assert_eq!(of(Thoughts::of_prompts()), ("a".to_owned(), "b".to_owned()));
    }

    #[test]
    fn it_takes_linear_time() {
        for unit in ["<think></think>", "<think>", " ", "<think>x</thin"] {
            let text = unit.repeat(300_000 / unit.len());
            let whole = parted(Thoughts::of_templates(), &[&text]);
            let pieces: Vec<_> = (0..text.len()).map(|at| &text[at..=at]).collect();
            assert!(
                parted(Thoughts::of_templates(), &pieces) == whole,
                "{unit:?}"
            );
        }
    }
}
