//! The reader: a cursor over valid UTF-8 that steps into objects and arrays, and over everything else.

/// The deepest nesting that is read, the same as `serde_json`'s.
pub const MAX_DEPTH: u32 = 127;

/// Numbers that JSON lacks, as Python's `json` writes and reads them
/// (<https://docs.python.org/3/library/json.html#infinite-and-nan-number-values>).
pub(super) const NOT_JSON: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// What is wrong with a JSON text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// The offset in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A cursor over one JSON text. It checks every value in full, even those that it skips.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    depth: u32,
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl<'a> Reader<'a> {
    /// Starts to read `bytes`. Fails if they are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::over(text)),
            Err(error) => Err(Error {
                offset: error.valid_up_to(),
                what: "invalid UTF-8",
            }),
        }
    }

    /// Starts to read a text.
    #[must_use]
    pub fn over(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// The offset of the next byte.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The text from this offset to the next byte.
    #[must_use]
    pub fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The kind of the next value.
    #[inline]
    pub fn peek(&mut self) -> Result<Kind> {
        self.skip_space();
        match self.byte() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => Ok(Kind::Number),
            Some(_) => Err(self.wrong("a value was expected")),
            None => Err(self.wrong("the text ends where a value was expected")),
        }
    }

    /// Reads an object. `field` gets each key, and must read or skip its value.
    pub fn object(&mut self, mut field: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.enter(b'{')?;
        if !self.closes(b'}')? {
            loop {
                self.skip_space();
                if let Some(key) = self.plain_string()? {
                    self.colon()?;
                    field(self, key)?;
                } else {
                    let key = self.string()?.into_lossy();
                    self.colon()?;
                    field(self, &key)?;
                }
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an array. `item` must read or skip one value each time.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.enter(b'[')?;
        if !self.closes(b']')? {
            loop {
                item(self)?;
                if !self.more(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an object if the next value is one, or else skips it. Returns whether it was one.
    pub fn object_or_skip(
        &mut self,
        field: impl FnMut(&mut Self, &str) -> Result<()>,
    ) -> Result<bool> {
        if self.peek()? == Kind::Object {
            self.object(field)?;
            return Ok(true);
        }
        self.skip()?;
        Ok(false)
    }

    /// Reads an array if the next value is one, or else skips it. Returns whether it was one.
    pub fn array_or_skip(&mut self, item: impl FnMut(&mut Self) -> Result<()>) -> Result<bool> {
        if self.peek()? == Kind::Array {
            self.array(item)?;
            return Ok(true);
        }
        self.skip()?;
        Ok(false)
    }

    /// Skips a value and returns its text, including the white space inside it.
    pub fn raw(&mut self) -> Result<&'a str> {
        self.skip_space();
        let start = self.at;
        self.skip()?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Like [`Self::raw`], but `None` for `null`.
    pub fn raw_or_null(&mut self) -> Result<Option<&'a str>> {
        let raw = self.raw()?;
        Ok((raw != "null").then_some(raw))
    }

    /// Skips a value. The depth limit bounds the recursion.
    #[inline]
    pub fn skip(&mut self) -> Result<()> {
        match self.peek()? {
            Kind::Array => self.array(Self::skip),
            Kind::Object => self.object(|reader, _| reader.skip()),
            Kind::String => self.skip_string(),
            Kind::Number => self.number().map(|_| ()),
            Kind::Null => self.word("null"),
            Kind::Bool if self.byte() == Some(b't') => self.word("true"),
            Kind::Bool => self.word("false"),
        }
    }

    /// Reads the text of a number, which may be `NaN`, `Infinity` or `-Infinity`. Fails on anything else.
    pub fn number(&mut self) -> Result<&'a str> {
        self.skip_space();
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.other_number(start),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// The numbers that JSON lacks.
    fn other_number(&mut self, start: usize) -> Result<&'a str> {
        let rest = self.text.get(start..).unwrap_or_default();
        let Some(word) = NOT_JSON.iter().find(|word| rest.starts_with(**word)) else {
            return Err(self.wrong("a digit was expected"));
        };
        self.at = start + word.len();
        Ok(word)
    }

    /// Reads a number that is a count. `None` for another kind of value, and for a negative or huge number.
    /// Fractions are cut off.
    pub fn count_or_skip(&mut self) -> Result<Option<u64>> {
        match self.peek()? {
            Kind::Number => Ok(as_count(self.number()?)),
            // Some servers quote their numbers.
            Kind::String => Ok(self.string()?.body.parse().ok()),
            _ => {
                self.skip()?;
                Ok(None)
            }
        }
    }

    /// Checks that there is only white space after the value.
    pub fn end(&mut self) -> Result<()> {
        self.skip_space();
        if self.at == self.text.len() {
            return Ok(());
        }
        Err(self.wrong("something follows the value"))
    }

    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(super) fn wrong(&self, what: &'static str) -> Error {
        Error {
            offset: self.at,
            what,
        }
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    fn enter(&mut self, open: u8) -> Result<()> {
        self.skip_space();
        if self.byte() != Some(open) {
            return Err(self.wrong(if open == b'{' {
                "an object was expected"
            } else {
                "an array was expected"
            }));
        }
        if self.depth == MAX_DEPTH {
            return Err(self.wrong("more than 127 levels"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether the container that was just entered is empty.
    #[inline]
    fn closes(&mut self, close: u8) -> Result<bool> {
        self.skip_space();
        match self.byte() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(self.wrong("the text ends inside an object or array")),
        }
    }

    /// Whether another member follows.
    #[inline]
    fn more(&mut self, close: u8) -> Result<bool> {
        self.skip_space();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) => Err(self.wrong("a comma or the end was expected")),
            None => Err(self.wrong("the text ends inside an object or array")),
        }
    }

    #[inline]
    fn colon(&mut self) -> Result<()> {
        self.skip_space();
        if self.byte() != Some(b':') {
            return Err(self.wrong("a colon was expected"));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.wrong("null, true or false was expected"));
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<()> {
        if !matches!(self.byte(), Some(b'0'..=b'9')) {
            return Err(self.wrong("a digit was expected"));
        }
        self.digits();
        Ok(())
    }
}

/// The text of a number as a count; `None` if it is negative or does not fit. Fractions are cut off.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn as_count(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| {
        let value: f64 = text.parse().ok()?;
        // Beyond 2^53 a float is not an exact count.
        (0.0..=9_007_199_254_740_992.0)
            .contains(&value)
            .then_some(value as u64)
    })
}
