//! What ring does not ask of an Ed25519 public key.
//!
//! ring looks at the key when it verifies: it refuses what is no point of the curve, but takes
//! points of small order and encodings that are not canonical. Under a key of small order one
//! signature fits any message. So a key is looked at when it is loaded. It is public: this
//! arithmetic need not run in constant time.
//!
//! The curve: -x^2 + y^2 = 1 + d x^2 y^2 modulo p = 2^255 - 19 (RFC 8032, section 5.1).

/// Whether `key` is the canonical encoding of a point on the curve whose order is not small.
pub(super) fn is_valid_public_key(key: &[u8; 32]) -> bool {
    let mut y = *key;
    if let Some(top) = y.last_mut() {
        *top &= 0x7f;
    }
    // Little-endian, so compared from the last byte on.
    if y.iter().rev().cmp(P.iter().rev()).is_ge() {
        return false;
    }
    let y = Element::from_bytes(&y);
    let y2 = y.times(y);
    // x^2 = u / v. As -1/d is no square, v is not zero.
    let (u, v) = (y2.minus(ONE), D.times(y2).plus(ONE));
    let is_on_curve = u.times(v).is_square();
    // Order 1 or 2: x = 0, where a sign would not be canonical besides. Order 4: y = 0. Order 8:
    // the double has y = 0, so x^2 = -y^2.
    let doubled = D.times(y2).times(y2).plus(y2).plus(y2).minus(ONE);
    let is_small = u.is_zero() || y.is_zero() || doubled.is_zero();
    is_on_curve && !is_small
}

/// An integer modulo p in five limbs of 51 bits, each below 2^52.
#[derive(Clone, Copy)]
struct Element([u64; 5]);

impl Element {
    fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0; 5];
        for (bit, limb) in (0..).step_by(51).zip(&mut limbs) {
            for i in (0..51).filter(|i| bit + i < 255) {
                let byte = bytes.get((bit + i) / 8).copied().unwrap_or_default();
                *limb |= u64::from(byte >> ((bit + i) % 8) & 1) << i;
            }
        }
        Element(limbs)
    }

    fn plus(self, other: Self) -> Self {
        let mut sums = [0; 5];
        for (sum, (a, b)) in sums.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            *sum = u128::from(a + b);
        }
        Element::reduced(sums)
    }

    fn minus(self, other: Self) -> Self {
        // 4 p, limb by limb, keeps every difference positive.
        let mut differences = [4 * u128::from(MASK); 5];
        differences[0] = 4 * u128::from(MASK - 18);
        for (place, (a, b)) in differences.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            *place = *place + u128::from(a) - u128::from(b);
        }
        Element::reduced(differences)
    }

    fn times(self, other: Self) -> Self {
        let [a, b, c, d, e] = self.0.map(u128::from);
        let [v, w, x, y, z] = other.0.map(u128::from);
        // 2^255 = 19: what overflows the fifth limb comes back nineteenfold.
        Element::reduced([
            a * v + 19 * (b * z + c * y + d * x + e * w),
            a * w + b * v + 19 * (c * z + d * y + e * x),
            a * x + b * w + c * v + 19 * (d * z + e * y),
            a * y + b * x + c * w + d * v + 19 * (e * z),
            a * z + b * y + c * x + d * w + e * v,
        ])
    }

    /// Euler's criterion: 1 to the power (p - 1) / 2 = 2^254 - 10, which in binary is all
    /// ones but for bits 0 and 3.
    fn is_square(self) -> bool {
        let mut power = ONE;
        for bit in (0..254).rev() {
            power = power.times(power);
            if bit != 0 && bit != 3 {
                power = power.times(self);
            }
        }
        power.minus(ONE).is_zero()
    }

    fn is_zero(self) -> bool {
        // Below 2 p after `reduced`, so a multiple of p is 0 or p.
        let Element(limbs) = Element::reduced(self.0.map(u128::from));
        let [first, rest @ ..] = limbs;
        limbs == [0; 5] || first == MASK - 18 && rest == [MASK; 4]
    }

    fn reduced(mut limbs: [u128; 5]) -> Self {
        // Three rounds: products carry 2^64, then 2^13, then nothing but a last bit.
        for _ in 0..3 {
            let mut carry = 0;
            for limb in &mut limbs {
                *limb += carry;
                carry = *limb >> 51;
                *limb &= u128::from(MASK);
            }
            limbs[0] += 19 * carry;
        }
        Element(limbs.map(|limb| limb as u64))
    }
}

