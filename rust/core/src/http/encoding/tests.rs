//! What each standard allows, what servers really send, and what an attacker might.

use std::future::poll_fn;
use std::io::Write;

use ::brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;
use proptest::prelude::*;
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer};

use super::*;

/// Every coding, and the forms that it has.
const FORMS: [(&str, Form); 6] = [
    ("gzip", Form::Gzip),
    ("x-gzip", Form::Gzip),
    ("deflate", Form::Zlib),
    ("deflate", Form::Raw),
    ("br", Form::Brotli),
    ("zstd", Form::Zstd),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Gzip,
    Zlib,
    Raw,
    Brotli,
    Zstd,
}

/// Compresses as a server does that flushes after each event: what there is to send after each, and at the end.
fn flushed(form: Form, events: &[&[u8]]) -> Vec<Vec<u8>> {
    fn write<W: Write>(
        mut writer: W,
        sent: fn(&mut W) -> &mut Vec<u8>,
        events: &[&[u8]],
        finish: impl FnOnce(W) -> Vec<u8>,
    ) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for event in events {
            writer.write_all(event).unwrap();
            writer.flush().unwrap();
            all.push(std::mem::take(sent(&mut writer)));
        }
        all.push(finish(writer));
        all
    }
    let (level, to) = (Compression::default(), Vec::new);
    match form {
        Form::Gzip => write(
            GzEncoder::new(to(), level),
            GzEncoder::get_mut,
            events,
            |writer| writer.finish().unwrap(),
        ),
        Form::Zlib => write(
            ZlibEncoder::new(to(), level),
            ZlibEncoder::get_mut,
            events,
            |writer| writer.finish().unwrap(),
        ),
        Form::Raw => write(
            DeflateEncoder::new(to(), level),
            DeflateEncoder::get_mut,
            events,
            |writer| writer.finish().unwrap(),
        ),
        Form::Brotli => write(
            CompressorWriter::new(to(), 4096, 5, 22),
            CompressorWriter::get_mut,
            events,
            CompressorWriter::into_inner,
        ),
        Form::Zstd => {
            let mut encoder = CCtx::create();
            encoder
                .set_parameter(CParameter::ChecksumFlag(true))
                .unwrap();
            let mut all = Vec::new();
            for event in events {
                let mut sent = vec![0; 1024 + 2 * event.len()];
                let mut out = OutBuffer::around(&mut *sent);
                let mut from = InBuffer::around(event);
                while from.pos() < event.len() {
                    encoder.compress_stream(&mut out, &mut from).unwrap();
                }
                assert_eq!(encoder.flush_stream(&mut out).unwrap(), 0);
                all.push(out.as_slice().to_vec());
            }
            let mut sent = vec![0; 1024];
            let mut out = OutBuffer::around(&mut *sent);
            assert_eq!(encoder.end_stream(&mut out).unwrap(), 0);
            all.push(out.as_slice().to_vec());
            all
        }
    }
}

fn packed(form: Form, data: &[u8]) -> Vec<u8> {
    flushed(form, &[data]).concat()
}

fn unpacker(coding: &str) -> Unpacker {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
    Unpacker::of(&headers).unwrap()
}

