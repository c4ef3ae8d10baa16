//! A plan as text for people.

use std::fmt::{self, Write};

use crate::plan::Plan;
use crate::risk::Risk;
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
    writeln!(out, "{sign} {}", step.description)?;
    if let Some(refusal) = &step.refusal {
        writeln!(out, "    refused: {}", refusal.reason)?;
        return writeln!(out, "    way out: {}", refusal.hint);
    }
    if let Risk::Locks { reason, safer }
    | Risk::Rewrites { reason, safer }
    | Risk::Destroys { reason, safer } = &step.risk
    {
        writeln!(out, "    {}: {reason}; {safer}", step.risk.name())?;
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
