//! The node's page, its API and its metrics, served to this machine alone. It reads; nothing is changed from here.
//!
//! Whoever can read `run/http-token` may ask, by `Authorization: Bearer`; a browser has a session instead, which a link opens
//! that can be followed once and for ten minutes.

mod body;
mod events;
mod guard;
mod link;
mod metrics;
mod route;
mod session;
mod stall;

use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use nonos_types::Clock as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use zeroize::Zeroizing;

pub use self::link::{Link, LinkError};
use self::{
    body::Body,
    guard::{Purpose, Refusal},
    route::Route,
    session::Sessions,
    stall::Stalling,
};
use crate::{Error, Http as Config, MetricsAccess, clock::SystemClock, datadir, node::Handle};

/// How much of this machine those who ask may take.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Connections at a time.
    connections: usize,
    /// Of these, those that wait for events.
    waiting: usize,
    /// How long a request's head, its body, or a byte of an answer may take.
    patience: Duration,
    /// Most bytes of a request's head.
    head: usize,
    /// Most bytes of a body: a link's code.
    body: usize,
}

const BOUNDS: Bounds = Bounds {
    connections: 64,
    waiting: 16,
    patience: Duration::from_secs(5),
    head: 8 << 10,
    body: 256,
};
/// Headers of a request.
const HEADERS: usize = 40;

/// What each answer carries: the page is only what is compiled in, in no frame, for nobody else.
const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri \
             'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// A page that is served.
#[derive(Debug)]
pub(crate) struct Http {
    at: SocketAddr,
    files: [PathBuf; 2],
    serving: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    at: SocketAddr,
    node: Handle,
    sessions: Sessions,
    waiting: Arc<Semaphore>,
    bounds: Bounds,
    metrics: MetricsAccess,
    clock: SystemClock,
    counts: Counts,
}

/// What was asked.
#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    refused: [AtomicU64; Refusal::NAMES.len()],
}

impl Http {
    /// Serves it, unless it is off.
    pub(crate) async fn open(
        config: Config,
        data_dir: &Path,
        node: Handle,
        clock: SystemClock,
    ) -> Result<Option<Self>, Error> {
        let files = [link::token(data_dir), link::address(data_dir)];
        for file in &files {
            remove(file).map_err(failed("remove what an earlier page has left"))?;
        }
        let Some(listener) = bind(config).await? else {
            return Ok(None);
        };
        let at = listener.local_addr().map_err(failed("listen for the page"))?;
        let token = Zeroizing::new(hex::encode(*random()?));
        datadir::write_new(&files[0], format!("{}\n", *token).as_bytes())?;
        datadir::write_new(&files[1], format!("{at}\n").as_bytes())?;
        let shared = Shared {
            at,
            node,
            sessions: Sessions::new(token),
            waiting: Arc::new(Semaphore::new(BOUNDS.waiting)),
            bounds: BOUNDS,
            metrics: config.metrics,
            clock,
            counts: Counts::default(),
        };
        let serving = tokio::spawn(serve(listener, Arc::new(shared)));
        Ok(Some(Self { at, files, serving }))
    }

    /// Where.
    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }

    /// Ends every connection.
    pub(crate) fn close(self) {
        self.serving.abort();
        for file in self.files {
            // What is left is of no use to anybody.
            let _gone = remove(&file);
        }
    }
}

async fn bind(config: Config) -> Result<Option<TcpListener>, Error> {
    let candidates = config.listen.candidates();
    let mut refused = None;
    for address in &candidates {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(Some(listener)),
            Err(error) => refused = Some((*address, error)),
        }
    }
    match (refused, config.listen) {
        (None, _) => Ok(None),
        (Some((_, error)), crate::HttpListen::Auto) => {
            tracing::warn!(%error, "there is no page: this machine has no loopback port for it");
            Ok(None)
        }
        (Some((address, source)), _) => Err(Error::Page { address, source }),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { action, source }
}

fn random() -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let permits = Arc::new(Semaphore::new(shared.bounds.connections));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let permit = Arc::clone(&permits).acquire_owned().await.expect("never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    converse(stream, shared).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the page refuses a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let bounds = shared.bounds;
    let stream = TokioIo::new(Stalling::new(stream, bounds.patience));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.patience)
        .max_header_size(bounds.head)
        .max_headers(HEADERS)
        .serve_connection(stream, service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the page ended");
    }
}

