//! What is shown while work goes on: live lines on a terminal, plain lines elsewhere, warnings
//! only when quiet.
//!
//! Live, the last lines of the terminal are ours: phase with elapsed and left time, and under it
//! the leaderboard so far. They are redrawn in place and removed at the end; notes and warnings
//! scroll above them.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use modelwright_core::context::{Event, Progress};
use modelwright_lifecycle::store::{LiveLine, LiveWriter};

use crate::output;

/// How often live lines are redrawn.
const TICK: Duration = Duration::from_millis(120);

/// How many trials the live leaderboard shows.
const LEADERS: usize = 5;

/// The time that may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// When the process began.
    pub(crate) started: Instant,
    /// The limit, if there is one.
    pub(crate) limit: Option<Duration>,
}

/// The fitting way to show progress here.
pub(crate) fn choose(quiet: bool, budget: Budget) -> Box<dyn Progress> {
    if quiet {
        Box::new(WarningsOnly)
    } else if io::stderr().is_terminal() {
        Box::new(Live::new(budget))
    } else {
        Box::new(Plain { started: budget.started, board: Mutex::default() })
    }
}

/// Who watches a run from outside: the store takes down what it tells, for the web page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<Option<LiveWriter>>>);

impl Watchers {
    /// From now on, what is told goes there too.
    pub(crate) fn take(&self, writer: LiveWriter) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    }

    /// Progress that is shown here, and told to them.
    pub(crate) fn beside(&self, shown: Box<dyn Progress>, budget: Budget) -> Box<dyn Progress> {
        Box::new(Both { shown, watchers: self.clone(), started: budget.started })
    }
}

struct Both {
    shown: Box<dyn Progress>,
    watchers: Watchers,
    started: Instant,
}

impl Progress for Both {
    fn event(&self, event: Event) {
        let mut writer = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.as_mut() {
            let after_s = self.started.elapsed().as_secs_f64();
            writer.tell(&LiveLine { after_s, told: event.clone().into() });
        }
        drop(writer);
        self.shown.event(event);
    }
}

/// The trials so far, best first.
#[derive(Debug, Default)]
struct Leaderboard {
    /// Name and score, in order of arrival.
    scored: Vec<(String, f64)>,
    best: Option<f64>,
    /// Known once two scores differ: then the one flagged best tells the direction.
    larger_is_better: Option<bool>,
}

impl Leaderboard {
    fn add(&mut self, name: &str, score: Option<f64>, is_best: bool) {
        let Some(score) = score else { return };
        if let Some(best) = self.best.filter(|b| *b != score) {
            self.larger_is_better = Some((score > best) == is_best);
        }
        if is_best || self.best.is_none() {
            self.best = Some(score);
        }
        self.scored.push((name.to_owned(), score));
    }

    fn leaders(&self) -> Vec<(&str, f64)> {
        let mut all: Vec<(&str, f64)> = self.scored.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        let sign = if self.larger_is_better.unwrap_or(true) { -1.0 } else { 1.0 };
        all.sort_by(|a, b| (a.1 * sign).total_cmp(&(b.1 * sign)));
        all.truncate(LEADERS);
        all
    }

    /// One line per leader, each after a line break.
    fn lines(&self) -> String {
        let mut text = String::new();
        for (place, (name, score)) in self.leaders().into_iter().enumerate() {
            let _ = write!(text, "\n    {}. {name}  {}", place + 1, output::number(score));
        }
        text
    }
}

/// Says only what the user should act on.
struct WarningsOnly;

impl Progress for WarningsOnly {
    fn event(&self, event: Event) {
        if let Event::Warning(text) = event {
            output::warn(&text);
        }
    }
}

/// One line per event, with the time since the start.
struct Plain {
    started: Instant,
    board: Mutex<Leaderboard>,
}

impl Progress for Plain {
    fn event(&self, event: Event) {
        let at = format!("[{:>7.1} s]", self.started.elapsed().as_secs_f64());
        match event {
            Event::Phase(name) => output::say(&format!("{at} {name}")),
            Event::Trial { name, score, best } => {
                let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
                board.add(&name, score, best);
                output::say(&format!("{at}   {}", trial_line(&name, score, best)));
            }
            Event::Note(text) => output::say(&format!("{at} {text}")),
            Event::Warning(text) => output::warn(&text),
        }
    }
}

fn trial_line(name: &str, score: Option<f64>, best: bool) -> String {
    match score {
        None => format!("{name}: nothing learned"),
        Some(score) => {
            format!("{name}: {}{}", output::number(score), if best { " (best so far)" } else { "" })
        }
    }
}

/// Lines that are redrawn in place: one drawing of several lines, so that nothing flickers.
struct Live {
    lines: ProgressBar,
    board: Mutex<Leaderboard>,
}

impl Live {
    fn new(budget: Budget) -> Self {
        let clock = move |_: &ProgressState, out: &mut dyn Write| {
            let elapsed = budget.started.elapsed();
            let _ = write!(out, "{} elapsed", output::seconds(elapsed.as_secs_f64()));
            if let Some(limit) = budget.limit {
                let left = limit.saturating_sub(elapsed).as_secs_f64();
                let _ = write!(out, ", {} left", output::seconds(left));
            }
        };
        let style = ProgressStyle::with_template("{spinner} {prefix}  {clock}{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("clock", clock);
        let lines = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        lines.set_style(style);
        lines.set_prefix("start");
        lines.enable_steady_tick(TICK);
        Self { lines, board: Mutex::default() }
    }
}

impl Progress for Live {
    fn event(&self, event: Event) {
        match event {
            Event::Phase(name) => self.lines.set_prefix(name),
            Event::Trial { name, score, best } => {
                let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
                board.add(&name, score, best);
                self.lines.set_message(board.lines());
            }
            Event::Note(text) => self.lines.suspend(|| output::say(&text)),
            Event::Warning(text) => self.lines.suspend(|| output::warn(&text)),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.lines.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaderboard_learns_its_direction_from_the_best() {
        let mut board = Leaderboard::default();
        board.add("linear", Some(50.0), true);
        board.add("gbdt", Some(40.0), true);
        board.add("broken", None, false);
        board.add("baseline", Some(90.0), false);
        let names: Vec<&str> = board.leaders().iter().map(|(n, _)| *n).collect();
        assert_eq!(names, ["gbdt", "linear", "baseline"]);
        let mut board = Leaderboard::default();
        board.add("linear", Some(0.8), true);
        board.add("baseline", Some(0.5), false);
        assert_eq!(board.leaders()[0].0, "linear");
    }
}
