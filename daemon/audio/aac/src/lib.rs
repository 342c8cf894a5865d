//! AAC in M4A, MP4 and ADTS files for daemon/audio/aac.ts: the file is read through one imported function, and sound
//! comes out in batches of planar float32. One instance of the module decodes one file and is then thrown away.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

use syom::{AacError, DecodeOptions, Decoder, Frame, M4aSeek};

#[link(wasm_import_module = "file")]
unsafe extern "C" {
    /// Copies up to `length` bytes from `offset` to `pointer`. Returns how many, or -1.
    fn read(offset: f64, pointer: *mut u8, length: usize) -> i32;
    fn size() -> f64;
}

/// A batch is at least this long, except the last: calls into the module cost little then.
const BATCH_SAMPLES: usize = 16_384;
const CHUNK_BYTES: usize = 65_536;
/// What `open` and `next` return below zero.
const DAMAGED: i32 = -1;
const UNSUPPORTED: i32 = -2;

struct File {
    at: u64,
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = unsafe { read(self.at as f64, buffer.as_mut_ptr(), buffer.len()) };
        if count < 0 {
            return Err(io::Error::other("the file cannot be read"));
        }
        self.at += count as u64;
        Ok(count as usize)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => offset as i64,
            SeekFrom::Current(offset) => self.at as i64 + offset,
            SeekFrom::End(offset) => (unsafe { size() }) as i64 + offset,
        };
        self.at = u64::try_from(target).map_err(io::Error::other)?;
        Ok(self.at)
    }
}

enum Source {
    Mp4(Box<M4aSeek<File>>),
    Adts { file: File, decoder: Box<Decoder>, finished: bool },
}

#[derive(Default)]
struct Batch {
    channels: Vec<Vec<f32>>,
    sample_rate: u32,
    core_rate: u32,
}

impl Batch {
    fn length(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    fn push(&mut self, frame: &Frame<'_>) {
        self.channels.resize_with(frame.planar.len(), Vec::new);
        for (channel, plane) in self.channels.iter_mut().zip(frame.planar) {
            channel.extend_from_slice(plane);
        }
        self.sample_rate = frame.sample_rate;
        self.core_rate = frame.meta.core_rate;
    }
}

#[derive(Default)]
struct State {
    source: Option<Source>,
    batch: Batch,
    message: String,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
}

fn failed(state: &mut State, error: AacError) -> i32 {
    state.message = error.to_string();
    match error {
        AacError::Unsupported(_) | AacError::Limit { .. } => UNSUPPORTED,
        _ => DAMAGED,
    }
}

/// 0, or why the file cannot be opened. `offset` is where the ADTS frames begin; it counts for these only.
#[unsafe(no_mangle)]
pub extern "C" fn open(is_mp4: bool, offset: f64) -> i32 {
    STATE.with_borrow_mut(|state| {
        let mut options = DecodeOptions::audio();
        options.max_duration_secs = f64::INFINITY;
        options.memory.max_output_bytes = u64::MAX;
        if !is_mp4 {
            let file = File { at: offset as u64 };
            let decoder = Box::new(Decoder::new(options));
            state.source = Some(Source::Adts { file, decoder, finished: false });
            return 0;
        }
        match M4aSeek::open(File { at: 0 }, options) {
            Ok(source) => {
                state.source = Some(Source::Mp4(Box::new(source)));
                0
            }
            Err(error) => {
                // No AAC track, or edits that cut the track into pieces: perhaps another decoder's business.
                let other = matches!(&error, AacError::NotAac)
                    || matches!(&error, AacError::Format(text) if text.contains("elst"));
                let code = failed(state, error);
                if other { UNSUPPORTED } else { code }
            }
        }
    })
}

/// Samples per channel that the container promises; -1 where it does not.
#[unsafe(no_mangle)]
pub extern "C" fn promised() -> f64 {
    STATE.with_borrow(|state| match &state.source {
        Some(Source::Mp4(source)) => source.presentation_len() as f64,
        _ => -1.0,
    })
}

/// Decodes the next batch. Returns its samples per channel, 0 at the end, below zero on an error.
#[unsafe(no_mangle)]
pub extern "C" fn next() -> i32 {
    STATE.with_borrow_mut(|state| {
        state.batch.channels.clear();
        match fill(state) {
            Ok(()) => state.batch.length() as i32,
            Err(error) => failed(state, error),
        }
    })
}

fn fill(state: &mut State) -> Result<(), AacError> {
    let batch = &mut state.batch;
    match state.source.as_mut() {
        None => Ok(()),
        Some(Source::Mp4(source)) => {
            let mut full = false;
            let result = source.decode(|frame| {
                batch.push(&frame);
                full = batch.length() >= BATCH_SAMPLES;
                // The frame counts as delivered: an error only ends this call, the next one goes on behind it.
                if full { Err(AacError::decode("batch full")) } else { Ok(()) }
            });
            if full { Ok(()) } else { result.map(|_| ()) }
        }
        Some(Source::Adts { file, decoder, finished }) => {
            let mut chunk = [0u8; CHUNK_BYTES];
            while !*finished && batch.length() < BATCH_SAMPLES {
                let count = file.read(&mut chunk).map_err(AacError::from)?;
                let on_frame = |frame: Frame<'_>| {
                    batch.push(&frame);
                    Ok(())
                };
                if count == 0 {
                    *finished = true;
                    decoder.finish(on_frame)?;
                } else {
                    decoder.feed(&chunk[..count], on_frame)?;
                }
            }
            Ok(())
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn channels() -> usize {
    STATE.with_borrow(|state| state.batch.channels.len())
}

/// Where the samples of a channel of the batch begin.
#[unsafe(no_mangle)]
pub extern "C" fn samples(channel: usize) -> *const f32 {
    STATE.with_borrow(|state| state.batch.channels[channel].as_ptr())
}

/// Hertz, of the batch.
#[unsafe(no_mangle)]
pub extern "C" fn sample_rate() -> u32 {
    STATE.with_borrow(|state| state.batch.sample_rate)
}

/// Hertz, before spectral band replication doubled it.
#[unsafe(no_mangle)]
pub extern "C" fn core_rate() -> u32 {
    STATE.with_borrow(|state| state.batch.core_rate)
}

/// The last error's sentence as UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn message() -> *const u8 {
    STATE.with_borrow(|state| state.message.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn message_length() -> usize {
    STATE.with_borrow(|state| state.message.len())
}
