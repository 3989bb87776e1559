//! Hyper-parameters, declared once.
//!
//! A learner or transformer declares its parameters with
//! [`declare_params!`](crate::declare_params); validation, `--help`, the documentation table, the
//! search domain and the Python stub all derive from that one declaration. Values are checked
//! once: [`Checked`] is the proof, so that nothing below tests ranges again.

mod foreign;
mod portion;

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, nearest};

pub use portion::Portion;

/// Parameter values by name, as flags, records and plans carry them.
pub type ParamMap = BTreeMap<String, ParamValue>;

/// The value of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// A real number.
    Real(f64),
    /// One of several names, or a text.
    Choice(String),
}

impl std::fmt::Display for ParamValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value}"),
            Self::Choice(value) => write!(f, "{value}"),
        }
    }
}

/// What values a parameter may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// On or off.
    Flag,
    /// A whole number in `min..=max`; `log` searches it on a logarithmic scale.
    Int {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// Whether a search steps by factors.
        log: bool,
    },
    /// A real number in `min..=max`; `log` searches it on a logarithmic scale.
    Real {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Whether a search steps by factors.
        log: bool,
    },
    /// One of these names.
    Choice(&'static [&'static str]),
    /// One of these names, or a [`Portion`] of a whole as text.
    Portion(&'static [&'static str]),
    /// Any text; whoever uses it knows the form, which is said here in words.
    Text(&'static str),
}

impl Domain {
    /// A whole number in `min..=max`.
    pub const fn int(min: i64, max: i64) -> Self {
        Self::Int { min, max, log: false }
    }

    /// A real number in `min..=max`.
    pub const fn real(min: f64, max: f64) -> Self {
        Self::Real { min, max, log: false }
    }

    /// The same range, searched by factors.
    #[must_use]
    pub const fn log(self) -> Self {
        match self {
            Self::Int { min, max, .. } => Self::Int { min, max, log: true },
            Self::Real { min, max, .. } => Self::Real { min, max, log: true },
            other => other,
        }
    }

    /// In words: `a number from 0.001 to 1`.
    pub fn describe(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Int { min, max, .. } => format!("a whole number from {min} to {max}"),
            Self::Real { min, max, .. } => format!("a number from {min} to {max}"),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Portion(names) => format!("one of {}, {}", names.join(", "), Portion::FORM),
            Self::Text(form) => (*form).to_owned(),
        }
    }

    /// Whether `value` lies in the domain (a whole number also counts as real).
    pub fn contains(&self, value: &ParamValue) -> bool {
        match (self, value) {
            (Self::Flag, ParamValue::Flag(_)) | (Self::Text(_), ParamValue::Choice(_)) => true,
            (Self::Int { min, max, .. }, ParamValue::Int(v)) => (min..=max).contains(&v),
            (Self::Real { min, max, .. }, ParamValue::Real(v)) => (min..=max).contains(&v),
            (Self::Real { min, max, .. }, ParamValue::Int(v)) => {
                (*min..=*max).contains(&(*v as f64))
            }
            (Self::Choice(names), ParamValue::Choice(v)) => names.contains(&v.as_str()),
            (Self::Portion(names), ParamValue::Choice(v)) => {
                names.contains(&v.as_str()) || Portion::parse(v).is_some()
            }
            _ => false,
        }
    }

    /// A value just outside the domain, for tests.
    pub fn invalid_value(&self) -> ParamValue {
        match self {
            Self::Flag => ParamValue::Choice("maybe".to_owned()),
            Self::Int { max, .. } => ParamValue::Int(max.saturating_add(1)),
            Self::Real { max, .. } => ParamValue::Real(max + max.abs() + 1.0),
            Self::Choice(_) | Self::Portion(_) => ParamValue::Choice("no such choice".to_owned()),
            Self::Text(_) => ParamValue::Flag(true),
        }
    }

    /// Reads a value from text, as given on a command line.
    pub fn parse(&self, text: &str) -> Option<ParamValue> {
        match self {
            Self::Flag => text.parse().ok().map(ParamValue::Flag),
            Self::Int { .. } => whole(text).map(ParamValue::Int),
            Self::Real { .. } => text.parse().ok().map(ParamValue::Real),
            Self::Choice(_) | Self::Portion(_) | Self::Text(_) => {
                Some(ParamValue::Choice(text.to_owned()))
            }
        }
    }
}

/// A whole number, however it is written: `7`, `7.0`, `1e3`.
fn whole(text: &str) -> Option<i64> {
    let as_real = || text.parse().ok().filter(|v: &f64| v.fract() == 0.0 && v.abs() < 1e15);
    text.parse().ok().or_else(|| as_real().map(|v| v as i64))
}

/// The declaration of one parameter.
#[derive(Debug, Clone, Copy)]
pub struct ParamSpec {
    /// Its name, in scikit-learn's or LightGBM's words where they have one.
    pub name: &'static str,
    /// What values it may take.
    pub domain: Domain,
    /// What it does, in one line.
    pub text: &'static str,
}

