//! The simulator's thread: listener, accept loop, start and stop.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use crate::connection::serve;
use crate::http::Wire;
use crate::log::{Kind, Record};
use crate::script::{Accept, Script};
use crate::simulator::{Config, Simulator, Stats};

/// How long to wait for the listener to open or close.
const LISTENER_LIMIT: Duration = Duration::from_secs(2);

/// A running simulator: one thread, which ends with [`Sim::stop`] or when this is dropped.
pub struct Sim {
    simulator: Arc<Simulator>,
    address: SocketAddr,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The process that has the thread. A forked child has none, and must not wait for it.
    process: u32,
}

impl Sim {
    /// Starts a simulator. It is listening when this returns.
    pub fn start(config: Config) -> io::Result<Self> {
        if !config.host.is_loopback() && !config.allow_remote {
            let message = format!(
                "{} is not a loopback address; --allow-remote permits it",
                config.host
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let listener = StdListener::bind((config.host, config.port))
            .map_err(|error| cannot_listen(&config, &error))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let simulator = Arc::new(Simulator::new(config));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::clone(&simulator);
        let thread = std::thread::Builder::new()
            .name("tokenwire-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = shared.stop.notified() => {}
                        () = accept_all(&shared, listener, address) => {}
                    }
                });
                // Drops all connections. Does not wait for an answerer that still decides, which may
                // itself wait for the thread that stops us.
                runtime.shutdown_background();
                let mut counters = shared.counters.lock();
                (counters.open_connections, counters.open_requests) = (0, 0);
            })?;
        let process = std::process::id();
        Ok(Self {
            simulator,
            address,
            thread: Mutex::new(Some(thread)),
            process,
        })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://ADDRESS:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Ends all connections and the thread. More calls do nothing.
    pub fn stop(&self) {
        let thread = self.thread.lock().take();
        if std::process::id() != self.process {
            return;
        }
        if let Some(thread) = thread {
            self.simulator.stop.notify_one();
            let _ = thread.join();
        }
    }

    /// Sets the script for all requests from now on. The counters of its rules start at zero. If
    /// it changes whether connections are refused, that has happened when this returns.
    pub fn set_script(&self, script: Script) {
        self.simulator.set_script(script);
        self.simulator.wait_for_listener(LISTENER_LIMIT);
    }

    /// Returns a copy of the log.
    #[must_use]
    pub fn log(&self) -> Vec<Record> {
        self.simulator.log.records()
    }

    /// Empties the log and returns what it held.
    #[must_use]
    pub fn take_log(&self) -> Vec<Record> {
        self.simulator.log.take()
    }

    /// Blocks until there have been `count` of `kind` since the start or the last reset. Returns
    /// `false` if `limit` was over first.
    #[must_use]
    pub fn wait_for(&self, kind: Kind, count: u64, limit: Duration) -> bool {
        self.simulator.log.wait(kind, count, limit)
    }

    /// How many of `kind` there have been since the start or the last reset.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.simulator.log.total(kind)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.simulator.stats()
    }

    /// Empties the log, sets the counters to zero and goes back to no script.
    pub fn reset(&self) {
        self.simulator.reset();
        self.simulator.wait_for_listener(LISTENER_LIMIT);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The error of `bind`, with the address and what to do about it.
fn cannot_listen(config: &Config, error: &io::Error) -> io::Error {
    let Config { host, port, .. } = config;
    let message = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} of {host} is in use; choose another, or 0 for any free one")
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {port} of {host} is not permitted; choose one above 1023")
        }
        _ => format!("port {port} of {host}: {error}"),
    };
    io::Error::new(error.kind(), message)
}

/// Accepts connections until it is dropped. Opens and closes the listener as the script says.
async fn accept_all(simulator: &Arc<Simulator>, first: StdListener, address: SocketAddr) {
    let mut listener = TcpListener::from_std(first).ok();
    let mut number = 0;
    loop {
        if let Some(time) = simulator.script().refuses() {
            listener = None;
            simulator.set_listening(false);
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = simulator.script_changed.notified() => continue,
            }
            simulator.script().serve_again();
        }
        let Some(open) = listener.as_ref() else {
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                // Another program took the port; it may become free again.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            continue;
        };
        simulator.set_listening(true);
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    simulator.counters.lock().accepts += 1;
                    welcome(simulator, stream, number);
                }
                // Out of file descriptors: give connections time to close.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
            () = simulator.script_changed.notified() => {}
        }
    }
}

fn welcome(simulator: &Arc<Simulator>, stream: TcpStream, connection: u64) {
    let log = |kind| {
        simulator.log.write(Record::new(kind, connection, 0));
    };
    match simulator.script().accept() {
        Accept::Serve {} | Accept::Refuse { .. } => {
            tokio::spawn(serve(Arc::clone(simulator), stream, connection));
        }
        Accept::Reset { .. } => {
            Wire::new(stream).reset();
            log(Kind::Accepted);
            log(Kind::Reset);
        }
        Accept::Close { .. } => {
            drop(stream);
            log(Kind::Accepted);
            log(Kind::Closed);
        }
        Accept::Hold { .. } => {
            log(Kind::Accepted);
            tokio::spawn(async move {
                let _held = stream;
                std::future::pending::<()>().await;
            });
        }
    }
}
