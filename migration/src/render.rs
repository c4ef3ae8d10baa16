//! A plan as text for people.

use std::fmt::{self, Write};

use crate::ddl::literal::ident;
use crate::plan::Plan;
use crate::step::{Action, Step};

/// The plan as text: `+` add, `~` change, `-` remove, `!` refused, each with its SQL.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write(&mut text, plan);
    text
}

fn write(out: &mut String, plan: &Plan) -> fmt::Result {
    for drift in &plan.drift {
        writeln!(out, "{drift}\n")?;
    }
    if plan.is_empty() {
        return writeln!(out, "The {} database has the shape of the model: nothing to do.", plan.dialect);
    }
    for step in &plan.steps {
        write_step(out, step)?;
        writeln!(out)?;
    }
    let counts = [
        (plan.count(Action::Add), "to add"),
        (plan.count(Action::Change), "to change"),
        (plan.count(Action::Remove), "to remove"),
        (plan.refused().count(), "refused"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    writeln!(out, "Plan for {}: {}.", plan.dialect, counts.join(", "))?;
    if plan.is_refused() {
        writeln!(out, "With a refused step nothing is done at all.")?;
    }
    Ok(())
}

fn write_step(out: &mut String, step: &Step) -> fmt::Result {
    let sign = match (&step.refusal, step.action) {
        (Some(_), _) => '!',
        (None, Action::Add) => '+',
        (None, Action::Change) => '~',
        (None, Action::Remove) => '-',
    };
    writeln!(out, "{sign} {}  [{}, {}]", step.description, step.phase.name(), step.verdict.name())?;
    if let Some(refusal) = &step.refusal {
        writeln!(out, "    refused: {}", refusal.reason)?;
        return writeln!(out, "    way out: {}", refusal.hint);
    }
    if let Some(cost) = cost(step) {
        writeln!(out, "    {cost}")?;
    }
    for condition in &step.requires {
        writeln!(out, "    if: {condition}")?;
    }
    for statement in &step.statements {
        let mut lines = statement.lines();
        writeln!(out, "    {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "    {line}")?;
        }
        out.truncate(out.trim_end().len());
        out.push_str(";\n");
    }
    Ok(())
}

/// What a step locks and how much it looks through, in a line.
fn cost(step: &Step) -> Option<String> {
    let mut parts: Vec<String> = step
        .locks
        .iter()
        .map(|lock| {
            let time = if lock.long { "for as long as it takes" } else { "for a moment" };
            format!("{} on {} {time}: {} wait", lock.mode.name(), ident(&lock.table), lock.blocks)
        })
        .collect();
    if let Some(cost) = step.cost {
        let bytes = cost.bytes.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        parts.push(format!("about {} rows{bytes}", grouped(cost.rows)));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `1,203,000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `41 MB`
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes.div_ceil(*unit)))
}
