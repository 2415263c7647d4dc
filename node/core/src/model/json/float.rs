//! The digits of a double, as the original's writer chose them.
//!
//! That writer (RapidJSON) uses Grisu2: quick, exact when read back, but in one of five 17-digit cases
//! not the closest short form: `0.30000000000000004` becomes `0.30000000000000007`. Hashes depend on
//! the very digits, so the algorithm is repeated here step by step. Source: Florian Loitsch, "Printing
//! Floating-Point Numbers Quickly and Accurately with Integers" (PLDI 2010), sections 3 and 5.

use std::fmt::Write as _;

/// Appends a double: `1.0`, `0.000001`, `1e21`, `-0.0`, `NaN`, `-Infinity`.
pub(super) fn write(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        out.push_str("Infinity");
    } else if value == 0.0 {
        out.push_str("0.0");
    } else {
        let (digits, exponent) = shortest(value.abs());
        layout(digits.as_str(), exponent, out);
    }
}

/// Puts the point into digits · 10^exponent.
fn layout(digits: &str, exponent: i32, out: &mut String) {
    let length = i32::try_from(digits.len()).expect("a double has at most 17 digits");
    let point = length + exponent;
    if exponent >= 0 && point <= 21 {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', usize::try_from(exponent).unwrap_or(0)));
        out.push_str(".0");
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        out.extend([whole, ".", fraction]);
    } else if -6 < point && point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
        out.push_str(digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.extend([".", rest]);
        }
        write!(out, "e{}", point - 1).expect("a string takes all it is given");
    }
}

/// Decimal digits, at most 20.
#[derive(Default)]
struct Digits {
    bytes: [u8; 20],
    len: usize,
}

impl Digits {
    /// Zeros in front are left out.
    fn push(&mut self, digit: u64) {
        if digit != 0 || self.len != 0 {
            self.bytes[self.len] = b'0' + u8::try_from(digit).expect("a digit is below ten");
            self.len += 1;
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("digits are ASCII")
    }
}

/// A number f · 2^e, f of 64 bits.
#[derive(Clone, Copy)]
struct Scaled {
    f: u64,
    e: i32,
}

impl Scaled {
    fn normalized(self) -> Self {
        let zeros = self.f.leading_zeros();
        Self { f: self.f << zeros, e: self.e - zeros.cast_signed() }
    }

    /// The product's upper 64 bits, rounded half up.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.f) * u128::from(other.f);
        let rounded = (product + (1 << 63)) >> 64;
        let f = u64::try_from(rounded).expect("the upper half of 128 bits");
        Self { f, e: self.e + other.e + 64 }
    }
}

const HIDDEN_BIT: u64 = 1 << 52;

/// Grisu2: digits and exponent of a positive finite double.
fn shortest(value: f64) -> (Digits, i32) {
    let bits = value.to_bits();
    let biased = i32::try_from(bits >> 52 & 0x7ff).expect("eleven bits");
    let fraction = bits & (HIDDEN_BIT - 1);
    let v = if biased == 0 {
        Scaled { f: fraction, e: -1074 }
    } else {
        Scaled { f: fraction | HIDDEN_BIT, e: biased - 1075 }
    };
    // Half-way to the neighbours; below a power of two the neighbour is half as far.
    let upper = Scaled { f: v.f * 2 + 1, e: v.e - 1 }.normalized();
    let lower = if v.f == HIDDEN_BIT {
        Scaled { f: v.f * 4 - 1, e: v.e - 2 }
    } else {
        Scaled { f: v.f * 2 - 1, e: v.e - 1 }
    };
    let lower = Scaled { f: lower.f << (lower.e - upper.e), e: upper.e };

    let (power, exponent) = cached_power(upper.e);
    let value = v.normalized().times(power);
    let mut upper = upper.times(power);
    let mut lower = lower.times(power);
    // Products are off by at most one unit: stay inside.
    upper.f -= 1;
    lower.f += 1;
    generate(value, upper, upper.f - lower.f, exponent)
}

