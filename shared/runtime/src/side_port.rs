//! A port beside the main one, on which the platform asks its own questions: few connections, none of them for long.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{
    io,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// A question needs milliseconds; whoever holds a connection longer asks none.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(60);

/// Askers at once; there are one or two.
const CONNECTIONS_MAX: usize = 32;

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A side port, listening.
#[derive(Debug)]
pub(crate) struct SidePort {
    listener: TcpListener,
    address: SocketAddr,
}

impl SidePort {
    /// Listens on an address such as `127.0.0.1:7461`; port 0 takes a free one.
    pub(crate) async fn bind(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(SidePort { listener, address })
    }

    /// The address listened on, with its real port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves connections until told to stop; whoever is connected then is dropped.
    pub(crate) async fn run<F>(self, stop: CancellationToken, serve: impl Fn(TcpStream) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = open.join_next() => {},
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if open.len() < CONNECTIONS_MAX => {
                        open.spawn(timeout(CONNECTION_AGE_MAX, serve(stream)));
                    }
                    Ok(_) => {}
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                },
            }
        }
    }
}
