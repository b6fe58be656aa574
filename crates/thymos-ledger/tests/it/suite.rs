//! The port's conformance suite, against a file and against memory.

use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::conformance;

const GENESIS: Genesis = Genesis { random: [1; 32] };

#[test]
fn l14_a_ledger_in_a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    conformance::ledger_store(&mut || {
        count += 1;
        let path = folder.path().join(format!("{count}.ledger"));
        Box::new(SqliteLedger::open(&path, GENESIS).unwrap())
    });
}

#[test]
fn l14_a_ledger_in_memory_conforms() {
    conformance::ledger_store(&mut || Box::new(SqliteLedger::in_memory(GENESIS).unwrap()));
}
