//! Identifiers of chance, as the original's `uuid4` writes them.

/// A version 4 uuid out of 16 bytes of chance.
pub fn uuid(entropy: &[u8]) -> String {
    let mut bytes: [u8; 16] = std::array::from_fn(|i| entropy.get(i).copied().unwrap_or_default());
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
