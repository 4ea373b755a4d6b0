//! What a node asks its peers.

use std::{
    ops::Range,
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use nonos_types::{ByteLen, Envelope, MessageId, NodeId, Outline, SegmentTask, Shards, Signed};
use tokio::sync::Semaphore;

use super::{FetchError, Mesh, address, driver::Command};
use crate::{
    Cursor, Object, Page, Part,
    core::{Ask, Download, feed, journal, reconcile, segment},
    wire::{Request, Response},
};

impl Mesh {
    /// Requests to one peer at a time.
    const REQUESTS: usize = 4;
    /// Bytes of a group that are asked for at a time: two seconds at 256 kbit/s.
    const PIECE: usize = 64 << 10;
    /// How often, and how long apart, a busy peer is asked again.
    const RETRIES: u32 = 5;
    const RETRY: Duration = Duration::from_millis(200);

    /// Fetches a part of an object from a peer: the bytes from `offset` on, `most` of them or as many as there are. With them comes
    /// how long the peer says the object is. Whether it is the object is not checked.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::BadAnswer`] if it is another number of bytes.
    pub async fn part(
        &self,
        from: NodeId,
        object: Object,
        offset: ByteLen,
        most: ByteLen,
    ) -> Result<(ByteLen, Vec<u8>), FetchError> {
        let request = Request::Read { object, offset, most };
        let part = match self.request(from, request).await? {
            Response::Part(part) => part,
            Response::NotFound => return Err(FetchError::NotFound),
            _ => return Err(FetchError::BadAnswer),
        };
        let left = part.total.checked_sub(offset).ok_or(FetchError::BadAnswer)?;
        if ByteLen::from(part.bytes.len()) == left.min(most) {
            Ok((part.total, part.bytes))
        } else {
            Err(FetchError::BadAnswer)
        }
    }

    /// Fetches an object of at most `most` from several peers at once, each group of it checked as it comes. It goes on with
    /// what is kept of an earlier try, and hands over each group that is new, to be kept. What its name does not cover is
    /// right if `is_whole` says so.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] if no peer gives it.
    pub async fn gather(
        &self,
        download: &mut Download,
        mut keep: impl FnMut(&Outline, usize, &[u8]),
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, FetchError> {
        let object = download.object();
        let mut asked = FuturesUnordered::new();
        loop {
            if let Some(bytes) = download.finished() {
                if is_whole(&bytes) {
                    return Ok(bytes);
                }
                download.refuse_end();
            }
            for ask in download.asks() {
                asked.push(async move {
                    let answer = self.answer(object, &ask).await;
                    (ask, answer)
                });
            }
            for (peer, why) in download.dropped() {
                tracing::debug!(%peer, ?object, %why, "asked no more");
            }
            let Some((ask, answer)) = asked.next().await else {
                return Err(FetchError::NotFound);
            };
            match (&ask, answer) {
                (Ask::Outline { from }, Ok(Response::Outline(outline))) => download.outline(*from, outline),
                (Ask::Group { from, index, range }, Ok(Response::Part(part)))
                    if part.bytes.len() == range.len() =>
                {
                    if let Some((outline, bytes)) = download.group(*from, *index, part.bytes) {
                        keep(outline, *index, bytes);
                    }
                }
                (_, answer) => {
                    if let Err(FetchError::Stopped) = answer {
                        return Err(FetchError::Stopped);
                    }
                    download.failed(&ask);
                }
            }
        }
    }

    async fn answer(&self, object: Object, ask: &Ask) -> Result<Response, FetchError> {
        match ask {
            Ask::Outline { from } => self.request(*from, Request::Outline { object }).await,
            Ask::Group { from, range, .. } => self.group(object, *from, range.clone()).await,
        }
    }

    /// A group, in pieces that come in time by a slow line.
    async fn group(&self, object: Object, from: NodeId, range: Range<usize>) -> Result<Response, FetchError> {
        let mut whole: Option<Part> = None;
        loop {
            let have = whole.as_ref().map_or(0, |part| part.bytes.len());
            let left = range.len() - have;
            if let Some(part) = whole.take_if(|_| left == 0) {
                return Ok(Response::Part(part));
            }
            let request = Request::Read {
                object,
                offset: ByteLen::from(range.start + have),
                // A group without bytes is asked for by one more than there are.
                most: ByteLen::from(left.clamp(1, Self::PIECE)),
            };
            match self.request(from, request).await? {
                Response::Part(part) if range.is_empty() => return Ok(Response::Part(part)),
                // Pieces that are none would be asked for without end.
                Response::Part(part) if part.bytes.is_empty() || part.bytes.len() > left => {
                    return Err(FetchError::BadAnswer);
                }
                Response::Part(part) => {
                    let whole = whole.get_or_insert(Part {
                        total: part.total,
                        bytes: Vec::new(),
                    });
                    if whole.total != part.total {
                        return Err(FetchError::BadAnswer);
                    }
                    whole.bytes.extend(part.bytes);
                }
                answer => return Ok(answer),
            }
        }
    }

    /// Asks a peer for the messages it accepted after a position of its log, but for those of other shards than these.
    /// What comes must pass [`Mesh::check`] before anything acts on it.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn messages_after(
        &self,
        from: NodeId,
        cursor: Cursor,
        shards: Shards,
    ) -> Result<Page, FetchError> {
        match self.request(from, Request::After { cursor, shards }).await? {
            Response::Page(page) if page.is_sound(cursor, Page::MAX_MESSAGES) => Ok(page),
            Response::NotFound => Err(FetchError::NotFound),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer to help find out which messages only one of the two has.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn reconcile(
        &self,
        from: NodeId,
        ask: reconcile::Ask,
    ) -> Result<reconcile::Answer, FetchError> {
        match self.request(from, Request::Reconcile { ask }).await? {
            Response::Reconciled(answer) => Ok(answer),
            Response::NotFound => Err(FetchError::NotFound),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a relay about a head that it has signed. Whether the answer shows what was asked for is not checked: see
    /// [`nonos_types::Inclusion::root`] and [`nonos_types::Consistency::holds`].
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::BadAnswer`] also if it answers another question.
    pub async fn journal(&self, from: NodeId, ask: journal::Ask) -> Result<journal::Answer, FetchError> {
        use journal::{Answer, Ask};
        let asked = self.request(from, Request::Journal { ask });
        let answer = tokio::time::timeout(self.journal_timeout, asked).await;
        match (ask, answer.map_err(|_| FetchError::Timeout)??) {
            (_, Response::Journal(Answer::Absent)) => Ok(Answer::Absent),
            (Ask::Include { .. }, Response::Journal(it @ Answer::Included(_)))
            | (Ask::Extend { .. }, Response::Journal(it @ Answer::Extended(_))) => Ok(it),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer for entries of its books, or for one of another's that it has seen. Nothing of them is checked but their lengths.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn feed(&self, from: NodeId, ask: feed::Ask) -> Result<feed::Answer, FetchError> {
        match self.request(from, Request::Feed { ask }).await? {
            Response::Feed(answer) => Ok(answer),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer to prove a segment, or, if it was asked before, what has become of that. Whether the proof is one is for
    /// who fetches it.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::BadAnswer`] also if the result is another's, or of another task.
    pub async fn segment(
        &self,
        from: NodeId,
        task: &Signed<SegmentTask>,
    ) -> Result<segment::Answer, FetchError> {
        let request = Request::Segment {
            task: task.to_bytes(),
        };
        let Response::Segment(answer) = self.request(from, request).await? else {
            return Err(FetchError::BadAnswer);
        };
        match segment::Answer::from_bytes(&answer).map_err(|_| FetchError::BadAnswer)? {
            segment::Answer::Proved(it) if it.signer() != from || it.task != task.task() => {
                Err(FetchError::BadAnswer)
            }
            answer => Ok(answer),
        }
    }

    /// Asks a peer to sign as a witness what this node has signed: an envelope of at most 512 bytes. Its own signature, of at most
    /// 320 bytes, is not verified, but names the peer.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::NotFound`] if it does not, [`FetchError::BadAnswer`] also if another signed.
    pub async fn witness(&self, from: NodeId, asked: &Envelope) -> Result<Envelope, FetchError> {
        let asked = asked.clone();
        match self.request(from, Request::Witness { asked }).await? {
            Response::Witness(signed) if signed.signer() == from => Ok(signed),
            Response::NotFound => Err(FetchError::NotFound),
            _ => Err(FetchError::BadAnswer),
        }
    }

    /// Asks a peer for messages by their names, at most [`Page::MAX_MESSAGES`] of them; it gives those that it has and that
    /// fit an answer. What comes must pass [`Mesh::check`] before anything acts on it.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn messages(&self, from: NodeId, ids: Vec<MessageId>) -> Result<Vec<Vec<u8>>, FetchError> {
        let most = ids.len();
        match self.request(from, Request::Messages { ids }).await? {
            Response::Messages(messages) if messages.len() <= most => Ok(messages),
            _ => Err(FetchError::BadAnswer),
        }
    }

    async fn request(&self, from: NodeId, request: Request) -> Result<Response, FetchError> {
        let peer = address::peer_id(&from).ok_or(FetchError::NotConnected)?;
        let permits = self.permits(from);
        let _permit = permits.acquire().await.expect("never closed");
        for attempt in 1..=Self::RETRIES {
            let request = request.clone();
            let asked = self.ask(|done| Command::Request { peer, request, done });
            let answer = tokio::time::timeout(self.part_timeout, asked).await;
            let answer = answer.map_err(|_| FetchError::Timeout)?;
            match answer.ok_or(FetchError::Stopped)?? {
                Response::Busy => tokio::time::sleep(Self::RETRY * attempt).await,
                answer => return Ok(answer),
            }
        }
        Err(FetchError::Busy)
    }

    /// The permits of a peer; those of peers that nobody asks are forgotten.
    fn permits(&self, of: NodeId) -> Arc<Semaphore> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        fetching.retain(|_, permits| Arc::strong_count(permits) > 1);
        let permits = fetching
            .entry(of)
            .or_insert_with(|| Arc::new(Semaphore::new(Self::REQUESTS)));
        Arc::clone(permits)
    }
}
