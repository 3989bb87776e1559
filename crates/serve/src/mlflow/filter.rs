//! Search texts: `metrics.rmse < 1 AND params.model = 'tree'`, and `metrics.rmse DESC`.
//!
//! Conditions joined by `AND`, as MLflow's clients write them. A name is `metrics.`, `params.`,
//! `tags.` or `datasets.` and a key, or an attribute; keys with other signs stand in double quotes
//! or backticks. Texts stand in single or double quotes.

use modelwright_lifecycle::store::tracking::{
    Comparison, Condition, Operand, Order, Searchable, Subject,
};

use super::fault::Fault;

/// A piece of a search text.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or a word, as it stands there.
    Word(String),
    Number(f64),
    /// A quoted text without its quotation marks.
    Text(String),
    Operator(&'static str),
    Open,
    Comma,
    Close,
}

/// Longer ones first.
const OPERATORS: [&str; 6] = ["!=", ">=", "<=", "=", ">", "<"];

/// The conditions of a search text; none of an empty one.
pub(super) fn conditions(of: &Searchable, text: &str) -> Result<Vec<Condition>, Fault> {
    let tokens = split(text)?;
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let is_and = |token: &Token| is_word(token, "and");
    tokens.split(is_and).map(|clause| condition(of, clause, text)).collect()
}

/// The orders of a search.
pub(super) fn orders(of: &Searchable, texts: &[&str]) -> Result<Vec<Order>, Fault> {
    texts.iter().filter(|text| !text.trim().is_empty()).map(|text| order(of, text)).collect()
}

fn order(of: &Searchable, text: &str) -> Result<Order, Fault> {
    let text = text.trim();
    let (name, ascending) = match text.rsplit_once(char::is_whitespace) {
        Some((name, way)) if way.eq_ignore_ascii_case("desc") => (name, false),
        Some((name, way)) if way.eq_ignore_ascii_case("asc") => (name, true),
        _ => (text, true),
    };
    let subject = subject(of, name.trim())?;
    let is_possible = match &subject {
        Subject::Attribute(name) => of.attribute(name).is_some_and(|a| a.in_order),
        Subject::Dataset(_) => false,
        _ => true,
    };
    if is_possible {
        return Ok(Order { subject, ascending });
    }
    Err(Fault::invalid(format!("Invalid order_by entity: '{text}'.")))
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(own) if own.eq_ignore_ascii_case(word))
}

fn split(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
        let n_bytes = match (first, operator) {
            ('(', _) => one(&mut tokens, Token::Open),
            (')', _) => one(&mut tokens, Token::Close),
            (',', _) => one(&mut tokens, Token::Comma),
            (_, Some(operator)) => {
                tokens.push(Token::Operator(operator));
                operator.len()
            }
            ('\'' | '"', _) => {
                let length = quoted(rest, first).ok_or_else(|| unclosed(text))?;
                tokens.push(Token::Text(rest[1..length - 1].to_owned()));
                length
            }
            _ => {
                let length = word(rest).ok_or_else(|| unclosed(text))?;
                let word = &rest[..length];
                let is_number = word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
                tokens.push(match word.parse::<f64>() {
                    Ok(number) if is_number => Token::Number(number),
                    _ => Token::Word(word.to_owned()),
                });
                length
            }
        };
        rest = rest[n_bytes..].trim_start();
    }
    Ok(tokens)
}

fn one(tokens: &mut Vec<Token>, token: Token) -> usize {
    tokens.push(token);
    1
}

/// How long a text in quotation marks is; a doubled or escaped mark does not end it.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let bytes = text.as_bytes();
    let mark = mark as u8;
    let mut i = 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            byte if byte == mark && mark == b'\'' && bytes.get(i + 1) == Some(&mark) => i += 2,
            byte if byte == mark => return Some(i + 1),
            _ => i += 1,
        }
    }
    None
}

/// How long a name is, quoted parts of it included.
fn word(text: &str) -> Option<usize> {
    let mut i = 0;
    while let Some(c) = text[i..].chars().next() {
        match c {
            '`' | '"' => i += 1 + text[i + 1..].find(c)? + 1,
            c if c.is_whitespace() || "=!<>(),'".contains(c) => break,
            c => i += c.len_utf8(),
        }
    }
    // A lone sign that is no operator, such as `!`, is a word of its own.
    Some(if i == 0 { text.chars().next().map_or(0, char::len_utf8) } else { i })
}

fn unclosed(text: &str) -> Fault {
    Fault::invalid(format!("Invalid filter '{text}': a quotation mark is not closed."))
}

