//! Watches memory and clock while a table is read, and says when the reader must do with less.
//!
//! A reader asks [`Watch::judge`] after every step. While all goes well it goes on. When the table
//! outgrows its room, or is about to by what it has grown so far, the reader begins again with a
//! smaller share of the rows; when the file will take longer than there is time, with a smaller
//! share of its parts. Beginning again costs what was read so far, which is little, since both are
//! seen after the first megabytes; and it makes the result a function of the shares alone, so
//! that a replay, which knows them from the record, reads it in one pass.

use modelwright_core::record::Sample;
use modelwright_core::{Context, Error, Result};

use crate::options::ReadOptions;
use crate::sampling::{Sampling, Share};

/// What is in memory while text is read, in blocks for each thread: two batches of two blocks,
/// and their fields and values.
const BLOCKS_PER_THREAD: u64 = 10;

/// The part of a room that blocks may take.
const BLOCKS_SHARE: f64 = 0.25;

/// The smallest block: below this the threads wait for each other.
const BLOCK_BYTES_MIN: u64 = 16 << 10;

/// Bytes that must have been read before their growth says something about the rest.
const PROBE_BYTES: u64 = 4 << 20;

/// Seconds that must have passed before speed says something about the rest, and the part of the
/// time when that is less.
const PROBE_S: f64 = 0.15;
const PROBE_SHARE: f64 = 0.1;

/// By how much a prediction must exceed what there is before it counts, and the part of what
/// there is that the next pass aims at.
const TOLERANCE: f64 = 1.25;
const AIM: f64 = 0.85;

/// Beyond the first part of the time a new pass is worth its price only when else much of the file
/// would not be read (what would be needed is so many times what there is), and beyond the second
/// never.
const AGAIN_SHARES: [f64; 2] = [0.4, 0.7];
const AGAIN_NEEDED: f64 = 1.5;

/// A reader that cannot stop tells of whole columns, which differ: its speed counts when so much of
/// the file is behind, or so much of the time.
const SURE_SHARE: f64 = 0.1;
const SURE_TIME_SHARE: f64 = 0.3;

/// How far a pass is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    /// The part that is behind of what is to be read of the file, from 0 to 1.
    pub share: f64,
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Rows that were seen, kept or not.
    pub n_seen: u64,
    /// Bytes of the table so far.
    pub table_bytes: u64,
}

/// What a reader does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    /// Begin again: [`Watch::sampling`] has changed.
    Again,
    /// Keep what there is and read no further.
    Stop,
}

/// When reading must end.
#[derive(Clone, Copy)]
pub(crate) struct Deadline<'a> {
    pub ctx: &'a Context,
    is_watched: bool,
}

impl Deadline<'_> {
    /// Whether the time for reading is over.
    pub(crate) fn has_passed(self) -> bool {
        self.is_watched && self.ctx.remaining().is_some_and(|left| left.is_zero())
    }
}

/// See the module's text.
pub(crate) struct Watch<'a> {
    pub ctx: &'a Context,
    /// What is read in this pass.
    pub sampling: Sampling,
    /// Whether parts of the file can be passed over without reading them.
    pub can_skip: bool,
    /// Whether the reader heeds [`Verdict::Stop`].
    pub can_stop: bool,
    /// Bytes the table may have and the fewest rows of use; `None` when nothing is watched: no
    /// room was given, or a replay repeats what was decided.
    limits: Option<(u64, u64)>,
    room_bytes: Option<u64>,
    /// When this pass began, and the seconds it had.
    began_s: f64,
    time_s: Option<f64>,
    /// Two earlier states of the pass, by whose distance growth is measured.
    marks: [Done; 2],
}

impl<'a> Watch<'a> {
    /// For a reading that begins; `ctx` has the deadline.
    pub(crate) fn new(options: &ReadOptions, ctx: &'a Context) -> Self {
        let sampled = options.room.is_some() || ctx.is_replay();
        let watched = options.room.filter(|_| !ctx.is_replay() && options.n_rows_max.is_none());
        let mut watch = Self {
            ctx,
            sampling: if sampled { Sampling::begin(ctx) } else { Sampling::ALL },
            can_skip: false,
            can_stop: true,
            limits: watched.map(|room| (room.bytes, room.n_rows_min)),
            room_bytes: options.room.map(|room| room.bytes),
            began_s: 0.0,
            time_s: None,
            marks: [Done::default(); 2],
        };
        watch.begin_pass();
        watch
    }

    /// Starts the clock of a pass.
    pub(crate) fn begin_pass(&mut self) {
        if self.limits.is_some() {
            self.began_s = self.ctx.elapsed().as_secs_f64();
            self.time_s = self.ctx.remaining().map(|left| left.as_secs_f64());
        }
        self.marks = [Done::default(); 2];
    }

