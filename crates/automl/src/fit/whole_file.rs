//! The last fit of boosters on all rows of a file that does not fit in memory.
//!
//! The rows are read in parts and become bins by the encoders and cuts of the sample, written
//! column by column to a file without a name. What stays in memory of a row is its target, its
//! weight and what boosting keeps of it. Members that need more of a row than its bins (nets,
//! linear models, trees on statistics of the target, which would have seen their own answer) keep
//! what the sample taught them; so does everybody when the rows cannot be read again or time runs
//! out.

mod reader;

use std::collections::BTreeMap;

use modelwright_core::context::Event;
use modelwright_core::data::{FeatureColumn, Schema, Store, Table};
use modelwright_core::error::ErrorKind;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::FittedEncoder;
use modelwright_preprocess::encode::{Prepared, bins};

use super::Flow;
use super::combine::Combined;
use crate::budget;
use crate::refit::{self, Chosen, Rows};
use crate::whole_file::{self, MORE_ROWS, WholeFile};

use self::reader::{Encoding, Keep, Read, Reader};

/// What a row costs in memory beside its outputs: target, weight, number, what a loss keeps.
const BYTES_PER_ROW: f64 = 48.0;
/// The same for each output: score and gradient.
const BYTES_PER_OUTPUT: f64 = 16.0;
/// The same for each tree that grows at the same time: the row's place and a copy.
const BYTES_PER_TREE: f64 = 16.0;
/// Parts of the free memory: for what rows cost, for pages of bins, for the rows being read.
const ROWS_SHARE: f64 = 0.6;
const PAGES_SHARE: f64 = 0.1;
const READ_SHARE: f64 = 0.06;
/// Bytes of a cell while it is read: as it is stored, as it is read, as a feature, as a bin.
const BYTES_PER_CELL: f64 = 40.0;
/// The part of the time left that refits are planned for: pages of bins may have to be read again.
const TIME_SHARE: f64 = 0.9;
/// So many times the rows of the sample are worth more than a member of little weight.
const ENOUGH: f64 = 2.0;
/// The decision that the file was not read after all.
const KEPT: &str = "sample-kept";
/// Why: reading broke off, or there was no room or time to begin.
const NOT_ENDED: u64 = 1;
const NOT_BEGUN: u64 = 2;
/// What the record says then.
const WITHOUT_FILE: &str = "the last fit on all rows of the file did not come to its end: the \
                            delivered model learned from a sample of them";
/// Rows that are read at a time.
const ROWS_PER_PART: [f64; 2] = [1024.0, 65_536.0];

