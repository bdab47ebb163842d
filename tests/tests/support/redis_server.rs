//! A Redis server of the test's own on a free port of the loopback interface, and a proxy before
//! it that cuts connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sessile::store::RedisOptions;

/// A server in a directory of its own. Dropping it ends the server.
pub struct RedisServer {
    pub port: u16,
    dir: tempfile::TempDir,
    settings: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl RedisServer {
    /// One that keeps what it acknowledged through a power loss.
    pub fn start() -> Self {
        RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// One with these settings.
    pub fn with(settings: &[&str]) -> Self {
        RedisServer::over(tempfile::tempdir().unwrap(), settings)
    }

    /// One over what is in a directory.
    pub fn over(dir: tempfile::TempDir, settings: &[&str]) -> Self {
        let port = free_port();
        let server = RedisServer {
            port,
            dir,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            child: Mutex::new(None),
        };
        server.run();
        server
    }

    /// Starts the program over what is in the directory.
    pub fn run(&self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(self.dir())
            .args(&self.settings)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is there: .ci/setup.sh installs it");
        *self.child.lock().unwrap() = Some(child);
        until("the server answers", || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok_and(|mut connection| {
                let mut answer = [0; 5];
                connection.write_all(b"PING\r\n").is_ok()
                    && connection.read_exact(&mut answer).is_ok()
                    && (&answer == b"+PONG" || answer.starts_with(b"-NOA"))
            })
        });
    }

    /// What a crash at this moment would leave, under a server of its own. The lease there runs
    /// out at once.
    pub fn crashed(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        super::copy_at_once(self.dir(), dir.path());
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        let server = RedisServer::over(dir, &settings);
        server.command(&[b"DEL", b"{sessile:0}o"]);
        server
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn options(&self) -> RedisOptions {
        options(self.port)
    }

    /// Sends one command and gives the first line of the answer.
    pub fn command(&self, words: &[&[u8]]) -> String {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        connection.write_all(&request).unwrap();
        let mut answer = vec![0; 65_536];
        let len = connection.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..len]).into_owned()
    }

