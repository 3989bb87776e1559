"""Measures the tree engine beside other people's; run it with `cargo xtask bench trees`.

| file | concern |
|---|---|
| `configurations` | what is measured: every configuration of every suite is a value in one table |
| `tables` | the data: made with a fixed seed, or read from a folder, and kept as plain arrays |
| `process` | a fresh process and what it cost: time, memory, what the rest of the machine did |
| `child` | what runs inside a fresh process of a peer |
| `peers` | how each peer bins, trains and predicts |
| `results` | medians, ratios, JSON and Markdown |
| `suite_*` | one suite each |
"""
