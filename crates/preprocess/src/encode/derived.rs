//! The derived columns of a fitted encoder: made from raw ones, then written like raw ones.

use std::borrow::Cow;
use std::collections::HashSet;

use modelwright_core::data::{Column, Kind, Table};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::encoder::{Source, StoredPart, read};
use crate::derive::{Derived, RawInput};
use crate::transform::Encoded;

/// What derived columns are made of, and what writes them.
#[derive(Default)]
pub(super) struct DerivedSources {
    pub(super) inputs: Vec<RawInput>,
    pub(super) columns: Vec<DerivedSource>,
}

pub(super) struct DerivedSource {
    pub(super) derived: Derived,
    pub(super) source: Source,
}

/// How they are stored, behind the other sources, and only where there are any.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredDerived {
    inputs: Vec<RawInput>,
    columns: Vec<StoredColumn>,
}

#[derive(Serialize, Deserialize)]
struct StoredColumn {
    derived: Derived,
    parts: Vec<StoredPart>,
}

/// An input as it is read.
pub(super) fn read_input<'t>(input: &RawInput, table: &'t Table) -> Result<Cow<'t, Column>> {
    let column = read(table, &input.name, input.kind, input.optional)?;
    if !input.recast {
        return Ok(column);
    }
    Ok(Cow::Owned(input.read(&column)?.into_owned()))
}

impl DerivedSources {
    /// The inputs of a table, each as it is read.
    pub(super) fn read<'t>(&self, table: &'t Table) -> Result<Vec<Cow<'t, Column>>> {
        self.inputs.iter().map(|input| read_input(input, table)).collect()
    }

    /// Makes the derived column at `place` and writes it.
    pub(super) fn write(
        &self,
        place: usize,
        inputs: &[Cow<'_, Column>],
        ctx: &Context,
    ) -> Result<Vec<Encoded>> {
        let DerivedSource { derived, source } = &self.columns[place];
        let own: Vec<&Column> = derived.inputs().iter().map(|i| &*inputs[*i as usize]).collect();
        source.write(&derived.of(&source.name, &own)?, ctx)
    }

    pub(super) fn encode(&self) -> Result<StoredDerived> {
        let column = |c: &DerivedSource| -> Result<StoredColumn> {
            Ok(StoredColumn { derived: c.derived.clone(), parts: c.source.encode_parts()? })
        };
        Ok(StoredDerived {
            inputs: self.inputs.clone(),
            columns: self.columns.iter().map(column).collect::<Result<_>>()?,
        })
    }

    /// Proves stored columns sound; `names` are those of the other sources.
    pub(super) fn decode(stored: StoredDerived, names: &mut HashSet<String>) -> Result<Self> {
        let kinds: Vec<Kind> = stored.inputs.iter().map(RawInput::read_as).collect();
        let mut columns = Vec::with_capacity(stored.columns.len());
        for StoredColumn { derived, parts } in stored.columns {
            derived.validate(&kinds)?;
            let name = derived.name(&stored.inputs);
            if !names.insert(name.clone()) {
                return Err(Error::input("the stored encoder is broken")
                    .column(name)
                    .got("a column that occurs twice"));
            }
            let kind = derived.form().kind();
            let parts = parts.into_iter().map(|part| part.decode(&name, kind));
            let parts = parts.collect::<Result<_>>()?;
            let source = Source { name: name.into(), kind, optional: false, parts };
            columns.push(DerivedSource { derived, source });
        }
        Ok(Self { inputs: stored.inputs, columns })
    }
}
