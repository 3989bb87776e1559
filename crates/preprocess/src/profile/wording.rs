//! Numbers in sentences.

/// A count with thousands separators: `39,074`.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share as a percentage, never rounded to a false `0 %` or `100 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        "under 0.1 %".to_owned()
    } else if percent < 100.0 && percent > 99.9 {
        "over 99.9 %".to_owned()
    } else if percent == percent.round() || (10.0..=90.0).contains(&percent) {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A share of a whole; 0 of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators_and_shares_are_never_falsely_whole() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let shares = [0.0, 0.000_01, 0.05, 0.256, 0.5, 0.995, 0.999_99, 1.0];
        let expected =
            ["0 %", "under 0.1 %", "5 %", "26 %", "50 %", "99.5 %", "over 99.9 %", "100 %"];
        assert_eq!(shares.map(percent), expected);
    }
}
