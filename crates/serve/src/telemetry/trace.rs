//! Traces: whose request this is a part of, by W3C's `traceparent`, and what became of it.
//!
//! Reference: W3C Trace Context, level 2 (2024). `traceresponse`, which tells the caller the ids
//! that were used, is of its draft.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::{HeaderMap, HeaderName};

/// The longest list of vendors' states that is passed on; the standard lets longer ones be cut.
const STATE_BYTES_MAX: usize = 512;

/// The ids of a request's span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceIds {
    /// Of the whole trace.
    pub(crate) trace: u128,
    /// Of what asked; `None` where the trace begins here.
    pub(crate) parent: Option<u64>,
    /// Of this request.
    pub(crate) span: u64,
    /// Whether it is recorded.
    pub(crate) is_sampled: bool,
    /// What vendors say of the trace.
    pub(crate) state: Option<String>,
}

impl TraceIds {
    /// As the header `traceparent` of those that are asked in turn.
    pub(crate) fn header(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

/// Numbers of new spans and traces, different in every process.
pub(crate) struct Ids {
    base: u64,
    next: AtomicU64,
    /// The share of traces that begin here and are recorded.
    sample: f64,
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids").field("sample", &self.sample).finish_non_exhaustive()
    }
}

impl Ids {
    /// Of a process that recorded `sample` of the traces that begin here.
    pub(crate) fn new(sample: f64) -> Self {
        let mut bits = [0; 8];
        // Without randomness ids still differ within the process.
        let _ = getrandom::fill(&mut bits);
        Self { base: u64::from_le_bytes(bits), next: AtomicU64::new(0), sample }
    }

    /// The ids of a request with these headers.
    pub(crate) fn of(&self, headers: &HeaderMap) -> TraceIds {
        const PARENT: HeaderName = HeaderName::from_static("traceparent");
        const STATE: HeaderName = HeaderName::from_static("tracestate");
        let mut parents = headers.get_all(PARENT).iter();
        let parent = parents.next().and_then(|v| v.to_str().ok()).and_then(parse);
        let span = self.number();
        // Two of them are none.
        if let Some((trace, parent, is_sampled)) = parent.filter(|_| parents.next().is_none()) {
            let state = headers.get(STATE).and_then(|v| v.to_str().ok());
            let state = state.filter(|s| !s.is_empty() && s.len() <= STATE_BYTES_MAX);
            let state = state.map(str::to_owned);
            return TraceIds { trace, parent: Some(parent), span, is_sampled, state };
        }
        let (high, low) = (self.number(), self.number());
        let trace = u128::from(high) << 64 | u128::from(low);
        let is_sampled = ((low >> 11) as f64) < self.sample * (1_u64 << 53) as f64;
        TraceIds { trace, parent: None, span, is_sampled, state: None }
    }

    /// A number that is not 0, by SplitMix64 (Steele, Lea, Flood, 2014).
    fn number(&self) -> u64 {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let z = self.base.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).max(1)
    }
}

/// Trace, parent and whether it is recorded, of a `traceparent`; `None` where it is not sound.
fn parse(text: &str) -> Option<(u128, u64, bool)> {
    let mut parts = text.trim().split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let is_hex = |part: &str, n: usize| {
        part.len() == n && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_sound =
        is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    // A later version may have more parts.
    if !is_sound || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
    let parent = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
    Some((trace, parent, u8::from_str_radix(flags, 16).ok()? & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parent: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", parent.parse().unwrap());
        headers.append("tracestate", "a=1".parse().unwrap());
        headers
    }

    #[test]
    fn a_request_belongs_to_the_trace_that_it_names() {
        let ids = Ids::new(0.0).of(&headers(PARENT));
        assert_eq!(ids.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((ids.parent, ids.is_sampled), (Some(0x00f0_67aa_0ba9_02b7), true));
        assert_eq!(ids.state.as_deref(), Some("a=1"));
        let header = ids.header();
        assert_eq!(header[..36], PARENT[..36]);
        assert_eq!(parse(&header), Some((ids.trace, ids.span, true)));
    }

    #[test]
    fn what_is_not_sound_begins_a_new_trace() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        ] {
            let ids = Ids::new(1.0).of(&headers(wrong));
            assert_eq!((ids.parent, ids.is_sampled, ids.state), (None, true, None), "{wrong}");
        }
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more";
        assert_eq!(parse(later).unwrap().1, 0x00f0_67aa_0ba9_02b7);
        let mut two = headers(PARENT);
        two.append("traceparent", PARENT.parse().unwrap());
        assert_eq!(Ids::new(1.0).of(&two).parent, None);
    }

    #[test]
    fn about_the_wished_share_of_new_traces_is_recorded() {
        let ids = Ids::new(0.25);
        let none = HeaderMap::new();
        let n = (0..4000).filter(|_| ids.of(&none).is_sampled).count();
        assert!((850..1150).contains(&n), "{n}");
    }
}
