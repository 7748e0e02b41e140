//! Any payloads, losses and format parameters to every decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_codec::{
    CodecSpec, Concealment, DecoderOptions, EncoderOptions, G722Mode, OpusFormat, OpusOptions, OpusPacket,
    SilenceDescriptor,
};

fuzz_target!(|input: (u8, &str, Vec<(u8, &[u8])>)| {
    let (choice, text, packets) = input;
    let _ = CodecSpec::parse_rtpmap(text);
    let (format, _) = OpusFormat::parse(text);
    let _ = format.encoder_options(&OpusOptions::default());
    let spec = [
        CodecSpec::OPUS,
        CodecSpec::OPUS_STEREO,
        CodecSpec::G722,
        CodecSpec::PCMU,
        CodecSpec::PCMA,
        CodecSpec::COMFORT_NOISE,
    ][usize::from(choice % 6)];
    let options = DecoderOptions {
        concealment: if choice & 0x80 == 0 {
            Concealment::Repeat
        } else {
            Concealment::Silence
        },
        g722_mode: if choice & 0x40 == 0 {
            G722Mode::Mode1
        } else {
            G722Mode::Mode3
        },
        seed: 1,
    };
    let mut decoder = spec.decoder(&options).expect("no such option fails");
    let mut encoder = spec.encoder(&EncoderOptions::default()).expect("default options");
    for (lost, payload) in packets {
        let _ = OpusPacket::parse(payload);
        let _ = SilenceDescriptor::parse(payload);
        let mut out = Vec::new();
        if lost & 0xc0 == 0x40 {
            decoder.conceal(usize::from(lost & 0x3f) * 100, &mut out);
        } else if lost & 0xc0 == 0x80 {
            decoder.recover(payload, usize::from(lost & 0x3f) * 120, &mut out);
        }
        out.clear();
        if decoder.decode(payload, &mut out).is_ok() && lost & 1 == 1 {
            let _ = encoder.encode(&out, &mut Vec::new());
        }
    }
});
