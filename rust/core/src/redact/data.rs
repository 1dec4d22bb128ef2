//! Data in a text: base64, hex or percent-encoding, which has no spaces.

/// How much of data is shown: enough for the first bytes of a file, which say what it is.
pub(super) const SHOWN_DATA: usize = 32;
/// A line of base64 has 64 or 76 characters (RFC 7468, RFC 2045). Words in a list are shorter.
const DATA_LINE: usize = 60;
/// How many backslashes an escape has: JSON within JSON doubles them each time.
const MAX_SLASHES: usize = 16;

/// Characters without a space between them that may be data.
pub(super) struct Run {
    /// Where it ends.
    pub(super) end: usize,
    /// Where its first characters end.
    pub(super) shown: usize,
    /// How many characters it has; an escape counts as one.
    pub(super) chars: usize,
}

/// The run that begins at `start`, if one does.
pub(super) fn run(bytes: &[u8], start: usize) -> Option<Run> {
    let mut run = Run {
        end: start,
        shown: start,
        chars: 0,
    };
    let mut line = 0;
    while let Some(unit) = unit(bytes, run.end, line) {
        run.end += unit.bytes;
        if unit.is_line_break {
            line = 0;
            continue;
        }
        line += 1;
        run.chars += 1;
        if run.chars <= SHOWN_DATA {
            run.shown = run.end;
        }
    }
    (run.chars > 0).then_some(run)
}

/// One character of data as it is written: it may be an escape.
struct Unit {
    bytes: usize,
    is_line_break: bool,
}

/// The character of data at `at`, if there is one; `line` characters of its line come before it.
fn unit(bytes: &[u8], at: usize, line: usize) -> Option<Unit> {
    let rest = bytes.get(at..)?;
    let first = *rest.first()?;
    let one = |bytes| {
        Some(Unit {
            bytes,
            is_line_break: false,
        })
    };
    if is_data(first) {
        return one(1);
    }
    let slashes = rest.iter().take(MAX_SLASHES);
    let slashes = slashes.take_while(|&&byte| byte == b'\\').count();
    let letter = *rest.get(slashes)?;
    match (slashes, letter) {
        (0, b'\n' | b'\r') | (1.., b'n' | b'r') if line >= DATA_LINE => {
            let mut length = slashes + 1;
            // A carriage return and a line feed are one break.
            let next = rest.get(length..).unwrap_or_default();
            if next.get(..slashes) == rest.get(..slashes)
                && matches!(
                    (slashes, next.get(slashes)),
                    (0, Some(b'\n')) | (1.., Some(b'n'))
                )
            {
                length += slashes + 1;
            }
            Some(Unit {
                bytes: length,
                is_line_break: true,
            })
        }
        (1.., b'/') => one(slashes + 1),
        // `+`, `/` and `=`, which some writers escape.
        (1.., b'u')
            if rest.get(slashes + 1..slashes + 5).is_some_and(|hex| {
                [&b"002b"[..], b"002f", b"003d"]
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(hex))
            }) =>
        {
            one(slashes + 5)
        }
        _ => None,
    }
}

/// The letters of base64 and of its URL-safe form (RFC 4648), and the percent sign, for percent-encoding.
fn is_data(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'%')
}

/// Whether a character of data begins at `at`.
pub(super) fn starts_at(bytes: &[u8], at: usize) -> bool {
    unit(bytes, at, 0).is_some()
}
