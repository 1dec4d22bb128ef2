"""Images, audio and documents: what they accept, what they refuse, and what makes them read."""

from __future__ import annotations

import base64
import os
import re
import time
from pathlib import Path
from typing import Any, cast

import pytest

import tokenwire as tw
from tokenwire.errors import LlmConfigError, LlmError, LlmValidationError
from tokenwire.testing import fake, tool_call
from tokenwire.types import AudioPart, FilePart, ImagePart, LlmMessage, LlmRequest

PNG = b"\x89PNG\r\n\x1a\n-"
PATHS = [
    "/local/cat.png",
    "/etc/passwd",
    "file:///etc/passwd",
    "FILE://localhost/etc/passwd",
    " file:/etc/passwd",
    "~/cat.png",
    "./cat.png",
    "../cat.png",
    "cat.png",
    "C:\\cat.png",
    "c:/cat.png",
    "\\\\server\\share\\cat.png",
    "//server/cat.png",
    "x:file:///a",
]
# The beginning of a file of each type that is recognized.
STARTS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0..JFIF",
    "image/gif": b"GIF89a..",
    "image/webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "image/heic": b"\0\0\0\x18ftypheic",
    "image/heif": b"\0\0\0\x18ftypmif1",
    "image/avif": b"\0\0\0\x18ftypavif",
    "image/tiff": b"II*\0....",
    "image/bmp": b"BM\x36\x00\x01\0\0\0\0\0",
}
SOUNDS = {
    "wav": b"RIFF\0\0\0\0WAVEfmt ",
    "mp3": b"ID3\x04....",
    "flac": b"fLaC....",
    "ogg": b"OggS....",
    "m4a": b"\0\0\0\x1cftypM4A ",
}


def refusal(make: Any) -> tuple[type, str]:
    """The class and the text of the error, which is one line."""
    with pytest.raises(LlmError) as caught:
        make()
    assert "\n" not in str(caught.value)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("url", PATHS)
@pytest.mark.parametrize("part", [ImagePart, lambda url: FilePart(url=url)], ids=["image", "file"])
def test_a_path_in_place_of_a_url_is_refused_with_the_fix(part, url):
    kind, text = refusal(lambda: part(url))
    assert kind is LlmConfigError
    assert re.match(r"(Image|File)Part: url: it names a file on this machine", text)
    assert "path=" in text


@pytest.mark.parametrize("kind", ["image", "file"])
@pytest.mark.parametrize("key", ["url", "path"])
def test_no_dict_makes_us_read_a_file(tmp_path, kind, key):
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    content = [{"type": kind, key: str(path)}]
    for make in (
        lambda: LlmMessage("user", content),
        lambda: LlmMessage.model_validate({"role": "user", "content": content}),
        lambda: LlmRequest.model_validate({"messages": [{"role": "user", "parts": content}]}),
        lambda: LlmMessage("tool", [{"type": "tool_result", "call_id": "1", "content": content}]),
    ):
        raised, text = refusal(make)
        assert raised is LlmConfigError
        assert "path=" in text
        assert "[0]" in text


def test_bytes_are_not_a_url():
    kind, text = refusal(lambda: ImagePart(PNG))  # type: ignore[arg-type]
    assert (kind, text) == (LlmConfigError, "ImagePart: url: it is bytes; give data=")


def test_a_path_object_is_not_a_url_or_data():
    for make in (
        lambda: ImagePart(Path("cat.png")),  # type: ignore[arg-type]
        lambda: ImagePart(data=Path("cat.png")),  # type: ignore[arg-type]
        lambda: FilePart(url=Path("a.pdf")),  # type: ignore[arg-type]
        lambda: AudioPart(Path("a.wav")),  # type: ignore[arg-type]
    ):
        assert "path=" in refusal(make)[1]


@pytest.mark.parametrize(
    "url", ["HTTPS://x/a", "http://localhost:1/a.png?b", "gs://b/a", "s3://b/a"]
)
def test_the_url_of_a_server_is_kept_as_it_is(url):
    assert (ImagePart(url).url, FilePart(url=url).url) == (url, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cat",
        "file-abc123",
        "iVBORw0KGgo=",
        "localhost:80/a",
        "file ://a",
        "://a",
    ],
)
def test_what_is_not_a_url_is_refused(url):
    assert refusal(lambda: ImagePart(url)) == (
        LlmValidationError,
        "ImagePart: url: it is not a URL; give one with https:// or data:, or path= to read a file",
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("data:image/png;base64", "url: it is not a data: URL, such as data:image/png;base64,iVBO"),
        ("data:image/png;base64,", "url: the data: URL is empty"),
        ("data:image/png;base64,?", "url: it is not base64"),
        ("DATA:image/png;Base64,AAA", "url: it is not base64"),
        ("data:text/html,<p>", "url: its type, text/html, is not an image"),
        ("data:;base64,AAAA", "url: its type, text/plain, is not an image"),
    ],
)
def test_a_broken_data_url_is_refused(url, problem):
    kind, text = refusal(lambda: ImagePart(url))
    assert (kind, text[: len(problem) + 11]) == (LlmValidationError, f"ImagePart: {problem}")


