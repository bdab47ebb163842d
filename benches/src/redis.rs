//! Peer: a Redis server on the loopback interface, if there is one on the `PATH`.
//!
//! The client is the cheapest that there can be: one connection, one write and one read a
//! call, no parsing beyond the length.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of our own, ended when dropped, and a connection to it.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    connection: TcpStream,
}

impl Redis {
    /// Starts `redis-server` on a free port.
    ///
    /// # Errors
    /// It is not on the `PATH`, or does not answer within 5 seconds.
    pub fn start() -> io::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let started = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(connection) => {
                    connection.set_nodelay(true)?;
                    return Ok(Redis { server, connection });
                }
                Err(error) if started.elapsed() > Duration::from_secs(5) => {
                    server.kill()?;
                    server.wait()?;
                    return Err(error);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Puts a value.
    ///
    /// # Errors
    /// The connection broke, or the answer is not what it should be.
    pub fn set(&mut self, key: &str, value: &str) -> io::Result<()> {
        self.ask(&["SET", key, value])?;
        let mut answer = [0; 5];
        self.connection.read_exact(&mut answer)?;
        if answer == *b"+OK\r\n" { Ok(()) } else { Err(io::Error::other("SET was refused")) }
    }

    /// The length of the value of `key`, once all of it is here.
    ///
    /// # Errors
    /// The connection broke, or there is no such key.
    pub fn get(&mut self, key: &str) -> io::Result<usize> {
        self.ask(&["GET", key])?;
        let mut buffer = [0; 4096];
        let mut filled = 0;
        loop {
            let read = self.connection.read(&mut buffer[filled..])?;
            filled += read;
            let answer = &buffer[..filled];
            let Some(end) = answer.windows(2).position(|pair| pair == b"\r\n") else { continue };
            let len = std::str::from_utf8(&answer[1..end]).ok().and_then(|len| len.parse().ok());
            let Some(len): Option<usize> = len else {
                return Err(io::Error::other("GET found nothing"));
            };
            if filled == end + 2 + len + 2 {
                return Ok(len);
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn ask(&mut self, words: &[&str]) -> io::Result<()> {
        let mut line = format!("*{}\r\n", words.len());
        for word in words {
            line += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.connection.write_all(line.as_bytes())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It is ours, and there is nothing to save.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