/// Everything that a push brings.
fn fed(unpacker: &mut Unpacker, chunk: &[u8]) -> Result<Vec<u8>, Broken> {
    unpacker.push(Bytes::copy_from_slice(chunk));
    let mut all = Vec::new();
    while let Some(piece) = unpacker.next()? {
        assert!((1..=PIECE_BYTES).contains(&piece.len()));
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

fn unpacked<'a>(
    coding: &str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Broken> {
    let mut unpacker = unpacker(coding);
    let mut all = Vec::new();
    for chunk in chunks {
        all.extend(fed(&mut unpacker, chunk)?);
    }
    unpacker.finish()?;
    Ok(all)
}

/// Bytes that hardly shrink.
fn noise(size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..size).map(|_| random.u8(..)).collect()
}

const TEXT: &[u8] = b"data: {\"content\": \"aaaaaaaa\"}\n\ndata: {\"content\": \"bcd\"}\n\n";

#[test]
fn a_body_may_be_cut_into_chunks_anywhere() {
    for (coding, form) in FORMS {
        let body = packed(form, TEXT);
        for at in 0..=body.len() {
            let (head, tail) = body.split_at(at);
            assert_eq!(
                unpacked(coding, [head, tail]).as_deref(),
                Ok(TEXT),
                "{coding} at {at}"
            );
        }
        assert_eq!(unpacked(coding, body.chunks(1)).as_deref(), Ok(TEXT));
    }
}

#[test]
fn a_body_that_ends_early_is_cut_wherever_it_ends() {
    for (coding, form) in FORMS {
        let body = packed(form, TEXT);
        for at in 1..body.len() {
            assert_eq!(
                unpacked(coding, [&body[..at]]),
                Err(Broken::Cut),
                "{coding} at {at}"
            );
        }
        assert_eq!(unpacked(coding, []), Ok(vec![]), "no body at all");
        assert_eq!(unpacked(coding, [&packed(form, b"")[..]]), Ok(vec![]));
    }
}

#[test]
fn a_flushed_event_is_returned_at_once() {
    let events: Vec<_> = (0..50)
        .map(|i| format!("data: {{\"n\": {i}}}\n\n").into_bytes())
        .collect();
    let events: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
    for (coding, form) in FORMS {
        let mut unpacker = unpacker(coding);
        for (event, wire) in events.iter().zip(flushed(form, &events)) {
            assert_eq!(fed(&mut unpacker, &wire).as_deref(), Ok(*event), "{coding}");
        }
    }
}

#[test]
fn a_large_body_comes_in_pieces_whatever_it_shrinks_to() {
    for (coding, form) in FORMS {
        for data in [noise(300_000), vec![b'a'; 1 << 20], TEXT.repeat(9_000)] {
            let body = packed(form, &data);
            assert!(
                unpacked(coding, [&*body]) == Ok(data.clone()),
                "{coding} whole"
            );
            assert!(
                unpacked(coding, body.chunks(1_000)) == Ok(data),
                "{coding} in chunks"
            );
        }
    }
}

#[test]
fn a_bomb_is_an_error_before_it_fills_memory() {
    for (coding, form) in FORMS {
        let body = packed(form, &vec![0; 9 << 20]);
        for size in [1, 1_000, body.len()] {
            let mut unpacker = unpacker(coding);
            let mut total = 0;
            let mut chunks = body.chunks(size);
            let broken = loop {
                match unpacker.next() {
                    Ok(Some(piece)) => total += piece.len() as u64,
                    Ok(None) => unpacker.push(Bytes::copy_from_slice(chunks.next().unwrap())),
                    Err(broken) => break broken,
                }
            };
            assert_eq!(broken, Broken::Bomb);
            assert!(total <= BOMB_BYTES, "{coding}: {total}");
            assert_eq!(unpacker.next(), Err(Broken::Bomb), "again");
            assert_eq!(unpacker.finish(), Err(Broken::Bomb));
        }
    }
}

#[test]
fn a_large_reply_that_shrinks_as_replies_do_is_no_bomb() {
    let data = [&noise(60_000)[..], &vec![b' '; 9 << 20]].concat();
    for (coding, form) in FORMS {
        assert!(
            unpacked(coding, [&*packed(form, &data)]) == Ok(data.clone()),
            "{coding}"
        );
    }
}

#[test]
fn the_header_says_how_to_unpack() {
    let of = |values: &[&'static [u8]]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_bytes(value).unwrap());
        }
        Unpacker::of(&headers).map(|unpacker| match unpacker.decoder {
            Ok(_) => (unpacker.coding, None),
            Err(broken) => (unpacker.coding, Some(broken)),
        })
    };
    let case = |values: &[&'static [u8]]| {
        of(values).map(|(coding, broken)| format!("{coding} {broken:?}"))
    };
    for (values, found) in [
        (&[][..], None),
        (&[b"" as &[u8]], None),
        (&[b"identity"], None),
        (&[b" , Identity,"], None),
        (&[b"identity", b"identity"], None),
        (&[b"GZip"], Some("GZip None")),
        (&[b" gzip ,"], Some("gzip None")),
        (&[b"identity, br"], Some("br None")),
        (&[b"identity", b"zstd"], Some("zstd None")),
        (&[b"x-gzip"], Some("x-gzip None")),
        (&[b"gzip, br"], Some("gzip, br Some(Nested)")),
        (&[b"gzip", b"gzip"], Some("gzip, gzip Some(Nested)")),
        (&[b"x, y"], Some("x, y Some(Nested)")),
        (&[b"compress"], Some("compress Some(Unknown)")),
        (&[b"utf-8"], Some("utf-8 Some(Unknown)")),
        (&[b"br\xff"], Some("br\u{fffd} Some(Unknown)")),
    ] {
        assert_eq!(case(values).as_deref(), found, "{values:?}");
    }
}

