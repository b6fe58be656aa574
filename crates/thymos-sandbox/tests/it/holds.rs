//! What the cage must hold: paths, network, privileges, environment.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use thymos_sandbox::{CageError, Exit, Network, ReadScope, Rung, system_read_roots};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Place, check_fails, check_succeeds, finish, is_there, listener, machine, out, place, rungs,
    shell, spec, told, try_run,
};

/// Runs a script that must fail and must leave what is outside as it was.
fn check_held(script: impl Fn(&Place) -> String) {
    for rung in rungs(Rung::L2) {
        let place = place();
        symlink(&place.outside, place.inside.join("link")).expect("linked");
        let report = finish(shell(rung, &place, &script(&place)));
        check_fails(&report);
        assert_eq!(place.precious(), "untouched", "{}", told(&report));
        let left = fs::read_dir(&place.outside).expect("there").count();
        assert_eq!(left, 1, "something was made outside: {}", told(&report));
    }
}

#[test]
fn the_probe_agrees_with_what_runs() {
    let machine = machine();
    assert!(machine.best >= Rung::L1, "{machine:?}");
    eprintln!("{machine:?}");
    let place = place();
    for rung in rungs(Rung::L1) {
        let report = finish(shell(rung, &place, "exit 0"));
        assert_eq!(report.rung, rung);
        check_succeeds(&report);
    }
}

#[test]
fn writing_inside_works_at_every_rung() {
    for rung in rungs(Rung::L1) {
        let place = place();
        let script = "mkdir -p a/b && echo hi > a/b/new && mv a/b/new a/new && ln -s new a/link \
                      && cat a/link && rm -r a/b && chmod 700 a && echo x > /dev/null";
        let report = finish(shell(rung, &place, script));
        check_succeeds(&report);
        assert_eq!(
            fs::read_to_string(place.inside.join("a/new")).expect("made"),
            "hi\n"
        );
    }
}

#[test]
fn writing_outside_by_absolute_path_is_refused() {
    check_held(|place| format!("echo x > {}/precious", place.outside.display()));
    check_held(|place| format!("echo x > {}/new", place.outside.display()));
    check_held(|place| format!("rm {}/precious", place.outside.display()));
}

#[test]
fn writing_outside_by_dot_dot_is_refused() {
    check_held(|_| "echo x > ../outside/precious".into());
}

#[test]
fn writing_outside_by_symlink_is_refused() {
    check_held(|_| "echo x > link/precious".into());
    check_held(|place| format!("ln -s {}/precious f && echo x > f", place.outside.display()));
}

#[test]
fn writing_outside_by_hardlink_is_refused() {
    check_held(|place| format!("ln {}/precious f && echo x > f", place.outside.display()));
}

#[test]
fn writing_outside_by_proc_root_is_refused() {
    check_held(|place| {
        format!(
            "echo x > /proc/self/root{}/precious",
            place.outside.display()
        )
    });
    check_held(|place| format!("echo x > /proc/1/root{}/precious", place.outside.display()));
    check_held(|place| {
        let (me, path) = (std::process::id(), place.outside.display());
        format!("echo x > /proc/{me}/root{path}/precious")
    });
}

#[test]
fn renaming_out_of_or_into_the_root_is_refused() {
    check_held(|place| format!("echo x > f; mv f {}/f", place.outside.display()));
    check_held(|place| format!("mv {}/precious f", place.outside.display()));
}

#[test]
fn changing_modes_outside_is_refused_in_namespaces() {
    for rung in rungs(Rung::L3) {
        let place = place();
        let script = format!("chmod 777 {}/precious", place.outside.display());
        check_fails(&finish(shell(rung, &place, &script)));
    }
}

#[test]
fn reading_outside_the_read_roots_is_refused() {
    for rung in rungs(Rung::L2) {
        let place = place();
        let script = format!("cat {}/precious", place.outside.display());
        let mut narrow = shell(rung, &place, &script);
        check_succeeds(&finish(narrow.clone()));
        narrow.read = ReadScope::Roots(system_read_roots());
        let report = finish(narrow);
        check_fails(&report);
        assert_eq!(out(&report), "");
    }
}

#[test]
fn ordinary_programs_run_with_the_system_roots_alone() {
    for rung in rungs(Rung::L2) {
        let place = place();
        let mut narrow = shell(
            rung,
            &place,
            "ls /usr > list && cat /proc/self/status | grep -c Name",
        );
        narrow.read = ReadScope::Roots(system_read_roots());
        let report = finish(narrow);
        check_succeeds(&report);
        assert_eq!(out(&report), "1\n");
    }
}