/// What a name means.
fn subject(of: &Searchable, name: &str) -> Result<Subject, Fault> {
    let (entity, key) = name.split_once('.').unwrap_or(("attributes", name));
    let key = unquoted(key);
    let entity = unquoted(entity);
    let subject = match entity {
        "metric" | "metrics" if of.has_metrics() => Subject::Metric(key.to_owned()),
        "parameter" | "parameters" | "param" | "params" if of.has_params() => {
            Subject::Param(key.to_owned())
        }
        "tag" | "tags" => Subject::Tag(key.to_owned()),
        "dataset" | "datasets" if of.has_datasets() => {
            if !matches!(key, "name" | "digest" | "context") {
                return Err(Fault::invalid(format!(
                    "Invalid dataset key '{key}' specified. Valid keys are name, digest, context."
                )));
            }
            Subject::Dataset(key.to_owned())
        }
        "attribute" | "attributes" | "attr" | "run" => {
            if of.attribute(key).is_none() {
                let known: Vec<&str> = of.attributes.iter().map(|a| a.names[0]).collect();
                return Err(Fault::invalid(format!(
                    "Invalid attribute key '{key}' specified. Valid keys are {}.",
                    known.join(", ")
                )));
            }
            Subject::Attribute(key.to_owned())
        }
        _ => return Err(Fault::invalid(format!("Invalid entity type '{entity}'."))),
    };
    Ok(subject)
}

fn unquoted(text: &str) -> &str {
    for mark in ['`', '"', '\''] {
        if let Some(inner) = text.strip_prefix(mark).and_then(|t| t.strip_suffix(mark)) {
            return inner;
        }
    }
    text
}

fn condition(of: &Searchable, clause: &[Token], text: &str) -> Result<Condition, Fault> {
    let broken = || {
        Fault::invalid(format!(
            "Invalid clause(s) in filter string: '{text}'. A clause has a name, a comparison and a \
             value; clauses are joined by AND."
        ))
    };
    let Some((Token::Word(name), rest)) = clause.split_first() else { return Err(broken()) };
    let subject = subject(of, name)?;
    let (comparison, value) = comparison(rest).ok_or_else(broken)?;
    check(of, &subject, comparison)?;
    let operand = operand(of, &subject, comparison, value).ok_or_else(broken)??;
    Ok(Condition { subject, comparison, operand })
}

/// The comparison that a clause goes on with, and what is left behind it.
fn comparison(rest: &[Token]) -> Option<(Comparison, &[Token])> {
    let (first, more) = rest.split_first()?;
    if let Token::Operator(operator) = first {
        return Some((Comparison::Is(operator), more));
    }
    let word = |token: Option<&Token>, word: &str| token.is_some_and(|t| is_word(t, word));
    if is_word(first, "like") {
        return Some((Comparison::Like, more));
    }
    if is_word(first, "ilike") {
        return Some((Comparison::LikeAnyCase, more));
    }
    if is_word(first, "in") {
        return Some((Comparison::In, more));
    }
    if is_word(first, "not") && word(more.first(), "in") {
        return Some((Comparison::NotIn, &more[1..]));
    }
    if is_word(first, "is") && word(more.first(), "null") {
        return Some((Comparison::IsNull, &more[1..]));
    }
    let is_not = is_word(first, "is") && word(more.first(), "not");
    (is_not && word(more.get(1), "null")).then(|| (Comparison::IsNotNull, &more[2..]))
}

/// Refuses comparisons that make no sense for what is compared.
fn check(of: &Searchable, subject: &Subject, comparison: Comparison) -> Result<(), Fault> {
    let is_equality = matches!(comparison, Comparison::Is("=" | "!="));
    let is_pattern = matches!(comparison, Comparison::Like | Comparison::LikeAnyCase);
    let is_list = matches!(comparison, Comparison::In | Comparison::NotIn);
    let is_null = matches!(comparison, Comparison::IsNull | Comparison::IsNotNull);
    let fits = match subject {
        Subject::Metric(_) => matches!(comparison, Comparison::Is(_)),
        Subject::Param(_) | Subject::Tag(_) => {
            is_equality || is_pattern || (is_null && of.asks_for_null)
        }
        Subject::Dataset(_) => is_equality || is_pattern || is_list,
        Subject::Attribute(name) => {
            let attribute = of.attribute(name).filter(|attribute| attribute.in_filter);
            let Some(attribute) = attribute else {
                return Err(Fault::invalid(format!("Invalid attribute name: {name}")));
            };
            let may_list = attribute.names.iter().any(|name| of.lists.contains(name));
            if attribute.is_number {
                matches!(comparison, Comparison::Is(_))
            } else {
                is_equality || is_pattern || (is_list && may_list)
            }
        }
    };
    if fits { Ok(()) } else { Err(Fault::invalid(unfit(subject, comparison))) }
}

fn unfit(subject: &Subject, comparison: Comparison) -> String {
    let name = match comparison {
        Comparison::Is(operator) => operator,
        Comparison::Like => "LIKE",
        Comparison::LikeAnyCase => "ILIKE",
        Comparison::In => "IN",
        Comparison::NotIn => "NOT IN",
        Comparison::IsNull => "IS NULL",
        Comparison::IsNotNull => "IS NOT NULL",
    };
    let what = match subject {
        Subject::Metric(key) => format!("metric '{key}'"),
        Subject::Param(key) => format!("parameter '{key}'"),
        Subject::Tag(key) => format!("tag '{key}'"),
        Subject::Attribute(key) => format!("attribute '{key}'"),
        Subject::Dataset(key) => format!("dataset '{key}'"),
    };
    format!("Invalid comparator '{name}' for {what}.")
}

