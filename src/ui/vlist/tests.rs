//! Tests of the list: places, following, and how little is laid out.

use super::*;
use proptest::prelude::*;

struct Fake {
    heights: Vec<usize>,
    version: u64,
}

impl Items for Fake {
    fn len(&self) -> usize {
        self.heights.len()
    }

    fn version(&self, _: usize) -> u64 {
        self.version
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        2
    }

    fn lines(&self, item: usize, _: usize) -> Vec<Line<'static>> {
        (0..self.heights[item])
            .map(|line| Line::raw(format!("{item}.{line}")))
            .collect()
    }
}

fn fake(heights: &[usize]) -> Fake {
    Fake {
        heights: heights.to_vec(),
        version: 0,
    }
}

const VIEW: Viewport = Viewport {
    width: 20,
    height: 4,
    epoch: 0,
};

fn shown(list: &VirtualList) -> String {
    list.rows()
        .map(|row| row.text.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn check_moves(moves: &[fn(&mut VirtualList)], expected: &str) {
    let items = fake(&[1, 3, 2, 1, 4]);
    let mut list = VirtualList::new();
    list.layout(&items, VIEW);
    for step in moves {
        step(&mut list);
        list.layout(&items, VIEW);
    }
    assert_eq!(shown(&list), expected);
}

#[test]
fn the_view_moves_by_lines_within_items() {
    check_moves(&[], "0.0 1.0 1.1 1.2");
    check_moves(&[|list| list.scroll(2)], "1.1 1.2 2.0 2.1");
    check_moves(
        &[|list| list.scroll(3), |list| list.scroll(-2)],
        "1.0 1.1 1.2 2.0",
    );
    check_moves(&[|list| list.scroll(-5)], "0.0 1.0 1.1 1.2");
    check_moves(&[|list| list.scroll(1000)], "4.0 4.1 4.2 4.3");
    check_moves(&[|list| list.scroll_halves(1)], "1.1 1.2 2.0 2.1");
    check_moves(&[|list| list.scroll_halves(2)], "1.2 2.0 2.1 3.0");
    check_moves(&[VirtualList::go_to_end], "4.0 4.1 4.2 4.3");
    check_moves(
        &[VirtualList::go_to_end, VirtualList::go_to_start],
        "0.0 1.0 1.1 1.2",
    );
    check_moves(&[|list| list.reveal(2)], "1.1 1.2 2.0 2.1");
    check_moves(&[|list| list.reveal(1)], "0.0 1.0 1.1 1.2");
    check_moves(
        &[|list| list.reveal(4), |list| list.reveal(3)],
        "3.0 4.0 4.1 4.2",
    );
    check_moves(
        &[|list| list.go_to(Place { item: 1, line: 2 })],
        "1.2 2.0 2.1 3.0",
    );
}

#[test]
fn a_following_list_stays_at_the_end_until_scrolled_away() {
    let mut list = VirtualList::following();
    list.layout(&fake(&[3, 3]), VIEW);
    assert_eq!(shown(&list), "0.2 1.0 1.1 1.2");
    list.layout(&fake(&[3, 3, 2]), VIEW);
    assert_eq!(shown(&list), "1.1 1.2 2.0 2.1");
    list.scroll(-1);
    list.layout(&fake(&[3, 3, 2, 5]), VIEW);
    assert_eq!(shown(&list), "1.0 1.1 1.2 2.0");
    assert!(!list.is_following());
    list.scroll(100);
    list.layout(&fake(&[3, 3, 2, 5]), VIEW);
    assert!(list.is_following());
    list.layout(&fake(&[3, 3, 2, 6]), Viewport { epoch: 1, ..VIEW });
    assert_eq!(shown(&list), "3.2 3.3 3.4 3.5");
}

#[test]
fn a_list_shorter_than_the_view_stands_at_the_top() {
    let mut list = VirtualList::following();
    list.layout(&fake(&[1, 0]), VIEW);
    assert_eq!(shown(&list), "0.0 ");
    assert!(list.at_end());
    list.layout(&fake(&[]), VIEW);
    assert_eq!(list.rows().count(), 0);
    assert_eq!(list.extent(), Extent::default());
}

#[test]
fn only_what_is_in_view_is_laid_out() {
    let mut items = fake(&vec![1; 1_000_000]);
    let mut list = VirtualList::following();
    list.layout(&items, VIEW);
    assert!(list.laid_out() <= VIEW.height + 2, "{}", list.laid_out());
    list.layout(&items, VIEW);
    assert_eq!(list.laid_out(), 0);
    list.scroll(-1);
    list.layout(&items, VIEW);
    assert!(list.laid_out() <= 1);
    list.scroll(-900_000);
    list.layout(&items, VIEW);
    assert!(list.laid_out() <= VIEW.height + 2);
    items.version = 1;
    list.layout(&items, VIEW);
    assert!(list.laid_out() <= VIEW.height + 2);
}

#[test]
fn rows_put_before_leave_the_view_where_it_was() {
    let mut list = VirtualList::new();
    list.go_to(Place { item: 1, line: 1 });
    list.layout(&fake(&[2, 3, 4]), VIEW);
    assert_eq!(list.top(), Place { item: 1, line: 1 });
    list.prepended(5);
    list.layout(&fake(&[1, 1, 1, 1, 1, 2, 3, 4]), VIEW);
    assert_eq!(list.top(), Place { item: 6, line: 1 });
}

#[test]
fn the_extent_is_exact_where_measured() {
    let mut list = VirtualList::new();
    list.layout(&fake(&[3, 3, 3]), VIEW);
    assert_eq!(
        list.extent(),
        Extent {
            above: 0,
            shown: 4,
            total: 3 + 3 + 2
        }
    );
    list.go_to_end();
    list.layout(&fake(&[3, 3, 3]), VIEW);
    assert_eq!(
        list.extent(),
        Extent {
            above: 5,
            shown: 4,
            total: 9
        }
    );
}

#[test]
fn heights_beyond_sixteen_bits_are_counted() {
    let mut list = VirtualList::new();
    let items = fake(&[70_000, 1]);
    list.go_to(Place {
        item: 0,
        line: 69_998,
    });
    list.layout(&items, VIEW);
    assert_eq!(shown(&list), "0.69997 0.69998 0.69999 1.0");
}

proptest! {
    #[test]
    fn any_movement_shows_a_full_view(
        heights in prop::collection::vec(0usize..6, 0..30),
        moves in prop::collection::vec((0u8..6, -40i64..40), 0..20),
        height in 0usize..8,
    ) {
        let items = fake(&heights);
        let total: usize = heights.iter().map(|height| (*height).max(1)).sum();
        let mut list = VirtualList::following();
        let view = Viewport { height, ..VIEW };
        for (kind, amount) in moves {
            let item = usize::try_from(amount.abs()).unwrap();
            match kind {
                0 => list.scroll(amount),
                1 => list.scroll_halves(amount.signum()),
                2 => list.go_to_end(),
                3 => list.reveal(item),
                4 => list.go_to(Place { item, line: item as u64 }),
                _ => list.go_to_start(),
            }
            list.layout(&items, view);
            prop_assert_eq!(list.rows().count(), height.min(total));
        }
    }

    #[test]
    fn sums_agree_with_plain_ones(values in prop::collection::vec(0u64..9, 1..70), sets in prop::collection::vec((0usize..70, 0u64..9), 0..20), cut in 0usize..70) {
        let mut values = values;
        let mut tree = Fenwick::default();
        values.iter().for_each(|value| tree.push(*value));
        for (at, value) in sets {
            tree.set(at, value);
            if let Some(slot) = values.get_mut(at) {
                *slot = value;
            }
        }
        values.truncate(cut.max(1));
        tree.truncate(cut.max(1));
        values.push(3);
        tree.push(3);
        for count in 0..=values.len() {
            prop_assert_eq!(tree.before(count), values[..count].iter().sum::<u64>());
        }
        for target in 0..values.iter().sum::<u64>() {
            let (item, line) = tree.find(target);
            prop_assert_eq!(tree.before(item) + line, target);
            prop_assert!(line < values[item]);
        }
    }
}
