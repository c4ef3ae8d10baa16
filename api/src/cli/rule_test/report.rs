//! What came of tests: for people, as JSON, and as JUnit's XML for build servers.

use serde_json::{Value as Json, json};

use super::super::table::plain;
use super::run::Outcome;
use super::yaml::Mistake;

/// What came of one file.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) outcomes: Vec<Outcome>,
}

impl Report {
    /// How many passed.
    pub(super) fn passed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.passed).count()
    }

    /// How many did not, mistakes of the file included.
    pub(super) fn failed(&self) -> usize {
        self.outcomes.len() - self.passed() + self.mistakes.len()
    }

    /// What went wrong, for people.
    pub(super) fn failures(&self) -> Vec<String> {
        let mistakes = self.mistakes.iter().map(|mistake| {
            let (line, column) = (mistake.place.line, mistake.place.column);
            safe(&format!("{}:{line}:{column}: {}", self.file, mistake.message))
        });
        let outcomes = self.outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| {
            let place = format!("{}:{}:{}", self.file, outcome.place.line, outcome.place.column);
            let test = outcome.test.as_ref().map(|test| format!(" ({test})")).unwrap_or_default();
            let mut lines = vec![
                format!("{place}: {}: {}{test}", outcome.who, outcome.text),
                format!("  expected: {}", outcome.expected),
                format!("  came:     {}", outcome.came),
            ];
            lines.extend(outcome.reasons.iter().cloned());
            safe(&lines.join("\n"))
        });
        mistakes.chain(outcomes).collect()
    }

    fn to_json(&self) -> Json {
        let mistakes = self.mistakes.iter().map(|mistake| {
            json!({ "line": mistake.place.line, "column": mistake.place.column, "message": mistake.message })
        });
        let tests = self.outcomes.iter().map(|outcome| {
            json!({
                "line": outcome.place.line, "column": outcome.place.column, "test": outcome.test,
                "as": outcome.who, "expectation": outcome.text, "passed": outcome.passed,
                "expected": outcome.expected, "came": outcome.came, "rules": outcome.rules,
            })
        });
        json!({
            "file": self.file, "mistakes": mistakes.collect::<Vec<_>>(), "tests": tests.collect::<Vec<_>>(),
        })
    }
}

/// All files, for programs.
pub(super) fn json(reports: &[Report]) -> Json {
    let count = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    json!({
        "passed": count(Report::passed), "failed": count(Report::failed),
        "files": reports.iter().map(Report::to_json).collect::<Vec<_>>(),
    })
}

/// All files, as JUnit writes them.
pub(super) fn junit(reports: &[Report]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        let count = report.outcomes.len() + report.mistakes.len();
        xml.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{count}\" failures=\"{}\" errors=\"{}\">\n",
            escaped(&report.file),
            report.failed() - report.mistakes.len(),
            report.mistakes.len()
        ));
        for mistake in &report.mistakes {
            let name = format!("line {}", mistake.place.line);
            let error = format!("<error message=\"{}\"/>", escaped(&mistake.message));
            case(&mut xml, &report.file, &name, &error);
        }
        for outcome in &report.outcomes {
            let name = format!("{}: {} (line {})", outcome.who, outcome.text, outcome.place.line);
            let failure = format!(
                "<failure message=\"expected: {}; came: {}\">{}</failure>",
                escaped(&outcome.expected),
                escaped(&outcome.came),
                escaped(&outcome.reasons.join("\n"))
            );
            case(&mut xml, &report.file, &name, if outcome.passed { "" } else { &failure });
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, file: &str, name: &str, inside: &str) {
    let (file, name) = (escaped(file), escaped(name));
    xml.push_str(&format!("    <testcase classname=\"{file}\" name=\"{name}\">{inside}</testcase>\n"));
}

/// A text in XML 1.0, which has no control characters at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// Lines that move nothing on a terminal.
fn safe(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Place;
    use super::{Mistake, Report, escaped, junit};

    #[test]
    fn xml_stays_xml_whatever_is_in_it() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}\n"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;");
        let report = Report {
            file: "a\"b.yaml".to_owned(),
            mistakes: vec![Mistake::new(Place { line: 3, column: 1 }, "wrong <here>")],
            outcomes: Vec::new(),
        };
        let xml = junit(&[report]);
        assert!(xml.contains("name=\"a&quot;b.yaml\" tests=\"1\" failures=\"0\" errors=\"1\""), "{xml}");
        assert!(xml.contains("message=\"wrong &lt;here&gt;\""), "{xml}");
    }
}
