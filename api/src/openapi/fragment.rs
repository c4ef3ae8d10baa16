//! Parts of a document, turned into text as soon as they are whole.
//!
//! A large model's document is tens of megabytes of text, and several times that as a tree of values: keeping the
//! text only bounds the memory, and is faster too.

use serde_json::Value;

/// Members of one object of the document.
#[derive(Default)]
pub(super) struct Fragments(Vec<(String, String)>);

impl Fragments {
    /// Adds a member.
    pub(super) fn push(&mut self, key: String, value: &Value) {
        self.0.push((key, value.to_string()));
    }

    /// The members in the order of their names.
    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        self
    }

    /// Writes the object.
    pub(super) fn write(self, out: &mut String) {
        out.reserve(self.0.iter().map(|(key, text)| key.len() + text.len() + 4).sum::<usize>() + 2);
        out.push('{');
        for (at, (key, text)) in self.0.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&Value::String(key).to_string());
            out.push(':');
            out.push_str(&text);
        }
        out.push('}');
    }
}
