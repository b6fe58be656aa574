//! `[T11]` Provider chaos: one plain sentence, no panic, no half intent, a right budget.

use thymos_cognition::{AdapterKind, connect};
use thymos_ports::cognition::{ModelFaultKind as Kind, Streamed};
use tokio_util::sync::CancellationToken;

use crate::server::{
    CUT, KEY, KINDS, Play, Server, answer, chunked, good, propose, propose_with, reply, services,
    spec, stream,
};

async fn check_fault(kind: AdapterKind, play: Play, expected: Kind, attempts: usize) {
    let server = Server::start(vec![play.clone()]).await;
    let fault = propose(spec(kind, &server.url)).await.result.unwrap_err();
    assert_eq!(fault.kind, expected, "{fault} after {play:?}");
    assert!(fault.hint.is_some());
    assert_eq!(server.requests().len(), attempts, "{fault}");
}

#[tokio::test]
async fn t11_what_a_repeat_cannot_mend_is_asked_once() {
    for kind in KINDS {
        for (status, expected) in [
            ("400 Bad Request", Kind::BadRequest),
            ("401 Unauthorized", Kind::Auth),
            ("403 Forbidden", Kind::Auth),
            ("404 Not Found", Kind::NotFound),
            ("422 Unprocessable Entity", Kind::BadRequest),
        ] {
            let echo = format!("{{\"error\":{{\"message\":\"bad key {KEY}\"}}}}");
            check_fault(kind, reply(status, "application/json", &echo), expected, 1).await;
            check_fault(kind, reply(status, "text/html", "<h1>no</h1>"), expected, 1).await;
        }
    }
}

#[tokio::test]
async fn t11_what_may_pass_is_tried_again_up_to_the_limit() {
    for kind in KINDS {
        for (status, expected) in [
            ("408 Request Timeout", Kind::Timeout),
            ("429 Too Many Requests", Kind::RateLimited),
            ("500 Internal Server Error", Kind::Overloaded),
            ("503 Service Unavailable", Kind::Overloaded),
            ("529 Overloaded", Kind::Overloaded),
        ] {
            check_fault(kind, reply(status, "text/plain", "busy"), expected, 4).await;
        }
    }
}

#[tokio::test]
async fn t11_retry_after_is_honoured_in_all_its_forms() {
    for (header, waited) in [
        ("retry-after-ms: 3\r\n", "restart 3"),
        ("retry-after: 0.002\r\n", "restart 2"),
        (
            "retry-after: Sat, 05 Nov 1994 08:49:37 GMT\r\n",
            "restart 0",
        ),
    ] {
        let kind = AdapterKind::OpenAi;
        let busy = answer("429 Too Many Requests", header, "");
        let server = Server::start(vec![busy, stream(&good(kind))]).await;
        let heard = propose(spec(kind, &server.url)).await;
        assert_eq!(heard.bits, [waited, "Hel", "lo", "<grep>"]);
        assert_eq!(heard.result.unwrap().attempts, 2);
    }
}

