//! Columns for people's eyes, and lists in pages.

use serde_json::{Value, json};
use service::auth::PAGE;
use uuid::Uuid;

use super::output::{complain, say};
use super::{Outcome, pretty};

/// What is listed.
pub(super) trait Listed {
    /// What stands above the columns.
    const HEADER: &[&str];
    /// What is said when there is none.
    const NONE: &str;

    /// The id, after which the next page begins.
    fn id(&self) -> Uuid;

    /// The cells for people.
    fn row(&self) -> Vec<String>;

    /// The whole for programs.
    fn entry(&self) -> Value;
}

/// Lists all entries, a page at a time; as JSON they are one list.
pub(super) async fn list<T: Listed>(
    as_json: bool,
    page: impl AsyncFn(Option<Uuid>) -> service::Result<Vec<T>>,
) -> Outcome {
    let (mut after, mut all, mut first) = (None, Vec::new(), true);
    loop {
        let page = page(after).await?;
        after = page.last().map(T::id);
        if as_json {
            all.extend(page.iter().map(T::entry));
        } else if !page.is_empty() {
            let header = T::HEADER.iter().map(|cell| (*cell).to_owned()).collect();
            let rows = page.iter().map(T::row);
            say(&columns(&first.then_some(header).into_iter().chain(rows).collect::<Vec<_>>()));
        } else if first {
            complain(T::NONE);
        }
        first = false;
        if page.len() < PAGE {
            break;
        }
    }
    if as_json {
        say(&pretty(&json!(all)));
    }
    Ok(())
}

/// Rows with their cells one below the other, two blanks between them. Cells may come from anybody: what would move
/// the cursor is left out.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A text without control characters, and without those that change the direction of what follows.
pub(super) fn plain(text: &str) -> String {
    let moves = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !moves(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn cells_stand_below_each_other_and_move_nothing() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = columns(&[row(["a", "long one", ""]), row(["\u{1b}[2Jbbb", "\u{202e}c", "d"])]);
        assert_eq!(text, "a       long one\n[2Jbbb  c         d");
    }
}