#[test]
fn a_coding_that_nothing_can_unpack_is_an_error_of_the_first_byte() {
    for (coding, broken) in [("compress", Broken::Unknown), ("gzip, br", Broken::Nested)] {
        assert_eq!(unpacked(coding, []), Ok(vec![]), "no body");
        assert_eq!(unpacked(coding, [&b"x"[..]]), Err(broken));
        let mut unpacker = unpacker(coding);
        unpacker.push(Bytes::from_static(b"{}"));
        assert_eq!(unpacker.next(), Err(broken));
        assert_eq!(
            unpacker.rejected(),
            Some((broken, Bytes::from_static(b"{}")))
        );
    }
}

#[test]
fn plain_text_is_none_of_the_codings_and_is_kept() {
    let text: &'static [u8] = br#"{"error": {"message": "no such model"}}"#;
    for coding in ["gzip", "br", "zstd"] {
        let mut unpacker = unpacker(coding);
        assert_eq!(fed(&mut unpacker, text), Err(Broken::Corrupt), "{coding}");
        let kept = Bytes::from_static(text);
        assert_eq!(
            unpacker.rejected(),
            Some((Broken::Corrupt, kept)),
            "{coding}"
        );
    }
    assert_eq!(unpacked("deflate", [text]), Err(Broken::Corrupt));
}

/// RFC 1952, section 2.2: members follow each other. gzip(1) ignores what else follows.
#[test]
fn gzip_has_members_and_may_be_padded() {
    let (a, b) = (packed(Form::Gzip, b"a"), packed(Form::Gzip, b"bc"));
    let none = packed(Form::Gzip, b"");
    for (parts, text) in [
        (vec![&*a, &*b], "abc"),
        (vec![&*none, &*a, &*none, &*b, &*none], "abc"),
        (vec![&*a, &[0; 100]], "a"),
        (vec![&*a, &[0; 3], &*b], "a"),
        (vec![&*a, b"garbage"], "a"),
        (vec![&*a, b"\x1f"], "a"),
        (vec![&*a, b"\x1f\x1f\x8b"], "a"),
    ] {
        let body = parts.concat();
        assert_eq!(unpacked("gzip", [&*body]).as_deref(), Ok(text.as_bytes()));
        assert_eq!(
            unpacked("gzip", body.chunks(1)).as_deref(),
            Ok(text.as_bytes())
        );
    }
    for cut in 2..b.len() {
        let body = [&*a, &b[..cut]].concat();
        assert_eq!(unpacked("gzip", [&*body]), Err(Broken::Cut), "{cut}");
    }
    let body = [&*a, b"\x1f\x8b\x07garbage"].concat();
    assert_eq!(unpacked("gzip", [&*body]), Err(Broken::Corrupt), "method 7");
}

/// RFC 1952, section 2.3.1: an extra field, a name, a comment and a checksum of the header.
#[test]
fn gzip_may_have_a_long_header() {
    let plain = packed(Form::Gzip, TEXT);
    let mut header = vec![0x1f, 0x8b, 8, 0x1f, 1, 2, 3, 4, 0, 3, 5, 0];
    header.extend_from_slice(b"extraname\0comment\0");
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    let sum = crc.sum().to_le_bytes();
    let good = [&header[..], &sum[..2], &plain[10..]].concat();
    let bad = [&header[..], &[sum[0], !sum[1]], &plain[10..]].concat();
    assert_eq!(unpacked("gzip", [&*good]).as_deref(), Ok(TEXT));
    assert_eq!(unpacked("gzip", good.chunks(1)).as_deref(), Ok(TEXT));
    assert_eq!(unpacked("gzip", [&*bad]), Err(Broken::Corrupt));
}

