//! From a table to a tested predictor, inside a budget.
//!
//! [`fit()`] runs one flow: understand the table → part the rows → plan → prepare once → trials
//! under the budget → combine → refit → one evaluation on untouched rows → account. Values come
//! in and values go out: no file is opened here, and the clock is asked only through the
//! [`Context`](modelwright_core::Context), whose decisions make the run repeatable.
//!
//! | module | question it answers |
//! |---|---|
//! | [`input`] | what goes in and what comes out |
//! | `understand` | which task is this, which columns may be used, what leaks |
//! | [`target`] | which number stands for which label |
//! | `parting`, `parts` | which rows are held out, which folds judge the trials |
//! | [`mod@plan`] | what shall be tried, in which order, with how many folds |
//! | `single` | the plan when one learner is asked for |
//! | [`direct`] | one learner on one table, for callers who judge models themselves |
//! | [`vectorize`] | columns as numbers, for callers who bring their own learner |
//! | [`own`] | parts that are code of the caller's own |
//! | `portfolio` | the candidates, as data |
//! | [`mod@encoding`] | which encodings a learner can read |
//! | `budget`, `capacity`, `reading` | what can be afforded |
//! | `search` / `trial` | run the plan |
//! | [`gate`] | is a costlier trial better beyond noise |
//! | `ensemble` | which trials, with which weights |
//! | `second_level` | what corrects their weighted mean, where that was shown to pay |
//! | `distill` | one small model that learns from the ensemble |
//! | `refit` | the members on all training rows |
//! | `continued` | the boosters of an earlier model, continued on new rows |
//! | [`whole_file`] | the boosters on rows that do not fit in memory |
//! | `calibrate` | are the probabilities honest |
//! | `slices` | what a wrong row costs where weak slices are searched |
//! | `suspects` | which training rows have a target that looks wrong |
//! | `decision` | which class is decided for, by metric or cost |
//! | `conformal` | which interval or set holds the truth so often |
//! | [`fair`] | a threshold for each group |
//! | [`more_rows`] | would more rows help |
//! | [`later`] | what rows of a later file say of a model |
//! | [`shapes`] | the functions of an explainable model: shown, exported, changed |
//! | [`robustness`] | what strains on the inputs do |
//! | [`mod@audit`] | are groups treated alike |
//! | [`predictor`] | the result: raw rows in, predictions out |
//! | [`mod@reference`] | what later rows are compared with |
//! | `prediction_table` | its predictions as the columns that people expect |
//! | [`trees`] | the trees inside it, by name |
//! | [`tree_answers`] | what they say beside predictions: scores, leaves, gains |
//! | [`offers`] | what smaller models the fit offers, and how one is picked |
//! | [`mod@explain`] | why it predicts so, by raw column |
//! | `account` | the run record |

mod account;
mod aim;
pub mod audit;
pub mod boosting;
mod budget;
mod calibrate;
mod capacity;
mod comparable;
mod conformal;
mod constraint;
mod continued;
mod copies;
mod decision;
mod derived;
pub mod direct;
mod distill;
mod doubts;
pub mod encoding;
mod ensemble;
pub mod explain;
pub mod fair;
mod familiar;
mod fit;
mod frugal;
pub mod gate;
pub mod input;
pub mod isolation;
mod last_fit;
pub mod later;
pub mod more_rows;
mod nested;
pub mod offers;
pub mod own;
mod pace;
mod parting;
mod parts;
pub mod plan;
mod portfolio;
mod prediction_table;
pub mod predictor;
mod reading;
pub mod reference;
mod refit;
pub mod robustness;
mod room;
mod sampling;
mod search;
mod second_level;
mod serial;
pub mod shapes;
mod single;
mod slices;
mod suspects;
pub mod target;
pub mod tree_answers;
pub mod trees;
mod trial;
mod understand;
mod units;
pub mod unusual;
pub mod vectorize;
pub mod whole_file;

pub use aim::constant as constant_answer;
pub use conformal::{Held, LevelIntervals, LevelSets, Regions};
pub use continued::{ContinueInput, continue_boosters};
pub use fit::{ALL_AND_TEST, fit, plan};
pub use input::{FitInput, FitOutcome, FitPlan};
pub use modelwright_evaluate::Calibrator;
pub use own::{Own, OwnSplit};
pub use parting::{GroupNumbers, is_judged_in_time, row_groups, row_times};
pub use prediction_table::PredictionTable;
pub use predictor::{MemberView, Predictor, RowMemory, SecondLevelView, SinglePredictor};
pub use reading::{Purpose, ReadingLimits};
pub use reference::Reference;
pub use units::Units;
