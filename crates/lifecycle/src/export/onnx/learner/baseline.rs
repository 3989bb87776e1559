//! A constant.

use std::any::Any;

use modelwright_core::Result;
use modelwright_learners::baseline::BaselineModel;

use super::super::graph::{Graph, Value};
use super::Setting;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<BaselineModel>()?;
    Some(Ok(setting.constant(graph, model.constant())))
}
