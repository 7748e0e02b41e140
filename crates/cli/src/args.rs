//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Certification testing of voice devices: calls a device, measures what comes back, judges it, and writes a report that
/// anyone can check again from the evidence.
#[derive(Debug, Parser)]
#[command(name = "voxproof", version, long_about = None, after_help = "Exit codes: 0 all applicable cases passed, 1 a case failed, 2 usage, 3 invalid specification, \
4 nothing selected, 5 incomplete, 6 device or rig unreachable, 7 record could not be written, 70 internal, 130 interrupted.")]
pub(crate) struct Cli {
    /// When to use colour on the terminal.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a suite against a device.
    Run(RunArgs),
    /// Go on with a run that was stopped: the cases without a verdict.
    Resume(ResumeArgs),
    /// Run cases of a finished run once more; every attempt stays in the record.
    Rerun(RerunArgs),
    /// Run suites in guests whose clock is virtual: real phones, exact times, whatever else the machine does.
    #[command(subcommand)]
    Lab(LabCommand),
    /// Show what applies to a device and why, and how long it will take. The device is not touched.
    Plan(PlanArgs),
    /// List the cases of suites, or the faults of the simulated phone.
    List(ListArgs),
    /// Check suites, cases and device files; nothing is run.
    Lint(LintArgs),
    /// Derive every verdict of a run again from its evidence; exit code 1 if one differs.
    Judge(JudgeArgs),
    /// Write the reports of a run again from its record.
    Report(ReportArgs),
    /// Call a SIP address once, or many times at a rate, or be called; outside of any suite.
    Call(CallArgs),
    /// Measure recordings: levels, speech level, loudness, spectrum, noise.
    Measure(MeasureArgs),
    /// Compare recordings with their references: delay, integrity, gain, response, quality.
    Analyze(Box<AnalyzeArgs>),
    /// Write a test signal as WAV: tones, noises, sweeps, composite source signals.
    Stimulus(StimulusArgs),
    /// Check whether this machine and a device file are fit for a run.
    Doctor(DoctorArgs),
    /// Print the JSON Schema of a file format.
    Schema(SchemaArgs),
    /// Explain a diagnostic code.
    Explain(ExplainArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page.
    Man,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    /// A vendor's own run.
    Precert,
    /// The rules of a certification run.
    Certification,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    /// The most stringent requirements.
    Certified,
    /// The minimum requirements.
    WorksWith,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// For people, on standard error.
    Human,
    /// One JSON object a line, on standard output.
    JsonLines,
}

/// What is run, against what, and where the record goes.
#[derive(Debug, Args)]
pub(crate) struct WhatToRun {
    /// Folder of the suite.
    pub(crate) suite: PathBuf,
    /// Device file, or `sim`, or `sim:FAULT,...` for the simulated phone with faults.
    #[arg(long)]
    pub(crate) device: String,
    /// Folder in which the run gets a folder of its own.
    #[arg(long, default_value = "runs")]
    pub(crate) out: PathBuf,
    /// Rules of the run.
    #[arg(long, value_enum, default_value_t = ProfileArg::Precert)]
    pub(crate) profile: ProfileArg,
    /// Designation that the verdicts aim at.
    #[arg(long, value_enum, default_value_t = TargetArg::Certified)]
    pub(crate) target: TargetArg,
    /// Only cases that satisfy this expression: `id.startsWith("IPP-HLD")`, `severity == "ko"`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) only: Option<String>,
    /// Seed of tags, branches and stream starts.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where progress goes.
    #[arg(long, value_enum, default_value_t = MessageFormat::Human)]
    pub(crate) message_format: MessageFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) what: WhatToRun,
    /// Cases at the same time; only the simulated phone can take more than one. [default: 8 for the simulated phone]
    #[arg(long)]
    pub(crate) jobs: Option<usize>,
    /// Simulated phone only: time is virtual, a run takes seconds and is the same every time.
    #[arg(long)]
    pub(crate) virtual_time: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// Build the guests' kernel from Debian's kernel source, once; some minutes.
    Build,
    /// Run a suite, every case in a guest of its own.
    Run(LabRunArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LabRunArgs {
    #[command(flatten)]
    pub(crate) what: WhatToRun,
    /// Guests at the same time. [default: one a processor]
    #[arg(long)]
    pub(crate) jobs: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Run folder.
    pub(crate) run: PathBuf,
    /// Where progress goes.
    #[arg(long, value_enum, default_value_t = MessageFormat::Human)]
    pub(crate) message_format: MessageFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// Run folder.
    pub(crate) run: PathBuf,
    /// Which cases: `failed`, `inconc`, `error`, or case ids.
    #[arg(long, value_delimiter = ',', default_value = "failed,inconc,error")]
    pub(crate) only: Vec<String>,
    /// Where progress goes.
    #[arg(long, value_enum, default_value_t = MessageFormat::Human)]
    pub(crate) message_format: MessageFormat,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Folder of the suite.
    pub(crate) suite: PathBuf,
    /// Device file, or `sim`.
    #[arg(long)]
    pub(crate) device: String,
    /// Only cases that satisfy this expression.
    #[arg(long, value_name = "EXPR")]
    pub(crate) only: Option<String>,
    /// As JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Suite folders, or a folder of suites.
    #[arg(default_value = "test-specs")]
    pub(crate) suites: Vec<PathBuf>,
    /// List the faults of the simulated phone instead.
    #[arg(long)]
    pub(crate) faults: bool,
    /// As JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Suite folders, case files, device files.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Run folder.
    pub(crate) run: PathBuf,
    /// Judge by these limits instead of the recorded ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run folder.
    pub(crate) run: PathBuf,
    /// Formats to write into the run folder.
    #[arg(long, value_delimiter = ',', default_value = "html,json,junit")]
    pub(crate) format: Vec<String>,
    /// Write the one format to standard output instead.
    #[arg(long)]
    pub(crate) stdout: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// Whom to call: a SIP URI with an IP address, `sip:100@192.0.2.7:5060`.
    pub(crate) uri: Option<String>,
    /// Answer calls at this address instead.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "uri")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Local address of the calls (default: the one that leads there, a free port).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) local: Option<std::net::SocketAddr>,
    /// New calls a second.
    #[arg(long, value_name = "R")]
    pub(crate) rate: Option<f64>,
    /// Calls in all.
    #[arg(long, value_name = "N")]
    pub(crate) calls: Option<u64>,
    /// Calls at a time, at most.
    #[arg(long, value_name = "N")]
    pub(crate) concurrent: Option<usize>,
    /// How long each call is held, `"5 s"` (default: as long as what is played, or 5 s for one call and 0 s for many).
    #[arg(long, value_name = "TIME", default_value = "0 s")]
    pub(crate) hold: voxproof_spec::Span,
    /// RTP both ways in each of many calls.
    #[arg(long)]
    pub(crate) media: bool,
    /// Send back what comes, in each of many calls.
    #[arg(long)]
    pub(crate) echo: bool,
    /// One RTP port for all calls.
    #[arg(long)]
    pub(crate) shared_rtp: bool,
    /// Play this WAV.
    #[arg(long, value_name = "FILE")]
    pub(crate) play: Option<PathBuf>,
    /// Record what the far end says as WAV (one call only).
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// With --listen: reject with this status.
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(300..700))]
    pub(crate) reject: Option<u16>,
    /// The result as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the results of `measure` and `analyze` go, and which there are.
#[derive(Debug, Args)]
pub(crate) struct SoundOutputArgs {
    /// The results as JSON on standard output, instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page with tables and figures; it needs no network and no script.
    #[arg(long, value_name = "OUT")]
    pub(crate) html: Option<PathBuf>,
    /// Write a CSV table, `-` for standard output.
    #[arg(long, value_name = "OUT")]
    pub(crate) csv: Option<PathBuf>,
    /// Files at the same time. [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Only these groups of quantities.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// These groups of quantities too: the ones about test signals are measured only on demand.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) also: Vec<String>,
    /// Not these groups of quantities.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// The codec whose zero level point levels are told at, in dBm0. Files in G.711 and G.722 say it by themselves.
    #[arg(long, value_enum)]
    pub(crate) plane: Option<PlaneArg>,
    /// Weight distortion by this table: lines of a frequency in Hz and dB (ITU-T G.223, which is not built in).
    #[arg(long, value_name = "CSV")]
    pub(crate) weighting: Option<PathBuf>,
}

/// Codecs that tie digital levels to dBm0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaneArg {
    /// G.711 A-law: 0 dBov is 6.15 dBm0.
    ALaw,
    /// G.711 mu-law: 0 dBov is 6.18 dBm0.
    MuLaw,
    /// G.722: 0 dBov is 12.01 dBm0.
    G722,
}

