use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

const THREADS: Threads = Threads {
    name: "tokenwire-test",
    most: 3,
    reserved: 1,
    stack: 256 << 10,
};

/// Work that hangs for keys that start with `hang`, until the test lets it end.
struct Scene {
    flights: Flights<String, usize, String>,
    begun: Receiver<String>,
    may_end: Sender<Result<usize, String>>,
}

fn scene() -> Scene {
    let (note, begun) = channel();
    let (may_end, end) = channel();
    let end = Mutex::new(end);
    let note = Mutex::new(note);
    let flights = Flights::new(THREADS, move |key: &String| {
        let _ = note.lock().send(key.clone());
        if key.starts_with("hang") {
            return end
                .lock()
                .recv()
                .unwrap_or(Err("the test is over".to_owned()));
        }
        Ok(key.len())
    });
    Scene {
        flights,
        begun,
        may_end,
    }
}

impl Scene {
    /// Two calls that hang, as many as strangers may.
    fn hung(&self) -> [Waiting<'_, String, usize, String>; 2] {
        static KEYS: std::sync::LazyLock<[String; 2]> =
            std::sync::LazyLock::new(|| ["hang 1".to_owned(), "hang 2".to_owned()]);
        let hung = KEYS.each_ref().map(|key| {
            let waiting = self.flights.join(key, false).unwrap();
            self.begun.recv().unwrap();
            waiting
        });
        assert_eq!(self.flights.0.state.lock().threads, 2);
        hung
    }

    fn in_line(&self) -> usize {
        self.flights.0.state.lock().line.len()
    }
}

#[tokio::test]
async fn what_has_worked_before_has_a_thread_beside_what_hangs() {
    let scene = scene();
    let _hung = scene.hung();
    let known = "known".to_owned();
    assert_eq!(scene.flights.get(&known, true).await.unwrap(), Ok(5));
    assert!(scene.flights.is_crowded(false) && !scene.flights.is_crowded(true));
    // A stranger has to wait.
    let new = "new".to_owned();
    let waiting = scene.flights.join(&new, false).unwrap();
    assert_eq!(scene.in_line(), 1);
    scene.may_end.send(Ok(0)).unwrap();
    let mut receiver = waiting.receiver.clone().unwrap();
    receiver.wait_for(Option::is_some).await.unwrap();
}

#[tokio::test]
async fn what_no_caller_waits_for_leaves_the_line() {
    let scene = scene();
    let _hung = scene.hung();
    let (a, b) = ("a".to_owned(), "b".to_owned());
    let first = scene.flights.join(&a, false).unwrap();
    let second = scene.flights.join(&a, false).unwrap();
    let other = scene.flights.join(&b, false).unwrap();
    assert_eq!(scene.in_line(), 2);
    drop(first);
    assert_eq!(scene.in_line(), 2);
    drop(second);
    drop(other);
    assert_eq!(scene.in_line(), 0);
    assert_eq!(scene.flights.0.state.lock().flights.len(), 2);
}

#[tokio::test]
async fn the_newest_in_the_line_comes_first() {
    let scene = scene();
    let _hung = scene.hung();
    let keys = ["a", "b", "c"].map(str::to_owned);
    let waiting = keys
        .each_ref()
        .map(|key| scene.flights.join(key, false).unwrap());
    scene.may_end.send(Ok(0)).unwrap();
    let order: Vec<_> = (0..3).map(|_| scene.begun.recv().unwrap()).collect();
    assert_eq!(order, ["c", "b", "a"]);
    drop(waiting);
}

#[tokio::test]
async fn abandoned_work_that_runs_is_joined_and_not_run_twice() {
    let scene = scene();
    drop(scene.hung());
    let key = "hang 1".to_owned();
    let again = scene.flights.join(&key, false).unwrap();
    assert_eq!((scene.in_line(), scene.begun.try_recv().ok()), (0, None));
    for _ in 0..2 {
        scene.may_end.send(Ok(7)).unwrap();
    }
    let mut receiver = again.receiver.clone().unwrap();
    let answer = receiver.wait_for(Option::is_some).await.unwrap().clone();
    assert_eq!(answer, Some(Ok(7)));
}

#[tokio::test]
async fn work_that_hangs_is_started_again_and_the_first_success_counts() {
    let scene = scene();
    let [first, _other] = scene.hung();
    let key = first.key;
    let age = |flights: &Flights<String, usize, String>| {
        let mut state = flights.0.state.lock();
        state.flights.get_mut(key).unwrap().begun -= STALE * 2;
    };
    scene.flights.start_again(key, true);
    assert_eq!(scene.in_line(), 0);
    age(&scene.flights);
    let second = scene.flights.join(key, true).unwrap();
    assert_eq!(scene.begun.recv().unwrap(), *key);
    // The failure of one run ends nothing as long as another one is under way.
    scene.may_end.send(Err("gone".to_owned())).unwrap();
    for _ in 0..2 {
        scene.may_end.send(Ok(7)).unwrap();
    }
    for waiting in [&first, &second] {
        let mut receiver = waiting.receiver.clone().unwrap();
        let answer = receiver.wait_for(Option::is_some).await.unwrap().clone();
        assert_eq!(answer, Some(Ok(7)));
    }
}

#[tokio::test]
async fn a_moment_without_threads_is_an_error_at_once_and_does_not_outlast_itself() {
    // No machine has room for such a stack.
    let none = Threads {
        stack: 1 << 60,
        ..THREADS
    };
    let mut flights = Flights::new(none, |key: &u8| Ok::<_, String>(*key));
    let error = flights.get(&1, false).await.unwrap_err();
    assert!(error.to_string().starts_with("no thread"), "{error}");
    assert_eq!(flights.0.state.lock().flights.len(), 0);
    Arc::get_mut(&mut flights.0).unwrap().threads = THREADS;
    assert_eq!(flights.get(&1, false).await.unwrap(), Ok(1));
}

#[tokio::test]
async fn work_that_panics_is_an_error_and_can_be_asked_for_again() {
    let flights = Flights::new(THREADS, |key: &u8| match key {
        0 => panic!("boom"),
        _ => Ok::<_, String>(*key),
    });
    for _ in 0..THREADS.most * 2 {
        let error = flights.get(&0, false).await.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    assert_eq!(flights.get(&1, false).await.unwrap(), Ok(1));
}
