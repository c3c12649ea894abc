//! The process: frames in, runs, frames out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, BufReader, BufWriter};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use wasmtime::Engine;

use crate::engine::Image;
use crate::frames::{self, FrameError, Hello, Incoming, Outgoing, Start};
use crate::guest;
use crate::limits::LIMITS;
use crate::run::{self, Context, Control};
use crate::walls::Walls;

const EPOCH_TICK: Duration = Duration::from_millis(1);

/// Why the process ends before its input does.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A frame that none of ours could have written.
    #[error("the orchestrator's frames cannot be read: {0}")]
    Frame(#[from] FrameError),
    /// A frame that does not fit what went before.
    #[error("the orchestrator broke the protocol: {0}")]
    Protocol(&'static str),
    /// The image lacks what a script image exports.
    #[error("the script image does not fit this host: {0}")]
    Image(wasmtime::Error),
    /// The machine gave no thread or timer.
    #[error("the process cannot start: {0}")]
    Start(#[from] io::Error),
}

/// The threads of the process. They exist before the last wall is built, which forbids making others.
pub struct Threads {
    outbox: Outbox,
    inbox: UnboundedReceiver<Result<(Incoming, Vec<u8>), FrameError>>,
    ticker: Ticker,
}

impl Threads {
    /// Starts reading standard input, writing standard output, and ticking the engine's epoch.
    pub fn start(image: &Image) -> io::Result<Self> {
        let (outbox, outgoing) = channel();
        let (inbox_end, inbox) = unbounded_channel();
        thread::Builder::new()
            .name("writer".into())
            .spawn(move || write_frames(outgoing))?;
        thread::Builder::new()
            .name("reader".into())
            .spawn(move || read_frames(inbox_end))?;
        Ok(Self {
            outbox: Outbox(outbox),
            inbox,
            ticker: Ticker::start(image.engine.clone())?,
        })
    }
}

/// Serves runs until standard input ends.
pub fn serve(
    image: &Image,
    threads: Threads,
    walls: Walls,
    load: Duration,
) -> Result<(), ServeError> {
    let Threads {
        outbox,
        inbox,
        ticker,
    } = threads;
    let context = Rc::new(Context {
        engine: image.engine.clone(),
        instances: guest::prepare(image).map_err(ServeError::Image)?,
        image: image.sha256.clone(),
        outbox: outbox.clone(),
    });
    outbox.send(
        Outgoing::Hello(Box::new(hello(image, walls, load))),
        Vec::new(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    LocalSet::new().block_on(&runtime, take_frames(context, inbox, ticker))
}

fn hello(image: &Image, walls: Walls, load: Duration) -> Hello {
    Hello {
        protocol: 1,
        version: env!("CARGO_PKG_VERSION"),
        wasmtime: "48.0.8",
        architecture: std::env::consts::ARCH,
        image: image.sha256.clone(),
        load_ms: load.as_secs_f64() * 1e3,
        walls,
    }
}

/// One thread runs all scripts of the tenant: they take turns at each tick, and processor time is exact per run.
async fn take_frames(
    context: Rc<Context>,
    mut inbox: UnboundedReceiver<Result<(Incoming, Vec<u8>), FrameError>>,
    ticker: Ticker,
) -> Result<(), ServeError> {
    let runs = Rc::new(Runs {
        live: RefCell::default(),
        ticker,
    });
    while let Some(frame) = inbox.recv().await {
        match frame? {
            (Incoming::Start(start), source) => start_run(&context, &runs, *start, source)?,
            (Incoming::Reply { run_id, seq }, reply) => {
                let reply = String::from_utf8(reply)
                    .map_err(|_| ServeError::Protocol("a reply is not UTF-8"))?;
                if let Some(handle) = runs.live.borrow().get(&run_id) {
                    let _ = handle.replies.send((seq, reply)); // the run may have ended meanwhile
                }
            }
            (Incoming::Cancel { run_id }, _) => {
                if let Some(cancel) = runs
                    .live
                    .borrow_mut()
                    .get_mut(&run_id)
                    .and_then(|handle| handle.cancel.take())
                {
                    let _ = cancel.send(()); // likewise
                }
            }
        }
    }
    Ok(())
}

struct Runs {
    live: RefCell<HashMap<String, Handle>>,
    ticker: Ticker,
}

struct Handle {
    replies: UnboundedSender<(u64, String)>,
    cancel: Option<oneshot::Sender<()>>,
}

fn start_run(
    context: &Rc<Context>,
    runs: &Rc<Runs>,
    start: Start,
    source: Vec<u8>,
) -> Result<(), ServeError> {
    let mut live = runs.live.borrow_mut();
    if live.len() >= LIMITS.per_process {
        return Err(ServeError::Protocol("more runs than a process takes"));
    }
    let (replies, replies_end) = unbounded_channel();
    let (cancel, cancel_end) = oneshot::channel();
    if live
        .insert(
            start.run_id.clone(),
            Handle {
                replies,
                cancel: Some(cancel),
            },
        )
        .is_some()
    {
        return Err(ServeError::Protocol("a run id twice"));
    }
    runs.ticker.run_started();
    let (context, runs) = (Rc::clone(context), Rc::clone(runs));
    tokio::task::spawn_local(async move {
        let control = Control {
            replies: replies_end,
            cancel: cancel_end,
        };
        let (completion, parts) = run::run(&context, start, source, control).await;
        // Its place is free before anyone hears of it: the next start may be on its way at once.
        runs.live.borrow_mut().remove(&completion.run_id);
        runs.ticker.run_ended();
        context
            .outbox
            .send(Outgoing::Completion(Box::new(completion)), parts);
    });
    Ok(())
}

/// Where frames to the orchestrator go. Unbounded, because what a run can have on its way is: one call, capped events.
#[derive(Clone)]
pub(crate) struct Outbox(Sender<(Outgoing, Vec<u8>)>);

impl Outbox {
    pub(crate) fn send(&self, header: Outgoing, binary: Vec<u8>) {
        let _ = self.0.send((header, binary)); // the writer ends the process when the pipe breaks
    }
}

fn write_frames(outgoing: Receiver<(Outgoing, Vec<u8>)>) {
    let mut pipe = BufWriter::new(io::stdout().lock());
    for (header, binary) in outgoing {
        if frames::write(&mut pipe, &header, &binary).is_err() {
            std::process::exit(70); // nobody is left to work for
        }
    }
}

fn read_frames(inbox: UnboundedSender<Result<(Incoming, Vec<u8>), FrameError>>) {
    let mut pipe = BufReader::new(io::stdin().lock());
    while let Some(frame) = frames::read(&mut pipe).transpose() {
        let broken = frame.is_err();
        if inbox.send(frame).is_err() || broken {
            return;
        }
    }
}

/// Ticks the epoch while a run is there and sleeps otherwise: an idle process costs nothing.
struct Ticker {
    runs: Arc<AtomicUsize>,
    thread: Thread,
}

impl Ticker {
    fn start(engine: Engine) -> io::Result<Self> {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let handle = thread::Builder::new()
            .name("ticker".into())
            .spawn(move || {
                loop {
                    if counted.load(Ordering::Acquire) == 0 {
                        thread::park();
                        continue;
                    }
                    thread::sleep(EPOCH_TICK);
                    engine.increment_epoch();
                }
            })?;
        Ok(Self {
            runs,
            thread: handle.thread().clone(),
        })
    }

    fn run_started(&self) {
        if self.runs.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
    }

    fn run_ended(&self) {
        self.runs.fetch_sub(1, Ordering::AcqRel);
    }
}
