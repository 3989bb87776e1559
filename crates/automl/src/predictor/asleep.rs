//! Parts of a predictor that are code of their user's own, and sleep after it was read.

use std::sync::Arc;

use modelwright_core::Result;
use modelwright_learners::own::{OwnFitted, OwnModel, needs_program};

use super::Predictor;

/// Makes of the stored bytes of a model what predicts; the model says whose it is.
pub(super) type Waker<'a> = dyn FnMut(&OwnModel, &[u8]) -> Result<Arc<dyn OwnFitted>> + 'a;

impl Predictor {
    /// Makes sure that every part can predict.
    ///
    /// # Errors
    /// Input error that says which part needs Python, and what it was made with.
    pub fn must_be_awake(&self) -> Result<()> {
        let asleep = self.own_models().find(|own| own.asleep().is_some());
        asleep.map_or(Ok(()), |own| Err(needs_program(own.name(), own.needs())))
    }

    /// Wakes what sleeps by `read`.
    ///
    /// # Errors
    /// As `read`.
    pub fn wake(&mut self, read: &mut Waker<'_>) -> Result<()> {
        for fitted in self.members.iter_mut().flat_map(|member| &mut member.models) {
            let Some(own) = OwnModel::of_mut(fitted) else { continue };
            let Some(bytes) = own.asleep() else { continue };
            let awake = read(own, bytes)?;
            own.wake(awake);
        }
        Ok(())
    }

    /// Wakes what sleeps by the same models of another copy of this predictor.
    pub fn wake_like(&mut self, other: &Self) {
        let members = self.members.iter_mut().zip(&other.members);
        for (fitted, awake) in members.flat_map(|(m, o)| m.models.iter_mut().zip(&o.models)) {
            let awake = OwnModel::of(awake).and_then(OwnModel::fitted);
            if let (Some(own), Some(awake)) = (OwnModel::of_mut(fitted), awake) {
                own.wake(awake.clone());
            }
        }
    }

    fn own_models(&self) -> impl Iterator<Item = &OwnModel> {
        self.members.iter().flat_map(|member| &member.models).filter_map(OwnModel::of)
    }
}
