//! The whole fit: bags of mains, pairs, their average, and the tables that are left.

use modelwright_core::data::TrainView;
use modelwright_core::{Context, Result};

use super::EbmParams;
use super::coarse::{Coarse, of_feature};
use super::cross::CELLS;
use super::fast::Search;
use super::mains::{BINS, Mains};
use super::model::{Axis, EbmModel, Term};
use super::pairs::{Pair, Pairs};
use super::purify::{Main, PairTable, purify};
use super::sweeps::Setup;
use super::table::{Bag, Table};

/// Up to this many rows to learn from there are as many bags, when they are not given: on few
/// rows bags are cheap and differ much.
const BAGS: [(usize, usize); 3] = [(5_000, 12), (50_000, 8), (500_000, 4)];
/// Bags of more rows.
const BAGS_OF_LARGE: usize = 2;

/// Fits the machine; see [`super`].
pub(super) fn fit(train: &TrainView<'_>, params: &EbmParams, ctx: &Context) -> Result<EbmModel> {
    let table = Table::new(train, params)?;
    let setup = Setup::new(train, params, &table)?;
    let n_values = setup.n_outputs() * table.features.len() * BINS;
    let mut functions = Functions {
        setup: &setup,
        mains: vec![0.0; n_values],
        coarse: Vec::new(),
        pairs: Vec::new(),
        pair_values: Vec::new(),
        rounds: 0,
    };
    if !table.features.is_empty() && params.max_rounds > 0 && ctx.proceed() {
        let bags = draw(&setup, ctx);
        let boosted = bags.boost(&setup, ctx)?;
        functions.take_mains(&boosted);
        if params.interactions > 0.0 && table.features.len() > 1 && ctx.proceed() {
            functions.find_pairs(ctx)?;
            functions.boost_pairs(&bags, &boosted, ctx)?;
        }
    }
    Ok(functions.model())
}

/// All bags.
struct Bags(Vec<Bag>);

/// The mains of a bag.
struct Boosted {
    bag: usize,
    values: Vec<f64>,
    rounds: usize,
    cut_short: bool,
}

fn draw(setup: &Setup<'_>, ctx: &Context) -> Bags {
    let n_rows = setup.table.learn.len();
    let automatic =
        BAGS.iter().find(|(most, _)| n_rows <= *most).map_or(BAGS_OF_LARGE, |(_, bags)| *bags);
    let n_bags = if setup.params.outer_bags > 0 { setup.params.outer_bags } else { automatic };
    if n_bags == 1 && !setup.table.judge.is_empty() {
        let (learn, judge) = (setup.table.learn.clone(), setup.table.judge.clone());
        return Bags(vec![Bag { learn, judge }]);
    }
    let share = setup.params.validation_size;
    let bag =
        |b: usize| Bag::draw(setup.table, setup.train, share, &mut ctx.random("ebm bag", b as u64));
    Bags((0..n_bags).map(bag).collect())
}

impl Bags {
    /// The mains of the bags that are worth averaging: of those that came to their own end, or, if
    /// time was too short for any, of those that came about as far as the furthest.
    fn boost(&self, setup: &Setup<'_>, ctx: &Context) -> Result<Vec<Boosted>> {
        let boosted: Result<Vec<Boosted>> = ctx
            .map(self.0.len(), |b| {
                let mut mains = Mains::new(setup, &self.0[b], ctx.random("ebm steps", b as u64));
                let scope = ctx.scope(&format!("bag-{b}"));
                let mut scores = setup.base_scores();
                let (rounds, cut_short) =
                    setup.sweep(&self.0[b], &mut mains, &mut scores, &scope)?;
                Ok(Boosted { bag: b, values: mains.into_values(), rounds, cut_short })
            })
            .into_iter()
            .collect();
        let mut boosted = boosted?;
        if boosted.iter().any(|b| !b.cut_short) {
            boosted.retain(|b| !b.cut_short);
        } else {
            let furthest = boosted.iter().map(|b| b.rounds).max().unwrap_or(0);
            boosted.retain(|b| b.rounds * 2 >= furthest);
        }
        Ok(boosted)
    }
}

