//! Documents named by hash: those of a folder, and those learned from clients (Apollo's automatic persisted queries).

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use moka::sync::Cache;
use serde_json::{Map, Value as Json};
use service::{Code, Error, Result};
use sha2::{Digest, Sha256};

use super::settings::{Documents, Persistence};

/// Documents in one folder.
const FILES: usize = 50_000;

/// The documents that can be named.
pub(crate) struct Store {
    mode: Persistence,
    /// By hash and by id, as they were there when the server started.
    folder: HashMap<String, Arc<str>>,
    learned: Cache<String, Arc<str>>,
}

impl Store {
    /// Reads the folder.
    ///
    /// # Errors
    /// `BadRequest` with the file that can't be read or understood.
    pub(crate) fn open(documents: &Documents) -> Result<Self> {
        let mut folder = HashMap::new();
        if let Some(path) = &documents.folder {
            read_folder(path, &mut folder)?;
        }
        let learned = Cache::builder()
            .max_capacity(documents.learned)
            .weigher(|id: &String, text: &Arc<str>| {
                u32::try_from(id.len() + text.len() + 64).unwrap_or(u32::MAX)
            })
            .build();
        Ok(Self { mode: documents.mode, folder, learned })
    }

    /// The document a request means.
    ///
    /// # Errors
    /// `PersistedQueryNotFound`, `Forbidden` for one that is not on the safelist, `BadRequest` for a hash that is
    /// not the document's, `NotSupported`.
    pub(crate) fn document(
        &self,
        query: Option<&str>,
        id: Option<&str>,
        extensions: Option<&Map<String, Json>>,
    ) -> Result<Arc<str>> {
        let automatic = extensions.and_then(|extensions| extensions.get("persistedQuery"));
        let hash = automatic.map(apollo_hash).transpose()?;
        if self.mode == Persistence::Off && (hash.is_some() || id.is_some()) {
            return Err(Error::new(Code::NotSupported, "PersistedQueryNotSupported")
                .hint("documents are not known by their hash here; send `query`"));
        }
        let wanted = id.map(|id| id.strip_prefix("sha256:").unwrap_or(id)).or(hash);
        match (query, wanted) {
            (None, None) => Err(Error::new(Code::BadRequest, "The request has no `query`.")
                .hint("send a JSON object with `query` and, where there are any, `variables`")),
            (None, Some(wanted)) => self.find(wanted).ok_or_else(|| {
                Error::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
                    .hint("send the document once together with its hash")
            }),
            (Some(query), None) => self.allowed(query),
            (Some(query), Some(wanted)) => self.learn(query, wanted, hash.is_some()),
        }
    }

    fn find(&self, id: &str) -> Option<Arc<str>> {
        self.folder.get(id).cloned().or_else(|| self.learned.get(id))
    }

    fn allowed(&self, query: &str) -> Result<Arc<str>> {
        match self.mode {
            Persistence::Off | Persistence::Learn => Ok(query.into()),
            Persistence::Safelist => self.folder.get(&hash(query)).cloned().ok_or_else(|| {
                Error::new(Code::Forbidden, "Only documents on the safelist are run.")
                    .hint("name one by `documentId`, or send exactly its text")
            }),
        }
    }

    /// A document with its name; remembered where its hash was given as Apollo's clients do.
    fn learn(&self, query: &str, wanted: &str, automatic: bool) -> Result<Arc<str>> {
        let document = self.allowed(query)?;
        let known = self.folder.get(wanted).is_some_and(|text| **text == *query);
        if !known && hash(query) != wanted {
            return Err(Error::new(Code::BadRequest, "The hash is not that of the document.")
                .hint("it is the SHA-256 of the document's UTF-8 bytes, in lower-case hexadecimal digits"));
        }
        if automatic && !known {
            self.learned.insert(wanted.to_owned(), Arc::clone(&document));
        }
        Ok(document)
    }
}

fn apollo_hash(value: &Json) -> Result<&str> {
    let version = value.get("version").and_then(Json::as_i64);
    match (version, value.get("sha256Hash").and_then(Json::as_str)) {
        (Some(1), Some(hash)) if hash.len() == 64 => Ok(hash),
        _ => Err(Error::new(Code::BadRequest, "`extensions.persistedQuery` is not understood.")
            .hint("it is `{ \"version\": 1, \"sha256Hash\": \"<64 hexadecimal digits>\" }`")),
    }
}

