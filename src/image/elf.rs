//! What the header of a binary says: for which architecture it is, and whether it starts without any other file.

use thiserror::Error;

/// An architecture of nodes that a check can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    Amd64,
    Arm64,
}

impl Arch {
    /// As images and Kubernetes call it.
    pub fn name(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }

    /// As Rust calls it.
    pub fn target(self) -> &'static str {
        match self {
            Arch::Amd64 => "x86_64-unknown-linux-musl",
            Arch::Arm64 => "aarch64-unknown-linux-musl",
        }
    }
}

/// Why a file cannot be the program of an image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ElfError {
    #[error("it is not a Linux binary: it has no ELF header")]
    NotElf,
    #[error("it is an ELF file, but not a 64-bit program")]
    NotAProgram,
    #[error("it is for ELF machine {0}, and images are built for x86-64 (62) and aarch64 (183)")]
    Machine(u16),
    #[error("it is dynamically linked: it needs the loader {loader}, which the image does not have")]
    Dynamic { arch: Arch, loader: String },
    #[error("its ELF header points outside the file")]
    Cut,
}

const INTERPRETER: u32 = 3;

/// The architecture of a statically linked program.
///
/// # Errors
/// What the file is instead.
pub fn static_program(bytes: &[u8]) -> Result<Arch, ElfError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(ElfError::NotElf);
    }
    let class_and_order = bytes.get(4..6).ok_or(ElfError::Cut)?;
    // 64 bits, little-endian; fixed or position-independent; with a place to start.
    let is_program = class_and_order == [2, 1] && [2, 3].contains(&half(bytes, 16)?) && long(bytes, 24)? != 0;
    if !is_program {
        return Err(ElfError::NotAProgram);
    }
    let arch = match half(bytes, 18)? {
        62 => Arch::Amd64,
        183 => Arch::Arm64,
        other => return Err(ElfError::Machine(other)),
    };
    let (table, entry_size, entries) = (long(bytes, 32)?, half(bytes, 54)?, half(bytes, 56)?);
    for number in 0..entries {
        let header = table.checked_add(usize::from(number) * usize::from(entry_size)).ok_or(ElfError::Cut)?;
        let at = |offset| header.checked_add(offset).ok_or(ElfError::Cut);
        if u32::from_le_bytes(array(bytes, header)?) == INTERPRETER {
            let (start, length) = (long(bytes, at(8)?)?, long(bytes, at(32)?)?);
            let path = start.checked_add(length).and_then(|end| bytes.get(start..end)).ok_or(ElfError::Cut)?;
            let loader = String::from_utf8_lossy(path).trim_end_matches('\0').to_owned();
            return Err(ElfError::Dynamic { arch, loader });
        }
    }
    Ok(arch)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], ElfError> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(ElfError::Cut)
}

fn half(bytes: &[u8], at: usize) -> Result<u16, ElfError> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Result<usize, ElfError> {
    usize::try_from(u64::from_le_bytes(array(bytes, at)?)).map_err(|_| ElfError::Cut)
}

/// A program of headers only: one segment, which names a loader or is loaded.
#[cfg(test)]
pub(super) fn sample(machine: u16, loader: Option<&str>) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64 + 56, 0);
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(16, &[2]);
    put(18, &machine.to_le_bytes());
    put(24, &0x0040_0078_u64.to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(54, &56_u16.to_le_bytes());
    put(56, &[1]);
    put(64, &[if loader.is_some() { 3 } else { 1 }]);
    put(72, &120_u64.to_le_bytes());
    put(96, &(loader.map_or(0, str::len) as u64).to_le_bytes());
    bytes.extend(loader.unwrap_or_default().bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_static_program_has_the_architecture_of_its_header() {
        assert_eq!(static_program(&sample(62, None)), Ok(Arch::Amd64));
        assert_eq!(static_program(&sample(183, None)), Ok(Arch::Arm64));
        assert_eq!(static_program(&sample(243, None)), Err(ElfError::Machine(243)));
    }

    #[test]
    fn a_program_with_a_loader_is_refused_and_the_loader_named() {
        let error = static_program(&sample(62, Some("/lib64/ld-linux-x86-64.so.2\0"))).unwrap_err();
        let loader = "/lib64/ld-linux-x86-64.so.2".to_owned();
        assert_eq!(error, ElfError::Dynamic { arch: Arch::Amd64, loader });
    }

    #[test]
    fn what_is_not_a_program_is_refused() {
        assert_eq!(static_program(b"#!/bin/sh\n"), Err(ElfError::NotElf));
        assert_eq!(static_program(b""), Err(ElfError::NotElf));
        let mut object = sample(62, None);
        object[16] = 1;
        assert_eq!(static_program(&object), Err(ElfError::NotAProgram));
        let mut library = sample(62, None);
        library[24..32].fill(0);
        assert_eq!(static_program(&library), Err(ElfError::NotAProgram));
    }

    #[test]
    fn a_file_that_ends_early_is_refused_wherever_it_ends() {
        let whole = sample(62, Some("/lib/ld.so\0"));
        for length in 4..whole.len() {
            assert_eq!(static_program(&whole[..length]), Err(ElfError::Cut), "{length}");
        }
        let mut far = sample(62, None);
        far[32..40].fill(0xff);
        assert_eq!(static_program(&far), Err(ElfError::Cut));
    }
}
