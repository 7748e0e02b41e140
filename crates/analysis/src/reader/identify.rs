//! Which form the first bytes are of.

use crate::Container;

/// The three chunk files of the RIFF family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaveForm {
    /// 32-bit sizes.
    Riff,
    /// 64-bit sizes in a `ds64` chunk: RF64 (EBU Tech 3306) and BW64 (ITU-R BS.2088).
    Wide,
}

/// What the first bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    Wave(WaveForm),
    Flac,
    Ogg,
    /// Something with a name that is not read here.
    Other(&'static str),
    Unknown,
}

impl Identity {
    /// The name of what has a header.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Wave(_) => Some("a WAV file"),
            Self::Flac => Some("a FLAC file"),
            Self::Ogg => Some("an Ogg file"),
            Self::Other(_) | Self::Unknown => None,
        }
    }
}

/// Signatures of what people hand in by mistake.
const OTHERS: &[(&[u8], &str)] = &[
    (b"RIFX", "a big-endian WAV file (RIFX)"),
    (b"FORM", "an AIFF file"),
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"\xff\xf3", "an MP3 file"),
    (b"\xff\xf1", "an AAC file"),
    (b"\xff\xf9", "an AAC file"),
    (b".snd", "a Sun audio file"),
    (b"caff", "a Core Audio file"),
    (b"#!AMR", "an AMR file"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (b"riff\x2e\x91\xcf\x11", "a Wave64 file"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer; the sound itself was not fetched",
    ),
];

/// Identifies a file by its first bytes; 64 are enough.
pub(super) fn identify(head: &[u8]) -> Identity {
    let riff_type = head.get(8..12);
    if head.starts_with(b"RIFF") {
        return match riff_type {
            Some(b"WAVE") => Identity::Wave(WaveForm::Riff),
            None => Identity::Other("the first bytes of a RIFF file and no more"),
            Some(_) => Identity::Other("a RIFF file that is no WAV"),
        };
    }
    if (head.starts_with(b"RF64") || head.starts_with(b"BW64")) && riff_type == Some(b"WAVE") {
        return Identity::Wave(WaveForm::Wide);
    }
    if head.starts_with(b"fLaC") {
        return Identity::Flac;
    }
    if head.starts_with(b"OggS") {
        return Identity::Ogg;
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Identity::Other("an MP4 file");
    }
    OTHERS
        .iter()
        .find(|(signature, _)| head.starts_with(signature))
        .map_or(Identity::Unknown, |(_, name)| Identity::Other(name))
}

/// The form that the ending of a name promises.
pub(super) fn promised(ending: &str) -> Option<Container> {
    let is = |other: &str| ending.eq_ignore_ascii_case(other);
    if is("wav") || is("wave") {
        Some(Container::Wav)
    } else if is("flac") {
        Some(Container::Flac)
    } else if is("opus") || is("ogg") {
        Some(Container::OggOpus)
    } else {
        super::RawFormat::of_ending(ending).map(|_| Container::Raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        assert_eq!(identify(b"RIFF\0\0\0\0WAVEfmt "), Identity::Wave(WaveForm::Riff));
        assert_eq!(
            identify(b"RF64\xff\xff\xff\xffWAVEds64"),
            Identity::Wave(WaveForm::Wide)
        );
        assert_eq!(identify(b"fLaC\0"), Identity::Flac);
        assert_eq!(identify(b"OggS\0"), Identity::Ogg);
        assert_eq!(identify(b"\0\0\0\x20ftypM4A "), Identity::Other("an MP4 file"));
        assert_eq!(identify(b"ID3\x04"), Identity::Other("an MP3 file"));
        assert!(matches!(identify(b"RIFF\0\0\0\0AVI "), Identity::Other(_)));
        assert!(matches!(identify(b"RIFF"), Identity::Other(_)));
        assert_eq!(identify(b"hello"), Identity::Unknown);
        assert_eq!(promised("WAV"), Some(Container::Wav));
        assert_eq!(promised("al"), Some(Container::Raw));
        assert_eq!(promised("txt"), None);
    }
}