#[test]
fn a_protected_path_inside_the_root_stays_closed() {
    for rung in rungs(Rung::L2) {
        let place = place();
        fs::create_dir_all(place.inside.join("app/keys")).expect("made");
        fs::create_dir_all(place.inside.join("app/src")).expect("made");
        for file in ["app/.env", "app/keys/key"] {
            fs::write(place.inside.join(file), "secret").expect("written");
        }
        let tries = [
            "cat app/.env",
            "cat app/keys/key",
            "echo x > app/.env",
            "echo x >> app/keys/key",
            "echo x > app/keys/new",
            "rm app/.env",
            "mv app/.env app/src/e",
            "cat app/src/../.env",
            "ln app/.env app/src/e && cat app/src/e",
            "cat /proc/self/cwd/app/.env",
            "ln -s ../.env app/src/e && cat app/src/e",
            "chmod 777 app/keys && cat app/keys/key",
            "cd app && cat .env",
            "cat /proc/self/root$PWD/app/.env",
        ];
        for script in tries {
            let mut spec = shell(rung, &place, script);
            // A path below a protected folder is named too, as the app names its ledger.
            spec.protected = ["app/.env", "app/keys", "app/keys/key"]
                .map(|path| place.inside.join(path))
                .to_vec();
            let report = finish(spec);
            check_fails(&report);
            assert!(
                !out(&report).contains("secret"),
                "`{script}`: {}",
                told(&report)
            );
        }
        for file in ["app/.env", "app/keys/key"] {
            assert_eq!(
                fs::read_to_string(place.inside.join(file)).expect("there"),
                "secret"
            );
        }
        let mut spec = shell(rung, &place, "echo x > app/src/new");
        spec.protected = vec![place.inside.join("app/.env"), place.inside.join("app/keys")];
        check_succeeds(&finish(spec));
    }
}

#[test]
fn a_protected_path_is_closed_when_everything_else_may_be_read() {
    for rung in rungs(Rung::L2) {
        let place = place();
        let script = format!("cat {}/precious", place.outside.display());
        let mut spec = shell(rung, &place, &script);
        spec.protected = vec![place.outside.clone()];
        let report = finish(spec);
        check_fails(&report);
        assert_eq!(out(&report), "");
    }
}

#[test]
fn connecting_to_a_real_listener_is_refused() {
    if !is_there("/bin/bash") {
        return;
    }
    let (_listener, port) = listener();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    for rung in rungs(Rung::L1) {
        let place = place();
        check_fails(&finish(spec(rung, &place, &["/bin/bash", "-c", &script])));
    }
    let place = place();
    let mut granted = spec(Rung::L1, &place, &["/bin/bash", "-c", &script]);
    granted.network = Network::Host;
    check_succeeds(&finish(granted));
}

#[test]
fn the_host_network_is_not_given_where_it_was_promised_away() {
    let place = place();
    let mut spec = shell(Rung::L2, &place, "exit 0");
    spec.network = Network::Host;
    let refused = try_run(spec, CancellationToken::new()).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "the host network cannot be given at rung L2"
    );
}

#[test]
fn a_named_unix_socket_cannot_be_reached() {
    let place = place();
    let path = place.outside.join("agent");
    let _listener = UnixListener::bind(&path).expect("bound");
    for rung in rungs(Rung::L1) {
        if !is_there("/usr/bin/python3") {
            return;
        }
        let script = format!(
            "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('{}')",
            path.display()
        );
        check_fails(&finish(spec(
            rung,
            &place,
            &["/usr/bin/python3", "-c", &script],
        )));
    }
}

#[test]
fn signals_do_not_reach_the_host() {
    for rung in rungs(Rung::L2) {
        let place = place();
        let mut victim = Command::new("/bin/sleep")
            .arg("600")
            .spawn()
            .expect("started");
        let script = format!("kill -9 {}", victim.id());
        let report = finish(shell(rung, &place, &script));
        let alive = victim.try_wait().expect("waited").is_none();
        victim.kill().expect("killed");
        victim.wait().expect("waited");
        assert!(alive, "the cage let a signal out: {}", told(&report));
        check_fails(&report);
    }
}

#[test]
fn the_hosts_environment_cannot_be_read_from_proc() {
    for rung in rungs(Rung::L2) {
        let place = place();
        let script = format!(
            "cat /proc/{}/environ /proc/$PPID/environ",
            std::process::id()
        );
        let report = finish(shell(rung, &place, &script));
        check_fails(&report);
        assert_eq!(out(&report), "", "{}", told(&report));
    }
}

