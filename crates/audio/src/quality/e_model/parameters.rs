//! What the E-model is told about a connection.

/// Parameters of a connection with their default values (ITU-T G.107 table 3).
///
/// The fixed relations of the table are not enforced: a connection with one echo path has `echo_delay_ms` equal to
/// `absolute_delay_ms` and half of `round_trip_ms`, and `lstr_db` is `stmr_db` plus the D-value of the receiving
/// telephone. [`Parameters::with_delay`] sets the three delays together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Send loudness rating SLR, dB: 0 to 18.
    pub slr_db: f64,
    /// Receive loudness rating RLR, dB: -5 to 14.
    pub rlr_db: f64,
    /// Sidetone masking rating STMR, dB: 0 to 40.
    pub stmr_db: f64,
    /// Listener sidetone rating LSTR, dB: 0 to 50.
    pub lstr_db: f64,
    /// D-value of the sending telephone Ds, dB: -3 to 3.
    pub send_d_db: f64,
    /// Talker echo loudness rating TELR, dB: 5 to 65.
    pub telr_db: f64,
    /// Weighted echo path loss WEPL, dB: 5 to 110.
    pub wepl_db: f64,
    /// Mean one-way delay of the echo path T, ms: 0 to 500.
    pub echo_delay_ms: f64,
    /// Round-trip delay of the four-wire loop Tr, ms: 0 to 1000.
    pub round_trip_ms: f64,
    /// Absolute one-way delay Ta, mouth to ear, ms: 0 to 500.
    pub absolute_delay_ms: f64,
    /// Quantizing distortion units qdu: 1 to 14.
    pub quantizing_distortion: f64,
    /// Equipment impairment factor Ie of the codec at no loss: 0 to 95.
    pub equipment_impairment: f64,
    /// Packet-loss robustness factor Bpl of the codec: more than 0, up to 60.
    pub loss_robustness: f64,
    /// Packet loss Ppl, late packets included, %: 0 to 20.
    pub packet_loss_percent: f64,
    /// Burst ratio BurstR, 1 for random losses: 1 to 8. Predictions for more than 2 hold for losses below 2 % only.
    pub burst_ratio: f64,
    /// Circuit noise at the 0 dBr point Nc, dBm0p: -100 to -20.
    pub circuit_noise_dbm0p: f64,
    /// Noise floor of the receiving side Nfor, dBmp: -110 to -20. G.107 has -64; for wideband take -96 (G.107.1 table 1).
    pub noise_floor_dbmp: f64,
    /// Room noise at the sending side Ps, dB(A): 0 to 85.
    pub send_room_noise_dba: f64,
    /// Room noise at the receiving side Pr, dB(A): 0 to 85.
    pub receive_room_noise_dba: f64,
    /// Delay from which callers begin to notice mT, ms: 20 to 120.
    pub delay_threshold_ms: f64,
    /// Sensitivity of callers to delay sT: 0.4 to 1.
    pub delay_sensitivity: f64,
    /// Advantage factor A, what callers forgive for other benefits: 0 to 20. For a measurement it stays 0.
    pub advantage: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            slr_db: 8.0,
            rlr_db: 2.0,
            stmr_db: 15.0,
            lstr_db: 18.0,
            send_d_db: 3.0,
            telr_db: 65.0,
            wepl_db: 110.0,
            echo_delay_ms: 0.0,
            round_trip_ms: 0.0,
            absolute_delay_ms: 0.0,
            quantizing_distortion: 1.0,
            equipment_impairment: 0.0,
            // the lowest in the table; without effect as long as nothing is lost
            loss_robustness: 4.3,
            packet_loss_percent: 0.0,
            burst_ratio: 1.0,
            circuit_noise_dbm0p: -70.0,
            noise_floor_dbmp: -64.0,
            send_room_noise_dba: 35.0,
            receive_room_noise_dba: 35.0,
            delay_threshold_ms: 100.0,
            delay_sensitivity: 1.0,
            advantage: 0.0,
        }
    }
}

/// A parameter outside the range for which the model is given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{name} is {value}, and the E-model is given for {low} to {high}")]
pub struct ParameterError {
    /// Name and unit of the parameter, with the symbol of the Recommendation.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Lowest value allowed.
    pub low: f64,
    /// Highest value allowed.
    pub high: f64,
}

impl Parameters {
    /// The default connection in wideband (ITU-T G.107.1 table 1).
    #[must_use]
    pub fn wideband() -> Self {
        Self {
            noise_floor_dbmp: -96.0,
            ..Self::default()
        }
    }

    /// This connection with one delay, mouth to ear in ms, for its direct and its echo path.
    #[must_use]
    pub const fn with_delay(mut self, delay_ms: f64) -> Self {
        self.absolute_delay_ms = delay_ms;
        self.echo_delay_ms = delay_ms;
        self.round_trip_ms = 2.0 * delay_ms;
        self
    }

    /// All parameters are numbers within their ranges.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), ParameterError> {
        let ranges = [
            ("SLR in dB", self.slr_db, 0.0, 18.0),
            ("RLR in dB", self.rlr_db, -5.0, 14.0),
            ("STMR in dB", self.stmr_db, 0.0, 40.0),
            ("LSTR in dB", self.lstr_db, 0.0, 50.0),
            ("Ds in dB", self.send_d_db, -3.0, 3.0),
            ("TELR in dB", self.telr_db, 5.0, 65.0),
            ("WEPL in dB", self.wepl_db, 5.0, 110.0),
            ("T in ms", self.echo_delay_ms, 0.0, 500.0),
            ("Tr in ms", self.round_trip_ms, 0.0, 1000.0),
            ("Ta in ms", self.absolute_delay_ms, 0.0, 500.0),
            ("qdu", self.quantizing_distortion, 1.0, 14.0),
            ("Ie", self.equipment_impairment, 0.0, 95.0),
            ("Bpl", self.loss_robustness, f64::MIN_POSITIVE, 60.0),
            ("Ppl in %", self.packet_loss_percent, 0.0, 20.0),
            ("BurstR", self.burst_ratio, 1.0, 8.0),
            ("Nc in dBm0p", self.circuit_noise_dbm0p, -100.0, -20.0),
            ("Nfor in dBmp", self.noise_floor_dbmp, -110.0, -20.0),
            ("Ps in dB(A)", self.send_room_noise_dba, 0.0, 85.0),
            ("Pr in dB(A)", self.receive_room_noise_dba, 0.0, 85.0),
            ("mT in ms", self.delay_threshold_ms, 20.0, 120.0),
            ("sT", self.delay_sensitivity, 0.4, 1.0),
            ("A", self.advantage, 0.0, 20.0),
        ];
        for (name, value, low, high) in ranges {
            // a NaN is in no range
            if !(low..=high).contains(&value) {
                return Err(ParameterError {
                    name,
                    value,
                    low,
                    high,
                });
            }
        }
        Ok(())
    }
}
