//! Thinning a curve to few points while keeping its shape.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use modelwright_core::record::CurvePoint;

/// Keeps both ends and the points where the curve departs most from what is kept so far
/// (Ramer–Douglas–Peucker, driven by a number of points instead of a tolerance).
pub(super) fn thin(points: Vec<CurvePoint>, n_max: usize) -> Vec<CurvePoint> {
    if points.len() <= n_max.max(2) {
        return points;
    }
    let mut kept = vec![0, points.len() - 1];
    let mut open = BinaryHeap::new();
    open.extend(Span::new(&points, 0, points.len() - 1));
    while kept.len() < n_max {
        let Some(span) = open.pop() else { break };
        kept.push(span.farthest);
        open.extend(Span::new(&points, span.start, span.farthest));
        open.extend(Span::new(&points, span.farthest, span.end));
    }
    kept.sort_unstable();
    kept.into_iter().map(|at| points[at]).collect()
}

/// A stretch between two kept points and the point in it that is farthest from its chord.
struct Span {
    distance: f64,
    start: usize,
    end: usize,
    farthest: usize,
}

impl Span {
    /// `None` when the stretch is straight.
    fn new(points: &[CurvePoint], start: usize, end: usize) -> Option<Self> {
        let (a, b) = (points[start], points[end]);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length = dx.hypot(dy);
        let mut far = Self { distance: 0.0, start, end, farthest: start };
        for (at, p) in points.iter().enumerate().take(end).skip(start + 1) {
            let (px, py) = (p.x - a.x, p.y - a.y);
            let distance =
                if length > 0.0 { (dx * py - dy * px).abs() / length } else { px.hypot(py) };
            if distance > far.distance {
                far.distance = distance;
                far.farthest = at;
            }
        }
        (far.distance > 1e-12).then_some(far)
    }
}

impl Ord for Span {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(other.start.cmp(&self.start))
    }
}

impl PartialOrd for Span {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Span {}
