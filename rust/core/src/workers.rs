//! Threads for work that would hold up the thread of a runtime: reading, writing or freeing something large.
//!
//! All async calls of a transport share one I/O thread, so none of its steps may be long. What works on more than [`STEP_BYTES`]
//! runs here instead, where the system shares out the processor. The threads belong to no runtime and start on
//! demand. They take no Python objects, and a forked child starts its own.

use std::collections::VecDeque;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

/// How many bytes a step on a runtime's thread may work on. The slowest JSON takes about 3 ms for so many.
pub const STEP_BYTES: usize = 64 << 10;

/// Work on more bytes than this is long. It never takes the last threads, so that short work need not wait for it.
const LONG_BYTES: usize = 1 << 20;
const THREADS: usize = 16;
const LONG_THREADS: usize = 12;

/// How long a thread waits for more work before it ends.
const LINGER: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// The threads of a process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Workers(Arc<Pool>);

#[derive(Debug, Default)]
struct Pool {
    line: Mutex<Line>,
    arrived: Condvar,
    on_start: OnceLock<fn()>,
}

/// The jobs that wait, and the threads.
#[derive(Default)]
struct Line {
    short: VecDeque<Job>,
    long: VecDeque<Job>,
    threads: usize,
    idle: usize,
    in_long: usize,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} threads, {} idle", self.threads, self.idle)
    }
}

impl Workers {
    /// Runs `work`, which works on so many `bytes`: here if they are at most [`STEP_BYTES`], and otherwise on another
    /// thread. A panic in it goes on here. If the future is dropped, the work ends unheard.
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= STEP_BYTES {
            return work();
        }
        // Boxed, because the futures of all calls would otherwise have room for it.
        Box::pin(self.elsewhere(bytes, work)).await
    }

    async fn elsewhere<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let (sender, receiver) = oneshot::channel();
        self.start(bytes, move || {
            // If the call has ended meanwhile, the result is freed here.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
        });
        match receiver.await {
            Ok(Ok(done)) => done,
            Ok(Err(panicked)) => resume_unwind(panicked),
            // A job is never dropped before it ran, unless the process ends.
            Err(_) => pending().await,
        }
    }

    /// Calls `on_start` on each thread that starts from now on, such as to lower its priority. The first one counts.
    pub fn on_start(&self, on_start: fn()) {
        let _ = self.0.on_start.set(on_start);
    }

    /// Frees `value`, which takes so many `bytes`, on another thread if they are many.
    pub fn free(&self, bytes: usize, value: impl Send + 'static) {
        if bytes > STEP_BYTES {
            self.start(bytes, move || drop(value));
        }
    }

    /// Runs `work` on another thread, or here if no thread can be started.
    pub fn start(&self, bytes: usize, work: impl FnOnce() + Send + 'static) {
        let is_long = bytes > LONG_BYTES;
        let mut line = self.0.line.lock();
        line.jobs(is_long).push_back(Box::new(work));
        self.0.arrived.notify_one();
        // If there are fewer idle threads than jobs, and there may be no more threads, a busy one will take it.
        if line.idle < line.short.len() + line.long.len() && line.threads < THREADS {
            let pool = Arc::clone(&self.0);
            let started = std::thread::Builder::new()
                .name("tokenwire-work".to_owned())
                .spawn(move || pool.work());
            match started {
                Ok(_) => line.threads += 1,
                Err(_) if line.threads == 0 => {
                    let job = line.jobs(is_long).pop_back();
                    drop(line);
                    if let Some(job) = job {
                        job();
                    }
                }
                Err(_) => {}
            }
        }
    }
}

impl Line {
    fn jobs(&mut self, is_long: bool) -> &mut VecDeque<Job> {
        if is_long {
            &mut self.long
        } else {
            &mut self.short
        }
    }

    /// The next job, and whether it is long.
    fn next(&mut self) -> Option<(Job, bool)> {
        if let Some(job) = self.short.pop_front() {
            return Some((job, false));
        }
        if self.in_long == LONG_THREADS {
            return None;
        }
        Some((self.long.pop_front()?, true))
    }
}

impl Pool {
    /// What a thread does: all jobs that it can get, until none has come for a while.
    fn work(&self) {
        if let Some(on_start) = self.on_start.get() {
            on_start();
        }
        let mut line = self.line.lock();
        let mut is_late = false;
        loop {
            if let Some((job, is_long)) = line.next() {
                line.in_long += usize::from(is_long);
                // A panic in `free` has no call to go to.
                let _ = MutexGuard::unlocked(&mut line, || catch_unwind(AssertUnwindSafe(job)));
                line.in_long -= usize::from(is_long);
                is_late = false;
            } else if is_late {
                line.threads -= 1;
                return;
            } else {
                line.idle += 1;
                is_late = self.arrived.wait_for(&mut line, LINGER).timed_out();
                line.idle -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn short_work_stays_on_its_thread_and_long_work_leaves_it() {
        let workers = Workers::default();
        let here = thread::current().id();
        let id = || thread::current().id();
        assert_eq!(workers.run(STEP_BYTES, id).await, here);
        assert_ne!(workers.run(STEP_BYTES + 1, id).await, here);
    }

    #[tokio::test]
    async fn one_thread_serves_work_that_comes_one_after_another() {
        let workers = Workers::default();
        for _ in 0..50 {
            workers.run(LONG_BYTES, || ()).await;
            // The thread says that it is done before it waits again.
            while workers.0.line.lock().idle == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(workers.0.line.lock().threads, 1);
    }

    #[tokio::test]
    async fn short_work_does_not_wait_for_any_amount_of_long_work() {
        let workers = Workers::default();
        let (gate, waiting) = channel::<()>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..2 * THREADS {
            let waiting = Arc::clone(&waiting);
            workers.start(LONG_BYTES + 1, move || {
                let _ = waiting.lock().recv();
            });
        }
        // The threads that may not take more of it wait.
        while workers.0.line.lock().idle < THREADS - LONG_THREADS {
            thread::yield_now();
        }
        let asked = Instant::now();
        assert_eq!(workers.run(LONG_BYTES, || 7).await, 7);
        assert!(asked.elapsed() < LINGER / 2, "{:?}", asked.elapsed());
        assert!(workers.0.line.lock().threads <= THREADS);
        drop(gate);
    }

    #[tokio::test]
    async fn a_panic_goes_on_where_the_work_was_asked_for() {
        let workers = Workers::default();
        let run = workers.run(LONG_BYTES, || panic!("boom"));
        let error = crate::panic::guard(run).await.unwrap_err();
        assert!(error.message().contains("boom"), "{error}");
        assert_eq!(workers.run(LONG_BYTES, || 7).await, 7);
    }

    #[test]
    fn what_is_freed_is_freed_elsewhere() {
        struct OnDrop(std::sync::mpsc::Sender<thread::ThreadId>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                let _ = self.0.send(thread::current().id());
            }
        }
        let (sender, freed) = channel();
        Workers::default().free(LONG_BYTES, OnDrop(sender.clone()));
        assert_ne!(freed.recv().unwrap(), thread::current().id());
        Workers::default().free(1, OnDrop(sender));
        assert_eq!(freed.recv().unwrap(), thread::current().id());
    }
}
