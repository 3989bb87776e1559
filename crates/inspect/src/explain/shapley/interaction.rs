//! What two columns do together: Shapley interaction values.
//!
//! `values[i, j]` is half of what the pair adds beyond what each adds alone, on average over the
//! sets of other columns that are known already (Grabisch & Roubens, International Journal of Game
//! Theory 28, 1999; halves and diagonal as in Lundberg, Erion & Lee, "Consistent individualized
//! feature attribution for tree ensembles", 2018). For a model that is only asked for predictions,
//! they are drawn: on a walk through the columns, there and back, each two neighbours are exchanged
//! once, which is a draw of that pair.

use modelwright_core::{Context, Error, Result};
use serde::Serialize;

use super::explanation::{Method, Scale};
use super::mixture::Mixer;

/// Rows between two questions whether there is time for more.
const ROWS_PER_BATCH: usize = 64;

/// How much of a prediction columns make together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnInteractions {
    /// The raw columns.
    pub columns: Vec<String>,
    /// What is explained.
    pub outputs: Vec<String>,
    /// How many rows are explained.
    pub n_rows: usize,
    /// How the values were found: [`Method::Path`] or [`Method::Permutation`].
    pub method: Method,
    /// What is divided.
    pub scale: Scale,
    /// `n_rows × outputs × columns × columns` numbers, row-major: the diagonal is what a column
    /// does alone, the others halves of what two do together. A row of a matrix sums to the
    /// column's Shapley value.
    pub values: Vec<f64>,
    /// Standard errors of the values but for those of the diagonal, which are 0; `None` where the
    /// values are exact.
    pub standard_errors: Option<Vec<f64>>,
}

impl ColumnInteractions {
    /// The pairs of columns by the mean size of what they do together, largest first. Where values
    /// were drawn, the size that is only noise is taken out.
    pub fn pairs(&self) -> Vec<(&str, &str, f64)> {
        let n = self.columns.len();
        let sum = |all: &[f64], of: &dyn Fn(f64) -> f64| {
            let mut sums = vec![0.0; n * n];
            for matrix in all.chunks_exact((n * n).max(1)) {
                sums.iter_mut().zip(matrix).for_each(|(sum, value)| *sum += of(*value));
            }
            sums
        };
        let sizes = sum(&self.values, &f64::abs);
        let shares = self.standard_errors.as_ref().map(|errors| {
            let (all, noise) = (sum(&self.values, &|v| v * v), sum(errors, &|e| e * e));
            let share = |(all, noise): (f64, f64)| {
                if all > noise { ((all - noise) / all).sqrt() } else { 0.0 }
            };
            all.into_iter().zip(noise).map(share).collect::<Vec<f64>>()
        });
        let mut pairs = Vec::new();
        for i in 0..n {
            for j in i + 1..n {
                let at = i * n + j;
                let share = shares.as_ref().map_or(1.0, |shares| shares[at]);
                let mean = 2.0 * share * sizes[at] / self.n_rows.max(1) as f64;
                pairs.push((self.columns[i].as_str(), self.columns[j].as_str(), mean));
            }
        }
        pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        pairs
    }
}

/// Drawn interactions of every row of the mixer, as long as there is time.
pub(super) fn explain(mixer: &Mixer<'_>, ctx: &Context) -> Result<ColumnInteractions> {
    let n_rows = mixer.n_rows();
    check_room(mixer, ctx)?;
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let mut first = 0;
    while first < n_rows && ctx.proceed() {
        let end = n_rows.min(first + ROWS_PER_BATCH);
        for row in ctx.map(end - first, |i| of_row(mixer, first + i, ctx)) {
            let (own, own_errors) = row?;
            values.extend(own);
            errors.extend(own_errors);
        }
        first = end;
    }
    Ok(ColumnInteractions {
        columns: mixer.subject().columns.clone(),
        outputs: mixer.subject().outputs.clone(),
        n_rows: first,
        method: Method::Permutation,
        scale: mixer.scale(),
        values,
        standard_errors: Some(errors),
    })
}

/// Refuses matrices, and those of their errors, that would not fit.
fn check_room(mixer: &Mixer<'_>, ctx: &Context) -> Result<()> {
    let (n_rows, n, n_outputs) = (mixer.n_rows(), mixer.n_columns(), mixer.n_outputs());
    let bytes = [n_rows, n_outputs, n, n, 2 * size_of::<f64>()].map(|k| k as u64);
    let bytes = bytes.into_iter().fold(1, u64::saturating_mul);
    match ctx.memory_limit_bytes() {
        Some(limit) if bytes > limit => {
            Err(Error::work("the interactions would not fit in the memory allowed")
                .expected(format!("at most {limit} bytes"))
                .got(format!("{n_rows} rows × {n} × {n} columns = {bytes} bytes"))
                .hint("explain fewer rows, or allow more memory"))
        }
        _ => Ok(()),
    }
}

