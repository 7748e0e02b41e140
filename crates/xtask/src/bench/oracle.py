"""What other people's programs say of the same sounds: the oracle of `cargo xtask bench`.

    oracle.py signals ROOM FIXTURES   makes the sounds of the comparison
    oracle.py figures ROOM            scipy's figures of them, as JSON
    oracle.py pesq nb|wb REF DEG ...  PyPI pesq: scores and processor time, as JSON
    oracle.py visqol REF DEG ...      visqol-python, speech mode, exponential map
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

SEED = 20261121


def read(path):
    rate, samples = wavfile.read(path)
    return rate, samples.astype(np.float64) / 32768.0


def write(path, rate, samples):
    whole = np.clip(np.round(np.asarray(samples) * 32768.0), -32768, 32767).astype(np.int16)
    wavfile.write(path, rate, whole)
    # the same without a header and as floats, for programs without a reader
    (whole.astype(np.float32) / 32768.0).astype("<f4").tofile(str(path)[: -len(".wav")] + ".f32")


def level(samples):
    return 10.0 * np.log10(np.mean(np.square(samples)))


def talk(fixtures, rate):
    """Two sentences of two voices with pauses: 10 s."""
    parts = [np.zeros(rate // 2)]
    for name in ("f1", "m1"):
        parts += [read(Path(fixtures) / f"speech-{name}-{rate // 1000}k.wav")[1], np.zeros(3 * rate // 4)]
    whole = np.concatenate(parts)
    return np.concatenate([whole, np.zeros(max(0, 10 * rate - len(whole)))])[: 10 * rate]


def shifted(samples, by):
    """Delayed by any number of samples, by the phase of its spectrum."""
    room = 1 << int(np.ceil(np.log2(len(samples) + 2 * abs(by) + 4096)))
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(room) * by)
    return np.fft.irfft(np.fft.rfft(samples, room) * turn, room)[: len(samples)]


def mu_law(samples):
    sign, size = np.sign(samples), np.minimum(np.abs(samples), 1.0)
    code = np.round(np.log1p(255.0 * size) / np.log(256.0) * 127.0) / 127.0
    return sign * (256.0**code - 1.0) / 255.0


def degradations(speech, rate):
    random = np.random.default_rng(SEED)
    active = np.sqrt(np.mean(np.square(speech[np.abs(speech) > 0.01 * np.abs(speech).max()])))
    noise = lambda db: speech + random.normal(0.0, active * 10.0 ** (-db / 20.0), len(speech))
    peak = np.abs(speech).max()
    yield "mu-law", mu_law(speech)
    for db in (30, 15, 5):
        yield f"noise {db} dB", noise(db)
    yield "clipped", np.clip(speech, -0.2 * peak, 0.2 * peak)
    band = signal.butter(4, [300.0, 3400.0], "bandpass", fs=rate, output="sos")
    yield "telephone band", signal.sosfilt(band, speech)
    lost = speech.copy()
    frame = rate // 50
    for number in np.nonzero(random.random(len(speech) // frame) < 0.03)[0]:
        lost[number * frame : (number + 1) * frame] = 0.0
    yield "3 % lost", lost
    yield "20 dB quieter", 0.1 * speech
    yield "137 ms late", np.concatenate([np.zeros(137 * rate // 1000), speech])
    half, jump = len(speech) // 2, rate // 25
    yield "40 ms jump", np.concatenate([speech[:half], np.zeros(jump), speech[half:]])


DELAYS = {8000: [0.0, 0.25, 733.37, -40.2], 16000: [0.5, 1201.8], 48000: [0.3, 4800.61, -96.5]}


def signals(room, fixtures):
    random = np.random.default_rng(SEED)
    made = {"pairs": [], "delays": [], "responses": []}
    for rate in (8000, 16000):
        speech = talk(fixtures, rate)
        write(room / f"talk-{rate}.wav", rate, speech)
        for number, (name, degraded) in enumerate(degradations(speech, rate)):
            path = f"pair-{rate}-{number}"
            write(room / f"{path}.wav", rate, degraded)
            made["pairs"].append({"rate": rate, "name": name, "reference": f"talk-{rate}", "degraded": path})
    speech = 0.99 * signal.resample(talk(fixtures, 16000), 480000)
    write(room / "talk-48000.wav", 48000, speech)
    count = 5 * 48000
    time_axis = np.arange(count) / 48000
    write(room / "noise-with-offset.wav", 48000, random.normal(0.01, 0.05, count))
    spectrum = np.fft.rfft(random.normal(0.0, 1.0, count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    pink = np.fft.irfft(spectrum, count)
    write(room / "pink-noise.wav", 48000, 0.08 * pink / np.sqrt(np.mean(pink**2)))
    write(room / "tone-997.wav", 48000, 0.1 * np.sin(2 * np.pi * 997.0 * time_axis))
    write(room / "clipped-tone.wav", 48000, 1.5 * np.sin(2 * np.pi * 440.0 * time_axis))
    for rate, delays in DELAYS.items():
        _, reference = read(room / f"talk-{rate}.wav")
        for number, delay in enumerate(delays):
            path = f"delay-{rate}-{number}"
            write(room / f"{path}.wav", rate, shifted(reference, delay))
            made["delays"].append({"rate": rate, "name": f"{delay} samples at {rate} Hz",
                                   "reference": f"talk-{rate}", "degraded": path, "truth_ms": 1e3 * delay / rate})
    _, pink = read(room / "pink-noise.wav")
    for name, shape in (("band pass 200 to 4000 Hz", ([200.0, 4000.0], "bandpass")), ("low pass 1000 Hz", (1000.0, "lowpass"))):
        filtered = signal.sosfilt(signal.butter(2, shape[0], shape[1], fs=48000, output="sos"), pink)
        path = f"response-{len(made['responses'])}"
        write(room / f"{path}.wav", 48000, 0.5 * filtered)
        made["responses"].append({"name": name, "reference": "pink-noise", "degraded": path})
    for rate in (8000, 16000, 44100, 48000):
        # noise of a band that every rate below holds
        spectrum = np.fft.rfft(random.normal(0.0, 0.1, 4 * rate))
        spectrum[np.fft.rfftfreq(4 * rate, 1.0 / rate) > 3400.0] = 0.0
        np.fft.irfft(spectrum, 4 * rate).astype("<f4").tofile(room / f"band-{rate}.f32")
    return made


def a_weighting(hertz):
    square = hertz**2
    gain = 12194.217**2 * square**2 / (
        (square + 20.598997**2) * np.sqrt((square + 107.65265**2) * (square + 737.86223**2)) * (square + 12194.217**2))
    return gain * 10.0 ** (2.0 / 20.0)


def c_weighting(hertz):
    square = hertz**2
    return 12194.217**2 * square / ((square + 20.598997**2) * (square + 12194.217**2)) * 10.0 ** (0.062 / 20.0)


def weighted(samples, rate, weighting):
    """Level after a weighting, over the whole recording, by one transform of all of it."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1.0 / rate)
    power = np.square(np.abs(spectrum) * weighting(hertz)) * 2.0
    power[0] /= 2.0
    return 10.0 * np.log10(power.sum() / len(samples) ** 2)


