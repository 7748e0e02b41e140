//! The person at the device.

use std::collections::VecDeque;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::DeviceError;

/// Somebody who can be asked to do something, and answers with a line.
#[async_trait]
pub trait Operator: Send + Sync {
    /// Asks, and returns the answer without its line end.
    ///
    /// # Errors
    /// [`DeviceError::Unreachable`] when nobody can answer any more.
    async fn ask(&self, question: &str) -> Result<String, DeviceError>;
}

fn nobody(reason: &str) -> DeviceError {
    DeviceError::unreachable(
        "the operator",
        reason,
        "run in a terminal, or take a driver that needs no person",
    )
}

/// The person in front of the terminal: questions on standard error, answers from standard input.
#[derive(Debug, Default)]
pub struct TerminalOperator;

type Lines = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>>;

/// One reader for the whole program: a question that was given up must not take the answer to the next one with it.
fn lines() -> Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    Arc::clone(LINES.get_or_init(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        // a thread of its own and not tokio's: a blocked read must not keep the runtime from shutting down. If it
        // cannot be started the channel is closed, which reads as "nobody answers".
        let _ = thread::Builder::new().name("operator".into()).spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Arc::new(tokio::sync::Mutex::new(receiver))
    }))
}

#[async_trait]
impl Operator for TerminalOperator {
    async fn ask(&self, question: &str) -> Result<String, DeviceError> {
        let lines = lines();
        let mut lines = lines.lock().await;
        if std::io::stdin().is_terminal() {
            // keys pressed before the question was there are no answer to it; a file of answers stays whole
            while lines.try_recv().is_ok() {}
        }
        let mut error = std::io::stderr();
        let _ = write!(error, "\n>>> {question}\n>>> ").and_then(|()| error.flush());
        let line = lines
            .recv()
            .await
            .ok_or_else(|| nobody("standard input is closed"))?;
        Ok(line.trim().to_owned())
    }
}

/// An operator that answers from a list, for tests and rehearsals.
#[derive(Debug, Default)]
pub struct ScriptedOperator {
    answers: Mutex<VecDeque<String>>,
    asked: Mutex<Vec<String>>,
}

impl ScriptedOperator {
    /// An operator that gives these answers in this order, and then none.
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(answers: I) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().map(Into::into).collect()),
            asked: Mutex::default(),
        }
    }

    /// The questions so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Operator for ScriptedOperator {
    async fn ask(&self, question: &str) -> Result<String, DeviceError> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(question.to_owned());
        let answer = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        answer.ok_or_else(|| nobody("the script has no more answers"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_script_runs_out() {
        let operator = ScriptedOperator::new(["yes"]);
        assert_eq!(operator.ask("ready?").await.unwrap(), "yes");
        assert!(matches!(
            operator.ask("and now?").await,
            Err(DeviceError::Unreachable { .. })
        ));
        assert_eq!(operator.asked(), ["ready?", "and now?"]);
    }
}