/// A set of declared parameters: plain data with a default.
pub trait Params:
    Default + Clone + Send + Sync + Serialize + serde::de::DeserializeOwned + 'static
{
    /// The declarations, in the order in which they are documented.
    const SPECS: &'static [ParamSpec];

    /// The current values by name.
    fn to_map(&self) -> ParamMap;

    /// Sets one value whose type fits; `false` if the name or type is unknown.
    fn set(&mut self, name: &str, value: &ParamValue) -> bool;

    /// Proves that every value lies in its domain.
    ///
    /// # Errors
    /// Input error that names the parameter, its domain and the value.
    fn check(self, owner: &str) -> Result<Checked<Self>> {
        let map = self.to_map();
        for spec in Self::SPECS {
            if !spec.domain.contains(&map[spec.name]) {
                return Err(out_of_domain(owner, spec, &map[spec.name]));
            }
        }
        Ok(Checked(self))
    }

    /// The defaults, changed by `map`, checked.
    ///
    /// # Errors
    /// Input error for an unknown name or a value outside its domain.
    fn from_map(owner: &str, map: &ParamMap) -> Result<Checked<Self>> {
        let mut params = Self::default();
        for (name, value) in map {
            let spec = declared(owner, Self::SPECS, name)?;
            if !spec.domain.contains(value) || !params.set(name, value) {
                return Err(out_of_domain(owner, spec, value));
            }
        }
        params.check(owner)
    }
}

/// Reads `text` as a value of the parameter `name`, one of `specs` of `owner`.
///
/// # Errors
/// Input error for an unknown name, a text that is no such value, or a value outside the domain.
pub fn parse(owner: &str, specs: &[ParamSpec], name: &str, text: &str) -> Result<ParamValue> {
    let spec = declared(owner, specs, name)?;
    match spec.domain.parse(text.trim()) {
        Some(value) if spec.domain.contains(&value) => Ok(value),
        Some(value) => Err(out_of_domain(owner, spec, &value)),
        None => Err(Error::input(format!("parameter `{name}` of {owner} cannot be read"))
            .expected(spec.domain.describe())
            .got(text)
            .hint(spec.text)),
    }
}

/// The declaration of a parameter.
fn declared<'a>(owner: &str, specs: &'a [ParamSpec], name: &str) -> Result<&'a ParamSpec> {
    if let Some(spec) = specs.iter().find(|s| s.name == name) {
        return Ok(spec);
    }
    let known: Vec<&str> = specs.iter().map(|s| s.name).collect();
    let error = Error::input(format!("{owner} has no parameter `{name}`"));
    Err(match (foreign::our_name(name, &known), foreign::why_absent(name)) {
        (Some(ours), _) => error.hint(format!("did you mean `{ours}`?")),
        (None, Some(why)) => error.hint(why),
        (None, None) => error.suggest(name, known),
    })
}

fn out_of_domain(owner: &str, spec: &ParamSpec, value: &ParamValue) -> Error {
    let error = Error::input(format!("parameter `{}` of {owner} is out of range", spec.name))
        .expected(spec.domain.describe())
        .got(value.to_string());
    let near = match (&spec.domain, value) {
        (Domain::Choice(names) | Domain::Portion(names), ParamValue::Choice(value)) => {
            nearest(value, names)
        }
        _ => None,
    };
    error.hint(near.map_or(spec.text.to_owned(), |near| format!("did you mean `{near}`?")))
}

/// Parameters whose values have been proved to lie in their domains.
#[derive(Debug, Clone)]
pub struct Checked<P>(P);

impl<P> Deref for Checked<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

/// A type that can be the field of declared parameters.
pub trait ParamField: Sized {
    /// As a value.
    fn to_value(&self) -> ParamValue;
    /// From a value of a fitting type.
    fn from_value(value: &ParamValue) -> Option<Self>;
}

impl ParamField for f64 {
    fn to_value(&self) -> ParamValue {
        ParamValue::Real(*self)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Real(v) => Some(*v),
            ParamValue::Int(v) => Some(*v as f64),
            _ => None,
        }
    }
}

impl ParamField for usize {
    fn to_value(&self) -> ParamValue {
        ParamValue::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Int(v) => usize::try_from(*v).ok(),
            _ => None,
        }
    }
}

impl ParamField for bool {
    fn to_value(&self) -> ParamValue {
        ParamValue::Flag(*self)
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Flag(v) => Some(*v),
            _ => None,
        }
    }
}

impl ParamField for String {
    fn to_value(&self) -> ParamValue {
        ParamValue::Choice(self.clone())
    }
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Choice(v) => Some(v.clone()),
            _ => None,
        }
    }
}