    /// Stops the process for a while, or lets it go on: SIGSTOP, SIGCONT.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let child = self.child.lock().unwrap();
        let pid = rustix::process::Pid::from_child(child.as_ref().unwrap());
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Short times, so that a test of them takes no longer than it must.
pub fn options(port: u16) -> RedisOptions {
    RedisOptions::new(&format!("127.0.0.1:{port}"))
        .unwrap()
        .call_timeout(Duration::from_secs(1))
        .settle_timeout(Duration::from_secs(3))
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes a cluster of servers that were started for one, each with its share of the slots.
pub fn join_cluster(servers: &[&RedisServer]) {
    let share = 16_384_usize.div_ceil(servers.len());
    let first = servers[0];
    for (number, server) in servers.iter().enumerate() {
        let from = (number * share).to_string();
        let to = ((number + 1) * share - 1).min(16_383).to_string();
        let words: [&[u8]; 4] = [b"CLUSTER", b"ADDSLOTSRANGE", from.as_bytes(), to.as_bytes()];
        assert_eq!(server.command(&words), "+OK\r\n");
        let port = first.port.to_string();
        let bus = first.command(&[b"CONFIG", b"GET", b"cluster-port"]);
        let bus = bus.trim().rsplit("\r\n").next().unwrap().to_owned();
        let meet: [&[u8]; 5] = [b"CLUSTER", b"MEET", b"127.0.0.1", port.as_bytes(), bus.as_bytes()];
        assert_eq!(server.command(&meet), "+OK\r\n");
    }
    until("the cluster is whole", || {
        servers.iter().all(|server| {
            let info = server.command(&[b"CLUSTER", b"INFO"]);
            let known = format!("cluster_known_nodes:{}\r", servers.len());
            info.contains("cluster_state:ok") && info.contains(&known)
        })
    });
}

/// Waits until something holds, at most half a minute.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Hands everything on to a server, and cuts where it is told to.
pub struct Proxy {
    pub port: u16,
    state: Arc<ProxyState>,
}

#[derive(Default)]
struct ProxyState {
    /// And whether the server gets what holds them.
    markers: Mutex<Vec<(Vec<u8>, bool)>>,
    cuts_left: AtomicUsize,
    keeps: AtomicBool,
    kept: Mutex<Vec<(TcpStream, Vec<u8>)>>,
    /// Answers that nobody gets.
    swallowed: AtomicUsize,
}

impl Proxy {
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(ProxyState::default());
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), state: state.clone() };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let state = state.clone();
                std::thread::spawn(move || state.carry(client, server));
            }
        });
        proxy
    }

    /// Cuts the connection at the next `cuts` requests that hold `marker`, before the server
    /// gets it or once it has it, and at none otherwise.
    pub fn cut(&self, marker: &[u8], cuts: usize, lets_server_know: bool) {
        *self.state.markers.lock().unwrap() = vec![(marker.to_vec(), lets_server_know)];
        self.state.cuts_left.store(cuts, Ordering::SeqCst);
    }

    /// From now on the same, and at every question what became of a commit as well, before the
    /// server gets it.
    pub fn cut_with_questions(&self, marker: &[u8], lets_server_know: bool) {
        self.cut(marker, usize::MAX, lets_server_know);
        let question = (b"What became of the commit".to_vec(), false);
        self.state.markers.lock().unwrap().push(question);
    }

    /// Cuts the connection at each request that holds `marker`, and keeps the request for
    /// [`deliver`](Self::deliver).
    pub fn keep(&self, marker: &[u8]) {
        self.state.keeps.store(true, Ordering::SeqCst);
        self.cut(marker, usize::MAX, false);
    }

    /// Hands the server what was kept, late, and gives how many requests those were once it has
    /// answered them.
    pub fn deliver(&self) -> usize {
        let kept = std::mem::take(&mut *self.state.kept.lock().unwrap());
        let before = self.state.swallowed.load(Ordering::SeqCst);
        for (mut server, request) in kept.iter().map(|(server, request)| (server, request)) {
            server.write_all(request).unwrap();
        }
        until("the server answers what was kept", || {
            self.state.swallowed.load(Ordering::SeqCst) >= before + kept.len()
        });
        kept.len()
    }

    /// No more cuts.
    pub fn heal(&self) {
        self.state.cuts_left.store(0, Ordering::SeqCst);
    }

    pub fn cuts_left(&self) -> usize {
        self.state.cuts_left.load(Ordering::SeqCst)
    }
}

impl ProxyState {
    fn carry(self: Arc<Self>, mut client: TcpStream, mut server: TcpStream) {
        let (mut answers, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let is_cut = Arc::new(AtomicBool::new(false));
        let (is_cut_too, state) = (is_cut.clone(), self.clone());
        let back = std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(len @ 1..) = answers.read(&mut bytes) {
                // The answer to what is cut is swallowed.
                if is_cut_too.load(Ordering::SeqCst) {
                    state.swallowed.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                if to.write_all(&bytes[..len]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
        let (mut bytes, mut is_known) = (vec![0; 1 << 20], false);
        while let Ok(len @ 1..) = client.read(&mut bytes) {
            if let Some(lets_server_know) = self.takes_cut(&bytes[..len]) {
                is_cut.store(true, Ordering::SeqCst);
                is_known = lets_server_know;
                if !is_known && self.keeps.load(Ordering::SeqCst) {
                    let _ = client.shutdown(Shutdown::Both);
                    self.kept.lock().unwrap().push((server, bytes[..len].to_vec()));
                    return;
                }
                if !is_known {
                    break;
                }
            }
            if server.write_all(&bytes[..len]).is_err() {
                break;
            }
        }
        // What was cut after the server had it is cut when its answer comes.
        if !is_known {
            let _ = server.shutdown(Shutdown::Both);
        }
        let _ = back.join();
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }

    /// Whether the server gets what is cut; `None`: it is not.
    fn takes_cut(&self, bytes: &[u8]) -> Option<bool> {
        let markers = self.markers.lock().unwrap();
        let holds = |marker: &[u8]| bytes.windows(marker.len()).any(|part| part == marker);
        let (_, lets_server_know) = markers.iter().find(|(marker, _)| holds(marker))?;
        let take = |cuts: usize| cuts.checked_sub(1);
        let cut = self.cuts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        cut.is_ok().then_some(*lets_server_know)
    }
}
