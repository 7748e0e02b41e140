//! Mistakes and trouble end in a clear message and the documented exit code, and nothing is claimed.

mod common;

use std::fs;
use std::net::UdpSocket;
use std::path::Path;

struct Ended {
    code: Option<i32>,
    stderr: String,
}

fn run(arguments: &[&str]) -> Ended {
    let output = common::voxproof()
        .args(arguments)
        .output()
        .expect("voxproof starts");
    Ended {
        code: output.status.code(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A copy of the suite that a test may spoil.
fn copy_of_the_suite(into: &Path) -> String {
    let source = common::root().join("test-specs/ip-phone");
    let target = into.join("test-specs/ip-phone");
    for folder in ["cases", "limits"] {
        fs::create_dir_all(target.join(folder)).expect("a folder");
        for entry in fs::read_dir(source.join(folder)).expect("the suite").flatten() {
            fs::copy(entry.path(), target.join(folder).join(entry.file_name())).expect("a copy");
        }
    }
    fs::copy(source.join("suite.toml"), target.join("suite.toml")).expect("a copy");
    let wav = into.join("fixtures/wav");
    fs::create_dir_all(&wav).expect("a folder");
    for entry in fs::read_dir(common::root().join("fixtures/wav"))
        .expect("signals")
        .flatten()
    {
        fs::copy(entry.path(), wav.join(entry.file_name())).expect("a copy");
    }
    target.display().to_string()
}

fn device_file(folder: &Path, text: &str) -> String {
    let path = folder.join("device.toml");
    fs::write(&path, text).expect("a device file");
    path.display().to_string()
}

const IDENTITY: &str = "[device]\nmanufacturer = \"M\"\nmodel = \"P\"\nfirmware = \"1\"\n";

#[test]
fn a_spoilt_case_is_named_with_file_line_and_caret_and_nothing_runs() {
    let folder = common::scratch();
    for (from, to, code, words) in [
        ("catalogue = ", "catalog = ", "E0102", "catalogue"),
        (
            "duration = \"",
            "duration = \"9 bananas\"#",
            "E0104",
            "not a unit of time",
        ),
        ("applies = \"true\"\n", "", "E0103", "applies = \"true\""),
        ("msg.status", "msg.statsu", "E0106", "status"),
    ] {
        let suite = copy_of_the_suite(folder.path());
        let case = Path::new(&suite).join("cases/IPP-OPT-001.toml");
        let text = fs::read_to_string(&case).expect("the case");
        assert!(text.contains(from), "{from}");
        fs::write(&case, text.replacen(from, to, 1)).expect("the case can be spoilt");
        let out = folder.path().join("out");
        let ended = run(&[
            "run",
            &suite,
            "--device",
            "sim",
            "--virtual-time",
            "--out",
            &out.display().to_string(),
        ]);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        for wanted in [code, words, "IPP-OPT-001.toml:", "^"] {
            assert!(
                ended.stderr.contains(wanted),
                "`{wanted}` is not in:\n{}",
                ended.stderr
            );
        }
        assert!(!out.exists(), "a run folder was written");
    }
}

#[test]
fn an_unreachable_device_ends_before_the_run_begins() {
    let folder = common::scratch();
    let out = folder.path().join("out");
    // nobody answers at the discard port of this machine
    let device = device_file(
        folder.path(),
        &format!("{IDENTITY}[driver.command]\nanswers_by_itself = true\n[ixit]\naddress = \"127.0.0.1:9\"\n"),
    );
    let ended = run(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        &device,
        "--out",
        &out.display().to_string(),
    ]);
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(ended.stderr.contains("does not answer"), "{}", ended.stderr);
    assert!(!out.exists(), "a run folder was written");
}

#[test]
fn a_port_in_use_is_said_to_be_in_use() {
    let folder = common::scratch();
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let device = device_file(
        folder.path(),
        &format!("{IDENTITY}[driver.command]\nanswers_by_itself = true\n[ixit]\nserver = \"{address}\"\n"),
    );
    let ended = run(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        &device,
        "--out",
        &folder.path().display().to_string(),
    ]);
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&address.to_string()) && ended.stderr.contains("in use"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_run_folder_that_cannot_be_written_claims_nothing() {
    let folder = common::scratch();
    // a file where the folder belongs: nobody can write below it, root included
    let blocked = folder.path().join("blocked");
    fs::write(&blocked, b"").expect("a file");
    let out = blocked.join("runs").display().to_string();
    let ended = run(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        "sim",
        "--virtual-time",
        "--out",
        &out,
    ]);
    assert_eq!(ended.code, Some(7), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot write"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("PASS"), "{}", ended.stderr);
}

#[test]
fn a_full_disk_in_the_middle_of_a_run_claims_nothing_more() {
    let folder = common::scratch();
    let out = folder.path().join("out");
    // the journal's own evidence folder becomes a file while the run goes on: the next evidence cannot be stored
    let mut child = common::voxproof()
        .args([
            "run",
            "test-specs/ip-phone",
            "--device",
            "sim",
            "--jobs",
            "1",
            "--out",
            &out.display().to_string(),
        ])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("voxproof starts");
    let run = loop {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "the run ended before it began"
        );
        let begun = fs::read_dir(&out)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .next();
        if let Some(run) =
            begun.filter(|run| run.join("evidence").exists() && run.join("journal.jsonl").exists())
        {
            break run;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    fs::rename(run.join("evidence"), run.join("elsewhere")).expect("evidence can be moved");
    fs::write(run.join("evidence"), b"").expect("a file in its place");
    let output = child.wait_with_output().expect("voxproof ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    assert!(
        !run.join("report.html").exists(),
        "a report was written without evidence"
    );
    assert!(!stderr.contains("meets the requirements"), "{stderr}");
}

#[test]
fn devices_that_misbehave_on_the_wire_do_not_hang_or_crash_the_lab() {
    let suite = common::suite();
    for fault in ["answers-garbage", "never-answers", "no-audio", "dies-in-call"] {
        let fault = fault.parse().expect("a fault of the simulated phone");
        let out = common::scratch();
        let run = common::run_sim_in(&suite, &[fault], 1, out.path(), Some("id.startsWith('IPP-BAS')"));
        let counts = run.counts();
        assert!(counts.fail > 0, "{fault:?}: {counts:?}");
        assert_eq!(
            counts.error, 0,
            "{fault:?}: a device fault is not an error of the lab"
        );
    }
}

#[test]
fn unknown_faults_and_empty_selections_have_their_own_codes() {
    let unknown = run(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        "sim:no-audi",
        "--virtual-time",
    ]);
    assert_eq!(unknown.code, Some(3), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("no-audio"), "{}", unknown.stderr);
    let nothing = run(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        "sim",
        "--virtual-time",
        "--only",
        "id == 'NONE'",
    ]);
    assert_eq!(nothing.code, Some(4), "{}", nothing.stderr);
    let senseless = run(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        "sim",
        "--virtual-time",
        "--only",
        "idd == 'X'",
    ]);
    assert_eq!(senseless.code, Some(3), "{}", senseless.stderr);
    assert!(
        senseless.stderr.contains("did you mean `id`"),
        "{}",
        senseless.stderr
    );
    assert_eq!(run(&["run"]).code, Some(2));
    assert_eq!(run(&["judge", "/nonexistent"]).code, Some(7));
}