def test_a_long_url_is_read_in_linear_time():
    # Someone else may choose it.
    began = time.process_time()
    for url in ("data:" + "A" * 40_000, "data:" + ";" * 40_000, "a." * 40_000):
        assert refusal(lambda: ImagePart(url))[0] is LlmValidationError  # noqa: B023
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "url", ["data:image/svg+xml,%3Csvg/%3E", "data:image/png;a=b;base64,AA%2BA", "data:image/x,a,b"]
)
def test_a_data_url_is_kept_as_it_is(url):
    assert ImagePart(url).url == url


@pytest.mark.parametrize("kind", STARTS)
def test_the_type_of_an_image_follows_from_its_bytes(tmp_path, kind):
    path = tmp_path / "image.jpg"
    path.write_bytes(STARTS[kind])
    expected = ImagePart(data=STARTS[kind], media_type=kind)
    text = base64.b64encode(STARTS[kind]).decode()
    for part in (
        ImagePart(path=path),
        ImagePart(path=str(path)),
        ImagePart.from_file(path),
        ImagePart(data=STARTS[kind]),
        ImagePart(data=bytearray(STARTS[kind])),  # type: ignore[arg-type]
        ImagePart.from_bytes(STARTS[kind]),
        ImagePart(data=text),
        ImagePart.model_validate({"type": "image", "data": text}),
    ):
        assert part == expected
    assert ImagePart(path=path, detail="low").detail == "low"
    assert ImagePart(path=path, media_type="image/x").media_type == "image/x"


@pytest.mark.parametrize("form", SOUNDS)
def test_the_format_of_audio_follows_from_its_bytes(tmp_path, form):
    path = tmp_path / "sound"
    path.write_bytes(SOUNDS[form])
    text = base64.b64encode(SOUNDS[form]).decode()
    expected = AudioPart(SOUNDS[form], form)
    for part in (
        AudioPart(path=path),
        AudioPart.from_file(path),
        AudioPart(SOUNDS[form]),
        AudioPart.from_bytes(SOUNDS[form]),
        AudioPart(text),
    ):
        assert part == expected


@pytest.mark.parametrize(
    ("name", "content", "make", "kind"),
    [
        ("a.svg", b"<svg/>", lambda path: ImagePart(path=path).media_type, "image/svg+xml"),
        ("a.MP3", b"abc", lambda path: AudioPart(path=path).format, "mp3"),
        ("a.pdf", b"?", lambda path: FilePart(path=path).media_type, "application/pdf"),
        ("a", b"%PDF-1.7", lambda path: FilePart(path=path).media_type, "application/pdf"),
        ("a.md", b"?", lambda path: FilePart(path=path).media_type, "text/markdown"),
        ("a.md", b"?", lambda path: FilePart(path=path).filename, "a.md"),
        ("a.md", b"?", lambda path: FilePart(path=path, filename="b").filename, "b"),
        ("a", b"?", lambda path: FilePart(path=path, media_type="x/y").media_type, "x/y"),
    ],
)
def test_the_name_of_a_file_says_what_its_bytes_do_not(tmp_path, name, content, make, kind):
    path = tmp_path / name
    path.write_bytes(content)
    assert make(path) == kind


