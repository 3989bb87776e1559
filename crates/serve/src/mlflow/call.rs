//! A request that is understood: its fields, and when it came.

use getrandom::fill;
use modelwright_lifecycle::store::tracking::{Search, Searchable};
use serde_json::Value;

use super::fault::{Code, Fault};
use super::fields::Fields;
use super::filter;

/// What is answered: a document, or why not.
pub(super) type Answered = Result<Value, Fault>;

/// A request to an endpoint.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) fields: Fields,
    /// The parts of the path that stand for something.
    pub(super) names: Vec<String>,
    /// Milliseconds since 1970.
    pub(super) now_ms: i64,
    pub(super) n_bytes: usize,
}

impl Call {
    /// A part of the path.
    pub(super) fn name(&self, i: usize) -> &str {
        self.names.get(i).map_or("", String::as_str)
    }

    /// The id of a run; older clients say `run_uuid`.
    pub(super) fn run_id(&self) -> Result<&str, Fault> {
        let fields = &self.fields;
        match fields.text("run_id")?.filter(|id| !id.is_empty()) {
            Some(id) => Ok(id),
            None => fields.needed("run_uuid").map_err(|_| super::fields::missing("run_id")),
        }
    }

    /// A search: conditions, orders and page.
    pub(super) fn search(
        &self,
        of: &Searchable,
        filter_name: &str,
        n_default: i64,
        n_max: i64,
    ) -> Result<Search, Fault> {
        let conditions =
            filter::conditions(of, self.fields.text(filter_name)?.unwrap_or_default())?;
        let order = filter::orders(of, &self.fields.texts("order_by")?)?;
        let (n_max, offset) = self.page(n_default, n_max)?;
        Ok(Search { conditions, order, n_max, offset })
    }

    /// How many are wanted, and from where on.
    pub(super) fn page(&self, n_default: i64, n_max: i64) -> Result<(usize, usize), Fault> {
        let n = self.fields.whole("max_results")?.unwrap_or(n_default);
        if !(1..=n_max).contains(&n) {
            return Err(Fault::invalid(format!(
                "Invalid value {n} for parameter 'max_results' supplied: It must be a positive \
                 integer of at most {n_max}."
            )));
        }
        let offset = match self.fields.text("page_token")?.unwrap_or_default() {
            "" => 0,
            token => token
                .parse()
                .ok()
                .filter(|offset| *offset <= 1 << 53)
                .ok_or_else(|| Fault::invalid("Invalid page token, could not be decoded."))?,
        };
        Ok((n as usize, offset))
    }
}

/// An id that nobody else has: 32 hexadecimal digits.
pub(super) fn new_id() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    fill(&mut bytes).map_err(|e| Fault::new(Code::Internal, format!("No random ids: {e}.")))?;
    // The marks of a random UUID, which is what clients expect.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

const FIRST: [&str; 16] = [
    "amber", "brisk", "calm", "dapper", "eager", "fleet", "gentle", "hardy", "keen", "lucid",
    "mellow", "nimble", "patient", "quiet", "sturdy", "vivid",
];
const SECOND: [&str; 16] = [
    "badger", "crane", "dipper", "egret", "finch", "gannet", "heron", "ibis", "jackdaw", "kestrel",
    "linnet", "marten", "otter", "plover", "shrike", "wren",
];

/// A name for a run that was given none.
pub(super) fn new_name(id: &str) -> String {
    let digits = u32::from_str_radix(id.get(..8).unwrap_or("0"), 16).unwrap_or(0);
    let pick = |words: [&'static str; 16], n: u32| words[(n % 16) as usize];
    format!("{}-{}-{}", pick(FIRST, digits), pick(SECOND, digits >> 4), digits >> 8 & 0x3ff)
}
