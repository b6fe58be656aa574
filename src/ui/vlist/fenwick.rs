//! Heights with quick sums: set one, sum a prefix, find by sum, all in log n.
//!
//! Sums saturate; nothing here knows what a height is of.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fenwick {
    values: Vec<u64>,
    sums: Vec<u64>, // sums[i] covers the values (i - lowbit(i + 1), i].
}

fn low_bit(at: usize) -> usize {
    at & at.wrapping_neg()
}

impl Fenwick {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn get(&self, at: usize) -> u64 {
        self.values.get(at).copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, value: u64) {
        let at = self.values.len() + 1;
        let covered_from = at - low_bit(at);
        let covered = self
            .before(at - 1)
            .saturating_sub(self.before(covered_from));
        self.values.push(value);
        self.sums.push(covered.saturating_add(value));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        // Each sum covers values at or before its own place, so a shorter tree stays right.
        self.values.truncate(length);
        self.sums.truncate(length);
    }

    pub(super) fn set(&mut self, at: usize, value: u64) {
        let Some(slot) = self.values.get_mut(at) else {
            return;
        };
        let before = std::mem::replace(slot, value);
        let mut at = at + 1;
        while let Some(sum) = self.sums.get_mut(at - 1) {
            *sum = sum.saturating_sub(before).saturating_add(value);
            at += low_bit(at);
        }
    }

    /// The sum of the first `count` values.
    pub(super) fn before(&self, count: usize) -> u64 {
        let mut at = count.min(self.sums.len());
        let mut sum = 0u64;
        while at > 0 {
            sum = sum.saturating_add(self.sums.get(at - 1).copied().unwrap_or(0));
            at -= low_bit(at);
        }
        sum
    }

    /// The value in which a sum falls, and how far into it; the last one when beyond.
    pub(super) fn find(&self, target: u64) -> (usize, u64) {
        let mut at = 0;
        let mut left = target;
        let mut step = self.sums.len().next_power_of_two();
        while step > 0 {
            let next = at + step;
            if let Some(sum) = next.checked_sub(1).and_then(|place| self.sums.get(place))
                && *sum <= left
            {
                left -= sum;
                at = next;
            }
            step /= 2;
        }
        if at >= self.values.len() {
            let last = self.values.len().saturating_sub(1);
            return (last, self.get(last).saturating_sub(1));
        }
        (at, left)
    }
}
