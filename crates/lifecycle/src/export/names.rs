//! Names of features that other libraries accept.
//!
//! LightGBM parts names by blanks and refuses what JSON gives a meaning; XGBoost refuses brackets
//! and `<`. Such characters become `_`; a name that then occurs twice gets a number.

use std::collections::HashSet;

/// The names, each changed as little as possible.
pub(super) fn allowed<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut allowed = Vec::new();
    for (i, name) in names.enumerate() {
        let plain: String = name.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
        let plain = if plain.is_empty() { format!("f{i}") } else { plain };
        let mut unique = plain.clone();
        let mut number = 2_u64;
        while !taken.insert(unique.clone()) {
            unique = format!("{plain}_{number}");
            number += 1;
        }
        allowed.push(unique);
    }
    allowed
}

fn is_allowed(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"\",:[]{}<>".contains(c)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn characters_that_have_a_meaning_are_replaced_and_names_stay_apart() {
        let names = allowed(["age", "a b", "a_b", "a:b", "c[0]<1", "", "größe=5"].into_iter());
        assert_eq!(names, ["age", "a_b", "a_b_2", "a_b_3", "c_0__1", "f5", "größe=5"]);
    }
}
