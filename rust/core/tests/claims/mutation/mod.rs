//! Changes a recorded reply as a broken or hostile server might: in its structure, not only in its bytes.

mod json;

use json::Node;

/// Random numbers, the same for the same seed (`SplitMix64`).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, or 0 if `end` is 0.
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// How often to repeat something: mostly seldom, at times thousands of times.
    fn times(&mut self) -> usize {
        1 << self.below(13)
    }
}

/// Blocks of a stream that a server may send at any time. The last ones are errors.
const BLOCKS: [&str; 16] = [
    ": keep-alive",
    "",
    "\u{feff}",
    "data:",
    "data: [DONE]",
    "data: {}",
    "data: null",
    "data: {\"choices\":[]}",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}",
    "foo: bar",
    "id: 1\nretry: 5",
    "{\"a\":1}",
    "<html>",
    "event: error\ndata: {\"error\":{\"message\":\"no\"}}",
    "data: {\"error\":{\"message\":\"no\",\"code\":429}}",
    "error: {\"message\":\"no\"}",
];

/// Returns a changed copy of `body` with at most `most` bytes.
pub fn mutated(body: &[u8], most: usize, random: &mut Random) -> Vec<u8> {
    let mut new = if random.one_in(8) {
        bytes(body, random)
    } else if is_document(body) {
        document(body, most, random)
    } else {
        stream(body, most, random)
    };
    new.truncate(most);
    new
}

fn is_document(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Changes the structure of one JSON document. A document may also become the event of a stream.
fn document(body: &[u8], most: usize, random: &mut Random) -> Vec<u8> {
    let Some(mut node) = Node::read(body) else {
        return bytes(body, random);
    };
    for _ in 0..=random.below(3) {
        node.change(most, random);
    }
    let mut out = Vec::new();
    node.write(&mut out);
    if random.one_in(30) {
        out = [b"data: ", &*out, b"\n\n"].concat();
    }
    out
}

/// Changes the blocks of a stream, or the JSON of one of them.
fn stream(body: &[u8], most: usize, random: &mut Random) -> Vec<u8> {
    let text = body.replace_all(b"\r\n", b"\n");
    let mut blocks: Vec<Vec<u8>> = split(&text, b"\n\n");
    let at = random.below(blocks.len());
    match random.below(12) {
        0 => drop(blocks.remove(at)),
        1 => blocks.truncate(at),
        2 => {
            let to = random.below(blocks.len());
            blocks.swap(at, to);
        }
        3 | 4 => blocks.insert(at, random.pick(&BLOCKS).as_bytes().to_vec()),
        5 => {
            let block = random.pick(&BLOCKS).as_bytes().to_vec();
            repeat(&mut blocks, at, &block, most, random);
        }
        6 => {
            let block = blocks[at].clone();
            repeat(&mut blocks, at, &block, most, random);
        }
        7 => {
            // The data of one event in several lines.
            let comma: &[u8] = if random.one_in(2) {
                b",\ndata: "
            } else {
                b",\ndata:"
            };
            blocks[at] = blocks[at].replace_all(b",", comma);
        }
        8 => {
            let end: &[u8] = random.pick(&[b"\r\n".as_slice(), b"\r", b"\n"]);
            return blocks.join(&*[end, end].concat());
        }
        9 if random.one_in(4) => return data(&blocks[at]).unwrap_or_default().to_vec(),
        _ => {
            if let Some(json) = data(&blocks[at]) {
                let json = document(json, most, random);
                blocks[at] = [b"data: ", &*json].concat();
            }
        }
    }
    blocks.join(&b"\n\n"[..])
}

fn repeat(blocks: &mut Vec<Vec<u8>>, at: usize, block: &[u8], most: usize, random: &mut Random) {
    let numbered = random.one_in(2);
    let times = random.times().min(most / (block.len() + 2));
    let copies = (0..times).map(|number| {
        if numbered {
            json::renumbered(block, number)
        } else {
            block.to_vec()
        }
    });
    blocks.splice(at..at, copies);
}

fn data(block: &[u8]) -> Option<&[u8]> {
    Some(block.strip_prefix(b"data:")?.trim_ascii())
}

/// Changes single bytes, or cuts something out.
fn bytes(body: &[u8], random: &mut Random) -> Vec<u8> {
    let mut new = body.to_vec();
    let (from, to) = (random.below(new.len()), random.below(new.len()));
    match random.below(4) {
        0 => new.truncate(from),
        1 if from < to => drop(new.drain(from..to)),
        2 => {
            let odd = [0, 0x0a, 0x0d, 0x22, 0x5c, 0x7f, 0x80, 0xc0, 0xed, 0xff];
            new.insert(from, odd[random.below(odd.len())]);
        }
        _ => {
            if let Some(byte) = new.get_mut(from) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
    new
}

fn split(text: &[u8], at: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![];
    let mut rest = text;
    while let Some(end) = rest.windows(at.len()).position(|window| window == at) {
        parts.push(rest[..end].to_vec());
        rest = &rest[end + at.len()..];
    }
    parts.push(rest.to_vec());
    parts
}

trait ReplaceAll {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl ReplaceAll for [u8] {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        split(self, from).join(to)
    }
}