impl Flow {
    /// Fits the boosters of a tested predictor again, on all rows of the file. Says whether the
    /// file was looked at: until then the rows of the sample are there to be learned from.
    ///
    /// # Errors
    /// Work error as the learners; a file that cannot be read again, or a disk without room for
    /// its bins, is a warning.
    pub(super) fn fit_on_whole_file(
        &mut self,
        combined: &mut Combined,
        ctx: &Context,
    ) -> Result<bool> {
        let Some(file) = self.whole_file.take() else { return Ok(false) };
        let ctx = ctx.scope("whole-file").with_reserve(budget::packing(ctx));
        let mut learners = Learners::of(combined);
        if learners.encodings.is_empty() {
            self.plan.notes.push("no member can learn from bins alone: all keep the sample".into());
            return Ok(false);
        }
        if let Some(kept @ (NOT_BEGUN | NOT_ENDED)) = ctx.replayed(KEPT) {
            self.keep_sample(&Error::work("as the run that is repeated"), kept, &ctx);
            return Ok(kept == NOT_ENDED);
        }
        let n_in_time = learners.keep_those_in_time(combined, self.target.n_rows(), &file, &ctx);
        let n_rows = file.n_rows.min(n_in_time);
        ctx.tell(Event::Phase(format!("fit on {n_rows} of {} rows of the file", file.n_rows)));
        let mut reader = match self.reader(&file, (&learners, n_in_time), combined, &ctx) {
            Ok(reader) => reader,
            Err(error) => {
                self.keep_sample(&error, NOT_BEGUN, &ctx);
                return Ok(false);
            }
        };
        // From here on nobody looks at the sample.
        self.train = Table::default();
        self.held_out = None;
        let read = reader.read(&file, combined, &ctx).and_then(|()| reader.finish());
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                self.keep_sample(&error, NOT_ENDED, &ctx);
                return Ok(true);
            }
        };
        let ratio = read.target.n_rows() as f64 / self.target.n_rows().max(1) as f64;
        learn(combined, &learners, &read, ratio, &ctx)?;
        self.say_who_learned(combined, &learners, &read);
        combined.keep_account();
        Ok(true)
    }

    /// Goes on without the file: what happens to a disk or a clock is no reason to lose a model.
    fn keep_sample(&mut self, error: &Error, why: u64, ctx: &Context) {
        ctx.decide(KEPT, || why);
        let text = format!("the models of the sample are kept: {error}");
        ctx.tell(match error.kind() {
            ErrorKind::Interrupted => Event::Note(text),
            _ => Event::Warning(text),
        });
        let note = "all members keep the sample: the file was not read again to its end";
        self.plan.notes.push(note.to_owned());
        self.warnings.push(WITHOUT_FILE.to_owned());
    }

    fn say_who_learned(&mut self, combined: &mut Combined, learners: &Learners, read: &Read) {
        let n_rows = read.target.n_rows();
        let mut names: [Vec<&str>; 2] = Default::default();
        for (member, may_learn) in combined.members.iter().zip(&learners.may_learn) {
            let learned = *may_learn && member.is_refit;
            names[usize::from(!learned)].push(&member.planned.name);
        }
        let [learned, others] = &names;
        let mut note = match &learned[..] {
            [] => {
                self.warnings.push(WITHOUT_FILE.to_owned());
                "no member learned from the rows of the file: there was no time".to_owned()
            }
            names => format!(
                "{} learned last from {n_rows} rows of the file, {} MB of bins outside of memory",
                names.join(", "),
                read.n_bytes / 1_000_000
            ),
        };
        if !learned.is_empty() && !others.is_empty() {
            note += "; from the sample alone: ";
            note += &others.join(", ");
        }
        combined.record.n_rows_all = others.is_empty().then_some(n_rows as u64);
        self.plan.notes.push(note);
    }

    /// What reads the file: cuts of the sample, a file for each encoding.
    fn reader(
        &self,
        file: &WholeFile,
        (learners, n_in_time): (&Learners, usize),
        combined: &Combined,
        ctx: &Context,
    ) -> Result<Reader> {
        let left = |name: &str, of: &dyn Fn(f64) -> f64| {
            ctx.decide(name, || {
                ctx.memory_left_bytes().map_or(u64::MAX, |left| of(left as f64) as u64)
            })
        };
        let n_outputs = self.target.n_outputs() as f64;
        let trees = n_outputs.min(ctx.threads() as f64);
        let row_bytes = BYTES_PER_ROW + n_outputs * BYTES_PER_OUTPUT + trees * BYTES_PER_TREE;
        // The sample's rows are given back before.
        let sample = self.train.size_bytes() + self.held_out.as_ref().map_or(0, Table::size_bytes);
        let free = |left: f64| left + sample as f64;
        let n_rows_max = left("rows", &|left| free(left) * ROWS_SHARE / row_bytes) as usize;
        let n_columns = self.train.n_columns() as f64;
        let rows_per_part = left("rows-per-part", &|left| {
            let rows = free(left) * READ_SHARE / (BYTES_PER_CELL * n_columns);
            rows.clamp(ROWS_PER_PART[0], ROWS_PER_PART[1])
        });
        let n_learned = file.n_rows.min(n_rows_max).min(n_in_time);
        if (n_learned as f64) < self.target.n_rows() as f64 * MORE_ROWS {
            let limit = if n_in_time < n_rows_max { "time" } else { "memory" };
            return Err(Error::work(format!(
                "the {limit} limit leaves no room for more rows than the sample"
            ))
            .expected(format!("room for {} rows", file.n_rows))
            .got(format!("room for {n_learned}")));
        }
        let room =
            ctx.memory_left_bytes().map_or(u64::MAX, |m| (free(m as f64) * PAGES_SHARE) as u64);
        let store = file.rows.store(room);
        let mut encodings = Vec::new();
        for name in &learners.encodings {
            let encoder = encoder_of(combined, name).ok_or_else(|| Error::work("no encoder"))?;
            let encoding = self.encoding(name, encoder, &*store, file.n_rows, ctx)?;
            encodings.push(encoding);
        }
        let is_class = matches!(self.target, Target::Class { .. });
        Ok(Reader {
            schema: self.schema_of_file(combined, learners),
            classes: self.task.classes.clone(),
            is_class,
            task: self.task.task,
            target: (self.task.target.clone(), Vec::new(), Vec::new()),
            weights: self.options.weight.clone().map(|name| (name, Vec::new())),
            rows_per_part: rows_per_part.min(ROWS_PER_PART[1] as u64) as usize,
            keep: Keep::of(n_learned, file.n_rows, ctx),
            n_file: file.n_rows,
            n_seen: 0,
            n_left_out: 0,
            n_unusable: 0,
            encodings,
        })
    }

    /// The columns of the file that are read.
    fn schema_of_file(&self, combined: &Combined, learners: &Learners) -> Schema {
        let mut wanted = vec![self.task.target.as_str()];
        wanted.extend(self.options.weight.as_deref());
        for name in &learners.encodings {
            wanted.extend(
                encoder_of(combined, name)
                    .iter()
                    .flat_map(|e| e.input_columns().map(|(name, _)| name)),
            );
        }
        let fields = self.profile.schema.fields.iter();
        let fields = fields.filter(|f| wanted.contains(&f.name.as_str())).cloned().collect();
        Schema { fields }
    }

    /// Cuts of an encoding's features, from rows of the sample, and the file for its bins.
    fn encoding(
        &self,
        name: &str,
        encoder: &FittedEncoder,
        store: &dyn Store,
        n_rows: usize,
        ctx: &Context,
    ) -> Result<Encoding> {
        let n = self.train.n_rows();
        let rows = ctx.random("whole-file/cuts", 0).sample(n, n.min(bins::SAMPLE));
        let features = encoder.transform(&self.train.select(&rows), ctx)?;
        let levels = encoder.largest_levels();
        let cuts_of = |i: usize| match (features.columns[i].is_category, levels[i]) {
            (true, Some(largest)) => (0..largest).map(|level| level as f32 + 0.5).collect(),
            _ => bins::bin(&features.columns[i].values, None).cuts,
        };
        let cuts = ctx.map(features.n_features(), cuts_of);
        let columns = features.columns.into_iter().zip(cuts);
        let columns = columns.map(|(c, cuts)| (FeatureColumn { values: [].into(), ..c }, cuts));
        let columns: Vec<(FeatureColumn, Vec<f32>)> = columns.collect();
        let n_bytes = (n_rows * columns.len()) as u64;
        let draft = store.begin(n_bytes)?;
        Ok(Encoding { name: name.to_owned(), columns, draft, stride: n_rows, n_bytes })
    }
}

