//! A JSON text as a tree that keeps what a parser would lose: order, repeated keys, broken strings and numbers.

use super::Random;

/// The deepest nesting that is read; what is below stays text.
const DEEPEST: usize = 60;

#[derive(Clone)]
pub enum Node {
    /// A string, a number or a word, as its text.
    Leaf(Vec<u8>),
    List(Vec<Node>),
    /// Keys are JSON strings.
    Object(Vec<(Vec<u8>, Node)>),
}

/// Keys that mean something in a reply, and some that do not.
const KEYS: [&str; 49] = [
    "choices",
    "index",
    "delta",
    "message",
    "text",
    "content",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "thinking",
    "signature",
    "tool_calls",
    "function",
    "function_call",
    "custom",
    "name",
    "arguments",
    "id",
    "type",
    "finish_reason",
    "logprobs",
    "tokens",
    "top_logprobs",
    "token",
    "logprob",
    "bytes",
    "usage",
    "x_groq",
    "error",
    "detail",
    "extra_content",
    "audio",
    "content_block",
    "partial_json",
    "citation",
    "citations",
    "input",
    "data",
    "stop_reason",
    "stop_details",
    "stop_sequence",
    "input_tokens",
    "output_tokens_details",
    "output",
    "item",
    "output_index",
    "part",
    "\\u0000\\ud800",
];

