//! The terminal: progress for people, colour where it is wanted.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use voxproof_record::{Counts, Designation};
use voxproof_runner::{Progress, ProgressSink};
use voxproof_spec::Verdict;

use crate::args::Colour;
use crate::exit::Exit;

/// Writes to standard output; a reader that has seen enough (`| head`) ends the program without a word.
pub(crate) fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(Exit::Pass as i32);
    }
}

/// Like `println!`, for a reader that may go away.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::terminal::write((format!($($argument)*) + "\n").as_bytes())
    };
}
pub(crate) use say;

/// Whether to use colour on standard error.
pub(crate) fn colour(choice: Colour) -> bool {
    match choice {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}

/// A verdict as a word of fixed width.
pub(crate) fn verdict(verdict: Verdict, colour: bool) -> String {
    let word = format!("{:<6}", verdict.word());
    if !colour {
        return word;
    }
    let code = match verdict {
        Verdict::Pass => "32",
        Verdict::Fail => "31",
        Verdict::Error => "35",
        Verdict::Inconc | Verdict::None => "33",
    };
    format!("\u{1b}[{code}m{word}\u{1b}[0m")
}

struct Human {
    bar: ProgressBar,
    colour: bool,
    running: BTreeMap<String, String>,
}

impl Human {
    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            let _ = writeln!(std::io::stderr(), "{text}");
        } else {
            self.bar.println(text);
        }
    }

    fn tell(&mut self, progress: Progress) {
        match progress {
            Progress::RunStarted {
                run_id,
                selected,
                total,
                expected_s,
                jobs,
                ..
            } => {
                self.line(&format!(
                    "run {run_id}: {selected} of {total} cases, {expected_s:.0} s of test time, {jobs} at a time"
                ));
                self.bar.set_length(selected as u64);
                let style =
                    ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} {wide_msg}");
                if let Ok(style) = style {
                    self.bar.set_style(style.progress_chars("=> "));
                }
                self.bar.enable_steady_tick(Duration::from_millis(250));
            }
            Progress::CaseStarted { case, .. } => {
                self.running.insert(case, String::new());
                self.show();
            }
            Progress::Step { case, step } => {
                self.running.insert(case, step);
                self.show();
            }
            Progress::CaseFinished {
                case,
                title,
                verdict: what,
                reason,
                wall_s,
            } => {
                self.running.remove(&case);
                self.line(&format!(
                    "{} {case}  {title}  ({wall_s:.1} s)",
                    verdict(what, self.colour)
                ));
                if !reason.is_empty() {
                    self.line(&format!("       {reason}"));
                }
                self.bar.inc(1);
                self.show();
            }
            Progress::Note { text } => self.line(&text),
            Progress::RunFinished {
                path,
                counts,
                designation,
                wall_s,
                waiting_s,
                interrupted,
            } => {
                self.bar.finish_and_clear();
                let mut text = format!("\n{} in {wall_s:.1} s", counts_line(counts));
                if let Some(waiting_s) = waiting_s.filter(|waiting_s| *waiting_s > 0.0) {
                    let times = wall_s / waiting_s;
                    text += &format!(", {times:.2} times the {waiting_s:.1} s that its cases have to wait");
                }
                text.push('\n');
                if interrupted {
                    text += &format!(
                        "the run was stopped; go on with: voxproof resume {}\n",
                        path.display()
                    );
                } else {
                    text += &designation_line("Certified", &designation.certified);
                    text += &designation_line("Works with", &designation.works_with);
                    text += "unofficial results; not a certification or endorsement\n";
                }
                let _ = write!(std::io::stderr(), "{text}");
            }
        }
    }

    fn show(&self) {
        let text = self
            .running
            .iter()
            .map(|(case, step)| {
                if step.is_empty() {
                    case.clone()
                } else {
                    format!("{case}: {step}")
                }
            })
            .collect::<Vec<_>>()
            .join(" | ");
        self.bar.set_message(text);
    }
}

/// Counts in words.
pub(crate) fn counts_line(counts: Counts) -> String {
    format!(
        "{} passed, {} failed, {} inconclusive, {} in error, {} not applicable, {} not run",
        counts.pass, counts.fail, counts.inconc, counts.error, counts.not_applicable, counts.not_run
    )
}

/// A designation in words.
pub(crate) fn designation_line(name: &str, designation: &Designation) -> String {
    if designation.meets {
        return format!("meets the requirements of {name}\n");
    }
    let mut text = format!("does not meet the requirements of {name}:\n");
    for reason in designation.reasons.iter().take(5) {
        text += &format!("  - {reason}\n");
    }
    if designation.reasons.len() > 5 {
        text += &format!("  - and {} more, see the report\n", designation.reasons.len() - 5);
    }
    text
}

/// Progress for people on standard error: a bar on a terminal, a line a case elsewhere.
pub(crate) fn human(colour: bool) -> ProgressSink {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let human = Mutex::new(Human {
        bar,
        colour,
        running: BTreeMap::new(),
    });
    Arc::new(move |progress| {
        human
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tell(progress);
    })
}

/// Progress as JSON Lines on standard output.
pub(crate) fn json_lines() -> ProgressSink {
    Arc::new(|progress| {
        if let Ok(line) = serde_json::to_string(&progress) {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    })
}