def test_a_document_in_memory_gets_its_type_from_its_bytes_or_its_name():
    assert FilePart(data=b"%PDF-1.7").media_type == "application/pdf"
    assert FilePart(data=b"a,b", filename="a.csv").media_type == "text/csv"
    assert FilePart.from_bytes(b"abc", filename="a.pdf").media_type == "application/pdf"
    assert FilePart.from_url("https://x/y").media_type is None


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda p: ImagePart(path=p / "no.png"),
            "ImagePart: path: {}/no.png: No such file or dire",
        ),
        (lambda p: ImagePart(path=p), "ImagePart: path: {}: Is a directory"),
        (lambda p: ImagePart(path=p / "empty.png"), "ImagePart: path: {}/empty.png: it is empty"),
        (
            lambda p: ImagePart(path=p / "text.png"),
            "ImagePart: path: {}/text.png: it is not an image",
        ),
        (lambda p: ImagePart(path=p / "text"), "ImagePart: path: {}/text: it is not an image"),
        (
            lambda p: ImagePart(path=p / "a.pdf"),
            "ImagePart: path: {}/a.pdf: it is a PDF document; ",
        ),
        (
            lambda p: ImagePart(path=p / "huge.png"),
            "ImagePart: path: {}/huge.png: it is over 64 MiB",
        ),
        (
            lambda p: ImagePart(path=p / "fifo"),
            "ImagePart: path: {}/fifo: it is not a regular file",
        ),
        (
            lambda _: ImagePart(path="/dev/zero"),
            "ImagePart: path: /dev/zero: it is not a regular file",
        ),
        (lambda p: ImagePart(path=p / "loop"), "ImagePart: path: {}/loop: Too many levels of symb"),
        (lambda _: ImagePart(path="a\0b"), r"ImagePart: path: a\u{{0}}b: embedded null byte"),
        (lambda _: ImagePart(path=cast("Any", 4)), "ImagePart: path: 4: "),
        (
            lambda _: ImagePart(path="https://x/a.png"),
            "ImagePart: path: it is not the path of a file",
        ),
        (lambda _: ImagePart(path="iVBO" * 9_000), "ImagePart: path: it is not the path of a file"),
        (lambda _: ImagePart(path=cast("Any", PNG)), "ImagePart: path: it is bytes; give data="),
        (lambda p: AudioPart(path=p / "text"), "AudioPart: path: {}/text: its format is not recog"),
        (lambda p: FilePart(path=p / "text"), "FilePart: path: {}/text: its suffix is unknown"),
        (lambda p: FilePart(path=p / "no"), "FilePart: path: {}/no: No such file"),
        (lambda p: ImagePart(path=p, data=b"x"), "ImagePart: give either path= or data=, not both"),
        (
            lambda p: ImagePart("https://x", path=p),
            "ImagePart: give either path= or url=, not both",
        ),
        (lambda p: FilePart(path=p, file_id="x"), "FilePart: give either path= or file_id=, not b"),
        (
            lambda p: AudioPart(b"x", "wav", path=p),
            "AudioPart: give either path= or data=, not both",
        ),
        (lambda _: ImagePart(), "ImagePart: give exactly one of path=, url=, data="),
        (lambda _: AudioPart(), "AudioPart: give exactly one of path=, data="),
        (lambda _: ImagePart(data=b""), "ImagePart: data: it is empty"),
        (
            lambda _: ImagePart(data=b"x"),
            "ImagePart: the image type is not recognized; give media_t",
        ),
        (
            lambda _: ImagePart(data="/a/b.png"),
            "ImagePart: data: it is not base64; give bytes, or p",
        ),
        (lambda _: AudioPart(b"x"), "AudioPart: its format is not recognized; give format="),
        (
            lambda _: FilePart(data=b"x"),
            "FilePart: the type of data= is not known; give media_type=",
        ),
        (
            lambda _: FilePart(data=b"x", filename="a.csv.gz"),
            "FilePart: the type of data= is not kno",
        ),
        (
            lambda _: FilePart.from_bytes(b"x", filename="a.xyz"),
            "FilePart: the type of data= is not",
        ),
    ],
)
def test_a_refused_file_is_named_with_the_reason(tmp_path, make, problem):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("a text")
    (tmp_path / "text").write_text("a text")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with (tmp_path / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate((64 << 20) + 1)
    if "fifo" in problem:
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no FIFOs")
        os.mkfifo(tmp_path / "fifo")
    if "loop" in problem:
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
    kind, text = refusal(lambda: make(tmp_path))
    assert kind in (LlmConfigError, LlmValidationError)
    assert text.startswith(problem.format(tmp_path))


def test_an_unreadable_file_is_named(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert refusal(lambda: ImagePart(path=path))[1].endswith("cat.png: Permission denied")


def test_base64_in_another_spelling_is_sent_in_the_usual_one():
    data = bytes(range(256))
    for text in (base64.encodebytes(data).decode(), base64.urlsafe_b64encode(data).decode()):
        assert ImagePart(data=text, media_type="image/x").data == base64.b64encode(data).decode()


def test_a_repr_shows_the_beginning_of_data_only():
    part = ImagePart(data=PNG + bytes(3_000_000))
    url = f"data:image/png;base64,{part.data}"
    raw = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    message = LlmMessage("user", ["What is it?", part, ImagePart(url), FilePart(url=url)])
    for shown in (part, message, LlmRequest(messages=[message, raw])):
        for text in (repr(shown), str(shown)):
            assert len(text) < 1_500
            assert "'iVBORw0KGgot" in text
            assert "… (4,000,012 characters)" in text
    assert len(dict(part.__repr_args__())["data"]) < 100
    assert "a word" * 900 in repr(tw.LlmMessage("user", "a word" * 900 + " "))


def test_a_repr_of_what_was_received_or_recorded_shows_the_beginning_of_data_only():
    url = f"data:image/png;base64,{base64.b64encode(PNG + bytes(300_000)).decode()}"
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    with fake({"*": [f"![cat]({url})", tool_call("draw", image=url)]}) as served:
        chat = tw.ChatClient("openai:m", api_key="k")
        reply, other = chat.complete([message]), chat.complete([message])
    for shown in (
        served.requests[0],
        reply,
        reply.message,
        reply.choices[0],
        other.tool_calls[0],
        other.choices[0],
    ):
        assert len(repr(shown)) < 1_000
        assert "iVBORw0KGgo" in repr(shown)


def test_a_message_with_a_file_is_loaded_without_it(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    message = LlmMessage("user", ["q", ImagePart(path=path), FilePart(path=path)])
    path.unlink()
    assert str(tmp_path) not in message.model_dump_json()
    assert LlmMessage.model_validate_json(message.model_dump_json()) == message