/// Values of every type, and of none.
const VALUES: [&str; 30] = [
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "4294967296",
    "18446744073709551616",
    "1e999",
    "-0",
    "NaN",
    "Infinity",
    "-Infinity",
    "\"\"",
    "\"a\"",
    "\"null\"",
    "\"stop\"",
    "\"error\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\u0000\"",
    "\"{\\\"a\\\":1}\"",
    "\"<think>a</think>b\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "{\"a\":{}}",
    "[1,2,3]",
    "{\"message\":\"no\",\"code\":500}",
    "01",
];

/// What a string may hold. The last one is invalid JSON and invalid UTF-8, the one before it only invalid JSON.
const PIECES: [&[u8]; 8] = [
    b"\\n",
    b"\\ud83d",
    b"\\ude00",
    b"\\u202e",
    b"\\u001b[2J",
    b"\xf0\x9f\x98\x80",
    b"\n\t\x01",
    b"\xff",
];

impl Node {
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut rest = text.trim_ascii();
        let node = value(&mut rest, 0)?;
        rest.is_empty().then_some(node)
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Leaf(text) => out.extend_from_slice(text),
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(fields) => {
                out.push(b'{');
                for (at, (key, item)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(key);
                    out.push(b':');
                    item.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// Changes one place of the tree. What is added has at most `most` bytes.
    pub fn change(&mut self, most: usize, random: &mut Random) {
        let donor = self.anywhere(random).clone();
        match self.anywhere(random) {
            Self::Object(fields) if !fields.is_empty() => object(fields, donor, most, random),
            Self::List(items) if !items.is_empty() => list(items, donor, most, random),
            other => other.replace(donor, random),
        }
    }

    /// Some node, more often one near the root.
    fn anywhere(&mut self, random: &mut Random) -> &mut Self {
        if random.one_in(5) {
            return self;
        }
        // Looked up twice, because a borrow that is returned in one arm lasts in all of them.
        let count = match self {
            Self::Leaf(_) => 0,
            Self::List(items) => items.len(),
            Self::Object(fields) => fields.len(),
        };
        if count == 0 {
            return self;
        }
        let at = random.below(count);
        match self {
            Self::List(items) => items[at].anywhere(random),
            Self::Object(fields) => fields[at].1.anywhere(random),
            Self::Leaf(_) => self,
        }
    }

    /// Puts another value here, or changes the text.
    fn replace(&mut self, donor: Self, random: &mut Random) {
        match (random.below(4), &mut *self) {
            (0, _) => *self = donor,
            (1, _) => *self = Self::Leaf(random.pick(&VALUES).into()),
            (2, Self::Leaf(text)) if text.len() > 1 && text[0] == b'"' => {
                let at = 1 + random.below(text.len() - 1);
                let piece = random.pick(&PIECES);
                text.splice(at..at, piece.iter().copied());
            }
            _ => {
                let (open, close): (&[u8], &[u8]) = if random.one_in(2) {
                    (b"[", b"]")
                } else {
                    (b"{\"a\":", b"}")
                };
                let depth = random.below(140);
                let mut text = open.repeat(depth);
                self.write(&mut text);
                text.extend(close.repeat(depth));
                *self = Self::Leaf(text);
            }
        }
    }

    fn size(&self) -> usize {
        let mut text = Vec::new();
        self.write(&mut text);
        text.len()
    }
}

fn object(fields: &mut Vec<(Vec<u8>, Node)>, donor: Node, most: usize, random: &mut Random) {
    let (at, to) = (random.below(fields.len()), random.below(fields.len()));
    match random.below(9) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(to, fields[at].clone()),
        2 => fields.swap(at, to),
        3 => fields[at].0 = quoted(random.pick(&KEYS)),
        4 => fields.insert(at, (quoted(random.pick(&KEYS)), donor)),
        5 => {
            let value = Node::Leaf(random.pick(&VALUES).into());
            fields.insert(at, (quoted(random.pick(&KEYS)), value));
        }
        6 => {
            let (numbered, key) = (random.one_in(2), fields[at].0.clone());
            let value = if random.one_in(2) {
                donor
            } else {
                fields[at].1.clone()
            };
            let times = random.times().min(most / (key.len() + value.size() + 2));
            let copies = (0..times).map(|number| {
                if numbered {
                    (quoted(&format!("k{number}")), value.clone())
                } else {
                    (key.clone(), value.clone())
                }
            });
            fields.splice(at..at, copies);
        }
        _ => fields[at].1.replace(donor, random),
    }
}

fn list(items: &mut Vec<Node>, donor: Node, most: usize, random: &mut Random) {
    let (at, to) = (random.below(items.len()), random.below(items.len()));
    match random.below(8) {
        0 => drop(items.remove(at)),
        1 => items.insert(to, items[at].clone()),
        2 => items.swap(at, to),
        3 => items.insert(at, donor),
        4 => items.insert(at, Node::Leaf(random.pick(&VALUES).into())),
        5 | 6 => {
            let value = match random.below(4) {
                0 => donor,
                1 => Node::Leaf(b"{}".to_vec()),
                _ => items[at].clone(),
            };
            let numbered = random.one_in(2);
            let mut text = Vec::new();
            value.write(&mut text);
            let times = random.times().min(most / (text.len() + 1));
            let copies = (0..times).map(|number| {
                if numbered {
                    Node::Leaf(renumbered(&text, number))
                } else {
                    Node::Leaf(text.clone())
                }
            });
            items.splice(at..at, copies);
        }
        _ => items[at].replace(donor, random),
    }
}

fn quoted(key: &str) -> Vec<u8> {
    format!("\"{key}\"").into()
}

/// The text with another number at its `index`, if it has one.
pub fn renumbered(text: &[u8], number: usize) -> Vec<u8> {
    let key = b"\"index\":";
    let Some(at) = text.windows(key.len()).rposition(|window| window == key) else {
        return text.to_vec();
    };
    let (before, after) = text.split_at(at + key.len());
    let digits = after
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    [before, number.to_string().as_bytes(), &after[digits..]].concat()
}

fn value(rest: &mut &[u8], depth: usize) -> Option<Node> {
    *rest = rest.trim_ascii_start();
    match rest.first()? {
        b'"' => Some(Node::Leaf(string(rest)?)),
        b'[' if depth < DEEPEST => {
            let mut items = Vec::new();
            inside(rest, b']', |rest| {
                items.push(value(rest, depth + 1)?);
                Some(())
            })?;
            Some(Node::List(items))
        }
        b'{' if depth < DEEPEST => {
            let mut fields = Vec::new();
            inside(rest, b'}', |rest| {
                let key = string(rest)?;
                *rest = rest.trim_ascii_start().strip_prefix(b":")?;
                fields.push((key, value(rest, depth + 1)?));
                Some(())
            })?;
            Some(Node::Object(fields))
        }
        _ => {
            let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b'"');
            let end = rest.iter().position(is_end).unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            *rest = after;
            (!text.is_empty()).then(|| Node::Leaf(text.trim_ascii_end().to_vec()))
        }
    }
}

fn inside(
    rest: &mut &[u8],
    close: u8,
    mut item: impl FnMut(&mut &[u8]) -> Option<()>,
) -> Option<()> {
    *rest = rest.get(1..)?.trim_ascii_start();
    while rest.first()? != &close {
        item(rest)?;
        *rest = rest.trim_ascii_start();
        if rest.first()? == &b',' {
            *rest = rest.get(1..)?.trim_ascii_start();
        }
    }
    *rest = rest.get(1..)?;
    Some(())
}

fn string(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let mut at = 1;
    if rest.first()? != &b'"' {
        return None;
    }
    loop {
        match rest.get(at)? {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let (text, after) = rest.split_at(at + 1);
    *rest = after;
    Some(text.to_vec())
}