#[test]
fn a_wrong_checksum_or_length_is_an_error() {
    for (coding, form, sums) in [
        ("gzip", Form::Gzip, 8),
        ("deflate", Form::Zlib, 4),
        ("zstd", Form::Zstd, 4),
    ] {
        let body = packed(form, TEXT);
        for at in body.len() - sums..body.len() {
            let mut body = body.clone();
            body[at] ^= 1;
            assert_eq!(
                unpacked(coding, [&*body]),
                Err(Broken::Corrupt),
                "{coding} at {at}"
            );
        }
    }
}

#[test]
fn deflate_may_come_with_or_without_its_wrapper() {
    for level in 0..=9 {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(level));
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::new(level));
        zlib.write_all(TEXT).unwrap();
        raw.write_all(TEXT).unwrap();
        for mut body in [zlib.finish().unwrap(), raw.finish().unwrap()] {
            assert_eq!(
                unpacked("deflate", [&*body]).as_deref(),
                Ok(TEXT),
                "level {level}"
            );
            body.extend_from_slice(b"\r\n");
            assert_eq!(
                unpacked("deflate", [&*body]).as_deref(),
                Ok(TEXT),
                "a line end after it"
            );
        }
    }
    // An empty block, and a dictionary that is not there (RFC 1950, section 2.2).
    assert_eq!(unpacked("deflate", [&[3, 0][..]]), Ok(vec![]));
    let with_dictionary = [0x78, 0xbb, 1, 2, 3, 4, 3, 0, 0, 0, 0, 1];
    assert_eq!(
        unpacked("deflate", [&with_dictionary[..]]),
        Err(Broken::Corrupt)
    );
    // The smallest window, of 256 bytes.
    let small = [&[0x08, 0x1d][..], &packed(Form::Zlib, b"abc")[2..]].concat();
    assert_eq!(unpacked("deflate", [&*small]).as_deref(), Ok(&b"abc"[..]));
}

#[test]
fn br_has_small_windows_and_no_large_ones() {
    for window in 10..=24 {
        let mut writer = CompressorWriter::new(Vec::new(), 4096, 5, window);
        let data = TEXT.repeat(100);
        writer.write_all(&data).unwrap();
        let body = writer.into_inner();
        assert_eq!(unpacked("br", [&*body]), Ok(data), "{window}");
        assert_eq!(
            unpacked("br", [&*body, b"\n"]),
            Err(Broken::Corrupt),
            "something follows"
        );
    }
    // An empty stream, and the first bytes of a window of 2^30 bytes, which RFC 7932 does not have.
    assert_eq!(unpacked("br", [&[6][..]]), Ok(vec![]));
    assert_eq!(
        unpacked("br", [&[0x11, 0x1e, 3, 0, 0][..]]),
        Err(Broken::Corrupt)
    );
}

/// A frame (RFC 8878, section 3.1.1) with this header after the magic number, and one raw block.
fn frame(header: &[u8], block: &[u8]) -> Vec<u8> {
    let size = u32::try_from(block.len()).unwrap() << 3 | 1;
    [
        &[0x28, 0xb5, 0x2f, 0xfd],
        header,
        &size.to_le_bytes()[..3],
        block,
    ]
    .concat()
}

