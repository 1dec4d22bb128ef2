//! JSON that arrives in pieces, as models write it: reports its structure while it grows.
//!
//! `tokens` reads the JSON itself, once it has begun.

mod tokens;

use self::tokens::{Tokens, Verdict};
use super::around::is_blank;
use super::thinking::{answers, ends, find};
use super::thoughts::{Thoughts, begun, starts};

pub use self::tokens::{Scalar, Token};

/// Reads a growing text. It finds the JSON as [`super::written`] does: after thoughts, in a Markdown fence, with control
/// characters in strings and commas before ends. Each byte is looked at once, except for those that may begin a tag.
///
/// It reports what has arrived, and not whether it is right: what is wrong with the whole text, `written` says.
#[derive(Debug)]
pub struct PartialJson {
    thoughts: Thoughts,
    around: Around,
    json: Tokens,
    /// How often the end of thoughts was found that had no beginning.
    restarts: u8,
    scanned: usize,
}

/// Where the text is, outside of thoughts.
#[derive(Debug)]
enum Around {
    /// Before the JSON. What may be the beginning of a mark.
    Before(String),
    /// In the backticks or tildes that begin a fence.
    Fence(char),
    /// In the word after them.
    FenceWord,
    /// After that word.
    FenceLine,
    /// In what else is in their line.
    FenceAttributes,
    /// In a channel of `OpenAI`'s Harmony format. The marks that must come, and what may be the beginning of the first.
    Channel(&'static [&'static str], String),
    /// In the JSON.
    Json,
    /// After it, or in what is not JSON. What may be the beginning of the end of thoughts.
    After(String),
}

/// `written` gives up after as many. Each looks for all ends in what is left of a piece.
const MOST_RESTARTS: u8 = 8;

const FINAL: &[&str] = &["<|channel|>final", "<|message|>"];
const FINAL_WITHOUT_TOKENS: &[&str] = &["assistantfinal"];

impl Default for PartialJson {
    fn default() -> Self {
        Self {
            thoughts: Thoughts::of_prompts(),
            around: Around::Before(String::new()),
            json: Tokens::default(),
            restarts: 0,
            scanned: 0,
        }
    }
}

impl PartialJson {
    /// Reads the next piece, and adds what it completes or begins to `out`.
    pub fn push(&mut self, piece: &str, out: &mut Vec<Token>) {
        let mut rest = piece.to_owned();
        loop {
            let mut again: Option<String> = None;
            let mut thoughts = std::mem::replace(&mut self.thoughts, Thoughts::of_prompts());
            thoughts.push(&rest, |is_thought, piece| {
                if let Some(again) = &mut again {
                    again.push_str(piece);
                } else if !is_thought {
                    again = self.answer(piece, out);
                }
            });
            let Some(more) = again else {
                self.thoughts = thoughts;
                return;
            };
            // `answer` has found the end of thoughts whose beginning is not in the text.
            out.push(Token::Restart);
            *self = Self {
                restarts: self.restarts + 1,
                scanned: self.scanned,
                ..Self::default()
            };
            rest = more;
        }
    }

    /// The string that has not ended, as far as it has arrived; `None` outside of strings, and for a key.
    #[must_use]
    pub fn open_text(&self) -> Option<&str> {
        self.json.open_text()
    }

    /// How many bytes were looked at in all.
    #[must_use]
    pub fn scanned(&self) -> usize {
        self.scanned
    }

