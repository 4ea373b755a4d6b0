//! Ends a connection over which nothing comes, whatever is still to be sent.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

/// A socket that fails once nothing has been heard for some time.
///
/// It counts what arrives, not what is answered: behind much else a ping may take longer than any patience. And it fails
/// while it is being closed, too. A socket whose other end is gone takes no more bytes once its buffer is full, and would wait a
/// quarter of an hour for the last of them to go, and be counted as a connection all the while.
pub(super) struct Heard<S> {
    socket: S,
    silence: Duration,
    last: Instant,
    /// Wakes when it may have been silent for too long: not before, and never later.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Heard<S> {
    /// To be called within a tokio runtime.
    pub(super) fn new(socket: S, silence: Duration) -> Self {
        Self {
            socket,
            silence,
            last: Instant::now(),
            alarm: Box::pin(tokio::time::sleep(silence)),
        }
    }

    /// What comes of an operation that must wait: an error, if nothing was heard for too long.
    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        while self.alarm.as_mut().poll(cx).is_ready() {
            let end = self.last + self.silence;
            if end <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.socket).poll_read(cx, into) {
            Poll::Pending => self.wait(cx),
            read => {
                self.last = Instant::now();
                read
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.socket).poll_write(cx, from) {
            Poll::Pending => self.wait(cx),
            written => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Pending => self.wait(cx),
            flushed => flushed,
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.socket).poll_close(cx) {
            Poll::Pending => self.wait(cx),
            closed => closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// The machine's timers are waited for: they are what is tested.
    const SILENCE: Duration = Duration::from_millis(150);

    /// Gives a byte once in so long, or none at all; takes nothing.
    struct Far {
        every: Option<Duration>,
        next: Pin<Box<Sleep>>,
    }

    impl Far {
        fn heard(every: Option<Duration>) -> Heard<Self> {
            let next = Box::pin(tokio::time::sleep(every.unwrap_or_default()));
            Heard::new(Self { every, next }, SILENCE)
        }
    }

    impl AsyncRead for Far {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let Some(every) = self.every else {
                return Poll::Pending;
            };
            if self.next.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.next.as_mut().reset(Instant::now() + every);
            Poll::Ready(Ok(1))
        }
    }

    impl AsyncWrite for Far {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    /// Fails for its silence; after how long.
    async fn fails<T>(what: impl Future<Output = io::Result<T>>) -> Duration {
        let started = Instant::now();
        let ended = tokio::time::timeout(Duration::from_secs(30), what).await;
        let failed = ended.expect("it ends").err().map(|error| error.kind());
        assert_eq!(failed, Some(io::ErrorKind::TimedOut));
        started.elapsed()
    }

    #[tokio::test]
    async fn silence_ends_it() {
        let took = fails(Far::heard(None).read(&mut [0; 9])).await;
        assert!(took >= SILENCE, "{took:?}");
    }

    #[tokio::test]
    async fn what_comes_keeps_it_and_nothing_else_does() {
        let mut far = Far::heard(Some(SILENCE / 3));
        for _ in 0..9 {
            assert_eq!(far.read(&mut [0; 9]).await.expect("heard"), 1);
        }
        far.socket.every = None;
        let took = fails(far.read(&mut [0; 9])).await;
        assert!(took + Duration::from_millis(2) >= SILENCE, "{took:?}");
    }

    #[tokio::test]
    async fn nothing_waits_longer_to_be_sent_to_who_is_silent() {
        let took = fails(Far::heard(None).write(b"bytes")).await;
        assert!(took >= SILENCE, "{took:?}");
        let took = fails(Far::heard(None).flush()).await;
        assert!(took >= SILENCE, "{took:?}");
    }

    #[tokio::test]
    async fn closing_into_the_void_ends() {
        let took = fails(Far::heard(None).close()).await;
        assert!(took >= SILENCE, "{took:?}");
    }
}