#[test]
fn zstd_has_frames_and_some_to_skip() {
    let (a, b) = (packed(Form::Zstd, b"a"), packed(Form::Zstd, b"bc"));
    let skipped = b"\x57\x2a\x4d\x18\x03\0\0\0xyz";
    let body = [&skipped[..], &a, skipped, &b, skipped].concat();
    assert_eq!(unpacked("zstd", [&*body]).as_deref(), Ok(&b"abc"[..]));
    assert_eq!(unpacked("zstd", body.chunks(1)).as_deref(), Ok(&b"abc"[..]));
    assert_eq!(unpacked("zstd", [&skipped[..]]), Ok(vec![]));
    for cut in 1..skipped.len() {
        let body = [&a, &skipped[..cut]].concat();
        assert_eq!(unpacked("zstd", [&*body]), Err(Broken::Cut), "{cut}");
    }
    assert_eq!(
        unpacked("zstd", [&*a, b"\r\n\r\n\r\n"]),
        Err(Broken::Corrupt)
    );
    // Without a checksum, and with a dictionary that is not there.
    assert_eq!(
        unpacked("zstd", [&*frame(&[0x20, 2], b"ab")]).as_deref(),
        Ok(&b"ab"[..])
    );
    assert_eq!(
        unpacked("zstd", [&*frame(&[0x21, 9, 2], b"ab")]),
        Err(Broken::Corrupt)
    );
    assert_eq!(
        unpacked("zstd", [&*frame(&[0x20, 3], b"ab")]),
        Err(Broken::Corrupt),
        "its size"
    );
}

/// RFC 9659: no window over 8 MiB.
#[test]
fn zstd_with_a_large_window_is_refused() {
    // The exponent above 10 in the upper five bits, eighths in the lower three.
    for (window, result) in [
        (0, Ok(b"ab".to_vec())),
        (13 << 3, Ok(b"ab".to_vec())),
        (13 << 3 | 1, Err(Broken::Corrupt)),
        (21 << 3, Err(Broken::Corrupt)),
    ] {
        assert_eq!(
            unpacked("zstd", [&*frame(&[0, window], b"ab")]),
            result,
            "{window}"
        );
    }
    let mut gigabytes = vec![0xe0];
    gigabytes.extend_from_slice(&(4_u64 << 30).to_le_bytes());
    assert_eq!(
        unpacked("zstd", [&*frame(&gigabytes, b"ab")]),
        Err(Broken::Corrupt)
    );
}

#[test]
fn messages_name_the_header_and_the_fix() {
    let unpacker = unpacker("compress");
    for (broken, named) in [
        (
            Broken::Unknown,
            "which cannot be unpacked: the server, or a gateway in between, must send `identity`",
        ),
        (Broken::Nested, "more than once"),
        (Broken::Corrupt, "damaged"),
        (Broken::Cut, "ended in the middle"),
        (Broken::Bomb, "200 times"),
    ] {
        let reason = unpacker.reason(broken);
        assert!(reason.contains("`content-encoding: compress`"), "{reason}");
        assert!(reason.contains(named), "{reason}");
        assert!(!reason.contains('\n') && reason.len() < 200, "{reason}");
    }
}

#[tokio::test]
async fn a_turn_ends_after_32_kib() {
    let mut unpacker = unpacker("gzip");
    unpacker.push(packed(Form::Gzip, &vec![0; 1 << 20]).into());
    let unpacking = tokio::spawn(async move {
        while let Some(piece) = poll_fn(|cx| unpacker.poll_next(cx)).await.unwrap() {
            drop(piece);
        }
    });
    let mut turns = 0;
    while !unpacking.is_finished() {
        turns += 1;
        tokio::task::yield_now().await;
    }
    unpacking.await.unwrap();
    assert!(turns >= 32, "{turns}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_chunks_give_the_same_bytes(
        events in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 0..8),
        sizes in prop::collection::vec(1_usize..600, 1..20),
        which in 0..FORMS.len(),
    ) {
        let (coding, form) = FORMS[which];
        let events: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
        let body = flushed(form, &events).concat();
        let mut rest = &*body;
        let mut sizes = sizes.iter().cycle();
        let chunks = std::iter::from_fn(|| {
            let (chunk, more) = rest.split_at((*sizes.next()?).min(rest.len()));
            rest = more;
            (!chunk.is_empty()).then_some(chunk)
        });
        prop_assert_eq!(unpacked(coding, chunks), Ok(events.concat()));
    }

    #[test]
    fn any_change_gives_bytes_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        size in 1_usize..100,
        which in 0..FORMS.len(),
    ) {
        let (coding, form) = FORMS[which];
        let mut body = packed(form, &TEXT.repeat(20));
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let whole = unpacked(coding, [&*body]);
        prop_assert_eq!(&whole, &unpacked(coding, body.chunks(size)));
        prop_assert!(whole.map_or(0, |all| all.len()) as u64 <= BOMB_BYTES);
    }
}
