//! A connection in memory: two directions, each a bounded queue of chunks with their times of arrival.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::line::Line;
use crate::Clock;

/// Bytes on the way in one direction; a writer waits when there are as many.
const CAPACITY: usize = 256 * 1024;

/// One end of the connection.
#[derive(Debug)]
pub(crate) struct PipeEnd {
    clock: Clock,
    delay: Duration,
    line: Line,
    incoming: Arc<Mutex<Direction>>,
    outgoing: Arc<Mutex<Direction>>,
    alarm: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Default)]
struct Direction {
    chunks: VecDeque<(Duration, Vec<u8>)>,
    /// How much of the first chunk was read.
    taken: usize,
    queued: usize,
    ending: Option<(Duration, Ending)>,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// How a direction ends after all that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Orderly,
    Reset,
}

/// Two ends; what one writes the other reads `delay` later.
pub(crate) fn pipe(clock: Clock, delay: Duration) -> (PipeEnd, PipeEnd) {
    let (there, back) = (
        Arc::new(Mutex::<Direction>::default()),
        Arc::new(Mutex::<Direction>::default()),
    );
    let end = |incoming: &Arc<Mutex<Direction>>, outgoing: &Arc<Mutex<Direction>>| PipeEnd {
        clock,
        delay,
        line: Line::default(),
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        alarm: None,
    };
    (end(&back, &there), end(&there, &back))
}

impl PipeEnd {
    pub(crate) fn line(&self) -> Line {
        self.line.clone()
    }

    /// Wakes the reader when the next chunk, or the end, arrives.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        let instant = self.clock.instant(at);
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(instant)));
        if alarm.deadline() != instant {
            alarm.as_mut().reset(instant);
        }
        alarm.as_mut().poll(cx)
    }
}

impl AsyncRead for PipeEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let arrival = {
                let mut incoming = lock(&this.incoming);
                let now = this.clock.now();
                match incoming.next_event() {
                    Some(at) if at <= now => {
                        let read = incoming.read(buffer);
                        if read.is_ok() {
                            this.line.arrived(at);
                        }
                        return Poll::Ready(read);
                    }
                    event => {
                        // always: a reset or a chunk may come while the alarm is set
                        incoming.reader = Some(cx.waker().clone());
                        event
                    }
                }
            };
            match arrival {
                Some(at) if this.poll_alarm(cx, at).is_ready() => {}
                _ => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for PipeEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut outgoing = lock(&this.outgoing);
        if outgoing.reader_gone {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if outgoing.ending.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY - outgoing.queued;
        if room == 0 && !bytes.is_empty() {
            outgoing.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let part = bytes.get(..room).unwrap_or(bytes);
        if !part.is_empty() {
            outgoing.queued += part.len();
            outgoing
                .chunks
                .push_back((this.clock.now() + this.delay, part.to_vec()));
            wake(&mut outgoing.reader);
        }
        Poll::Ready(Ok(part.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut joined = Vec::new();
        for part in parts {
            joined.extend_from_slice(part);
        }
        self.poll_write(cx, &joined)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut outgoing = lock(&self.outgoing);
        outgoing.end(self.clock.now() + self.delay, Ending::Orderly);
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let at = self.clock.now() + self.delay;
        let unread = {
            let mut incoming = lock(&self.incoming);
            let unread = incoming.queued > 0;
            incoming.reader_gone = true;
            incoming.chunks.clear();
            incoming.queued = 0;
            wake(&mut incoming.writer);
            unread
        };
        // as Linux does it: a close with bytes unread tells the peer that they were lost (RFC 1122 4.2.2.13)
        let ending = if unread || self.line.is_aborted() {
            Ending::Reset
        } else {
            Ending::Orderly
        };
        lock(&self.outgoing).end(at, ending);
    }
}

impl Direction {
    /// When the next thing for the reader happens.
    fn next_event(&self) -> Option<Duration> {
        self.chunks
            .front()
            .map(|(at, _)| *at)
            .or_else(|| self.ending.map(|(at, _)| at))
    }

    /// Reads from one chunk only, so that segments stay as they were sent; nothing at the end.
    fn read(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let Some((_, chunk)) = self.chunks.front() else {
            return match self.ending {
                Some((_, Ending::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
                _ => Ok(()),
            };
        };
        let left = chunk.get(self.taken..).unwrap_or_default();
        let part = left.get(..buffer.remaining()).unwrap_or(left);
        buffer.put_slice(part);
        self.taken += part.len();
        self.queued -= part.len();
        if self.taken == chunk.len() {
            self.taken = 0;
            self.chunks.pop_front();
        }
        wake(&mut self.writer);
        Ok(())
    }

    fn end(&mut self, at: Duration, ending: Ending) {
        match self.ending {
            None => self.ending = Some((at, ending)),
            // a reset after an orderly end takes its place
            Some((since, Ending::Orderly)) if ending == Ending::Reset => {
                self.ending = Some((since.max(at), ending));
            }
            Some(_) => return,
        }
        wake(&mut self.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// A panic elsewhere leaves the queues whole: every change under these locks is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test(start_paused = true)]
    async fn a_writer_waits_for_a_slow_reader() {
        let (mut a, mut b) = pipe(Clock::start(), Duration::ZERO);
        let bytes: Vec<u8> = (0..CAPACITY * 2 + 7).map(|n| n as u8).collect();
        let expected = bytes.clone();
        let mut writing = tokio::spawn(async move {
            a.write_all(&bytes).await.unwrap();
            a
        });
        let stuck = tokio::time::timeout(Duration::from_secs(60), &mut writing).await;
        assert!(stuck.is_err(), "more than the capacity was taken");
        let mut read = vec![0; expected.len()];
        b.read_exact(&mut read).await.unwrap();
        assert!(read == expected);
        drop(writing.await.unwrap());
        assert_eq!(b.read(&mut read).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_unread_is_reported_to_the_writer() {
        let (mut a, b) = pipe(Clock::start(), Duration::from_millis(10));
        a.write_all(b"unread").await.unwrap();
        drop(b);
        let error = a.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(
            a.write(b"x").await.unwrap_err().kind(),
            io::ErrorKind::ConnectionReset
        );
    }
}