/// Digits of `upper`, as few as lie within `delta` of it, then moved towards `value`.
fn generate(value: Scaled, upper: Scaled, mut delta: u64, exponent: i32) -> (Digits, i32) {
    let shift = (-upper.e).cast_unsigned();
    let one = 1_u64 << shift;
    let distance = upper.f - value.f;
    let mut whole = upper.f >> shift;
    let mut rest = upper.f & (one - 1);
    let mut digits = Digits::default();

    let mut places = whole.checked_ilog10().map_or(1, |log| log + 1);
    while places > 0 {
        places -= 1;
        let unit = 10_u64.pow(places);
        digits.push(whole / unit);
        whole %= unit;
        let left = (whole << shift) + rest;
        if left <= delta {
            round(&mut digits, delta, left, unit << shift, distance);
            return (digits, exponent + places.cast_signed());
        }
    }
    let mut places = 0;
    loop {
        rest = rest.wrapping_mul(10);
        delta = delta.wrapping_mul(10);
        digits.push(rest >> shift);
        rest &= one - 1;
        places += 1;
        if rest < delta {
            // The original keeps ten powers of ten, and finds zeros behind them.
            let power = if places <= 9 { 10_u64.pow(places) } else { 0 };
            round(&mut digits, delta, rest, one, distance.wrapping_mul(power));
            return (digits, exponent - places.cast_signed());
        }
    }
}

/// Lowers the last digit while that comes closer to the value.
fn round(digits: &mut Digits, delta: u64, mut rest: u64, unit: u64, distance: u64) {
    while rest < distance
        && delta - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        digits.bytes[digits.len - 1] -= 1;
        rest += unit;
    }
}

/// The power of ten that brings a number of binary exponent `e` to an exponent of −60 to −32, and
/// its decimal exponent, negated.
fn cached_power(e: i32) -> (Scaled, i32) {
    let estimate = f64::from(-61 - e) * 0.301_029_995_663_981_14 + 347.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a double's exponent gives an estimate of 0 to 700"
    )]
    let index = (estimate.ceil() as usize >> 3) + 1;
    let (f, e) = POWERS[index];
    let exponent = i32::try_from(index).expect("an index below 87") * 8 - 348;
    (Scaled { f, e }, -exponent)
}

