//! A letter: one list of blocks, written as plain text and as HTML.

use maud::{DOCTYPE, html};

/// What a mail says, ready to be sent. It may hold a code: it is never shown by `Debug`.
pub(super) struct Letter {
    /// One line.
    pub(super) subject: String,
    /// The plain text.
    pub(super) text: String,
    /// The same as HTML.
    pub(super) html: String,
}

/// One part of a letter.
pub(super) enum Block {
    /// Sentences.
    Paragraph(String),
    /// Something to do on the product's web site.
    Link {
        /// What it does.
        says: String,
        /// Where it leads.
        url: String,
    },
    /// Something to type.
    Code {
        /// What it is for.
        says: String,
        /// The code.
        code: String,
    },
}

const BODY: &str = "margin:0;padding:24px 12px;background:#f4f4f5;color:#18181b;\
    font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const SHEET: &str = "max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px";
const BUTTON: &str = "display:inline-block;padding:10px 20px;background:#18181b;color:#ffffff;\
    border-radius:6px;text-decoration:none";
const SMALL: &str = "font-size:13px;color:#52525b;word-break:break-all";
const CODE: &str = "padding:12px;background:#f4f4f5;border-radius:6px;\
    font:15px/1.4 ui-monospace,Menlo,Consolas,monospace;word-break:break-all";

impl Letter {
    /// Writes the blocks.
    pub(super) fn new(subject: String, blocks: &[Block]) -> Self {
        Self { text: plain(blocks), html: page(&subject, blocks), subject }
    }
}

/// Paragraphs with an empty line between them. A code is on a line of its own, four spaces in; so is a link.
fn plain(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph(text) => text.clone(),
            Block::Link { says, url: target } | Block::Code { says, code: target } => {
                format!("{says}:\n\n    {target}")
            }
        })
        .collect();
    parts.join("\n\n") + "\n"
}

fn page(subject: &str, blocks: &[Block]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (subject) }
            }
            body style=(BODY) {
                div style=(SHEET) {
                    @for block in blocks {
                        @match block {
                            Block::Paragraph(text) => p { (text) },
                            Block::Link { says, url } => {
                                p { a href=(url) style=(BUTTON) { (says) } }
                                p style=(SMALL) { "Or open this address: " (url) }
                            }
                            Block::Code { says, code } => {
                                p { (says) ":" }
                                p style=(CODE) { (code) }
                            }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}