/// The averaged functions while they come about.
struct Functions<'a> {
    setup: &'a Setup<'a>,
    /// As [`Mains::into_values`].
    mains: Vec<f64>,
    /// Of each feature; empty without pairs.
    coarse: Vec<Coarse>,
    pairs: Vec<Pair>,
    /// As [`Pairs::into_values`].
    pair_values: Vec<f64>,
    rounds: usize,
}

impl Functions<'_> {
    fn take_mains(&mut self, boosted: &[Boosted]) {
        average(&mut self.mains, boosted.iter().map(|b| &b.values));
        let rounds: usize = boosted.iter().map(|b| b.rounds).sum();
        self.rounds = (rounds as f64 / boosted.len().max(1) as f64).round() as usize;
    }

    /// The scores of the table's rows by functions of features alone.
    fn scores(&self, mains: &[f64]) -> Vec<Vec<f64>> {
        let table = self.setup.table;
        let mut scores = self.setup.base_scores();
        let per_output = mains.chunks_exact(table.features.len() * BINS);
        for (scores, functions) in scores.iter_mut().zip(per_output) {
            for (feature, function) in table.features.iter().zip(functions.chunks_exact(BINS)) {
                for (score, code) in scores.iter_mut().zip(feature.codes.iter()) {
                    *score += function[usize::from(*code)];
                }
            }
        }
        scores
    }

    fn find_pairs(&mut self, ctx: &Context) -> Result<()> {
        let table = self.setup.table;
        let n = table.features.len();
        let mains = |feature: usize| {
            let outputs = self.mains.chunks_exact(n * BINS);
            outputs.map(move |values| &values[feature * BINS..(feature + 1) * BINS])
        };
        let size = |values: &[f64], counts: &[u32; BINS]| -> f64 {
            values.iter().zip(counts).map(|(v, c)| v.abs() * f64::from(*c)).sum()
        };
        let mut importances = Vec::with_capacity(n);
        let mut coarse = Vec::with_capacity(n);
        for (i, feature) in table.features.iter().enumerate() {
            let counts = table.counts(i, &table.learn);
            importances.push(mains(i).map(|values| size(values, &counts)).sum());
            let largest = mains(i).max_by(|a, b| size(a, &counts).total_cmp(&size(b, &counts)));
            let function = largest.filter(|_| feature.is_category);
            coarse.push(of_feature(&counts, feature.n_bins(), function));
        }
        let mut gradients = vec![vec![[0.0; 2]; table.rows.len()]; self.setup.n_outputs()];
        self.setup.loss.gradients(&self.scores(&self.mains), &mut gradients)?;
        let search =
            Search { table, coarse: &coarse, gradients: &gradients, importances: &importances };
        let wanted = (self.setup.params.interactions * n as f64).round() as usize;
        let best = search.best(wanted, &mut ctx.random("ebm pairs", 0), ctx);
        self.pairs = best.into_iter().map(|pair| Pair::new(table, pair, &coarse)).collect();
        self.coarse = coarse;
        Ok(())
    }

    fn boost_pairs(&mut self, bags: &Bags, boosted: &[Boosted], ctx: &Context) -> Result<()> {
        let (setup, pairs) = (self.setup, &self.pairs);
        if pairs.is_empty() {
            return Ok(());
        }
        let values: Result<Vec<Vec<f64>>> = ctx
            .map(boosted.len(), |i| {
                let bag = &bags.0[boosted[i].bag];
                let random = ctx.random("ebm steps of pairs", boosted[i].bag as u64);
                let mut of_bag = Pairs::new(setup, pairs, bag, random);
                let mut scores = self.scores(&boosted[i].values);
                let scope = ctx.scope(&format!("pairs-{}", boosted[i].bag));
                setup.sweep(bag, &mut of_bag, &mut scores, &scope)?;
                Ok(of_bag.into_values())
            })
            .into_iter()
            .collect();
        let values = values?;
        self.pair_values = vec![0.0; setup.n_outputs() * pairs.len() * CELLS];
        average(&mut self.pair_values, values.iter());
        Ok(())
    }

    /// Purifies the functions and keeps those that say something.
    fn model(&self) -> EbmModel {
        let (setup, table) = (self.setup, self.setup.table);
        let (main_weights, pair_weights) = self.weights();
        let mut model = EbmModel::new(
            setup.train.features.n_features(),
            setup.loss.link(),
            setup.base.clone(),
            table.features.iter().map(Axis::of).collect(),
            self.rounds,
        );
        let mut terms: Vec<Term> =
            (0..table.features.len()).map(|f| Term::main(f as u32)).collect();
        let sides = |pair: &Pair| pair.features.map(|f| (f as u32, &self.coarse[f].group_of[..]));
        terms.extend(self.pairs.iter().map(|pair| Term::pair(sides(pair))));
        for output in 0..setup.n_outputs() {
            let mut mains = self.mains_of(output, &main_weights);
            let mut pairs = self.pairs_of(output, &pair_weights);
            model.add_intercept(output, purify(&mut mains, &mut pairs, &self.coarse));
            let (of_features, of_pairs) = terms.split_at_mut(mains.len());
            for (term, main) in of_features.iter_mut().zip(&mains) {
                term.add_output(&main.values, main.importance());
            }
            for (term, pair) in of_pairs.iter_mut().zip(&pairs) {
                term.add_output(&pair.values, pair.importance());
            }
        }
        model.keep(terms);
        model
    }

    /// The weight of the rows to learn from in each bin of each feature, and each cell of each
    /// pair.
    fn weights(&self) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let table = self.setup.table;
        let weighted: Vec<(usize, f64)> = table
            .learn
            .iter()
            .map(|at| (*at as usize, self.setup.train.weight(table.rows[*at as usize])))
            .collect();
        let of_features = table.features.iter().map(|feature| {
            let mut weights = vec![0.0; feature.n_bins()];
            for (at, w) in &weighted {
                weights[usize::from(feature.codes[*at])] += w;
            }
            weights
        });
        let of_pairs = self.pairs.iter().map(|pair| {
            let mut weights = vec![0.0; CELLS];
            for (at, w) in &weighted {
                weights[pair.cell(*at)] += w;
            }
            weights
        });
        (of_features.collect(), of_pairs.collect())
    }

    fn mains_of(&self, output: usize, weights: &[Vec<f64>]) -> Vec<Main> {
        let features = &self.setup.table.features;
        let of_output = self.mains[output * features.len() * BINS..].chunks_exact(BINS);
        let main = |((values, feature), weights): (
            (&[f64], &crate::tree::bins::BinFeature),
            &Vec<f64>,
        )| {
            Main {
                values: values[..feature.n_bins()].to_vec(),
                weights: weights.clone(),
                is_category: feature.is_category,
            }
        };
        of_output.zip(features).zip(weights).map(main).collect()
    }

    fn pairs_of(&self, output: usize, weights: &[Vec<f64>]) -> Vec<PairTable> {
        let of_output = self.pair_values.chunks_exact(CELLS).skip(output * self.pairs.len());
        let pair = |((values, pair), weights): ((&[f64], &Pair), &Vec<f64>)| PairTable {
            features: pair.features,
            values: values.to_vec(),
            weights: weights.clone(),
        };
        of_output.zip(&self.pairs).zip(weights).map(pair).collect()
    }
}

/// The mean of several sets of numbers; `out` stays where there is none.
fn average<'a>(out: &mut [f64], of: impl ExactSizeIterator<Item = &'a Vec<f64>>) {
    let n = of.len() as f64;
    for values in of {
        for (out, value) in out.iter_mut().zip(values) {
            *out += value;
        }
    }
    if n > 0.0 {
        for out in out {
            *out /= n;
        }
    }
}
