//! What is said to servers of mail, and what is made of their answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use super::*;

fn letter(login: bool) -> Letter {
    let login = login.then(|| ("ada".to_owned(), "secret".to_owned()));
    let (from, to) = ("mw@example.org".to_owned(), vec!["ops@example.org".to_owned()]);
    Letter { from, to, login, text: "Subject: x\r\n\r\n.dot\r\n".to_owned() }
}

/// A server that answers each line by the next of `answers`; returns what it was sent.
fn server(answers: &'static [&'static str]) -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut heard = String::new();
        for answer in answers {
            reader.get_mut().write_all(format!("{answer}\r\n").as_bytes()).unwrap();
            let in_data = answer.starts_with("354");
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return heard;
                }
                heard += &line;
                if !in_data || line == ".\r\n" {
                    break;
                }
            }
        }
        heard
    };
    (port, std::thread::spawn(serve))
}

fn plain(port: u16) -> MailServer {
    MailServer::parse(&format!("smtp://127.0.0.1:{port}?tls=none")).unwrap()
}

#[test]
fn a_letter_is_handed_over_line_by_line() {
    let answers = &["220 hello", "250-me\r\n250 SIZE", "250 ok", "251 moved", "354 go", "250 kept"];
    let (port, heard) = server(answers);
    plain(port).send(&letter(false)).unwrap();
    let heard = heard.join().unwrap();
    assert!(heard.contains("MAIL FROM:<mw@example.org>\r\nRCPT TO:<ops@example.org>\r\nDATA"));
    assert!(heard.contains("\r\n..dot\r\n.\r\nQUIT"), "{heard}");
}

#[test]
fn what_may_pass_is_told_from_what_will_not() {
    let (port, _) = server(&["220 hello", "250 me", "451 later"]);
    assert_eq!(plain(port).send(&letter(false)), Err(("it answered 451 later".into(), true)));
    let (port, _) = server(&["220 hello", "250 me", "550 never"]);
    assert_eq!(plain(port).send(&letter(false)), Err(("it answered 550 never".into(), false)));
    let (port, _) = server(&["HTTP/1.1 400 Bad Request"]);
    assert!(plain(port).send(&letter(false)).unwrap_err().0.contains("answered"));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(plain(gone).send(&letter(false)).unwrap_err().1);
}

#[test]
fn a_password_is_never_sent_in_the_clear_and_no_letter_without_the_encryption_asked_for() {
    let (port, heard) = server(&["220 hello", "250-me\r\n250 AUTH PLAIN"]);
    let (why, may_help) = plain(port).send(&letter(true)).unwrap_err();
    assert!(why.contains("in the clear") && !may_help);
    assert!(!heard.join().unwrap().contains("AUTH"));
    let (port, heard) = server(&["220 hello", "250 me"]);
    let strict = MailServer::parse(&format!("smtp://127.0.0.1:{port}")).unwrap();
    assert!(strict.send(&letter(false)).unwrap_err().0.contains("no STARTTLS"));
    assert!(!heard.join().unwrap().contains("MAIL"));
}

#[test]
fn urls_are_read_and_wrong_ones_refused() {
    let of = |url: &str| MailServer::parse(url).unwrap();
    let read = of("smtps://mail.example.org");
    assert_eq!((read.port, read.tls), (465, Tls::Whole));
    let read = of("smtp://[::1]:2525?ca=a.pem");
    assert_eq!((read.host.as_str(), read.port, read.tls), ("::1", 2525, Tls::Start));
    assert_eq!(of("smtp://h").port, 587);
    for url in ["http://h", "smtp://", "smtp://a:b@h", "smtp://h:x", "smtps://h?tls=none"] {
        assert!(MailServer::parse(url).is_err(), "{url}");
    }
}

#[test]
fn one_wrong_address_does_not_keep_the_letter_from_the_others() {
    let to = ["ops@example.org", "gone@example.org", "full@example.org"];
    let letter = Letter { to: to.map(str::to_owned).to_vec(), ..letter(false) };
    let answers = &[
        "220 hello",
        "250 me",
        "250 ok",
        "250 ok",
        "550 nobody",
        "452 full",
        "354 go",
        "250 kept",
    ];
    let (port, heard) = server(answers);
    let unreached = plain(port).send(&letter).unwrap();
    assert!(heard.join().unwrap().contains("..dot"), "the letter itself was sent");
    let of = |at: usize, why: &str, may_help| Unreached {
        to: to[at].to_owned(),
        why: format!("it answered {why}"),
        may_help,
    };
    assert_eq!(unreached, [of(1, "550 nobody", false), of(2, "452 full", true)]);
    // Where nobody is left, it was not taken.
    let (port, heard) = server(&["220 hello", "250 me", "250 ok", "550 a", "550 b", "451 c"]);
    assert_eq!(plain(port).send(&letter), Err(("it answered 550 a".to_owned(), true)));
    assert!(!heard.join().unwrap().contains("DATA"));
}
