//! The simulator's thread: listener, accept loop, start and stop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::answerer::Answerer;
use crate::connection::serve;
use crate::http::Wire;
use crate::log::{Entry, Kind, Log, Record};
use crate::script::{Accept, Script, ScriptError};
use crate::state::{Active, Counters, State, Stats};

/// How long a change of the listener is waited for.
const DOOR_LIMIT: Duration = Duration::from_secs(2);

/// How a simulator is started.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The address to listen on; loopback unless `allow_remote`.
    pub host: IpAddr,
    /// The port; 0 is any free one.
    pub port: u16,
    /// Allows an address that others can reach, and any `Host` header.
    pub allow_remote: bool,
    /// Names that a `Host` header may carry besides loopback, without a port.
    pub allowed_hosts: Vec<String>,
    /// Most records in the log; 0 turns it off (waiting and counting still work). Whatever it is,
    /// at most 64 MiB of request bodies are kept.
    pub log_capacity: usize,
    /// What it is told to do at first.
    pub script: Script,
    /// Asked what to do with each POST, in the place of the script.
    pub answerer: Option<Answerer>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            allow_remote: false,
            allowed_hosts: Vec::new(),
            log_capacity: 100_000,
            script: Script::default(),
            answerer: None,
        }
    }
}

/// A running simulator: one thread, which ends with [`Sim::stop`] or with the value.
#[derive(Debug)]
pub struct Sim {
    state: Arc<State>,
    address: SocketAddr,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// A forked child inherits the value but not the thread, and must not wait for it.
    process: u32,
}

impl Sim {
    /// Starts a simulator; it listens when this returns.
    pub fn start(config: Config) -> io::Result<Self> {
        if !config.host.is_loopback() && !config.allow_remote {
            let message = format!("{} is not loopback; allow_remote permits it", config.host);
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let invalid = |e: ScriptError| io::Error::new(io::ErrorKind::InvalidInput, e.to_string());
        config.script.check().map_err(invalid)?;
        let listener = StdListener::bind((config.host, config.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            log: Log::new(config.log_capacity),
            counters: Counters::default(),
            active: Mutex::new(Arc::new(Active::new(config.script))),
            script_changed: Notify::new(),
            stop: Notify::new(),
            door: Mutex::new(true),
            door_moved: Condvar::new(),
            answerer: config.answerer,
            allowed_hosts: config.allowed_hosts,
            any_host: config.allow_remote,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("tokenwire-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = shared.stop.notified() => {}
                        () = accept_all(&shared, listener, address) => {}
                    }
                });
                // Drops all connections. An answerer that still decides is not waited for: it may wait
                // for whoever stops us.
                runtime.shutdown_background();
            })?;
        let process = std::process::id();
        Ok(Self {
            state,
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
            self.state.stop.notify_one();
            let _ = thread.join();
        }
    }

    /// Sets the script for all requests from now on; the counters of its rules start at zero.
    /// When it changes whether connections are refused, that is done when this returns.
    pub fn set_script(&self, script: Script) -> Result<(), ScriptError> {
        self.state.set_script(script)?;
        self.state.wait_for_door(DOOR_LIMIT);
        Ok(())
    }

    /// As [`Sim::set_script`], from JSON.
    pub fn set_script_json(&self, json: &str) -> Result<(), ScriptError> {
        self.set_script(Script::parse(json)?)
    }

    /// A copy of the log.
    #[must_use]
    pub fn log(&self) -> Vec<Record> {
        self.state.log.records()
    }

    /// The log, which is empty afterwards.
    #[must_use]
    pub fn take_log(&self) -> Vec<Record> {
        self.state.log.take()
    }

    /// Blocks until there have been `count` of `kind` since the start or the last reset; `false`
    /// when `limit` was over first.
    #[must_use]
    pub fn wait_for(&self, kind: Kind, count: u64, limit: Duration) -> bool {
        self.state.log.wait(kind, count, limit)
    }

    /// How many of `kind` there have been since the start or the last reset.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.state.log.total(kind)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.state.stats()
    }

    /// Empties the log, sets the counters to zero and the script to the plain one.
    pub fn reset(&self) {
        self.state.reset();
        self.state.wait_for_door(DOOR_LIMIT);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Accepts until it is dropped; opens and closes the listener as the script says.
async fn accept_all(state: &Arc<State>, first: StdListener, address: SocketAddr) {
    let mut listener = TcpListener::from_std(first).ok();
    let mut number = 0;
    loop {
        if let Some(time) = state.active().refuses() {
            listener = None;
            state.move_door(false);
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = state.script_changed.notified() => continue,
            }
            state.active().serve_again();
        }
        let Some(open) = listener.as_ref() else {
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                // Someone else took the port; it may come back.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            continue;
        };
        state.move_door(true);
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    state.counters.accepts.fetch_add(1, Ordering::Relaxed);
                    welcome(state, stream, number);
                }
                // Out of file descriptors: leave time for some to come free.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
            () = state.script_changed.notified() => {}
        }
    }
}

fn welcome(state: &Arc<State>, stream: TcpStream, number: u64) {
    let note = |kind| {
        state.log.write(Entry::new(Kind::Accepted, number, 0));
        state.log.write(Entry::new(kind, number, 0));
    };
    match state.active().accept() {
        Accept::Serve | Accept::Refuse { .. } => {
            tokio::spawn(serve(Arc::clone(state), stream, number));
        }
        Accept::Reset { .. } => {
            Wire::new(stream).reset();
            note(Kind::Reset);
        }
        Accept::Close { .. } => {
            drop(stream);
            note(Kind::Closed);
        }
        Accept::Hold { .. } => {
            state.log.write(Entry::new(Kind::Accepted, number, 0));
            tokio::spawn(async move {
                let _held = stream;
                std::future::pending::<()>().await;
            });
        }
    }
}
