//! A mail server that keeps what it is given: `smtp_sink FOLDER`. Listens on a free port of the loopback interface,
//! prints it, and writes each mail into the folder as `000001.eml`, envelope first. Ends when its standard input does.
//!
//! A recipient whose address begins with `refused` is refused for good, one with `later` for now.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: smtp_sink FOLDER")?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?.port())?;
    out.flush()?;
    let count = Arc::new(AtomicU32::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folder, count) = (folder.clone(), Arc::clone(&count));
            // a client that hangs up in the middle is its own business
            thread::spawn(move || drop(serve(&stream, &folder, &count)));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// One session of RFC 5321, as much of it as a client needs to hand over mails.
fn serve(stream: &TcpStream, folder: &Path, count: &AtomicU32) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut out = stream;
    let mut envelope = String::new();
    write!(out, "220 sink ready\r\n")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => write!(out, "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")?,
            "MAIL" => {
                envelope = format!("X-Envelope: {}\r\n", line.trim());
                write!(out, "250 ok\r\n")?;
            }
            "RCPT" if line.contains("<refused") => write!(out, "550 no such mailbox\r\n")?,
            "RCPT" if line.contains("<later") => write!(out, "451 try again later\r\n")?,
            "RCPT" => {
                envelope.push_str(&format!("X-Envelope: {}\r\n", line.trim()));
                write!(out, "250 ok\r\n")?;
            }
            "DATA" => {
                write!(out, "354 go on, end with a dot\r\n")?;
                let mail = receive(&mut lines)?;
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let half = folder.join(format!("{number:06}.part"));
                fs::write(&half, format!("{envelope}{mail}"))?;
                fs::rename(half, folder.join(format!("{number:06}.eml")))?;
                write!(out, "250 kept\r\n")?;
            }
            "QUIT" => {
                write!(out, "221 bye\r\n")?;
                return Ok(());
            }
            "NOOP" | "RSET" | "HELO" => write!(out, "250 ok\r\n")?,
            _ => write!(out, "502 not here\r\n")?,
        }
    }
}

/// The lines up to a single dot, with doubled leading dots undone.
fn receive(lines: &mut impl BufRead) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 || line.trim_end() == "." {
            return Ok(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