#[tokio::test]
async fn t11_a_wait_beyond_the_limit_is_told_and_not_taken() {
    let busy = answer("429 Too Many Requests", "retry-after: 3600\r\n", "");
    let server = Server::start(vec![busy]).await;
    let heard = propose(spec(AdapterKind::Anthropic, &server.url)).await;
    let fault = heard.result.unwrap_err();
    assert_eq!(fault.hint.as_deref(), Some("it asks to wait 3600 s"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn t11_a_cut_stream_is_repeated_whole_with_the_identical_body() {
    for kind in KINDS {
        let body = good(kind);
        for cut_at in [1, body.len() / 3, body.len() / 2] {
            let cut = chunked(&[&body.as_bytes()[..cut_at]], CUT);
            let server = Server::start(vec![cut, stream(&body)]).await;
            let heard = propose(spec(kind, &server.url)).await;
            let turn = heard.result.unwrap();
            assert_eq!(
                (turn.text.as_str(), turn.calls.len(), turn.attempts),
                ("Hello", 1, 2)
            );
            let bodies = server.bodies();
            assert_eq!(bodies.len(), 2);
            assert_eq!(bodies[0], bodies[1]);
            assert_eq!(
                heard
                    .bits
                    .iter()
                    .filter(|bit| bit.starts_with("restart"))
                    .count(),
                1
            );
        }
    }
}

#[tokio::test]
async fn t11_usage_of_a_cut_attempt_is_not_forgotten() {
    let kind = AdapterKind::Anthropic;
    let body = good(kind);
    let first = body.find("\n\n").unwrap() + 2;
    let server = Server::start(vec![stream(&body[..first]), stream(&body)]).await;
    let usage = propose(spec(kind, &server.url)).await.result.unwrap().usage;
    assert_eq!((usage.input, usage.output), (20, 6));
}

#[tokio::test]
async fn t11_a_stream_that_is_always_cut_yields_no_half_intent() {
    for kind in KINDS {
        let body = good(kind);
        let stop = body
            .find("finish_reason")
            .or(body.find("stop_reason"))
            .unwrap();
        let until = body[..stop].rfind("data:").unwrap();
        check_fault(kind, stream(&body[..until]), Kind::Cut, 4).await;
        check_fault(kind, stream(&body[..stop]), Kind::Cut, 4).await;
        check_fault(kind, stream(""), Kind::Cut, 4).await;
    }
}

#[tokio::test]
async fn t11_garbage_and_wrong_types_are_malformed_and_asked_once() {
    for kind in KINDS {
        for play in [
            stream("lorem ipsum"),
            stream("data: lorem ipsum\n\n"),
            reply("200 OK", "text/html", "<html>log in</html>"),
            reply("200 OK", "application/json", "{\"choices\":[]}"),
            reply("200 OK", "application/json", ""),
        ] {
            check_fault(kind, play, Kind::Malformed, 1).await;
        }
    }
}

#[tokio::test]
async fn t11_an_error_inside_a_success_has_its_own_kind() {
    let error =
        "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"x\"}}";
    for kind in KINDS {
        check_fault(
            kind,
            reply("200 OK", "application/json", error),
            Kind::Auth,
            1,
        )
        .await;
        check_fault(kind, stream(&format!("data: {error}\n\n")), Kind::Auth, 1).await;
        check_fault(kind, stream(&format!("{error}\n")), Kind::Auth, 1).await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_stays_here() {
    for kind in KINDS {
        let other = Server::start(vec![stream(&good(kind))]).await;
        let away = answer(
            "307 Temporary Redirect",
            &format!("location: {}/v1\r\n", other.url),
            "",
        );
        check_fault(kind, away, Kind::NotFound, 1).await;
        assert_eq!(other.requests(), [""; 0]);
    }
}

#[tokio::test]
async fn t11_silence_is_a_timeout_before_the_head_and_inside_the_stream() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    for kind in KINDS {
        for silence in [Vec::new(), head.clone()] {
            let server = Server::start(vec![Play::Hold(silence)]).await;
            let mut spec = spec(kind, &server.url);
            spec.request_timeout_ms = 30;
            let fault = propose(spec).await.result.unwrap_err();
            assert_eq!(fault.kind, Kind::Timeout);
        }
    }
}

#[tokio::test]
async fn a_closed_port_is_no_route() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let fault = propose(spec(AdapterKind::OpenAi, &url))
        .await
        .result
        .unwrap_err();
    assert_eq!(fault.kind, Kind::NoRoute);
    let expected = "`here` cannot be reached at `127.0.0.1`: nothing listens there";
    assert_eq!(fault.message, expected);
}

#[tokio::test]
async fn cancel_drops_a_request_in_the_middle_of_its_stream() {
    for kind in KINDS {
        let body = good(kind);
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
        let first = body.match_indices("\n\n").nth(2).unwrap().0 + 2;
        bytes.extend_from_slice(&body.as_bytes()[..first]);
        let server = Server::start(vec![Play::Hold(bytes)]).await;
        let model = connect(spec(kind, &server.url), services()).unwrap();
        let cancel = CancellationToken::new();
        let heard = propose_with(&*model, &cancel, |_| cancel.cancel()).await;
        assert_eq!(heard.result.unwrap_err().kind, Kind::Cancelled);
        server.left().await;
    }
}

#[tokio::test]
async fn cancel_ends_a_wait_between_attempts() {
    let busy = answer("429 Too Many Requests", "retry-after: 100\r\n", "");
    let server = Server::start(vec![busy]).await;
    let model = connect(spec(AdapterKind::OpenAi, &server.url), services()).unwrap();
    let cancel = CancellationToken::new();
    let heard = propose_with(&*model, &cancel, |bit| {
        assert!(matches!(
            bit,
            Streamed::Restart {
                wait_ms: 100_000,
                ..
            }
        ));
        cancel.cancel();
    })
    .await;
    assert_eq!(heard.result.unwrap_err().kind, Kind::Cancelled);
    assert_eq!(server.requests().len(), 1);
}