/// Declares a struct of parameters: name, type, default, domain and text of each, once.
///
/// ```
/// use modelwright_core::{declare_params, params::{Domain, Params}};
///
/// declare_params! {
///     /// Parameters of a ridge regression.
///     pub struct RidgeParams {
///         /// Strength of the penalty on squared coefficients.
///         alpha: f64 = 1.0, Domain::real(0.0, 1e9).log();
///         /// Whether a constant is fitted.
///         fit_intercept: bool = true, Domain::Flag;
///     }
/// }
///
/// assert_eq!(RidgeParams::SPECS[0].text, "Strength of the penalty on squared coefficients.");
/// let wrong = RidgeParams { alpha: -1.0, ..RidgeParams::default() };
/// assert!(wrong.check("ridge").is_err());
/// ```
#[macro_export]
macro_rules! declare_params {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( #[doc = $text:literal] $field:ident : $type:ty = $default:expr, $domain:expr; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        $vis struct $name {
            $( #[doc = $text] pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: ($default).into(), )* }
            }
        }

        impl $crate::params::Params for $name {
            const SPECS: &'static [$crate::params::ParamSpec] = &[
                $( $crate::params::ParamSpec {
                    name: stringify!($field),
                    domain: $domain,
                    text: $text.trim_ascii(),
                }, )*
            ];

            fn to_map(&self) -> $crate::params::ParamMap {
                [ $( (
                    stringify!($field).to_owned(),
                    $crate::params::ParamField::to_value(&self.$field),
                ), )* ].into()
            }

            fn set(&mut self, name: &str, value: &$crate::params::ParamValue) -> bool {
                match name {
                    $( stringify!($field) => {
                        match $crate::params::ParamField::from_value(value) {
                            Some(v) => { self.$field = v; true }
                            None => false,
                        }
                    } )*
                    _ => false,
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::declare_params! {
        /// For the tests.
        struct TestParams {
            /// Step size.
            rate: f64 = 0.1, Domain::real(0.0, 1.0).log();
            /// Rounds.
            rounds: usize = 100_usize, Domain::int(1, 1000);
            /// Whether to shuffle.
            shuffle: bool = true, Domain::Flag;
            /// Which solver.
            solver: String = "auto", Domain::Choice(&["auto", "newton"]);
            /// What to call it.
            label: String = "", Domain::Text("any words");
            /// How many are looked at.
            part: String = "all", Domain::Portion(&["all", "half"]);
        }
    }

    #[test]
    fn one_declaration_gives_default_text_and_check() {
        assert_eq!(TestParams::SPECS[1].text, "Rounds.");
        assert_eq!(TestParams::default().solver, "auto");
        for spec in TestParams::SPECS {
            let map = ParamMap::from([(spec.name.to_owned(), spec.domain.invalid_value())]);
            let error = TestParams::from_map("test", &map).unwrap_err();
            assert!(error.to_string().contains(spec.name), "{error}");
        }
    }

    #[test]
    fn a_text_is_read_by_the_domain_of_its_parameter() {
        let read = |name, text| parse("test", TestParams::SPECS, name, text);
        assert_eq!(read("rate", "0.5").unwrap(), ParamValue::Real(0.5));
        assert_eq!(read("rate", "1e-3").unwrap(), ParamValue::Real(0.001));
        for seven in [" 7 ", "7.0", "0.7e1"] {
            assert_eq!(read("rounds", seven).unwrap(), ParamValue::Int(7));
        }
        assert_eq!(read("shuffle", "false").unwrap(), ParamValue::Flag(false));
        assert_eq!(read("solver", "newton").unwrap(), ParamValue::Choice("newton".to_owned()));
        for part in ["half", "0.3", "4"] {
            assert_eq!(read("part", part).unwrap(), ParamValue::Choice(part.to_owned()));
        }
        for (name, text, fragments) in [
            (
                "rounds",
                "many",
                ["`rounds` of test cannot be read", "a whole number from 1 to 1000"],
            ),
            ("rounds", "2.5", ["`rounds` of test cannot be read", "got:      2.5"]),
            ("rounds", "0", ["`rounds` of test is out of range", "hint:     Rounds."]),
            ("rounds", "", ["`rounds` of test cannot be read", "whole number"]),
            ("rate", "nan", ["`rate` of test is out of range", "a number from 0 to 1"]),
            ("rate", "inf", ["`rate` of test is out of range", "got:      inf"]),
            ("shuffle", "maybe", ["cannot be read", "true or false"]),
            ("solver", "newtn", ["one of auto, newton", "did you mean `newton`"]),
            ("colour", "1", ["test has no parameter `colour`", "known: rate, rounds"]),
            ("lr", "1", ["test has no parameter `lr`", "known: rate"]),
        ] {
            let error = read(name, text).unwrap_err().to_string();
            assert!(fragments.iter().all(|f| error.contains(f)), "{name}={text}: {error}");
        }
    }

    #[test]
    fn maps_round_trip_and_unknown_names_are_suggested() {
        let map = ParamMap::from([("rate".to_owned(), ParamValue::Real(0.5))]);
        assert_eq!(TestParams::from_map("test", &map).unwrap().rate, 0.5);
        let map = ParamMap::from([("label".to_owned(), ParamValue::Choice("a, b".to_owned()))]);
        assert_eq!(TestParams::from_map("test", &map).unwrap().label, "a, b");
        let map = ParamMap::from([("rat".to_owned(), ParamValue::Real(0.5))]);
        let error = TestParams::from_map("test", &map).unwrap_err();
        assert!(error.to_string().contains("did you mean `rate`"), "{error}");
    }
}