const MASK: u64 = (1 << 51) - 1;

const ONE: Element = Element([1, 0, 0, 0, 0]);

/// -121665/121666, as RFC 8032 has it.
const D: Element =
    Element([0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff]);

/// p, little-endian.
const P: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

    use super::*;
    use crate::id::fill_random;

    /// y of the points of small order, and the encodings of them that are not canonical; each
    /// also with the sign bit set. Computed with Python's integers from the curve equation.
    const SMALL: [[u8; 32]; 7] = [
        hex("0000000000000000000000000000000000000000000000000000000000000000"),
        hex("0100000000000000000000000000000000000000000000000000000000000000"),
        hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];

    const fn hex(text: &str) -> [u8; 32] {
        let (text, mut bytes, mut i) = (text.as_bytes(), [0; 32], 0);
        while i < 64 {
            let digit = match text[i] {
                c @ b'0'..=b'9' => c - b'0',
                c => c - b'a' + 10,
            };
            bytes[i / 2] = bytes[i / 2] << 4 | digit;
            i += 1;
        }
        bytes
    }

    #[test]
    fn every_key_that_ring_makes_is_taken() {
        for _ in 0..300 {
            let mut seed = [0; 32];
            fill_random(&mut seed).unwrap();
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
            assert!(is_valid_public_key(pair.public_key().as_ref().try_into().unwrap()));
        }
    }

    #[test]
    fn points_of_small_order_and_encodings_beyond_p_are_refused() {
        for key in SMALL {
            for sign in [0, 0x80] {
                let mut key = key;
                key[31] |= sign;
                assert!(!is_valid_public_key(&key), "{key:?}");
            }
        }
        for low in 0xed..=0xff {
            let mut key = [0xff; 32];
            for top in [0x7f, 0xff] {
                (key[0], key[31]) = (low, top);
                assert!(!is_valid_public_key(&key), "{key:?}");
            }
        }
    }

    /// Half of all y are on no point; and ring, which would find out when it verifies, agrees.
    #[test]
    fn what_is_no_point_is_refused() {
        let mut taken = 0;
        for _ in 0..400 {
            let mut key = [0; 32];
            fill_random(&mut key).unwrap();
            taken += u32::from(is_valid_public_key(&key));
        }
        assert!((120..280).contains(&taken), "{taken}");
        // The first y from 2 on, by Python's integers from the curve equation.
        let on_curve: Vec<u8> = (2..32u8).filter(|y| is_valid_public_key(&small_y(*y))).collect();
        assert_eq!(on_curve, ON_CURVE);
    }

    fn small_y(y: u8) -> [u8; 32] {
        let mut key = [0; 32];
        key[0] = y;
        key
    }

    const ON_CURVE: &[u8] =
        &[3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 19, 21, 23, 24, 25, 26, 27, 28, 29, 30];

    /// Should ring ever refuse them itself, this says so, and this file may go.
    #[test]
    fn ring_takes_a_key_of_small_order_for_any_message() {
        let mut signature = [0; 64];
        signature[0] = 1;
        let key = UnparsedPublicKey::new(
            &ED25519,
            hex("0100000000000000000000000000000000000000000000000000000000000000"),
        );
        assert!(key.verify(b"whatever", &signature).is_ok());
        let key = UnparsedPublicKey::new(
            &ED25519,
            hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        );
        assert!(key.verify(b"and this", &signature).is_ok());
    }
}