def third_octaves(samples, rate, nperseg=16384):
    hertz, density = signal.welch(samples, rate, "hann", nperseg, detrend=False)
    step = hertz[1] - hertz[0]
    bands = {}
    for number in range(-10, 14):
        middle = 1000.0 * 10.0 ** (number / 10.0)
        low, high = middle * 10.0**-0.05, middle * 10.0**0.05
        if high > rate / 2 or middle < 99.0:
            continue
        # a bin is half a step wide to either side of its frequency
        share = np.clip((np.minimum(high, hertz + step / 2) - np.maximum(low, hertz - step / 2)) / step, 0.0, 1.0)
        bands[number] = 10.0 * np.log10((share * density).sum() * step)
    return bands


def lag(reference, degraded):
    """The peak of scipy's cross-correlation, between the samples by scipy's resampling around it."""
    correlation = signal.correlate(degraded, reference, "full", "fft")
    peak = int(np.argmax(correlation))
    around, finer = 256, 200
    window = correlation[peak - around : peak + around + 1] * np.hanning(2 * around + 1)
    dense = signal.resample(window, len(window) * finer)
    return peak - (len(reference) - 1) + int(np.argmax(dense)) / finer - around


def figures(room):
    made = json.loads((room / "signals.json").read_text())
    found = {"versions": {"numpy": np.__version__, "scipy": __import__("scipy").__version__}}
    for name in ("talk-48000", "noise-with-offset", "pink-noise", "tone-997", "clipped-tone", "talk-8000"):
        rate, samples = read(room / f"{name}.wav")
        found[name] = {"a": weighted(samples, rate, a_weighting), "c": weighted(samples, rate, c_weighting),
                       "rms": level(samples), "third_octaves": third_octaves(samples, rate)}
    found["delays"] = []
    for pair in made["delays"]:
        (rate, reference), (_, degraded) = read(room / f"{pair['reference']}.wav"), read(room / f"{pair['degraded']}.wav")
        found["delays"].append(1e3 * lag(reference, degraded) / rate)
    found["responses"] = []
    for pair in made["responses"]:
        (rate, reference), (_, degraded) = read(room / f"{pair['reference']}.wav"), read(room / f"{pair['degraded']}.wav")
        before, after = third_octaves(reference, rate), third_octaves(degraded, rate)
        response = {band: after[band] - before[band] for band in before}
        # further down it is the words of 16 bits and what leaks from strong bands that is compared
        found["responses"].append({band: gain for band, gain in response.items() if gain > max(response.values()) - 40.0})
    return found