/// Which members can learn from bins alone.
struct Learners {
    may_learn: Vec<bool>,
    /// Their encodings.
    encodings: Vec<String>,
}

impl Learners {
    fn of(combined: &Combined) -> Self {
        let may_learn = |member: &Chosen| {
            whole_file::may_learn(&member.planned)
                && member.labels.is_none()
                && !member.is_recast()
                && encoder_of(combined, &member.planned.features())
                    .is_some_and(|e| !e.sees_target())
        };
        let may_learn: Vec<bool> = combined.members.iter().map(may_learn).collect();
        let mut learners = Self { may_learn, encodings: Vec::new() };
        learners.name_encodings(combined);
        learners
    }

    fn name_encodings(&mut self, combined: &Combined) {
        self.encodings.clear();
        for (member, _) in combined.members.iter().zip(&self.may_learn).filter(|(_, may)| **may) {
            let features = member.planned.features();
            if !self.encodings.contains(&features) {
                self.encodings.push(features);
            }
        }
    }

    /// How many rows there is time to learn from. Where that is less than [`ENOUGH`] times the
    /// `n_sample` rows of the search for all of them, those of the least weight keep the sample.
    fn keep_those_in_time(
        &mut self,
        combined: &Combined,
        n_sample: usize,
        file: &WholeFile,
        ctx: &Context,
    ) -> usize {
        let mut order: Vec<usize> =
            (0..self.may_learn.len()).filter(|i| self.may_learn[*i]).collect();
        let weight = |i: &usize| combined.members[*i].weight;
        order.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        let rows_for = |n_members: usize| {
            let refits_s = order[..n_members].iter().map(|i| combined.members[*i].refit_s()).sum();
            ctx.remaining().map_or(f64::INFINITY, |left| {
                let left_s = (left.as_secs_f64() - file.read_s).max(0.0) * TIME_SHARE;
                left_s / budget::of_refits(refits_s).as_secs_f64() * n_sample as f64
            })
        };
        let enough = (n_sample as f64 * ENOUGH).min(file.n_rows as f64);
        let n_members = ctx.decide("members-in-time", || {
            (2..=order.len()).rev().find(|n| rows_for(*n) >= enough).unwrap_or(1) as u64
        }) as usize;
        let n_members = n_members.min(order.len());
        for i in &order[n_members..] {
            self.may_learn[*i] = false;
        }
        self.name_encodings(combined);
        ctx.decide("rows-in-time", || rows_for(n_members) as u64) as usize
    }
}