/// The value that is compared with; `None` when the clause has no such shape.
fn operand(
    of: &Searchable,
    subject: &Subject,
    comparison: Comparison,
    value: &[Token],
) -> Option<Result<Operand, Fault>> {
    if matches!(comparison, Comparison::IsNull | Comparison::IsNotNull) {
        return value.is_empty().then_some(Ok(Operand::None));
    }
    if matches!(comparison, Comparison::In | Comparison::NotIn) {
        return list(value);
    }
    let [value] = value else { return None };
    let is_number = match subject {
        Subject::Metric(_) => true,
        Subject::Attribute(name) => of.attribute(name).is_some_and(|a| a.is_number),
        _ => false,
    };
    Some(match value {
        Token::Number(number) if is_number => Ok(Operand::Number(*number)),
        Token::Text(text) if !is_number => Ok(Operand::Text(text.clone())),
        other if is_number => {
            Err(Fault::invalid(format!("Expected numeric value type for metric. Found {other:?}")))
        }
        other => Err(Fault::invalid(format!(
            "Expected a quoted string value (e.g. 'my-value'). Got value {other:?}"
        ))),
    })
}

/// Texts in parentheses.
fn list(value: &[Token]) -> Option<Result<Operand, Fault>> {
    let inner = value.strip_prefix(&[Token::Open])?.strip_suffix(&[Token::Close])?;
    let inner = inner.strip_suffix(&[Token::Comma]).unwrap_or(inner);
    let mut texts = Vec::new();
    for item in inner.split(|token| *token == Token::Comma) {
        let [Token::Text(text)] = item else {
            return Some(Err(Fault::invalid(
                "While parsing a list in the query, expected string value or punctuation.",
            )));
        };
        texts.push(text.clone());
    }
    Some(Ok(Operand::List(texts)))
}

#[cfg(test)]
mod tests {
    use modelwright_lifecycle::store::tracking::{EXPERIMENTS, MODEL_VERSIONS, RUNS};

    use super::*;

    fn one(text: &str) -> Condition {
        let mut found = conditions(&RUNS, text).unwrap();
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0)
    }

    #[test]
    fn conditions_are_understood_as_clients_write_them() {
        let found = conditions(&RUNS, "metrics.rmse < 1e-1 and params.\"a b\" = 'x''y'").unwrap();
        assert_eq!(found[0].subject, Subject::Metric("rmse".to_owned()));
        assert_eq!(found[0].comparison, Comparison::Is("<"));
        assert_eq!(found[0].operand, Operand::Number(0.1));
        assert_eq!(found[1].subject, Subject::Param("a b".to_owned()));
        assert_eq!(found[1].operand, Operand::Text("x''y".to_owned()));
        assert_eq!(one("tags.`mlflow.user`!=\"me\"").subject, Subject::Tag("mlflow.user".into()));
        assert_eq!(one("tags.a.b LIKE '%x%'").subject, Subject::Tag("a.b".to_owned()));
        assert_eq!(one("attributes.run_id IN ('a', 'b',)").operand, {
            Operand::List(vec!["a".to_owned(), "b".to_owned()])
        });
        assert_eq!(one("run_id not in ('a')").comparison, Comparison::NotIn);
        assert_eq!(one("tags.x IS NOT NULL").comparison, Comparison::IsNotNull);
        assert_eq!(one("attribute.`Run name` ilike 'A%'").comparison, Comparison::LikeAnyCase);
        assert_eq!(one("params.and = '(and'").operand, Operand::Text("(and".to_owned()));
        assert!(conditions(&RUNS, " ").unwrap().is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_never_panics() {
        for text in [
            "metrics.a",
            "metrics.a > 'x'",
            "params.a = 1",
            "params.a > 'x'",
            "nothing.a = 'x'",
            "attributes.nothing = 'x'",
            "metrics.a > 1 or metrics.b > 1",
            "metrics.a > 1 and",
            "and",
            "tags.a = 'x",
            "tags.`a = 'x'",
            "run_id IN 'a'",
            "run_id IN (a)",
            "run_id IN (",
            "status IN ('a')",
            "metrics.a IS NULL",
            "datasets.size = 'x'",
            "! = =",
            "é",
            "tags.é = 'é\\",
            "(",
        ] {
            assert!(conditions(&RUNS, text).is_err(), "{text}");
        }
        assert!(conditions(&EXPERIMENTS, "metrics.a > 1").is_err());
        assert!(conditions(&MODEL_VERSIONS, "creation_timestamp > 1").is_err());
    }

    #[test]
    fn orders_name_what_can_be_ordered() {
        let found = orders(&RUNS, &["metrics.`a b` DESC", "start_time", "tags.x asc"]).unwrap();
        assert_eq!(found[0].subject, Subject::Metric("a b".to_owned()));
        assert!(!found[0].ascending && found[1].ascending && found[2].ascending);
        assert!(orders(&RUNS, &["nothing DESC"]).is_err());
        assert!(orders(&MODEL_VERSIONS, &["run_id"]).is_err());
    }
}
