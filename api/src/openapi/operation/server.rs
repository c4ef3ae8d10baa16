//! `/healthz` and `/readyz`.

use serde_json::json;

use super::super::schema::shared;
use super::{Operation, Writer, answer};

/// The tag of what concerns the server itself.
pub(in super::super) const TAG: &str = "Server";

impl<'v> Writer<'v> {
    /// The paths of the server itself.
    pub(super) fn server(&mut self) {
        let health = shared::health(&mut self.registry);
        let live = Operation {
            id: "isAlive".to_owned(),
            summary: "Whether the program runs".to_owned(),
            description: Some(
                "Says nothing about the database: a restart is not the answer to its loss.".to_owned(),
            ),
            parameters: Vec::new(),
            body: None,
            answers: vec![(200, answer("It runs.", health, json!({})))],
            refusals: &[&[400, 500]],
            public: true,
        };
        let live = self.operation(TAG, live);
        self.place("/healthz".to_owned(), Vec::new(), vec![("get", live)]);

        let readiness = shared::readiness(&mut self.registry);
        let wait = self.responses.headers(&["Retry-After"]);
        let ready = Operation {
            id: "isReady".to_owned(),
            summary: "Whether the program can be sent requests".to_owned(),
            description: Some(
                "It can while the database answers, a model is loaded, and nobody has asked it to stop."
                    .to_owned(),
            ),
            parameters: Vec::new(),
            body: None,
            answers: vec![
                (200, answer("It can.", readiness.clone(), json!({}))),
                (
                    503,
                    answer(
                        "It can't: the database is away, or the program is on its way out.",
                        readiness,
                        wait,
                    ),
                ),
            ],
            refusals: &[&[400, 500]],
            public: true,
        };
        let ready = self.operation(TAG, ready);
        self.place("/readyz".to_owned(), Vec::new(), vec![("get", ready)]);
    }
}