    /// The size of the blocks in which text is read, when `wanted` is the usual one; what they
    /// take is no longer the table's.
    pub(crate) fn block_bytes(&mut self, wanted: usize) -> usize {
        let Some(room) = self.room_bytes else { return wanted };
        let n_threads = self.ctx.threads();
        let block = block_bytes(wanted, room, n_threads);
        // With very many threads the smallest blocks are still too many; they are never all full.
        let all = block as u64 * BLOCKS_PER_THREAD * n_threads as u64;
        self.reserve(all.min(room / 2));
        block
    }

    /// Sets bytes of the room aside for what the reader needs besides the table.
    pub(crate) fn reserve(&mut self, bytes: u64) {
        if let (Some((table, _)), Some(room)) = (&mut self.limits, self.room_bytes) {
            *table = room.saturating_sub(bytes);
        }
    }

    /// The bytes that the whole reading may take; `None` is without limit.
    pub(crate) fn room_bytes(&self) -> Option<u64> {
        self.room_bytes
    }

    /// Plans the share of the rows before anything is read, for a table whose size is known.
    ///
    /// # Errors
    /// Work error when too few rows would be left.
    pub(crate) fn expect(&mut self, table_bytes: u64, n_rows: u64) -> Result<()> {
        let Some((room, _)) = self.limits else { return Ok(()) };
        if table_bytes > room {
            self.keep_fewer(room as f64 * AIM / table_bytes as f64, n_rows as f64)?;
        }
        Ok(())
    }

    /// What to do after a step.
    ///
    /// # Errors
    /// Work error when not even a few rows fit.
    pub(crate) fn judge(&mut self, done: Done) -> Result<Verdict> {
        let Some((room, _)) = self.limits else { return Ok(Verdict::GoOn) };
        let predicted = self.predicted_bytes(done);
        let is_full = done.table_bytes > room;
        if is_full || (done.bytes >= PROBE_BYTES && predicted > room as f64 * TOLERANCE) {
            let factor = room as f64 * AIM / predicted;
            let factor = if is_full { factor.min(0.5) } else { factor };
            self.keep_fewer(factor, done.n_seen as f64 / done.share.max(1e-9))?;
            return Ok(Verdict::Again);
        }
        Ok(self.judge_time(done))
    }

    /// The end of the time for reading, for work beside it.
    pub(crate) fn deadline(&self) -> Deadline<'a> {
        Deadline { ctx: self.ctx, is_watched: self.limits.is_some() }
    }

    /// The table's bytes at the end of the file, if it goes on growing as it did over the second
    /// half of what was read: a dictionary grows ever slower.
    fn predicted_bytes(&mut self, done: Done) -> f64 {
        if done.share >= 2.0 * self.marks[1].share {
            self.marks = [self.marks[1], done];
        }
        let before = self.marks[0];
        let grown = done.table_bytes.saturating_sub(before.table_bytes) as f64;
        let per_share = grown / (done.share - before.share).max(1e-9);
        done.table_bytes as f64 + per_share * (1.0 - done.share).max(0.0)
    }

    fn keep_fewer(&mut self, factor: f64, n_seen: f64) -> Result<()> {
        let Some((room, n_rows_min)) = self.limits else { return Ok(()) };
        let rows = self.sampling.rows.times(factor);
        let n_left = n_seen * rows.as_f64();
        if n_left < n_rows_min as f64 {
            let row = room as f64 / n_left.max(1.0);
            return Err(Error::work("the memory limit is too small for this table")
                .expected(format!("room for at least {n_rows_min} rows of about {row:.0} bytes"))
                .got(format!("room for {n_left:.0} rows, in {}", size(room)))
                .hint("raise --memory, or leave columns out of the file"));
        }
        self.sampling.rows = rows;
        Ok(())
    }

    fn judge_time(&mut self, done: Done) -> Verdict {
        let (Some(time_s), Some(left)) = (self.time_s, self.ctx.remaining()) else {
            return Verdict::GoOn;
        };
        if left.is_zero() {
            return Verdict::Stop;
        }
        let passed_s = self.ctx.elapsed().as_secs_f64() - self.began_s;
        let is_unsure =
            !self.can_stop && done.share < SURE_SHARE && passed_s < time_s * SURE_TIME_SHARE;
        let is_early = is_unsure || passed_s < PROBE_S.min(time_s * PROBE_SHARE);
        if !self.can_skip || is_early || passed_s > time_s * AGAIN_SHARES[1] {
            return Verdict::GoOn;
        }
        let needed_s = passed_s / done.share.max(1e-9);
        let is_late = passed_s > time_s * AGAIN_SHARES[0];
        let most = if is_late { AGAIN_NEEDED } else { TOLERANCE.sqrt() };
        if needed_s <= time_s * most {
            return Verdict::GoOn;
        }
        let before = self.sampling.parts.as_f64();
        let factor = (left.as_secs_f64() * AIM / needed_s).max(self.enough_for_rows(done));
        if factor >= 1.0 {
            // Too few rows are of no use, however long the others take.
            return Verdict::GoOn;
        }
        self.sampling.parts = self.sampling.parts.times(factor);
        // Of fewer parts more rows fit.
        let grown = before / self.sampling.parts.as_f64();
        self.sampling.rows = Share::of(self.sampling.rows.as_f64() * grown);
        Verdict::Again
    }

    /// The least factor for the share of parts that leaves as many rows as are of use.
    fn enough_for_rows(&self, done: Done) -> f64 {
        let n_rows = done.n_seen as f64 / done.share.max(1e-9) * self.sampling.rows.as_f64();
        self.limits.map_or(0.0, |(_, n_rows_min)| n_rows_min as f64 / n_rows.max(1.0))
    }

    /// Writes down which rows were read: in the decisions of the context, and as a record of a
    /// table with `n_rows` rows; `None` when these are all rows.
    pub(crate) fn sample(&self, n_rows: u64, n_seen: u64) -> Option<Sample> {
        let sampling = &self.sampling;
        if sampling.is_all() {
            return None;
        }
        sampling.decide(self.ctx);
        Some(Sample {
            n_rows_seen: n_seen,
            row_share: sampling.rows.as_f64(),
            part_share: sampling.parts.as_f64(),
            end: (sampling.end != u64::MAX).then_some(sampling.end),
            account: account(sampling, n_rows, n_seen),
        })
    }
}

