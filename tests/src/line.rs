//! A line to a PostgreSQL socket that can be cut while something is on its way.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    task::{AbortHandle, JoinHandle},
};

/// What is carried at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Where a line is cut: at whatever comes next on each of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Half of the next request arrives.
    Request,
    /// The next request arrives and is done, and its answer is lost.
    Answer,
}

/// How a connection is: whole, or cut at what comes next.
const WHOLE: u8 = 0;
const CUT_REQUEST: u8 = 1;
const CUT_ANSWER: u8 = 2;

/// Connections that are open.
type Connections = Arc<Mutex<Vec<(Arc<AtomicU8>, AbortHandle)>>>;

/// A line from a TCP port to a socket; gone when dropped.
#[derive(Debug)]
pub(crate) struct Line {
    address: SocketAddr,
    connections: Connections,
    listening: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
        for (_, connection) in &*self.connections.lock() {
            connection.abort();
        }
    }
}

impl Line {
    pub(crate) async fn to(socket: &Path) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let connections = Connections::default();
        let listening = tokio::spawn(listen(listener, socket.to_owned(), connections.clone()));
        Line { address, connections, listening }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection there is at what comes next on it; later ones are whole.
    pub(crate) fn cut(&self, cut: Cut) {
        let cut = if cut == Cut::Request { CUT_REQUEST } else { CUT_ANSWER };
        let mut connections = self.connections.lock();
        connections.retain(|(_, connection)| !connection.is_finished());
        for (state, _) in &*connections {
            state.store(cut, Ordering::Relaxed);
        }
    }
}

async fn listen(listener: TcpListener, socket: PathBuf, connections: Connections) {
    while let Ok((near, _)) = listener.accept().await {
        let state = Arc::new(AtomicU8::new(WHOLE));
        let carried = tokio::spawn(carry_both(near, socket.clone(), state.clone()));
        connections.lock().push((state, carried.abort_handle()));
    }
}

/// Until one side ends, or the line is cut: then both ends are closed.
async fn carry_both(near: TcpStream, socket: PathBuf, state: Arc<AtomicU8>) {
    let Ok(far) = UnixStream::connect(socket).await else { return };
    // a line that waits for more to carry is no line of a database
    let _ = near.set_nodelay(true);
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let is = |cut: u8| state.load(Ordering::Relaxed) == cut;
    tokio::select! {
        () = carry(near_read, far_write, || is(CUT_REQUEST), 2) => {}
        () = carry(far_read, near_write, || is(CUT_ANSWER), usize::MAX) => {}
    }
}

/// Carries until the end; where it is cut, one part of so many of what comes next arrives.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    is_cut: impl Fn() -> bool,
    parts: usize,
) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let cut = is_cut();
        let arrives = if cut { length / parts } else { length };
        if to.write_all(piece.get(..arrives).unwrap_or_default()).await.is_err() || cut {
            return;
        }
    }
}
