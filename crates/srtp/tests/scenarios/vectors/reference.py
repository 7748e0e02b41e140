#!/usr/bin/env python3
"""A second implementation of SRTP, for the vectors that the tests of this crate hold it against.

Writes vectors.txt next to itself. Uses AES, HMAC and AES-GCM of the package `cryptography` (OpenSSL). When the package
`pylibsrtp` (libsrtp) is there, every vector that libsrtp can make is compared with it first.

    pip install cryptography pylibsrtp && ./reference.py
"""

import hashlib
import hmac
import pathlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# name: key length, salt length, tag of SRTP, tag of SRTCP
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10, 10),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4, 10),
    "AES_192_CM_HMAC_SHA1_80": (24, 14, 10, 10),
    "AES_192_CM_HMAC_SHA1_32": (24, 14, 4, 10),
    "AES_256_CM_HMAC_SHA1_80": (32, 14, 10, 10),
    "AES_256_CM_HMAC_SHA1_32": (32, 14, 4, 10),
    "AEAD_AES_128_GCM": (16, 12, 16, 16),
    "AEAD_AES_256_GCM": (32, 12, 16, 16),
}
LIBSRTP = {
    "AES_CM_128_HMAC_SHA1_80": "AES128_CM_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32": "AES128_CM_SHA1_32",
    "AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
}


def keystream(key, counter_block, length):
    encryptor = Cipher(algorithms.AES(key), modes.CTR(counter_block)).encryptor()
    return encryptor.update(bytes(length)) + encryptor.finalize()


def number(data):
    return int.from_bytes(data, "big")


def derive(key, salt, label, epoch, length):
    salt = salt.ljust(14, b"\0")
    block = number(salt) ^ (label << 48 | epoch)
    return keystream(key, (block << 16).to_bytes(16, "big"), length)


def xor(one, two):
    return bytes(a ^ b for a, b in zip(one, two))


def counter_mode(key, salt, ssrc, index, data):
    block = (number(salt) << 16) ^ (ssrc << 64) ^ (index << 16)
    return xor(data, keystream(key, block.to_bytes(16, "big"), len(data)))


def header_length(packet):
    length = 12 + 4 * (packet[0] & 15)
    if packet[0] & 16:
        length += 4 + 4 * number(packet[length + 2 : length + 4])
    return length


def rtp(profile, master, mki, rate, roc, packet):
    key_length, _, tag_length, _ = PROFILES[profile]
    key, salt = master[:key_length], master[key_length:]
    index = roc << 16 | number(packet[2:4])
    epoch = index // rate if rate else 0
    ssrc = number(packet[8:12])
    cut = header_length(packet)
    if "GCM" in profile:
        session, nonce_salt = derive(key, salt, 0, epoch, key_length), derive(key, salt, 2, epoch, 12)
        nonce = xor(nonce_salt, b"\0\0" + packet[8:12] + index.to_bytes(6, "big"))
        return packet[:cut] + AESGCM(session).encrypt(nonce, packet[cut:], packet[:cut]) + mki
    session, session_salt = derive(key, salt, 0, epoch, key_length), derive(key, salt, 2, epoch, 14)
    body = packet[:cut] + counter_mode(session, session_salt, ssrc, index, packet[cut:])
    mac = hmac.new(derive(key, salt, 1, epoch, 20), body + roc.to_bytes(4, "big"), hashlib.sha1).digest()
    return body + mki + mac[:tag_length]


