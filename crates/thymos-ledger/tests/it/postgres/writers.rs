//! Many writers, one order: no gap, no fork, whoever comes first.

use std::thread;

use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;

use super::{ledger, open};
use crate::support::{line, walk};

const WRITERS: u8 = 8;
const APPENDS: u64 = 120;

#[test]
fn l12_writers_of_many_connections_make_one_order_and_fork_no_trajectory() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let database = &database;
            scope.spawn(move || {
                let own = open(database);
                let (mut own_length, mut shared, mut kept) = (0, 0, 0);
                // Each on its own trajectory, and all of them on one that they contend for.
                while own_length < APPENDS {
                    let batches = vec![
                        sample_batch(line(writer), own_length, 1),
                        sample_batch(line(100), shared, 1),
                    ];
                    let outcomes = own.append(batches).unwrap();
                    assert!(outcomes[0].is_ok(), "nobody else writes there");
                    own_length += 1;
                    match &outcomes[1] {
                        Ok(_) => {
                            shared += 1;
                            kept += 1;
                        }
                        Err(conflict) => shared = conflict.found,
                    }
                }
                kept
            });
        }
    });
    let shared = ledger.page(&line(100), 0, 10_000).unwrap().len() as u64;
    assert!(shared > 0);
    let all = u64::from(WRITERS) * APPENDS + shared;
    assert_eq!(ledger.len(), Ok(all));
    assert_eq!(walk(&ledger, None), []);
    assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
    for writer in 0..WRITERS {
        let page = ledger.page(&line(writer), 0, 10_000).unwrap();
        assert_eq!(page.len() as u64, APPENDS);
    }
}
