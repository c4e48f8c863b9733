//! What `--timeout` allows for a run, the deadline of one call, and the waits between attempts.

use super::Pause;
use crate::error::Error;
use crate::message::{NOTE_AFTER, Notes};
use crate::time::seconds;
use crate::trace::Trace;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longer timeouts are clamped to one year, so that `Instant` arithmetic cannot overflow.
const MAX_BUDGET: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The wait before the second attempt; each later one is [`GROWTH`] times as long. Short enough not to be felt, and
/// long enough for a process that restarts to listen again by the third.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const GROWTH: u32 = 4;

/// Where the time comes from.
#[derive(Clone, Copy)]
pub struct Clock(pub fn() -> Instant);

impl Clock {
    pub const SYSTEM: Self = Self(Instant::now);

    pub fn now(self) -> Instant {
        (self.0)()
    }
}

/// What `--timeout` allows for the whole run. Only time between [`Budget::start`] and [`Budget::spend`] counts, so
/// that a prompt may wait for its user.
pub struct Budget {
    total: Duration,
    left: Duration,
    clock: Clock,
    /// For a person who waits.
    pub notes: Notes,
}

impl Budget {
    pub fn new(total: Duration, clock: Clock) -> Self {
        Self {
            total,
            left: total.min(MAX_BUDGET),
            clock,
            notes: Notes::OFF,
        }
    }

    /// The deadline of one call.
    pub fn start(&self) -> Deadline {
        let started = self.clock.now();
        Deadline {
            started,
            at: started.checked_add(self.left).unwrap_or(started),
            total: self.total,
            clock: self.clock,
            notes: self.notes,
            step: RefCell::default(),
            quiet_since: Cell::new(started),
        }
    }

    /// Takes off what the call took.
    pub fn spend(&mut self, deadline: &Deadline) {
        let spent = self.clock.now().saturating_duration_since(deadline.started);
        self.left = self.left.saturating_sub(spent);
    }

    /// Sleeps before another attempt, or answers `false` at once where that would take all that is left. A note says
    /// `why`, unless that is empty, and for how long.
    pub fn wait(&mut self, pause: Pause, why: &str, trace: Trace) -> bool {
        let wait = length(pause, jitter());
        if wait >= self.left {
            trace.line(format_args!(
                "no time left to wait {} ms and try again",
                milliseconds(wait)
            ));
            return false;
        }
        trace.line(format_args!(
            "waiting {} ms before trying again",
            milliseconds(wait)
        ));
        if !why.is_empty() {
            self.notes.say(&[why, " in ", &tenths(wait)].concat());
        }
        let deadline = self.start();
        thread::sleep(wait);
        self.spend(&deadline);
        true
    }

    pub fn left(&self) -> Duration {
        self.left
    }

    /// Allows more time, in this call and those to come.
    pub fn extend(&mut self, time: Duration) {
        self.total = self.total.saturating_add(time);
        self.set_left(self.left.saturating_add(time));
    }

    pub fn set_left(&mut self, left: Duration) {
        self.left = left.min(MAX_BUDGET);
    }
}

/// The instant at which one call has to have ended.
pub struct Deadline {
    started: Instant,
    at: Instant,
    total: Duration,
    clock: Clock,
    notes: Notes,
    /// What is waited for; empty once that was said.
    step: RefCell<String>,
    /// The start, or when the last note was written.
    quiet_since: Cell<Instant>,
}

impl Deadline {
    /// Sets what the waits from now on are for, in the words of a note that is written after [`NOTE_AFTER`] without one.
    pub fn begin_step(&self, words: &[&str]) {
        if self.notes.are_on() {
            self.step.replace(words.concat());
        }
    }

    /// How long to wait at once: to the deadline, or until a note is due. If one is due now, it is written.
    ///
    /// # Errors
    /// As [`Deadline::left`].
    pub fn next_wait(&self) -> Result<Duration, StreamError> {
        let left = self.left()?;
        let mut step = self.step.borrow_mut();
        if step.is_empty() {
            return Ok(left);
        }
        let now = self.now();
        let quiet = now.saturating_duration_since(self.quiet_since.get());
        let until_note = NOTE_AFTER.saturating_sub(quiet);
        if !until_note.is_zero() {
            return Ok(left.min(until_note));
        }
        self.notes.say(&step);
        step.clear();
        self.quiet_since.set(now);
        Ok(left)
    }

    /// Does what may block without a limit on a thread of its own, with a stack of that many bytes. The thread goes on
    /// after the deadline, and nobody uses its result.
    ///
    /// # Errors
    /// No thread could be started, or the deadline has passed.
    pub fn run<T: Send + 'static>(
        &self,
        stack: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StreamError> {
        let result = Arc::new(Mutex::new(None));
        let waiter = thread::current();
        let done = Arc::clone(&result);
        thread::Builder::new().stack_size(stack).spawn(move || {
            let value = work();
            *lock(&done) = Some(value);
            waiter.unpark();
        })?;
        loop {
            if let Some(value) = lock(&result).take() {
                return Ok(value);
            }
            thread::park_timeout(self.next_wait()?);
        }
    }

