//! The technical documentation of a high-risk system under the EU AI Act, as far as a run knows it.
//!
//! Regulation (EU) 2024/1689, Article 11 and Annex IV: nine parts. What the run measured is filled
//! in with its evidence; what only the provider can say stands as a question, so that nothing is
//! missing without being seen.

use std::fmt::Write as _;

use modelwright_core::record::RunRecord;

use super::{Sections, columns, name_of, output, question};
use crate::report::render::markdown::escape;
use crate::report::{number, words};

/// A part of the annex.
struct Part {
    title: &'static str,
    /// What the provider has to say.
    questions: &'static [&'static str],
    /// Sections of the report that are evidence.
    sections: &'static [&'static str],
}

const PARTS: [Part; 9] = [
    Part {
        title: "General description of the AI system",
        questions: &[
            "the intended purpose, the provider's name, and how this version follows earlier ones.",
            "which other hardware and software the system works with, and in which form it is put \
             on the market or into service (file, service, embedded).",
            "the hardware it is meant to run on.",
            "the user interface for the deployer, and the instructions for use (Article 13).",
        ],
        sections: &["decision"],
    },
    Part {
        title: "Elements of the system and the process of its development",
        questions: &[
            "who collected and labelled the data, for which purpose, on which legal ground, and \
             who is not represented in them.",
            "the human oversight that Article 14 asks for.",
            "changes that are foreseen in advance, such as regular retraining, and their limits.",
            "cybersecurity measures around the system.",
        ],
        sections: &[
            "source",
            "target",
            "columns",
            "alerts",
            "leakage",
            "split",
            "plan",
            "leaderboard",
            "ensemble",
            "timing",
            "reproduce",
        ],
    },
    Part {
        title: "Monitoring, functioning and control",
        questions: &[
            "foreseeable unintended outcomes and risks to health, safety and fundamental rights in \
             view of the purpose.",
            "what the persons in charge do when the system is wrong or unsure.",
        ],
        sections: &[
            "performance",
            "discrimination",
            "calibration",
            "confusion",
            "threshold",
            "residuals",
            "intervals",
            "fairness",
            "slices",
            "robustness",
            "importance",
            "explanation",
        ],
    },
    Part {
        title: "Appropriateness of the performance metrics",
        questions: &["why the optimised metric fits the purpose, and what its errors cost whom."],
        sections: &["promise", "nested", "costs"],
    },
    Part {
        title: "Risk management system (Article 9)",
        questions: &["the risks that were identified, their estimation, and the measures taken."],
        sections: &[],
    },
    Part {
        title: "Changes through the lifecycle",
        questions: &["the changes made to earlier versions, and why."],
        sections: &[],
    },
    Part {
        title: "Harmonised standards and other specifications applied",
        questions: &["the standards applied in full or in part, or the solutions in their place."],
        sections: &[],
    },
    Part {
        title: "EU declaration of conformity (Article 47)",
        questions: &["a copy of the declaration."],
        sections: &[],
    },
    Part {
        title: "Post-market monitoring (Article 72)",
        questions: &[
            "the plan: what is watched, how often, by whom, and what happens when a limit is \
             passed.",
        ],
        sections: &[],
    },
];

/// The documentation of a run, in Markdown.
pub fn annex_iv(record: &RunRecord) -> String {
    let sections = Sections::of(record);
    let mut text = format!(
        "# Technical documentation (Annex IV): {}\n\nRegulation (EU) 2024/1689, Article 11. Filled \
         in from the record of a run of Modelwright {} on {}; questions are marked.\n",
        name_of(record),
        words::clean(&record.engine_version),
        words::day(&record.clock.created)
    );
    for (i, part) in PARTS.iter().enumerate() {
        let _ = writeln!(text, "\n## {}. {}\n", i + 1, part.title);
        text.push_str(&facts(record, i));
        for ask in part.questions {
            text.push_str(&question(ask));
        }
        text.push_str(&sections.markdown(part.sections));
    }
    text
}

/// What the record says under a part beyond the report's sections.
fn facts(record: &RunRecord, part: usize) -> String {
    match part {
        0 => format!(
            "- Software: Modelwright {}, record format {}\n- Machine of the training: {}\n- Reads: \
             {}\n- Answers: {}\n\n",
            words::clean(&record.engine_version),
            record.format_version,
            escape(&words::sentence(&record.clock.machine)),
            escape(&columns(record)),
            escape(&output(record))
        ),
        1 => format!(
            "- Training data: {}, {}, SHA-256 `{}`\n- Computation: {} of wall time on {}\n\n",
            escape(&words::quoted(&record.data.name)),
            number::rows(record.data.n_rows),
            words::clean(&record.data.sha256),
            number::seconds(record.clock.total_s),
            number::counted(record.clock.threads, "thread", "threads")
        ),
        8 => "The artifact holds sketches of every training column and the scores on untouched \
              rows with their intervals: what production is compared with.\n\n"
            .to_owned(),
        _ => String::new(),
    }
}