/// Powers of ten as f · 2^e, rounded to the nearest.
#[rustfmt::skip]
const POWERS: [(u64, i32); 87] = [
    (0xfa8f_d5a0_081c_0288, -1220), // 10^-348
    (0xbaae_e17f_a23e_bf76, -1193), // 10^-340
    (0x8b16_fb20_3055_ac76, -1166), // 10^-332
    (0xcf42_894a_5dce_35ea, -1140), // 10^-324
    (0x9a6b_b0aa_5565_3b2d, -1113), // 10^-316
    (0xe61a_cf03_3d1a_45df, -1087), // 10^-308
    (0xab70_fe17_c79a_c6ca, -1060), // 10^-300
    (0xff77_b1fc_bebc_dc4f, -1034), // 10^-292
    (0xbe56_91ef_416b_d60c, -1007), // 10^-284
    (0x8dd0_1fad_907f_fc3c, -980), // 10^-276
    (0xd351_5c28_3155_9a83, -954), // 10^-268
    (0x9d71_ac8f_ada6_c9b5, -927), // 10^-260
    (0xea9c_2277_23ee_8bcb, -901), // 10^-252
    (0xaecc_4991_4078_536d, -874), // 10^-244
    (0x823c_1279_5db6_ce57, -847), // 10^-236
    (0xc210_9436_4dfb_5637, -821), // 10^-228
    (0x9096_ea6f_3848_984f, -794), // 10^-220
    (0xd774_85cb_2582_3ac7, -768), // 10^-212
    (0xa086_cfcd_97bf_97f4, -741), // 10^-204
    (0xef34_0a98_172a_ace5, -715), // 10^-196
    (0xb238_67fb_2a35_b28e, -688), // 10^-188
    (0x84c8_d4df_d2c6_3f3b, -661), // 10^-180
    (0xc5dd_4427_1ad3_cdba, -635), // 10^-172
    (0x936b_9fce_bb25_c996, -608), // 10^-164
    (0xdbac_6c24_7d62_a584, -582), // 10^-156
    (0xa3ab_6658_0d5f_daf6, -555), // 10^-148
    (0xf3e2_f893_dec3_f126, -529), // 10^-140
    (0xb5b5_ada8_aaff_80b8, -502), // 10^-132
    (0x8762_5f05_6c7c_4a8b, -475), // 10^-124
    (0xc9bc_ff60_34c1_3053, -449), // 10^-116
    (0x964e_858c_91ba_2655, -422), // 10^-108
    (0xdff9_7724_7029_7ebd, -396), // 10^-100
    (0xa6df_bd9f_b8e5_b88f, -369), // 10^-92
    (0xf8a9_5fcf_8874_7d94, -343), // 10^-84
    (0xb944_7093_8fa8_9bcf, -316), // 10^-76
    (0x8a08_f0f8_bf0f_156b, -289), // 10^-68
    (0xcdb0_2555_6531_31b6, -263), // 10^-60
    (0x993f_e2c6_d07b_7fac, -236), // 10^-52
    (0xe45c_10c4_2a2b_3b06, -210), // 10^-44
    (0xaa24_2499_6973_92d3, -183), // 10^-36
    (0xfd87_b5f2_8300_ca0e, -157), // 10^-28
    (0xbce5_0864_9211_1aeb, -130), // 10^-20
    (0x8cbc_cc09_6f50_88cc, -103), // 10^-12
    (0xd1b7_1758_e219_652c, -77), // 10^-4
    (0x9c40_0000_0000_0000, -50), // 10^4
    (0xe8d4_a510_0000_0000, -24), // 10^12
    (0xad78_ebc5_ac62_0000, 3), // 10^20
    (0x813f_3978_f894_0984, 30), // 10^28
    (0xc097_ce7b_c907_15b3, 56), // 10^36
    (0x8f7e_32ce_7bea_5c70, 83), // 10^44
    (0xd5d2_38a4_abe9_8068, 109), // 10^52
    (0x9f4f_2726_179a_2245, 136), // 10^60
    (0xed63_a231_d4c4_fb27, 162), // 10^68
    (0xb0de_6538_8cc8_ada8, 189), // 10^76
    (0x83c7_088e_1aab_65db, 216), // 10^84
    (0xc45d_1df9_4271_1d9a, 242), // 10^92
    (0x924d_692c_a61b_e758, 269), // 10^100
    (0xda01_ee64_1a70_8dea, 295), // 10^108
    (0xa26d_a399_9aef_774a, 322), // 10^116
    (0xf209_787b_b47d_6b85, 348), // 10^124
    (0xb454_e4a1_79dd_1877, 375), // 10^132
    (0x865b_8692_5b9b_c5c2, 402), // 10^140
    (0xc835_53c5_c896_5d3d, 428), // 10^148
    (0x952a_b45c_fa97_a0b3, 455), // 10^156
    (0xde46_9fbd_99a0_5fe3, 481), // 10^164
    (0xa59b_c234_db39_8c25, 508), // 10^172
    (0xf6c6_9a72_a398_9f5c, 534), // 10^180
    (0xb7dc_bf53_54e9_bece, 561), // 10^188
    (0x88fc_f317_f222_41e2, 588), // 10^196
    (0xcc20_ce9b_d35c_78a5, 614), // 10^204
    (0x9816_5af3_7b21_53df, 641), // 10^212
    (0xe2a0_b5dc_971f_303a, 667), // 10^220
    (0xa8d9_d153_5ce3_b396, 694), // 10^228
    (0xfb9b_7cd9_a4a7_443c, 720), // 10^236
    (0xbb76_4c4c_a7a4_4410, 747), // 10^244
    (0x8bab_8eef_b640_9c1a, 774), // 10^252
    (0xd01f_ef10_a657_842c, 800), // 10^260
    (0x9b10_a4e5_e991_3129, 827), // 10^268
    (0xe710_9bfb_a19c_0c9d, 853), // 10^276
    (0xac28_20d9_623b_f429, 880), // 10^284
    (0x8044_4b5e_7aa7_cf85, 907), // 10^292
    (0xbf21_e440_03ac_dd2d, 933), // 10^300
    (0x8e67_9c2f_5e44_ff8f, 960), // 10^308
    (0xd433_179d_9c8c_b841, 986), // 10^316
    (0x9e19_db92_b4e3_1ba9, 1013), // 10^324
    (0xeb96_bf6e_badf_77d9, 1039), // 10^332
    (0xaf87_023b_9bf0_ee6b, 1066), // 10^340
];
