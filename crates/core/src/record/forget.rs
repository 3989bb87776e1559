//! What a record may no longer claim once its model is another: one that was edited, or continued.

use super::{CostRecord, RunRecord};

impl RunRecord {
    /// Leaves out what was found about the model as it was. What describes the rows, the plan and
    /// the search stays; who changes the model measures the rest again.
    pub fn forget_findings(&mut self) {
        self.offers.clear();
        self.picked = None;
        self.ensemble.score = None;
        self.ensemble.corrected_score = None;
        self.ensemble.corrected_ci95 = None;
        self.importances.clear();
        self.explanation = None;
        self.slices = None;
        self.fairness = None;
        self.robustness = None;
        self.familiarity = None;
        self.unusual = None;
        self.nested = None;
        self.calibration = None;
        self.second_level = None;
        self.suspects = None;
        self.more_rows = None;
        if let Some(costs) = &mut self.costs {
            // What errors cost is the user's word; what the decisions came to is not.
            let of_user = std::mem::take(&mut costs.costs);
            *costs = CostRecord { costs: of_user, ..CostRecord::default() };
        }
        if let Some(costs) = &mut self.feature_costs {
            costs.path.clear();
        }
        if let Some(intervals) = &mut self.intervals {
            intervals.compared.clear();
        }
    }
}
