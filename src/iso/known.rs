//! boot2docker's releases whose hashes are known beforehand.

/// Tag and SHA-256 of `boot2docker.iso`, from the releases' own notes at
/// <https://github.com/boot2docker/boot2docker/releases>, which were read twice; those of v19.03.12 are
/// the same in the fork <https://github.com/steeve/boot2docker/releases>. The project has ended, so the
/// list need not grow; a release that is not in it is checked against its notes when it is downloaded.
const RELEASES: [(&str, &str); 13] = [
    (FINAL, "33d2db9b78f8e90d0998a1ab34d957c7cb1f8ad2893aad480f13d063f019d95b"),
    ("v19.03.2", "28466f72c83d551738ece6c9e9283fd38aee4aabd8fbc22b0021d953e4ce9a10"),
    ("v18.09.8", "99ad22c0ff1d6be501a3a4e349cdde394fac801c07963946b1d79efa3ce7da7e"),
    ("v18.09.7", "bcee6112daa91947b57d47c2ee18758b25291adf1f559efe2096da3ac0acd68d"),
    ("v18.09.5", "78e6b999a5cca7fe4e10b97f2872f9631f1a30ad1213be422f964ff2d84374c2"),
    ("v18.09.4", "e8794ba5fd4f89cb0db46c20ef5877947d29068027f438df34ce218dd362ad10"),
    ("v18.09.3", "687dd4f0cb4e4d5d221b89689915cc9aac6ac52573fe8deaa0343f1dd89d94e4"),
    ("v18.09.2", "13ad1b918c667b4874fc9abc740594062d219580cdb18570f1b197f653a933fd"),
    ("v18.09.1", "3c18c29c7236583d00bc7d4b1be797a9b09d1c57a88cf239177c57397086f6c7"),
    ("v17.09.0-ce", "d38bd820ef688f3b6d7dee4c5ed4fa07b34f544f4d78fae93c57c4ade386b1b0"),
    ("v17.04.0-ce", "ef74c125b6feb398c1a02397a34f4abd2be42d949723a754e0edf053f4df1840"),
    ("v1.8.0", "8795109c7e4a2080f1abb3db1fb9c4827c6eb8ca632477620ede5d7e3829eeb6"),
    ("v1.7.1", "7646859924bcff395e3765b327bb579fad1a47f10bda80c5dfa0eca370e01010"),
];

/// The last release that there will be.
pub(super) const FINAL: &str = "v19.03.12";

pub(super) fn sha256(tag: &str) -> Option<&'static str> {
    RELEASES.iter().find(|(known, _)| *known == tag).map(|(_, sha256)| *sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_one_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (tag, hash) in RELEASES {
            assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{tag}");
            assert!(seen.insert(tag) && seen.insert(hash), "{tag}");
        }
        assert!(sha256(FINAL).is_some() && sha256("v0.0.1").is_none());
    }
}
