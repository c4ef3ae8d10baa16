//! A socket that does not wait for ever: for a request's head, or for a client that takes no answer.
//!
//! It also refuses heads that two readers may read differently ([`super::frame`]).
//!
//! hyper's own timer for heads also ends idle connections; this one begins with the first byte of a head (with the
//! connection, for the first one), and makes a timer only when a head did not come in one piece.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::frame::Frames;

/// The end of a head: hyper looks at one that came in pieces only when it has its end.
const END: &[u8] = b"\r\n\r\n";

/// What the requests on a connection tell its socket.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    busy: AtomicUsize,
    begun: AtomicU64,
}

/// A request being worked on.
#[derive(Debug)]
pub(super) struct Beat(Arc<Pulse>);

impl Pulse {
    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> Beat {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.busy.fetch_add(1, Ordering::Relaxed);
        Beat(Arc::clone(self))
    }

    /// Requests begun so far; none when one is worked on now.
    pub(super) fn idle_since(&self) -> Option<u64> {
        (self.busy.load(Ordering::Relaxed) == 0).then(|| self.begun.load(Ordering::Relaxed))
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The socket.
#[derive(Debug)]
pub(super) struct Guard<S> {
    socket: S,
    pulse: Arc<Pulse>,
    /// When the head that is not complete yet began, and after how many requests.
    head: Option<(Instant, u64)>,
    head_time: Duration,
    head_timer: Option<Pin<Box<Sleep>>>,
    write_time: Duration,
    write_timer: Option<Pin<Box<Sleep>>>,
    stalled: bool,
    frames: Frames,
    /// A head that must not be has come: nothing after it is read, and so much of [`END`] was said instead.
    refused: Option<usize>,
    /// What is said instead of hyper's own answer to a head it does not understand, and how much of it was sent.
    answer: Option<(Vec<u8>, usize)>,
}

impl<S> Guard<S> {
    pub(super) fn new(socket: S, pulse: Arc<Pulse>, head_time: Duration, write_time: Duration) -> Self {
        Self {
            socket,
            pulse,
            head: Some((Instant::now(), 0)),
            head_time,
            head_timer: None,
            write_time,
            write_timer: None,
            stalled: false,
            frames: Frames::new(),
            refused: None,
            answer: None,
        }
    }

    /// Bytes have come. Says how many of them are good, when not all are.
    fn saw(&mut self, bytes: &[u8]) -> Option<usize> {
        if !bytes.is_empty() {
            let idle = self.pulse.idle_since();
            if let Some(begun) = idle.filter(|begun| self.head.is_none_or(|(_, at)| at != *begun)) {
                self.head = Some((Instant::now(), begun));
            }
        }
        let at = self.frames.take(bytes).err()?;
        self.refused = Some(0);
        Some(at)
    }

    /// No bytes have come: is a head overdue?
    fn check_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((since, begun)) = self.head else { return Poll::Pending };
        if self.pulse.idle_since() != Some(begun) {
            self.head = None;
            return Poll::Pending;
        }
        expire(&mut self.head_timer, since + self.head_time, context)
    }

    fn check_write<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = false;
            return outcome;
        }
        let deadline = match (&self.write_timer, self.stalled) {
            (Some(timer), true) => timer.deadline(),
            (Some(_) | None, _) => Instant::now() + self.write_time,
        };
        self.stalled = true;
        match expire(&mut self.write_timer, deadline, context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Sets a timer and asks it.
fn expire(
    timer: &mut Option<Pin<Box<Sleep>>>,
    deadline: Instant,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    timer.as_mut().poll(context).map(|()| Err(ErrorKind::TimedOut.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if let Some(said) = &mut this.refused {
            let rest = END.get(*said..).unwrap_or_default();
            let now = rest.len().min(buffer.remaining());
            buffer.put_slice(rest.get(..now).unwrap_or_default());
            *said += now;
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut this.socket).poll_read(context, buffer) {
            Poll::Ready(outcome) => {
                if let Some(good) = this.saw(buffer.filled().get(before..).unwrap_or_default()) {
                    // NUL can stand nowhere in a head: hyper answers 400 and closes.
                    if let Some(byte) = buffer.filled_mut().get_mut(before + good) {
                        *byte = 0;
                    }
                    buffer.set_filled((before + good + 1).min(buffer.filled().len()));
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => this.check_head(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> Guard<S> {
    /// Sends our answer where hyper would send one of its own without a body. `None` when it is none of hyper's.
    fn instead(
        &mut self,
        head: &[u8],
        whole: usize,
        context: &mut Context<'_>,
    ) -> Option<Poll<io::Result<usize>>> {
        if self.answer.is_none() {
            self.answer = super::refusal::instead_of(head).map(|answer| (answer, 0));
        }
        let (answer, sent) = self.answer.as_mut()?;
        while let Some(rest) = answer.get(*sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.socket).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(count)) => *sent += count,
                other => return Some(other),
            }
        }
        self.answer = None;
        Some(Poll::Ready(Ok(whole)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = match self.instead(bytes, bytes.len(), context) {
            Some(outcome) => outcome,
            None => Pin::new(&mut self.socket).poll_write(context, bytes),
        };
        self.check_write(outcome, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let whole = parts.iter().map(|part| part.len()).sum();
        let head = parts.first().map_or(&[][..], |part| part);
        let outcome = match self.instead(head, whole, context) {
            Some(outcome) => outcome,
            None => Pin::new(&mut self.socket).poll_write_vectored(context, parts),
        };
        self.check_write(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