/// Loudness ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RatingArg {
    /// SLR: REF at the mouth, calibrated; DEG digital, on a plane.
    Send,
    /// RLR: REF digital, on a plane; DEG at the ear, calibrated.
    Receive,
    /// STMR: REF at the mouth, DEG at the ear, both calibrated.
    Sidetone,
}

/// What a file without a header holds.
#[derive(Debug, Args)]
pub(crate) struct RawArgs {
    /// Coding of files without a header: `pcma`, `pcmu`, `g722`, `s16le`. The endings .al, .pcma, .ul, .pcmu and .g722
    /// say it by themselves.
    #[arg(long, value_name = "CODING")]
    pub(crate) codec: Option<String>,
    /// Their sample rate, Hz.
    #[arg(long = "raw-rate", value_name = "HZ")]
    pub(crate) rate: Option<u32>,
    /// Their channels.
    #[arg(long = "raw-channels", value_name = "N")]
    pub(crate) channels: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    /// Sound files (WAV, FLAC, Ogg Opus, raw G.711 or G.722), folders of them, or patterns such as `'calls/*.wav'`.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) output: SoundOutputArgs,
    #[command(flatten)]
    pub(crate) raw: RawArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    /// What was played: a file, or a folder or pattern of files.
    #[arg(value_name = "REF")]
    pub(crate) reference: PathBuf,
    /// What was recorded: a file, or a folder or pattern; several belong to the references of the same names, or all
    /// to one reference.
    #[arg(value_name = "DEG")]
    pub(crate) degraded: PathBuf,
    /// Channel of both files, from 1.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) channel: u16,
    /// Hold the frequency response against this mask: a name of one built in, or a TOML file.
    #[arg(long, value_name = "MASK")]
    pub(crate) mask: Option<String>,
    /// What REF is, for `--only distortion` of anything but a tone: a name of `voxproof stimulus --list`, or a description
    /// (TOML) as `voxproof stimulus --describe` prints it.
    #[arg(long, value_name = "STIMULUS")]
    pub(crate) stimulus: Option<String>,
    /// A model outside this program, described in TOML (docs/measurements/external-models.md); may be given again.
    #[arg(long = "model", value_name = "FILE")]
    pub(crate) models: Vec<PathBuf>,
    /// DEG over an undisturbed call, for the loss of quality of `--only jitter-buffer`.
    #[arg(long, value_name = "FILE")]
    pub(crate) undisturbed: Option<PathBuf>,
    /// The clean speech, for `--only noise-reduction`: REF is then the input of the noise reduction, DEG its output.
    #[arg(long, value_name = "FILE")]
    pub(crate) clean: Option<PathBuf>,
    /// Which loudness rating `--only rating` computes.
    #[arg(long, value_enum)]
    pub(crate) rating: Option<RatingArg>,
    /// Calibrations (TOML, docs/measurements/calibration.md) of the channels `reference` and `recording`.
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration: Option<PathBuf>,
    /// Weights of the loudness rating (TOML, docs/measurements/loudness-ratings.md). [default: P.79 table 1, narrowband]
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Add this table to the response of the loudness rating: drum to ear reference point, a diffuse field.
    #[arg(long, value_name = "CSV")]
    pub(crate) correction: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: SoundOutputArgs,
    #[command(flatten)]
    pub(crate) raw: RawArgs,
}

