//! Answers on the node's socket: one line of JSON asks, one answers.

use std::{io, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};

use crate::{
    api::{Request, RequestError},
    client::{Answer, MAX_LINE},
    node::Handle,
};

/// Connections at a time.
const CONNECTIONS: usize = 32;

/// Listens; whoever may open the socket may ask anything, so that is its owner alone.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    // The data directory's lock is held: whoever left this socket is gone.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

pub(crate) async fn serve(listener: UnixListener, node: Handle) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await.expect("never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let node = node.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, node).await {
                        tracing::debug!(%error, "a connection to the socket ended");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the socket refuses a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, node: Handle) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let read = (&mut stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(());
        }
        let answer = if line.last() != Some(&b'\n') {
            Answer::Error(caller(format!(
                "a request has at most {MAX_LINE} bytes and ends with its line"
            )))
        } else {
            match serde_json::from_slice::<Request>(&line) {
                Ok(request) => match node.ask(request).await {
                    Ok(value) => Answer::Reply(value),
                    Err(error) => Answer::Error(error),
                },
                Err(error) => Answer::Error(caller(format!("not a request: {error}"))),
            }
        };
        let mut bytes = serde_json::to_vec(&answer).expect("plain data");
        bytes.push(b'\n');
        stream.get_mut().write_all(&bytes).await?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
    }
}

fn caller(message: String) -> RequestError {
    RequestError {
        message,
        fault: "caller".to_owned(),
    }
}
