//! The files of the pages, carried inside the program.

use std::io::Read;
use std::sync::{LazyLock, OnceLock};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

/// The path under which the assets are served.
pub const PATH: &str = "/_asset";

/// A browser asks again each time and gets 304: a new version of the program shows at once.
pub const CACHE_CONTROL: &str = "public, no-cache";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// More than any asset unpacks to: a damaged file ends in an error and not in a full memory.
const UNPACKED_MAX: u64 = 8 * 1024 * 1024;

/// One file, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// The bytes as they are stored: packed when `encoding` says so.
    pub bytes: &'static [u8],
    /// Its media type.
    pub content_type: &'static str,
    /// `gzip` when the bytes are packed. Send it as `Content-Encoding`, with `Vary: Accept-Encoding`.
    pub encoding: Option<&'static str>,
    /// A weak entity tag, the same for the packed and the unpacked bytes.
    pub etag: &'static str,
    plain: &'static OnceLock<Option<Vec<u8>>>,
}

impl Asset {
    /// The unpacked bytes, for the rare client that does not accept `encoding`. Unpacked once, then kept.
    /// `None` means that the file was damaged when the program was built.
    pub fn plain(&self) -> Option<&'static [u8]> {
        if self.encoding.is_none() {
            return Some(self.bytes);
        }
        self.plain.get_or_init(|| unpack(self.bytes)).as_deref()
    }
}

/// The asset with that name: what follows `/_asset/` in the path.
pub fn find(name: &str) -> Option<Asset> {
    let entry = ENTRIES.iter().find(|entry| entry.source.name == name)?;
    Some(Asset {
        bytes: entry.source.bytes,
        content_type: entry.source.content_type,
        encoding: entry.source.packed.then_some("gzip"),
        etag: &entry.etag,
        plain: &entry.plain,
    })
}

/// The names of all assets.
pub fn names() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|source| source.name)
}

struct Source {
    name: &'static str,
    content_type: &'static str,
    packed: bool,
    bytes: &'static [u8],
}

struct Entry {
    source: &'static Source,
    etag: String,
    plain: OnceLock<Option<Vec<u8>>>,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| SOURCES.iter().map(Entry::new).collect());

impl Entry {
    fn new(source: &'static Source) -> Self {
        let digest = Sha256::digest(source.bytes);
        let short: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Self { source, etag: format!("W/\"{short}\""), plain: OnceLock::new() }
    }
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(UNPACKED_MAX).read_to_end(&mut plain).ok()?;
    Some(plain)
}

const fn packed(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Source {
    Source { name, content_type, packed: true, bytes }
}

const fn plain(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Source {
    Source { name, content_type, packed: false, bytes }
}

static SOURCES: [Source; 18] = [
    plain("icon.svg", IMAGE, include_bytes!("icon.svg")),
    packed("graphiql.js", SCRIPT, include_bytes!("graphiql.js.gz")),
    packed("graphiql.css", STYLE, include_bytes!("graphiql.css.gz")),
    packed("graphiql.LICENSES.txt", TEXT, include_bytes!("graphiql.LICENSES.txt.gz")),
    plain("docs/page.css", STYLE, include_bytes!("docs/page.css")),
    plain("docs/attempt.js", SCRIPT, include_bytes!("docs/attempt.js")),
    plain("docs/code.js", SCRIPT, include_bytes!("docs/code.js")),
    plain("docs/document.js", SCRIPT, include_bytes!("docs/document.js")),
    plain("docs/element.js", SCRIPT, include_bytes!("docs/element.js")),
    plain("docs/example.js", SCRIPT, include_bytes!("docs/example.js")),
    plain("docs/key.js", SCRIPT, include_bytes!("docs/key.js")),
    plain("docs/main.js", SCRIPT, include_bytes!("docs/main.js")),
    plain("docs/markdown.js", SCRIPT, include_bytes!("docs/markdown.js")),
    plain("docs/navigation.js", SCRIPT, include_bytes!("docs/navigation.js")),
    plain("docs/operation.js", SCRIPT, include_bytes!("docs/operation.js")),
    plain("docs/overview.js", SCRIPT, include_bytes!("docs/overview.js")),
    plain("docs/request.js", SCRIPT, include_bytes!("docs/request.js")),
    plain("docs/schema.js", SCRIPT, include_bytes!("docs/schema.js")),
];