fn account(sampling: &Sampling, n_rows: u64, n_seen: u64) -> String {
    let percent = |share: Share| {
        let percent = share.as_f64() * 100.0;
        if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
    };
    let mut parts = vec![if sampling.rows.is_all() {
        format!("{n_rows} rows of the file are used")
    } else {
        format!("{n_rows} of {n_seen} rows are used, drawn by chance: the memory limit")
    }];
    if !sampling.parts.is_all() {
        let share = percent(sampling.parts);
        parts.push(format!("{share} of the file was read, spread over all of it: the time limit"));
    }
    if sampling.end != u64::MAX {
        parts.push("only the beginning of the file was read: the time limit".to_owned());
    }
    parts.join("; ")
}

/// The size of the blocks that threads parse side by side, so that these take a part of the room.
pub(crate) fn block_bytes(wanted: usize, room: u64, n_threads: usize) -> usize {
    let n_blocks = BLOCKS_PER_THREAD * n_threads as u64;
    let most = (room as f64 * BLOCKS_SHARE) as u64 / n_blocks;
    most.max(BLOCK_BYTES_MIN).min(wanted as u64) as usize
}

/// Bytes in words.
pub(crate) fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Room;

    const ROOM: u64 = 100 << 20;

    fn watch(ctx: &Context) -> Watch<'_> {
        let room = Some(Room { bytes: ROOM, n_rows_min: 200 });
        Watch::new(&ReadOptions { room, ..ReadOptions::default() }, ctx)
    }

    fn done(share: f64, table_bytes: u64) -> Done {
        Done { share, bytes: 8 << 20, n_seen: (1e6 * share) as u64, table_bytes }
    }

    #[test]
    fn a_table_that_will_not_fit_is_seen_early_and_begun_again_with_what_fits() {
        let ctx = Context::unlimited(0, 1);
        let mut watch = watch(&ctx);
        assert_eq!(watch.judge(done(0.01, 10 << 20)).unwrap(), Verdict::Again);
        // A tenth fits, less a margin.
        let share = watch.sampling.rows.as_f64();
        assert!((0.08..0.1).contains(&share), "{share}");
        watch.begin_pass();
        assert_eq!(watch.judge(done(0.01, 850 << 10)).unwrap(), Verdict::GoOn);
        assert_eq!(watch.judge(done(0.9, ROOM + 1)).unwrap(), Verdict::Again, "it is full");
        assert!(watch.sampling.rows.as_f64() <= share / 2.0);
    }

    #[test]
    fn a_dictionary_that_grows_ever_slower_is_no_reason_to_begin_again() {
        let ctx = Context::unlimited(0, 1);
        let mut watch = watch(&ctx);
        // 5 MB of strings in the first hundredth, then one megabyte for every further one.
        for percent in 1..=90_u64 {
            let done = Done { bytes: percent << 20, ..done(percent as f64 / 100.0, 0) };
            let verdict = watch.judge(Done { table_bytes: (4 + percent) << 20, ..done });
            assert_eq!(verdict.unwrap(), Verdict::GoOn, "{percent}");
        }
    }

    #[test]
    fn too_few_rows_are_refused() {
        let ctx = Context::unlimited(0, 1);
        let error = watch(&ctx).expect(1 << 60, 1_000_000).unwrap_err();
        assert!(error.to_string().contains("memory limit is too small"), "{error}");
        let mut watch = watch(&ctx);
        assert!(watch.expect(ROOM * 2, 1000).is_ok());
        assert!(watch.sampling.rows.as_f64() < 0.5);
    }
}