fn encoder_of<'a>(combined: &'a Combined, name: &str) -> Option<&'a FittedEncoder> {
    let place = combined.encodings.iter().position(|e| e == name)?;
    combined.predictor.encoders.get(place)
}

/// Fits the members that can, as far as time allows; the others keep their models.
fn learn(
    combined: &mut Combined,
    learners: &Learners,
    read: &Read,
    ratio: f64,
    ctx: &Context,
) -> Result<()> {
    let encoders = std::mem::take(&mut combined.predictor.encoders);
    let mut left: Vec<Option<FittedEncoder>> = encoders.into_iter().map(Some).collect();
    let place = |encodings: &[String], name: &str| encodings.iter().position(|e| e == name);
    let mut prepared = BTreeMap::new();
    for (name, features) in &read.matrices {
        let encoder = place(&combined.encodings, name).and_then(|at| left[at].take());
        if let Some(encoder) = encoder {
            let full = features.clone();
            prepared.insert(name.clone(), Prepared { folds: Vec::new(), full, encoder });
        }
    }
    let were: Vec<bool> = combined.members.iter().map(|m| m.is_refit).collect();
    let tested = &mut combined.predictor.members;
    for ((member, tested), may) in combined.members.iter_mut().zip(tested).zip(&learners.may_learn)
    {
        member.models = std::mem::take(&mut tested.models);
        // Those who cannot learn are passed over.
        member.is_refit = !may;
    }
    let table = Table::default();
    let rows = Rows {
        prepared: &prepared,
        table: &table,
        target: &read.target,
        weights: read.weights.as_deref(),
        ratio,
        are_stored: true,
    };
    let done = refit::again(&mut combined.members, &rows, 1, ctx);
    let tested = &mut combined.predictor.members;
    for (i, (member, tested)) in combined.members.iter_mut().zip(tested).enumerate() {
        tested.models = std::mem::take(&mut member.models);
        if !learners.may_learn[i] {
            member.is_refit = were[i];
        }
    }
    let names = combined.encodings.iter();
    let encoders = names
        .zip(left)
        .filter_map(|(name, encoder)| encoder.or_else(|| prepared.remove(name).map(|p| p.encoder)));
    combined.predictor.encoders = encoders.collect();
    done
}
