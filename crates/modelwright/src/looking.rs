//! Looking at a table before anything is fitted.

use std::collections::BTreeMap;

use modelwright_automl::{FitInput, Own, plan};
use modelwright_core::context::Event;
use modelwright_core::data::Kind;
use modelwright_core::record::{LeakFinding, Options, TableProfile};
use modelwright_core::{Context, Result};
use modelwright_io::TableFile;
use modelwright_preprocess::profile::{ProfileOptions, profile_table};

/// What is wanted of a look.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The column to predict, to look for leaks of it.
    pub target: Option<String>,
    /// Kinds that the user decided.
    pub kinds: BTreeMap<String, Kind>,
    /// Seed of what is drawn to look for leaks.
    pub seed: u64,
}

/// The profile of a table, and with a target the suspected leaks of it, found as a fit finds them.
///
/// # Errors
/// Input error when there is no such column, or the target cannot be one.
pub fn look(
    file: TableFile,
    wish: Wish,
    ctx: &Context,
) -> Result<(TableProfile, Vec<LeakFinding>)> {
    let Wish { target, kinds, seed } = wish;
    let Some(target) = target else {
        ctx.tell(Event::Phase("profile".to_owned()));
        let options = ProfileOptions { kinds, target: None };
        let profile = profile_table(&file.table, &file.schema, &options, ctx)?;
        return Ok((profile.record, Vec::new()));
    };
    let options = Options { kinds, keep_leaks: true, seed, ..Options::new(target) };
    let TableFile { table, schema, source } = file;
    let plan = plan(
        FitInput {
            table,
            schema,
            source,
            test: None,
            options,
            own: Own::default(),
            all_rows: None,
        },
        ctx,
    )?;
    Ok((plan.profile, plan.leakage))
}