    /// The time left, or [`StreamError::Deadline`] when there is none.
    pub fn left(&self) -> Result<Duration, StreamError> {
        match self.at.checked_duration_since(self.clock.now()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(StreamError::Deadline),
        }
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// What `--timeout` said, for messages: `60 s`, `0.25 s`.
    pub fn describe(&self) -> String {
        seconds(self.total)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a wait ended without what it waited for.
#[derive(Debug)]
pub enum StreamError {
    Deadline,
    Io(io::Error),
    /// The peer closed the connection where something was to come.
    Closed,
    /// TLS refused the peer, or the peer refused us.
    Tls(Error),
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A duration to the next tenth of a second: `0.8 s`.
fn tenths(duration: Duration) -> String {
    seconds(Duration::from_millis(
        milliseconds(duration).div_ceil(100).saturating_mul(100),
    ))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How long `pause` is, given any number: from half to one and a half times the exponential wait, so that clients
/// that failed together do not come back together. What a server asked for is never shortened: up to half a second
/// is added.
pub fn length(pause: Pause, random: u32) -> Duration {
    // A fraction of one in 65536ths.
    let fraction = random % 65_536;
    match pause {
        Pause::Backoff(number) => {
            let steps = number.saturating_sub(2).min(8);
            let base = FIRST_PAUSE.saturating_mul(GROWTH.saturating_pow(steps));
            base / 2 + base.saturating_mul(fraction) / 65_536
        }
        Pause::AtLeast(asked) => {
            asked.saturating_add(Duration::from_millis(500) * fraction / 65_536)
        }
    }
}

/// Spreads clients that failed together. It need not be unpredictable.
fn jitter() -> u32 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos())
}

/// Seconds since 1970, for a `Retry-After` that is a date.
pub fn unix_time() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|time| i64::try_from(time.as_secs()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static OFFSET: Cell<Duration> = const { Cell::new(Duration::ZERO) };
        static ORIGIN: Instant = Instant::now();
    }

    fn fake() -> Instant {
        ORIGIN.with(|origin| *origin + OFFSET.get())
    }

    fn pass(time: Duration) {
        OFFSET.set(OFFSET.get() + time);
    }

    #[test]
    fn only_time_inside_a_call_counts() {
        let mut budget = Budget::new(Duration::from_secs(10), Clock(fake));
        let first = budget.start();
        pass(Duration::from_secs(4));
        assert!(matches!(first.left(), Ok(left) if left == Duration::from_secs(6)));
        budget.spend(&first);
        pass(Duration::from_secs(1000));
        assert_eq!(budget.left(), Duration::from_secs(6));
        let second = budget.start();
        pass(Duration::from_millis(5999));
        assert!(matches!(second.left(), Ok(left) if left == Duration::from_millis(1)));
        pass(Duration::from_millis(1));
        assert!(matches!(second.left(), Err(StreamError::Deadline)));
        pass(Duration::from_secs(5));
        assert!(matches!(second.left(), Err(StreamError::Deadline)));
        budget.spend(&second);
        assert_eq!(budget.left(), Duration::ZERO);
        assert!(matches!(budget.start().left(), Err(StreamError::Deadline)));
    }

    #[test]
    fn an_endless_budget_does_not_overflow() {
        let budget = Budget::new(Duration::MAX, Clock(fake));
        let left = budget.start().left();
        assert!(matches!(left, Ok(left) if left == Duration::from_secs(31_536_000)));
    }

    #[test]
    fn pauses_grow_and_stay_within_half_of_their_length() {
        for (number, low, high) in [
            (0, 100, 300),
            (2, 100, 300),
            (3, 400, 1200),
            (4, 1600, 4800),
        ] {
            let shortest = length(Pause::Backoff(number), 0);
            let longest = length(Pause::Backoff(number), u32::MAX);
            assert_eq!(shortest, Duration::from_millis(low));
            assert!(longest <= Duration::from_millis(high));
            assert!(longest > Duration::from_millis(high - high / 1000 - 1));
        }
        assert!(length(Pause::Backoff(u32::MAX), 7) < Duration::from_secs(24 * 60 * 60));
    }

    #[test]
    fn a_server_never_waits_less_than_it_asked() {
        let asked = Duration::from_secs(3);
        assert_eq!(length(Pause::AtLeast(asked), 0), asked);
        let longest = length(Pause::AtLeast(asked), u32::MAX);
        assert!(longest > asked && longest < asked + Duration::from_millis(500));
        assert_eq!(
            length(Pause::AtLeast(Duration::MAX), u32::MAX),
            Duration::MAX
        );
    }
}