    /// Reads a piece that is not thoughts. Returns what follows an end of thoughts that had no beginning.
    fn answer(&mut self, piece: &str, out: &mut Vec<Token>) -> Option<String> {
        let mut rest = piece;
        let held;
        if let Around::Before(before) | Around::Channel(_, before) | Around::After(before) =
            &mut self.around
            && !before.is_empty()
        {
            before.push_str(rest);
            held = std::mem::take(before);
            rest = &held;
        }
        while !rest.is_empty() {
            let given = rest.len();
            match &mut self.around {
                Around::Before(held) => {
                    rest = rest.trim_start_matches(is_blank);
                    match begin(rest) {
                        Begin::Open => {
                            rest.clone_into(held);
                            rest = "";
                        }
                        Begin::Mark(len) => rest = rest.get(len..).unwrap_or_default(),
                        Begin::In(around, len) => {
                            self.around = around;
                            rest = rest.get(len..).unwrap_or_default();
                        }
                    }
                }
                Around::Fence(mark) => {
                    rest = rest.trim_start_matches(*mark);
                    if !rest.is_empty() {
                        self.around = Around::FenceWord;
                    }
                }
                Around::FenceWord => {
                    let is_word = |c: char| c.is_alphanumeric() || "_+-.".contains(c);
                    rest = rest.trim_start_matches(is_word);
                    if !rest.is_empty() {
                        self.around = Around::FenceLine;
                    }
                }
                Around::FenceLine => {
                    let inline = rest.trim_start_matches(|c| c != '\n' && is_blank(c));
                    match inline.chars().next() {
                        None => rest = inline,
                        Some('{' | '[' | '"') => (self.around, rest) = (Around::Json, inline),
                        Some(_) => (self.around, rest) = (Around::FenceAttributes, inline),
                    }
                }
                Around::FenceAttributes => match rest.split_once('\n') {
                    Some((_, after)) => (self.around, rest) = (Around::Json, after),
                    None => rest = "",
                },
                Around::Channel(marks, held) => {
                    let (mark, others) = marks.split_first()?;
                    if let Some((at, len)) = find(rest, mark) {
                        rest = rest.get(at + len..).unwrap_or_default();
                        self.around = if others.is_empty() {
                            Around::Before(String::new())
                        } else {
                            Around::Channel(others, String::new())
                        };
                    } else {
                        let keep = rest.len() - begun(rest, mark);
                        rest.get(keep..).unwrap_or_default().clone_into(held);
                        rest = "";
                    }
                }
                Around::Json => {
                    let (read, verdict) = self.json.push(rest, out);
                    rest = rest.get(read..).unwrap_or_default();
                    if verdict == Verdict::Over {
                        self.json.abandon();
                        self.around = Around::After(String::new());
                    }
                }
                Around::After(_) if self.restarts == MOST_RESTARTS => rest = "",
                Around::After(held) => {
                    let found = ends().filter_map(|end| find(rest, end)).min();
                    if let Some((at, len)) = found {
                        self.scanned += given;
                        return rest.get(at + len..).map(str::to_owned);
                    }
                    let keep = ends().map(|end| begun(rest, end)).max().unwrap_or(0);
                    let keep = rest.len() - keep;
                    rest.get(keep..).unwrap_or_default().clone_into(held);
                    rest = "";
                }
            }
            self.scanned += given - rest.len();
        }
        None
    }
}

/// What the beginning of an answer is.
enum Begin {
    /// It may become a mark.
    Open,
    /// A mark of so many bytes, which another may follow.
    Mark(usize),
    /// After so many bytes, the text is there.
    In(Around, usize),
}

fn begin(text: &str) -> Begin {
    let channel = |marks, len| Begin::In(Around::Channel(marks, String::new()), len);
    match text.chars().next() {
        None => Begin::Open,
        Some('`') => Begin::In(Around::Fence('`'), 0),
        Some('~') if text.starts_with("~~~") => Begin::In(Around::Fence('~'), 0),
        Some('~') if "~~~".starts_with(text) => Begin::Open,
        Some('a') if text.starts_with("analysis") => channel(FINAL_WITHOUT_TOKENS, 8),
        Some('a') if "analysis".starts_with(text) => Begin::Open,
        Some('<') => {
            let channels = ["<|channel|>", "<|start|>"];
            if channels.iter().any(|mark| text.starts_with(mark)) {
                return channel(FINAL, 0);
            }
            let whole = |tag: &&str| starts(text, tag) == Some(true);
            if let Some(tag) = answers().find(whole) {
                return Begin::Mark(tag.len());
            }
            let may_follow = |mark| starts(text, mark) == Some(false);
            if answers().chain(channels).any(may_follow) {
                return Begin::Open;
            }
            Begin::In(Around::After(String::new()), 0)
        }
        Some(_) => Begin::In(Around::Json, 0),
    }
}

#[cfg(test)]
mod tests;