/// A WAV file whose header says what it is told to.
fn wave(tag: u16, channels: u16, rate: u32, bits: u16, promised: u32, data: &[u8]) -> Vec<u8> {
    let align = channels * (bits / 8);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(promised.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(align)).to_le_bytes());
    bytes.extend(align.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(promised.to_le_bytes());
    bytes.extend(data);
    bytes
}

fn wave16(samples: &[i16], rate: u32) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    wave(1, 1, rate, 16, data.len() as u32, &data)
}

fn sound(arguments: &[&str]) -> (Option<i32>, String) {
    let output = common::voxproof()
        .args(arguments)
        .output()
        .expect("voxproof starts");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn spoilt_sound_files_are_named_and_give_no_wrong_figure() {
    let folder = tempfile::tempdir().expect("a folder");
    let tone: Vec<i16> = (0..16_000)
        .map(|n| (8000.0 * (f64::from(n) * 0.7).sin()) as i16)
        .collect();
    let whole = wave16(&tone, 8000);
    let clipped: Vec<i16> = tone.iter().map(|sample| sample.saturating_mul(20)).collect();
    let nan: Vec<u8> = [f32::NAN; 8000]
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    for (name, bytes, code, words) in [
        ("empty.wav", Vec::new(), 3, "the file is empty"),
        ("cut.wav", whole[..whole.len() / 2].to_vec(), 5, "note: "),
        ("compressed.wav", b"ID3\x04 and so on".to_vec(), 3, "an MP3 file"),
        ("mislabelled.flac", whole.clone(), 0, "the contents are WAV"),
        (
            "channelless.wav",
            wave(1, 0, 8000, 16, 4, &[0; 4]),
            3,
            "has no channels",
        ),
        (
            "huge.wav",
            wave(1, 1, 8000, 16, u32::MAX - 36, &[1; 8000]),
            5,
            "note: ",
        ),
        (
            "nan.wav",
            wave(3, 1, 8000, 32, 32_000, &nan),
            5,
            "8000 samples are not numbers",
        ),
        ("zero.wav", wave16(&[0; 8000], 8000), 0, "the signal is silent"),
        ("clipped.wav", wave16(&clipped, 8000), 0, "clipped places"),
        (
            "text.txt",
            b"no sound at all".to_vec(),
            3,
            "no sound file of a known form",
        ),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        let (ended, text) = sound(&["measure", &path.to_string_lossy()]);
        assert_eq!(ended, Some(code), "{name}: {text}");
        assert!(text.contains(words), "{name}: {text}");
        assert!(!text.contains("NaN") && !text.contains(" inf"), "{name}: {text}");
    }
    let (_, text) = sound(&[
        "measure",
        &folder.path().join("clipped.wav").to_string_lossy(),
        "--json",
    ]);
    let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let results = record["files"][0]["channels"][0]["results"]
        .as_array()
        .expect("results");
    let runs = results
        .iter()
        .find(|result| result["quantity"] == "clipped_runs")
        .expect("a count");
    assert!(runs["value"].as_f64().expect("a number") > 1000.0);
}

#[test]
fn pairs_that_do_not_fit_are_suspected() {
    let folder = tempfile::tempdir().expect("a folder");
    let speech = fs::read(common::root().join("fixtures/wav/speech-f1-16k.wav")).expect("a fixture");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    // the same samples, labelled with half the rate
    let mut wrong = speech.clone();
    wrong[24..28].copy_from_slice(&8000u32.to_le_bytes());
    wrong[28..32].copy_from_slice(&16_000u32.to_le_bytes());
    fs::write(at("right.wav"), &speech).expect("a file");
    fs::write(at("wrong.wav"), &wrong).expect("a file");
    let (code, text) = sound(&["analyze", &at("right.wav"), &at("wrong.wav"), "--only", "time"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("labelled with a wrong rate"), "{text}");
    // a recording 100 ms late, given as the reference
    let late: Vec<i16> = std::iter::repeat_n(0, 1600)
        .chain(
            speech[44..]
                .chunks_exact(2)
                .map(|octets| i16::from_le_bytes([octets[0], octets[1]])),
        )
        .collect();
    fs::write(at("late.wav"), wave16(&late, 16_000)).expect("a file");
    let (code, text) = sound(&["analyze", &at("late.wav"), &at("right.wav"), "--only", "time"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("are the two files swapped"), "{text}");
    for (reference, recording) in [("right.wav", "empty.wav"), ("nothing.wav", "right.wav")] {
        fs::write(at("empty.wav"), b"").expect("a file");
        let (code, text) = sound(&["analyze", &at(reference), &at(recording)]);
        assert_eq!(code, Some(if recording == "empty.wav" { 3 } else { 7 }), "{text}");
        assert!(text.contains("not measured: the "), "{text}");
    }
}
