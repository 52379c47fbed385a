//! Watches the length-prefixed messages that pass through a body, and refuses one that is too large.
//!
//! Reads the five bytes before each message and nothing else. Holds for every service alike: tonic's own limits are
//! set for each generated server separately, and its limit on answers is none at all.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Bytes;
use tonic::{Status, body::Body};
use weir_model::Fault;

use super::answer::{self, Tell};

/// One byte of flags, four of length.
const PREFIX_BYTES: usize = 5;

/// Follows message boundaries across chunks.
#[derive(Debug)]
pub(crate) struct FrameMeter {
    prefix: [u8; PREFIX_BYTES],
    prefix_read: usize,
    message_left: usize,
    message_bytes_max: usize,
}

impl FrameMeter {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        FrameMeter { prefix: [0; PREFIX_BYTES], prefix_read: 0, message_left: 0, message_bytes_max }
    }

    /// Passes a chunk; a fault when a message begins in it that is larger than allowed.
    pub(crate) fn pass(&mut self, mut chunk: &[u8]) -> Result<(), Fault> {
        loop {
            let skipped = self.message_left.min(chunk.len());
            self.message_left -= skipped;
            chunk = chunk.get(skipped..).unwrap_or_default();
            let Some((byte, rest)) = chunk.split_first() else { return Ok(()) };
            chunk = rest;
            if let Some(place) = self.prefix.get_mut(self.prefix_read) {
                *place = *byte;
            }
            self.prefix_read += 1;
            if self.prefix_read == PREFIX_BYTES {
                let [_, a, b, c, d] = self.prefix;
                let bytes = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                if bytes > self.message_bytes_max {
                    return Err(answer::too_large(bytes, self.message_bytes_max));
                }
                (self.prefix_read, self.message_left) = (0, bytes);
            }
        }
    }
}

/// A request body that fails where a message is too large.
#[derive(Debug)]
pub(crate) struct MeteredRequest {
    inner: Body,
    meter: FrameMeter,
    tell: Tell,
}

impl MeteredRequest {
    pub(crate) fn new(inner: Body, message_bytes_max: usize, tell: Tell) -> Self {
        MeteredRequest { inner, meter: FrameMeter::new(message_bytes_max), tell }
    }
}

impl HttpBody for MeteredRequest {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(chunk) = frame.data_ref()
            && let Err(fault) = self.meter.pass(chunk)
        {
            return Poll::Ready(Some(Err((self.tell)(fault))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Vec<u8> {
        let mut framed = vec![0];
        framed.extend(u32::try_from(bytes).unwrap().to_be_bytes());
        framed.extend(std::iter::repeat_n(7, bytes));
        framed
    }

    #[test]
    fn messages_up_to_the_limit_pass_however_they_are_cut() {
        let stream: Vec<u8> = [message(10), message(0), message(3)].concat();
        for size in 1..=stream.len() {
            let mut meter = FrameMeter::new(10);
            assert!(stream.chunks(size).all(|chunk| meter.pass(chunk).is_ok()), "chunks of {size}");
        }
    }

    #[test]
    fn a_message_over_the_limit_is_refused_however_it_is_cut() {
        let stream: Vec<u8> = [message(3), message(11)].concat();
        for size in 1..=stream.len() {
            let mut meter = FrameMeter::new(10);
            assert!(stream.chunks(size).any(|chunk| meter.pass(chunk).is_err()), "chunks of {size}");
        }
    }
}