#[test]
fn the_environment_is_only_what_was_given() {
    for rung in rungs(Rung::L1) {
        let place = place();
        let mut spec = spec(rung, &place, &["/usr/bin/env"]);
        spec.env = vec![("ONE".into(), "1".into())];
        assert_eq!(out(&finish(spec)), "ONE=1\n");
    }
}

#[test]
fn privileges_are_gone_and_setuid_gives_none() {
    for rung in rungs(Rung::L1) {
        let place = place();
        let report = finish(shell(rung, &place, "cat /proc/self/status"));
        let text = out(&report);
        for line in [
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
            "CapEff:\t0000000000000000",
            "CapPrm:\t0000000000000000",
        ] {
            assert!(text.contains(line), "`{line}`: {}", told(&report));
        }
        // A setuid copy of `id`, owned by whoever runs the tests.
        let copy = place.inside.join("id");
        fs::copy("/usr/bin/id", &copy).expect("copied");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o6755)).expect("set");
        let plain = finish(shell(rung, &place, "/usr/bin/id -u; /usr/bin/id -g"));
        let raised = finish(shell(rung, &place, "./id -u; ./id -g"));
        assert_eq!(out(&plain), out(&raised));
    }
}

#[test]
fn a_pid_namespace_shows_only_the_cage() {
    for rung in rungs(Rung::L3) {
        let place = place();
        let report = finish(shell(
            rung,
            &place,
            "ls /proc | grep -c '^[0-9]*$'; cat /proc/net/dev",
        ));
        let text = out(&report);
        let count: u32 = text
            .lines()
            .next()
            .and_then(|line| line.parse().ok())
            .expect("a number");
        assert!(count <= 5, "{text}");
        assert_eq!(
            text.lines().filter(|line| line.contains(':')).count(),
            1,
            "only lo: {text}"
        );
    }
}

#[test]
fn loopback_inside_the_cage_works_in_a_net_namespace() {
    if !is_there("/usr/bin/python3") {
        return;
    }
    let script = "import socket\ns = socket.create_server(('127.0.0.1', 0))\n\
                  c = socket.create_connection(s.getsockname())\nc.send(b'x')\nprint('served')";
    for rung in rungs(Rung::L3) {
        let report = finish(spec(rung, &place(), &["/usr/bin/python3", "-c", script]));
        check_succeeds(&report);
        assert_eq!(out(&report), "served\n");
    }
}

#[test]
fn a_rung_below_the_minimum_is_an_error() {
    let place = place();
    let mut spec = shell(Rung::L1, &place, "exit 0");
    spec.rung_min = Rung::L2;
    let refused = try_run(spec, CancellationToken::new()).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "rung L1 is below the L2 that is demanded"
    );
}

#[test]
fn a_missing_executable_is_one_clear_error() {
    for rung in rungs(Rung::L1) {
        let place = place();
        let spec = spec(rung, &place, &["/nowhere/tool"]);
        let refused = try_run(spec, CancellationToken::new()).expect_err("refused");
        assert!(
            matches!(refused, CageError::ExecutableMissing { .. }),
            "{refused:?}"
        );
        assert_eq!(refused.to_string(), "no executable at `/nowhere/tool`");
    }
}

#[test]
fn a_missing_working_directory_is_one_clear_error() {
    for rung in rungs(Rung::L1) {
        let place = place();
        let mut spec = shell(rung, &place, "exit 0");
        spec.cwd = "/nowhere".into();
        let refused = try_run(spec, CancellationToken::new()).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "working directory `/nowhere` cannot be entered"
        );
    }
}

#[test]
fn all_of_this_holds_for_an_ordinary_user_too() {
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|proc| std::os::unix::fs::MetadataExt::uid(&proc) == 0);
    if !is_root || !is_there("/usr/bin/setpriv") {
        eprintln!("skipped: only root can become an ordinary user here");
        return;
    }
    let binary = std::env::current_exe().expect("this binary");
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut command = Command::new("/usr/bin/setpriv");
    let listed = command
        .args(user)
        .arg(&binary)
        .arg("--list")
        .output()
        .expect("started");
    if !listed.status.success() {
        eprintln!(
            "skipped: an ordinary user cannot reach `{}`",
            binary.display()
        );
        return;
    }
    let again = Command::new("/usr/bin/setpriv")
        .args(user)
        .arg(&binary)
        .args(["--test-threads=2", "--skip", "ordinary_user"])
        .output()
        .expect("started");
    let text = String::from_utf8_lossy(&again.stdout);
    assert_eq!(
        Exit::Code(again.status.code().unwrap_or(-1)),
        Exit::Code(0),
        "{text}"
    );
}