def rtcp(profile, master, mki, rate, index, packet):
    key_length, _, _, tag_length = PROFILES[profile]
    key, salt = master[:key_length], master[key_length:]
    epoch = index // rate if rate else 0
    word = (1 << 31 | index).to_bytes(4, "big")
    if "GCM" in profile:
        session, nonce_salt = derive(key, salt, 3, epoch, key_length), derive(key, salt, 5, epoch, 12)
        nonce = xor(nonce_salt, b"\0\0" + packet[4:8] + b"\0\0" + index.to_bytes(4, "big"))
        return packet[:8] + AESGCM(session).encrypt(nonce, packet[8:], packet[:8] + word) + word + mki
    session, session_salt = derive(key, salt, 3, epoch, key_length), derive(key, salt, 5, epoch, 14)
    body = packet[:8] + counter_mode(session, session_salt, number(packet[4:8]), index, packet[8:]) + word
    mac = hmac.new(derive(key, salt, 4, epoch, 20), body, hashlib.sha1).digest()
    return body + mki + mac[:tag_length]


def noise(seed, length):
    out = b""
    while len(out) < length:
        seed = hashlib.sha256(seed).digest()
        out += seed
    return out[:length]


def rtp_packets(start):
    for step, (first, extra, payload) in enumerate(
        [
            (0x80, b"", 160),
            (0x83, noise(b"csrc", 12), 33),
            (0x90, bytes.fromhex("bede0002") + noise(b"extension", 8), 20),
            (0xB1, noise(b"one", 4) + bytes.fromhex("10000001") + noise(b"more", 4), 44),
            (0x80, b"", 0),
        ]
    ):
        sequence = (start + step) & 0xFFFF
        head = bytes([first, 0x80 if step == 0 else 0]) + sequence.to_bytes(2, "big")
        head += (160 * step).to_bytes(4, "big") + bytes.fromhex("cafebabe")
        yield (start + step) >> 16, head + extra + noise(b"payload%d" % step, payload)


RTCP_PACKETS = [
    bytes.fromhex("80c80006cafebabe") + noise(b"report", 20),
    bytes.fromhex("81c90007cafebabe") + noise(b"block", 24) + bytes.fromhex("81ca0003cafebabe0103612e62000000"),
    bytes.fromhex("80c90001cafebabe"),
]


def libsrtp(profile, master):
    try:
        import pylibsrtp
    except ImportError:
        return None
    if profile not in LIBSRTP:
        return None
    policy = pylibsrtp.Policy(
        key=master,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=getattr(pylibsrtp.Policy, "SRTP_PROFILE_" + LIBSRTP[profile]),
    )
    return pylibsrtp.Session(policy=policy)


def line(kind, profile, master, mki, rate, index, plain, protected):
    fields = [kind, profile, master.hex(), mki.hex() or "-", str(rate), str(index), plain.hex(), protected.hex()]
    return " ".join(fields)


def main():
    lines = ["# kind profile key||salt mki kdr roc-or-index plain protected; made by reference.py"]
    compared = 0
    for profile, (key_length, salt_length, _, _) in PROFILES.items():
        master = noise(profile.encode(), key_length + salt_length)
        for mki, rate in [(b"", 0), (b"\1", 0), (noise(b"mki", 4), 0), (b"", 4), (noise(b"mki", 128), 1 << 24)]:
            other = libsrtp(profile, master) if not mki and not rate else None
            # over the end of the sequence number
            packets = list(rtp_packets(65_533))
            for roc, packet in packets if not mki and not rate else packets[2:4]:
                protected = rtp(profile, master, mki, rate, roc, packet)
                if other:
                    assert other.protect(packet) == protected, (profile, packet.hex())
                    compared += 1
                lines.append(line("rtp", profile, master, mki, rate, roc, packet, protected))
            reports = RTCP_PACKETS if not mki and not rate else RTCP_PACKETS[:1]
            for index, packet in enumerate(reports, 1 if other else 0x1234):
                protected = rtcp(profile, master, mki, rate, index, packet)
                if other:
                    # libsrtp counts from 1
                    assert other.protect_rtcp(packet) == protected, (profile, packet.hex())
                    compared += 1
                lines.append(line("rtcp", profile, master, mki, rate, index, packet, protected))
    pathlib.Path(__file__).with_name("vectors.txt").write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 1} vectors, {compared} of them compared with libsrtp")


if __name__ == "__main__":
    main()
