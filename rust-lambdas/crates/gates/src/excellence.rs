use crate::FULL;

/// What a gate reached of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attainment {
    /// Basis points that the scorer gave.
    pub score: u32,
    /// Basis points that the constitution asks for.
    pub bar: u32,
}

impl Attainment {
    /// 10,000 from the bar upwards, below it the share of the bar, rounded down. A raw minimum of scores would lift every
    /// bar to the highest one.
    pub fn attained(self) -> u32 {
        if self.score >= self.bar {
            FULL
        } else {
            (u64::from(FULL) * u64::from(self.score) / u64::from(self.bar)) as u32
        }
    }
}

/// `excellence/1`: the least that any of the gates attained; 10,000 when there is none.
pub fn excellence(gates: &[Attainment]) -> u32 {
    gates
        .iter()
        .map(|gate| gate.attained())
        .min()
        .unwrap_or(FULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_at_its_bar_has_attained_all() {
        let attained = |score, bar| Attainment { score, bar }.attained();
        assert_eq!(attained(8500, 8500), 10_000);
        assert_eq!(attained(10_000, 8500), 10_000);
        assert_eq!(attained(8499, 8500), 9998);
        assert_eq!(attained(8075, 8500), 9500);
        assert_eq!(attained(8074, 8500), 9498);
        assert_eq!(attained(0, 1), 0);
        assert_eq!(attained(0, 0), 10_000);
        assert_eq!(attained(u32::MAX - 1, u32::MAX), 9999);
    }

    #[test]
    fn the_least_counts() {
        let gates = [(9000, 8500), (7000, 10_000), (8075, 8500)]
            .map(|(score, bar)| Attainment { score, bar });
        assert_eq!(excellence(&gates), 7000);
        assert_eq!(excellence(&[]), 10_000);
    }
}