/// The name of a document by its bytes.
pub(crate) fn hash(text: &str) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn read_folder(path: &Path, folder: &mut HashMap<String, Arc<str>>) -> Result<()> {
    let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error.to_string()))?;
    for entry in entries {
        let file = entry.map_err(|error| unreadable(path, &error.to_string()))?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("graphql" | "gql" | "json")) {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, &error.to_string()))?;
        if extension == Some("json") {
            let documents: HashMap<String, String> = serde_json::from_str(&text)
                .map_err(|_| unreadable(&file, "it is not a JSON object of document ids and texts"))?;
            for (id, text) in documents {
                let text: Arc<str> = text.into();
                folder.insert(hash(&text), Arc::clone(&text));
                folder.insert(id.strip_prefix("sha256:").unwrap_or(&id).to_owned(), text);
            }
        } else {
            let text: Arc<str> = text.into();
            folder.insert(hash(&text), Arc::clone(&text));
            // A file that ends with a line break is also known without it: that is what clients send.
            folder.insert(hash(text.trim_end()), text.trim_end().into());
            if let Some(name) = file.file_stem().and_then(|name| name.to_str()) {
                folder.insert(name.to_owned(), text);
            }
        }
        if folder.len() > FILES {
            return Err(unreadable(path, "it holds too many documents"));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, reason: &str) -> Error {
    Error::new(Code::BadRequest, format!("The documents in {} can't be read: {reason}.", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use service::Code;

    use super::{Store, hash};
    use crate::graphql::settings::{Documents, Persistence};

    fn store(mode: Persistence) -> Store {
        let mut store = Store::open(&Documents { mode, ..Documents::default() }).unwrap();
        store.folder.insert(hash("{ known }"), "{ known }".into());
        store.folder.insert("Known".to_owned(), "{ known }".into());
        store
    }

    fn apollo(text: &str) -> serde_json::Map<String, serde_json::Value> {
        let value = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(text) } });
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn clients_teach_documents_with_their_hash() {
        let store = store(Persistence::Learn);
        let code = |result: service::Result<_>| {
            result.map(|text: std::sync::Arc<str>| text.to_string()).map_err(|e| e.code())
        };
        let extensions = apollo("{ a }");
        assert_eq!(code(store.document(None, None, Some(&extensions))), Err(Code::PersistedQueryNotFound));
        assert_eq!(code(store.document(Some("{ b }"), None, Some(&extensions))), Err(Code::BadRequest));
        assert_eq!(code(store.document(None, None, Some(&extensions))), Err(Code::PersistedQueryNotFound));
        assert_eq!(code(store.document(Some("{ a }"), None, Some(&extensions))), Ok("{ a }".to_owned()));
        assert_eq!(code(store.document(None, None, Some(&extensions))), Ok("{ a }".to_owned()));
        assert_eq!(
            code(store.document(None, Some(&format!("sha256:{}", hash("{ a }"))), None)),
            Ok("{ a }".to_owned())
        );
        assert_eq!(code(store.document(None, Some("Known"), None)), Ok("{ known }".to_owned()));
        assert_eq!(code(store.document(None, None, None)), Err(Code::BadRequest));
    }

    #[test]
    fn a_safelist_runs_nothing_else_and_learns_nothing() {
        let store = store(Persistence::Safelist);
        assert_eq!(store.document(Some("{ a }"), None, None).unwrap_err().code(), Code::Forbidden);
        assert_eq!(
            store.document(Some("{ a }"), None, Some(&apollo("{ a }"))).unwrap_err().code(),
            Code::Forbidden
        );
        assert!(store.document(Some("{ known }"), None, None).is_ok());
        assert!(store.document(None, None, Some(&apollo("{ known }"))).is_ok());
    }

    #[test]
    fn nothing_is_known_by_hash_when_it_is_off() {
        let store = store(Persistence::Off);
        assert!(store.document(Some("{ a }"), None, None).is_ok());
        assert_eq!(store.document(None, Some("Known"), None).unwrap_err().code(), Code::NotSupported);
    }
}