def resampled(room, source, to, ours):
    """How far another resampling is from scipy's, in dB of the signal, its ends left out."""
    samples = np.fromfile(room / f"band-{source}.f32", "<f4").astype(np.float64)
    theirs = signal.resample(samples, len(samples) * to // source)
    ours = np.fromfile(ours, "<f4").astype(np.float64)[: len(theirs)]
    middle = slice(len(theirs) // 5, 4 * len(theirs) // 5)
    return level(ours[middle] - theirs[middle]) - level(theirs[middle])


def scores(pairs, score):
    score(*pairs[0])
    found, began = [], time.process_time()
    for pair in pairs:
        found.append(score(*pair))
    return {"scores": found, "processor_s": time.process_time() - began}


def main():
    task, *rest = sys.argv[1:]
    if task == "signals":
        room = Path(rest[0])
        made = signals(room, rest[1])
        (room / "signals.json").write_text(json.dumps(made))
        answer = made
    elif task == "figures":
        answer = figures(Path(rest[0]))
    elif task == "resampled":
        answer = resampled(Path(rest[0]), int(rest[1]), int(rest[2]), rest[3])
    elif task == "pesq":
        from pesq import pesq

        band, names = rest[0], rest[1:]
        files = [(wavfile.read(a), wavfile.read(b)) for a, b in zip(names[::2], names[1::2])]
        pairs = [(a[0], a[1], b[1]) for a, b in files]
        answer = scores(pairs, lambda rate, reference, degraded: float(pesq(rate, reference, degraded, band)))
    elif task == "visqol":
        from visqol import VisqolApi

        api = VisqolApi()
        try:
            api.create(mode="speech", use_lattice=False)
        except TypeError:
            api.create(mode="speech")
        pairs = list(zip(rest[::2], rest[1::2]))
        answer = scores(pairs, lambda reference, degraded: float(api.measure(reference, degraded).moslqo))
    else:
        sys.exit(f"no such task: {task}")
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
