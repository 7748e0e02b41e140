//! Constants of ITU-T G.722 (clauses 5 and 6), under the names of the recommendation.

/// One half of the symmetric impulse response of the quadrature mirror filters, first coefficient first.
pub(super) const QMF: [i32; 12] = [3, -11, -11, 53, 12, -156, 32, 362, -210, -805, 951, 3876];

/// Decision levels of the 60-level low-band quantiser (Q6), from the second interval on.
pub(super) const LOW_DECISION: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
    1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// Codeword of each low-band interval for a negative difference (ILN).
pub(super) const LOW_CODE_NEGATIVE: [u8; 30] = [
    63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7,
    6, 5, 4,
];

/// Codeword of each low-band interval for a positive difference (ILP).
pub(super) const LOW_CODE_POSITIVE: [u8; 30] = [
    61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36,
    35, 34, 33, 32,
];

/// Output of the 4-bit inverse quantiser (QM4), indexed by the four upper bits of the codeword.
pub(super) const LOW_OUTPUT_4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
];

/// Output of the 5-bit inverse quantiser (QM5).
pub(super) const LOW_OUTPUT_5: [i32; 32] = [
    -280, -280, -23352, -17560, -14120, -11664, -9752, -8184, -6864, -5712, -4696, -3784, -2960, -2208,
    -1520, -880, 23352, 17560, 14120, 11664, 9752, 8184, 6864, 5712, 4696, 3784, 2960, 2208, 1520, 880, 280,
    -280,
];

/// Output of the 6-bit inverse quantiser (QM6).
pub(super) const LOW_OUTPUT_6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];

/// Logarithmic step size correction of the low band, by the four upper bits of the codeword (WL through RL42).
pub(super) const LOW_LOG_STEP: [i32; 16] = [
    -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
];

/// Decision level of the 4-level high-band quantiser (Q2).
pub(super) const HIGH_DECISION: i32 = 564;

/// Output of the 2-bit inverse quantiser (QM2).
pub(super) const HIGH_OUTPUT: [i32; 4] = [-7408, -1616, 7408, 1616];

/// Logarithmic step size correction of the high band, by codeword (WH through RH2).
pub(super) const HIGH_LOG_STEP: [i32; 4] = [798, -214, 798, -214];

/// 2048 * 2^(n/32): the fractional part of the inverse logarithm of the step size (ILB).
pub(super) const INVERSE_LOG: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