/// Orders of the columns in which a row differs from a background row.
struct Walks {
    of: Vec<(usize, Vec<u32>)>,
    /// From how many background rows both columns of a pair differ.
    differ: Vec<f64>,
}

/// What was drawn of a pair.
#[derive(Clone, Copy, Default)]
struct Draws {
    n: f64,
    sum: f64,
    squares: f64,
}

/// Matrices and their standard errors, output by output.
fn of_row(mixer: &Mixer<'_>, row: usize, ctx: &Context) -> Result<(Vec<f64>, Vec<f64>)> {
    let (n, n_outputs) = (mixer.n_columns(), mixer.n_outputs());
    let walks = Walks::draw(mixer, row, ctx);
    let asked = walks.ask(mixer, row, ctx)?;
    let mut answers = asked.chunks_exact(n_outputs);
    let mut draws = vec![Draws::default(); n_outputs * n * n];
    let mut shapley = vec![0.0; n_outputs * n];
    for (b, order) in &walks.of {
        // Without the last two columns, with the first of them, with the second of them.
        let mut before = mixer.of_background(*b);
        let mut known = before;
        for (k, column) in order.iter().enumerate() {
            let j = *column as usize;
            let swapped = if k == 0 { None } else { answers.next() };
            let next = if k + 1 < order.len() { answers.next() } else { None };
            let next = next.unwrap_or(mixer.of_row(row));
            for output in 0..n_outputs {
                shapley[output * n + j] += (next[output] - known[output]) / walks.of.len() as f64;
                if let Some(swapped) = swapped {
                    let i = order[k - 1] as usize;
                    let both = next[output] - known[output] - swapped[output] + before[output];
                    draws[(output * n + i.min(j)) * n + i.max(j)].add(both);
                }
            }
            (before, known) = (known, next);
        }
    }
    Ok(walks.matrices(&draws, &shapley, mixer.n_background() as f64))
}

impl Walks {
    fn draw(mixer: &Mixer<'_>, row: usize, ctx: &Context) -> Self {
        let n = mixer.n_columns();
        let mut random = ctx.random("explain/pairs", mixer.fingerprint(row));
        let (mut of, mut differ) = (Vec::new(), vec![0.0; n * n]);
        for b in 0..mixer.n_background() {
            let mut order = mixer.players(row, b);
            for i in &order {
                for j in &order {
                    differ[*i as usize * n + *j as usize] += 1.0;
                }
            }
            random.shuffle(&mut order);
            of.push((b, order.clone()));
            order.reverse();
            of.push((b, order));
        }
        Self { of, differ }
    }

    /// What the model says on the way: before each step but the first what it would be with this
    /// column in place of the one before, after each but the last what it is.
    fn ask(&self, mixer: &Mixer<'_>, row: usize, ctx: &Context) -> Result<Vec<f64>> {
        let mut asking = mixer.asking(ctx);
        let mut rank = vec![0; mixer.n_columns()];
        for (b, order) in &self.of {
            rank.fill(usize::MAX);
            for (place, column) in order.iter().enumerate() {
                rank[*column as usize] = place;
            }
            for k in 0..order.len() {
                if k > 0 {
                    asking.ask(row, *b, |column| rank[column] < k - 1 || rank[column] == k)?;
                }
                if k + 1 < order.len() {
                    asking.ask(row, *b, |column| rank[column] <= k)?;
                }
            }
        }
        asking.finish()
    }

    /// The matrices of the outputs: means of the draws from background rows where both columns
    /// differ, nothing from the others; what is left of a column's value is its own.
    fn matrices(&self, draws: &[Draws], shapley: &[f64], n_all: f64) -> (Vec<f64>, Vec<f64>) {
        let (mut values, mut errors) = (vec![0.0; draws.len()], vec![0.0; draws.len()]);
        let n = draws.len() / shapley.len().max(1);
        for (output, shapley) in shapley.chunks_exact(n.max(1)).enumerate() {
            let start = output * n * n;
            for i in 0..n {
                for j in i + 1..n {
                    let (mean, error) = draws[start + i * n + j].mean();
                    let half = 0.5 * self.differ[i * n + j] / n_all;
                    for at in [start + i * n + j, start + j * n + i] {
                        (values[at], errors[at]) = (half * mean, half * error);
                    }
                }
            }
            for (i, value) in shapley.iter().enumerate() {
                let row = start + i * n;
                let of_pairs: f64 = values[row..row + n].iter().sum();
                values[row + i] = value - of_pairs;
            }
        }
        (values, errors)
    }
}

impl Draws {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    /// The mean, and its standard error: that of a pair drawn once is its size.
    fn mean(&self) -> (f64, f64) {
        if self.n == 0.0 {
            return (0.0, 0.0);
        }
        let mean = self.sum / self.n;
        if self.n == 1.0 {
            return (mean, mean.abs());
        }
        let variance = (self.squares / self.n - mean * mean).max(0.0) * self.n / (self.n - 1.0);
        (mean, (variance / self.n).sqrt())
    }
}
