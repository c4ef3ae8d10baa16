//! What is accepted but has no effect in this version: collected, told once each.

use std::collections::BTreeMap;

use super::scene::operands;
use super::source::Span;
use crate::predicate::{Claim, Operand, Predicate};
use crate::value::excerpt;

/// The sentence, the first place, how many there are.
#[derive(Default)]
pub(super) struct Postponed(BTreeMap<String, (Span, usize)>);

impl Postponed {
    pub(super) fn add(&mut self, sentence: String, span: Span) {
        let entry = self.0.entry(sentence).or_insert((span, 0));
        entry.0 = entry.0.min(span);
        entry.1 += 1;
    }

    /// The claims of a condition.
    pub(super) fn claims(&mut self, predicate: &Predicate, span: Span) {
        let mut names = Vec::new();
        operands(predicate, &mut |operand| {
            if let Operand::Claim(claim) = operand {
                names.push(claim_name(claim));
            }
        });
        names.into_iter().for_each(|name| self.claim(&name, span));
    }

    pub(super) fn claim(&mut self, name: &str, span: Span) {
        self.add(
            format!("`${name}` is accepted, not in force yet: nobody can sign in, so it has no value"),
            span,
        );
    }

    pub(super) fn role(&mut self, role: &str, span: Span) {
        if !matches!(role, "anyone" | "admin") {
            let role = excerpt(role);
            let why = "only `anyone` and `admin` exist, so its rules open nothing";
            self.add(format!("the role `{role}` is accepted, not in force yet: {why}"), span);
        }
    }

    /// Each sentence with its first place and the number of its places.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (String, Span, usize)> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(sentence, (span, count))| (sentence, span, count))
    }
}

/// The name of a claim, without its dollar.
fn claim_name(claim: &Claim) -> String {
    match claim {
        Claim::UserId => "user.id".to_owned(),
        Claim::UserEmail => "user.email".to_owned(),
        Claim::UserRoles => "user.roles".to_owned(),
        Claim::OrgId => "org.id".to_owned(),
        Claim::OrgRole => "org.role".to_owned(),
        Claim::KeyScopes => "key.scopes".to_owned(),
        Claim::Named(name) => format!("claims.{name}"),
    }
}
