//! linphonec's control socket: one command a connection, the answer is text until it closes.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::sleep;

/// One of its calls, as `calls` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: u32,
    pub(crate) state: String,
}

/// Gives a command and returns the answer.
pub(crate) async fn ask(socket: &Path, command: &str) -> io::Result<String> {
    // it reads one command of text: a line break in an address would be a second one
    if command.chars().any(char::is_control) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the command holds control characters",
        ));
    }
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(command.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// Has it un-register and end.
///
/// At its end it waits for the thread of this socket. When that thread already waits for the next connection it waits for
/// ever (one time in forty), and there is no un-registration; with a connection at hand it comes back.
pub(crate) async fn quit(socket: &Path) -> io::Result<()> {
    /// From the end of the answer until linphonec has told its thread to end: a millisecond on an idle machine.
    const HELD: Duration = Duration::from_millis(250);
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"quit").await?;
    let held = UnixStream::connect(socket).await;
    stream.take(1 << 20).read_to_end(&mut Vec::new()).await?;
    sleep(HELD).await;
    drop(held);
    Ok(())
}

/// Process id of whoever serves the socket; `None` when nobody does.
pub(crate) async fn server_of(socket: &Path) -> Option<i32> {
    let stream = UnixStream::connect(socket).await.ok()?;
    Some(stream.peer_cred().ok().and_then(|who| who.pid()).unwrap_or(0))
}

/// Its complaint, if the answer is one: it has no status, only words.
pub(crate) fn complaint(answer: &str) -> Option<String> {
    const WORDS: &[&str] = &[
        "Syntax error",
        "Cannot understand this",
        "No active call",
        "There are no calls",
        "There is no call",
        "There is already a call",
        "you can only",
        "Fail to",
        "Error from",
        "Could not",
        "Multiple calls",
        "Invalid",
    ];
    WORDS
        .iter()
        .any(|words| answer.contains(words))
        .then(|| answer.lines().next().unwrap_or_default().trim().to_owned())
}

/// Reads the table of `calls`: `2  | sip:peer_a@127.0.0.1:5080  | Paused  | `.
pub(crate) fn calls(answer: &str) -> Vec<Call> {
    answer
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let id = cells.next()?.parse().ok()?;
            let state = cells.nth(1)?.to_owned();
            Some(Call { id, state })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_of_calls() {
        let answer = "Call states\nId |            Destination              |      State      |    Flags   |\n\
                      ------------------------------------------------------------------------\n\
                      1  | sip:peer_a@127.0.0.1:56964          | IncomingReceived | \n\
                      12 | sip:peer_b@127.0.0.1:56964          | StreamsRunning  | ";
        let list = calls(answer);
        assert_eq!(list.len(), 2);
        assert_eq!(
            list[0],
            Call {
                id: 1,
                state: "IncomingReceived".to_owned()
            }
        );
        assert_eq!(
            list[1],
            Call {
                id: 12,
                state: "StreamsRunning".to_owned()
            }
        );
        assert_eq!(calls("No active call."), []);
    }

    #[test]
    fn complaints_are_told_from_answers() {
        for bad in [
            "There are no calls to answer.",
            "'nonsense': Cannot understand this.",
            "you can only pause when a call is in process\nSyntax error.\n'pause' : pause the current call",
            "Fail to accept incoming call",
            "Error from linphone_core_invite.",
            "There is no calls at this time.",
        ] {
            assert_eq!(complaint(bad).as_deref(), bad.lines().next());
        }
        for good in [
            "",
            "Auto answer disabled.",
            "Pausing call 2 with sip:peer_a@127.0.0.1:56964.",
        ] {
            assert_eq!(complaint(good), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_answer_is_survived(answer in "[0-9a-z |\\n]{0,80}") {
            let _ = calls(&answer);
            let _ = complaint(&answer);
        }
    }
}