impl Shared {
    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let answered = self.judge(request).await;
        let mut response = answered.unwrap_or_else(|refusal| {
            self.counts.refused[refusal.number()].fetch_add(1, Ordering::Relaxed);
            tracing::debug!(reason = refusal.name(), "the page refuses a request");
            refused(refusal)
        });
        let headers = response.headers_mut();
        headers.extend(ALWAYS);
        response
    }

    /// The cheapest first, and nothing is read of a body before it is known whose it is.
    async fn judge(self: &Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        guard::host(&head.uri, &head.headers, self.at)?;
        let route = route::route(&head.uri)?;
        let purpose = match route {
            Route::File(_) => Purpose::File,
            Route::Session => Purpose::Session,
            Route::Read(_) | Route::Events { .. } | Route::Metrics => Purpose::Answer,
        };
        let fits = match purpose {
            Purpose::Session => head.method == hyper::Method::POST,
            _ => guard::reads(&head.method),
        };
        if !fits {
            return Err(Refusal::Method);
        }
        guard::site(&head.headers, purpose, self.at)?;
        let known = || guard::known(&head.headers, &self.sessions, self.at, self.clock.now());
        match route {
            Route::File(file) => Ok(typed(StatusCode::OK, file.kind, Body::of(file.bytes))),
            Route::Session => self.open_session(body).await,
            Route::Read(question) => {
                known()?;
                Ok(match self.node.ask(*question).await {
                    Ok(value) => json(StatusCode::OK, &value),
                    Err(error) => {
                        let status = match error.fault.as_str() {
                            "caller" => StatusCode::NOT_FOUND,
                            _ => StatusCode::SERVICE_UNAVAILABLE,
                        };
                        json(status, &serde_json::json!({ "error": error }))
                    }
                })
            }
            Route::Events { after } => {
                known()?;
                let waiting = Arc::clone(&self.waiting);
                let permit = waiting.try_acquire_owned().map_err(|_| Refusal::Busy)?;
                let body = events::follow(self.node.clone(), after, permit);
                Ok(typed(StatusCode::OK, "text/event-stream; charset=utf-8", body))
            }
            Route::Metrics => {
                if self.metrics == MetricsAccess::Token {
                    known()?;
                }
                let text = metrics::collect(&self.node, &self.counts).await;
                Ok(match text {
                    Ok(text) => typed(StatusCode::OK, metrics::KIND, Body::of(text)),
                    Err(error) => json(
                        StatusCode::SERVICE_UNAVAILABLE,
                        &serde_json::json!({ "error": error }),
                    ),
                })
            }
        }
    }

    /// A session for the code of a link.
    async fn open_session(&self, body: Incoming) -> Result<Response<Body>, Refusal> {
        let body = Limited::new(body, self.bounds.body).collect();
        let body = timeout(self.bounds.patience, body)
            .await
            .map_err(|_| Refusal::Slow)?
            .map_err(|error| match error.downcast_ref::<LengthLimitError>() {
                Some(_) => Refusal::Long,
                None => Refusal::Slow,
            })?
            .to_bytes();
        let code = std::str::from_utf8(&body).map_err(|_| Refusal::Link(session::Stale::Unknown))?;
        let (Ok(cookie), Ok(key)) = (random(), random()) else {
            return Err(Refusal::Busy);
        };
        let opened = self
            .sessions
            .redeem(code.trim(), [*cookie, *key], self.clock.now());
        let opened = opened.map_err(Refusal::Link)?;
        let mut response = json(StatusCode::OK, &serde_json::json!({ "key": *opened.key }));
        let cookie = format!(
            "{}={}; HttpOnly; SameSite=Strict; Path=/",
            guard::cookie_name(self.at),
            *opened.cookie
        );
        let mut cookie = HeaderValue::try_from(cookie).expect("hexadecimal");
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
        Ok(response)
    }
}

fn refused(refusal: Refusal) -> Response<Body> {
    let error = serde_json::json!({ "error": {
        "message": refusal.to_string(),
        "fault": "caller",
        "code": refusal.name(),
    }});
    let mut response = json(refusal.status(), &error);
    let headers: &mut HeaderMap = response.headers_mut();
    match refusal {
        Refusal::Stranger => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refusal::Method => {
            headers.insert(
                header::ALLOW,
                HeaderValue::from_static("GET, HEAD; POST of /session"),
            );
        }
        _ => {}
    }
    response
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    typed(status, "application/json", Body::of(value.to_string()))
}

fn typed(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
