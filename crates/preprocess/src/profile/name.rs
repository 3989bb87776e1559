//! What the name of a column says about its meaning.
//!
//! A name is cut into lower-case words at punctuation, digits and camel humps: `CustomerId` and
//! `customer_id` are both `customer id`. Names only ever support evidence from the values.

/// Words that mean a key of a row or of a thing.
const KEYS: [&str; 13] = [
    "id",
    "ids",
    "uuid",
    "guid",
    "key",
    "identifier",
    "nbr",
    "index",
    "idx",
    "rowid",
    "serial",
    "rownum",
    "unnamed",
];
/// Words that end in `id` without meaning a key.
const NOT_KEYS: [&str; 24] = [
    "paid", "unpaid", "prepaid", "bid", "grid", "valid", "invalid", "covid", "acid", "solid",
    "fluid", "humid", "rapid", "mid", "aid", "raid", "void", "avoid", "android", "hybrid", "kid",
    "lipid", "steroid", "thyroid",
];
/// Words that mean a code: numbers without order.
const CODES: [&str; 14] = [
    "zip", "zipcode", "postcode", "postal", "plz", "code", "codes", "fips", "naics", "sku",
    "subclass", "barcode", "isbn", "pincode",
];
/// Words that mean a point in time.
const TIMES: [&str; 15] = [
    "time",
    "date",
    "datetime",
    "timestamp",
    "ts",
    "created",
    "updated",
    "modified",
    "epoch",
    "unix",
    "unixtime",
    "at",
    "when",
    "day",
    "month",
];

/// The words of a name, lower case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for letter in name.chars() {
        let starts =
            !previous.is_alphabetic() || (previous.is_lowercase() && letter.is_uppercase());
        if letter.is_alphabetic() {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        previous = letter;
    }
    words
}

/// Whether the name calls the column a key.
pub(crate) fn says_key(name: &str) -> bool {
    words(name).iter().any(|word| {
        let word = word.as_str();
        KEYS.contains(&word)
            || (word.ends_with("id") && word.len() > 3 && !NOT_KEYS.contains(&word))
    })
}

/// Whether the name calls the column a code.
pub(crate) fn says_code(name: &str) -> bool {
    words(name).iter().any(|word| CODES.contains(&word.as_str()) || word.ends_with("code"))
}

/// Whether the name calls the column a point in time.
pub(crate) fn says_time(name: &str) -> bool {
    words(name).iter().any(|word| {
        TIMES.contains(&word.as_str()) || ["date", "timestamp"].iter().any(|t| word.ends_with(t))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_humps_and_punctuation() {
        assert_eq!(words("CustomerId"), ["customer", "id"]);
        assert_eq!(words("MS SubClass_2"), ["ms", "sub", "class"]);
        assert_eq!(words("passengerID"), ["passenger", "id"]);
    }

    #[test]
    fn keys_codes_and_times_are_told_from_common_words() {
        assert!(
            ["id", "PassengerId", "customerid", "patient_nbr", "row_id"]
                .iter()
                .all(|n| says_key(n))
        );
        assert!(!["amount_paid", "grid", "width", "humid", "aid"].iter().any(|n| says_key(n)));
        assert!(["zip", "Zip Code", "zipcode", "AreaCode"].iter().all(|n| says_code(n)));
        assert!(!["age", "encoder", "zipper"].iter().any(|n| says_code(n)));
        assert!(["created_at", "timestamp", "OrderDate", "orderdate"].iter().all(|n| says_time(n)));
    }
}
