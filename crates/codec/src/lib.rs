//! Speech codecs frame by frame: G.711, G.722, Opus, comfort noise; sans-IO.