/// How the samples of a stimulus are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleForm {
    /// 16 bits.
    #[value(name = "16")]
    Sixteen,
    /// 24 bits.
    #[value(name = "24")]
    TwentyFour,
    /// 32-bit float.
    #[value(name = "float")]
    Float,
}

#[derive(Debug, Args)]
pub(crate) struct StimulusArgs {
    /// Name of the signal.
    pub(crate) name: Option<String>,
    /// List the names, with duration and level.
    #[arg(long)]
    pub(crate) list: bool,
    /// Where to write it, as WAV of one channel; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Make the signal of this description (TOML) instead of a named one.
    #[arg(long, value_name = "FILE")]
    pub(crate) description: Option<PathBuf>,
    /// Print the description: all that is needed to make the same samples again.
    #[arg(long)]
    pub(crate) describe: bool,
    /// Sample rate, Hz. [default: 48000]
    #[arg(long, value_name = "HZ")]
    pub(crate) rate: Option<u32>,
    /// Duration, s.
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<f64>,
    /// Seed of what is random in it.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u32>,
    /// Level, dBov.
    #[arg(long, value_name = "DBOV", allow_negative_numbers = true)]
    pub(crate) level: Option<f64>,
    /// Another parameter of the signal, as its description has it: `low_hz=100`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// How a sample is written.
    #[arg(long = "bits", value_enum, default_value_t = SampleForm::Sixteen)]
    pub(crate) form: SampleForm,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Also check a device file.
    #[arg(long)]
    pub(crate) device: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// `case`, `suite`, `device`, `report`, `measure` or `analyze`.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code, `E0107`; without one all of them are listed.
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}
