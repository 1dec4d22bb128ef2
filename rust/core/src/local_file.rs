//! Strings that name a file of this machine where a URL belongs. No server can read such a file, and we never read one
//! because a string says so: the string may be from a program's user.

/// Suffixes of files that people send to models.
const SUFFIXES: [&str; 24] = [
    "avif", "bmp", "csv", "docx", "flac", "gif", "heic", "heif", "jpeg", "jpg", "m4a", "md", "mov",
    "mp3", "mp4", "ogg", "pdf", "png", "svg", "tif", "tiff", "txt", "wav", "webp",
];

/// Whether `url` is the path of a file, or a `file:` URL. Some providers accept base64 in place of a URL, which is not
/// a path.
#[must_use]
pub fn names_local_file(url: &str) -> bool {
    let url = url.trim();
    match url.as_bytes() {
        // The base64 of every JPEG begins so.
        [b'/', b'9', b'j', b'/', rest @ ..] => !rest
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')),
        [b'/' | b'\\' | b'~' | b'.', ..] => true,
        // A drive of Windows.
        [letter, b':', ..] if letter.is_ascii_alphabetic() => true,
        _ => match url.split_once(':') {
            Some((scheme, rest)) if scheme.bytes().all(is_of_scheme) => {
                scheme.eq_ignore_ascii_case("file")
                    || (!rest.starts_with("//")
                        && !scheme.eq_ignore_ascii_case("data")
                        && has_suffix(url))
            }
            _ => has_suffix(url),
        },
    }
}

/// RFC 3986, section 3.1.
fn is_of_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn has_suffix(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    SUFFIXES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_in_every_form() {
        for path in [
            "/local/cat.png",
            "/etc/passwd",
            "/",
            "/9j/cat.png",
            "//server/share/cat.png",
            "~/cat.png",
            "~ann/x",
            "./cat",
            "../cat.png",
            ".hidden",
            "cat.png",
            "CAT.PNG",
            "my pictures/cat.jpeg",
            "a:b/cat.png",
            "C:\\cat.png",
            "c:/cat",
            "C:cat.png",
            "\\\\server\\share\\cat.png",
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "file:x",
            "file://host/x",
            " file:///etc/passwd",
            "\n/etc/passwd",
            "example.com/cat.png",
        ] {
            assert!(names_local_file(path), "{path}");
        }
    }

    #[test]
    fn urls_ids_and_base64_are_not_paths() {
        let jpeg = format!("/9j/{}", "4AAQSkZJRg/+".repeat(90));
        for url in [
            "https://example.com/cat.png",
            "HTTP://x/../y.png",
            "http://localhost:8000/a.png",
            "data:image/png;base64,iVBORw0KGgo=",
            "data:,a.txt",
            "gs://bucket/cat.png",
            "s3://b/c.pdf",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB",
            &jpeg,
            "file-abc123",
            "",
        ] {
            assert!(!names_local_file(url), "{url}");
        }
    }
}
