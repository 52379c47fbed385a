//! Sends the file through the bulk intake: the file is read ahead, and a few messages are under way at a time.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
};

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use weir_wire::{
    Peer,
    common::v1::Token,
    receivables::v1::{
        ImportReceivablesRequest, ImportReceivablesResponse, receivables_service_client::ReceivablesServiceClient,
    },
};

use super::{
    reading::{Batch, Origin, Rows},
    row::Layout,
    tally::Tally,
};
use crate::print::{Progress, rate};

/// Messages sent and not yet answered.
const IN_FLIGHT_MAX: usize = 4;
/// Messages read ahead.
const READ_AHEAD: usize = 2;

/// What the progress bar looks like: bytes of the file, then rows and their rate.
const TEMPLATE: &str = "  {bar:40} {percent:>3} %  {msg}";

/// Sends every good row of a file; writes what is wrong with the others as it is found.
///
/// Answers what became of them, and how far the feed got.
///
/// # Errors
/// Where the file cannot be read, or the server gives up the whole intake.
pub(super) async fn send(
    peer: Peer,
    rows: Rows<File>,
    layout: Layout,
    bytes: u64,
    out: &mut dyn Write,
) -> anyhow::Result<(Tally, Token, std::time::Duration)> {
    let mapping = layout.mapping.clone();
    let mut batches = read_ahead(rows, layout);
    let progress = Progress::new(bytes, TEMPLATE);
    let mut sent = Sent { mapping, tally: Tally::default(), progress: &progress, token: Token::default() };

    let (requests, outgoing) = mpsc::channel(IN_FLIGHT_MAX);
    let mut client = ReceivablesServiceClient::new(peer);
    let mut answers = client.import_receivables(ReceiverStream::new(outgoing)).await?.into_inner();
    let mut requests = Some(requests);
    let mut under_way: VecDeque<Vec<Origin>> = VecDeque::new();
    while requests.is_some() || !under_way.is_empty() {
        tokio::select! {
            batch = batches.recv(), if requests.is_some() && under_way.len() < IN_FLIGHT_MAX => {
                let Some(batch) = batch.transpose()? else {
                    requests = None;
                    continue;
                };
                sent.tell_unreadable(&batch, out)?;
                if let (false, Some(requests)) = (batch.rows.is_empty(), &requests) {
                    // a server that is gone says why in its answer
                    let _ = requests.send(ImportReceivablesRequest { rows: batch.rows }).await;
                    under_way.push_back(batch.origins);
                }
            }
            answer = answer(&mut answers), if !under_way.is_empty() => {
                sent.tell(&under_way.pop_front().unwrap_or_default(), answer?, out)?;
            }
        }
    }
    let took = progress.end();
    Ok((sent.tally, sent.token, took))
}

async fn answer(answers: &mut Streaming<ImportReceivablesResponse>) -> anyhow::Result<ImportReceivablesResponse> {
    answers.message().await.context("the server gave the import up")?.context("the server ended the import early")
}

/// Reads the file on a thread of its own.
fn read_ahead(mut rows: Rows<File>, layout: Layout) -> mpsc::Receiver<anyhow::Result<Batch>> {
    let (batches, receiver) = mpsc::channel(READ_AHEAD);
    tokio::task::spawn_blocking(move || {
        while let Some(batch) = rows.next_batch(&layout).transpose() {
            let is_last = batch.is_err();
            if batches.blocking_send(batch).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

struct Sent<'a> {
    mapping: super::mapping::Mapping,
    tally: Tally,
    progress: &'a Progress,
    token: Token,
}

impl Sent<'_> {
    fn tell_unreadable(&mut self, batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
        let told: Vec<String> = batch.unreadable.iter().flat_map(|row| self.tally.unreadable(row)).collect();
        self.write(&told, out)?;
        let read = self.tally.read;
        self.progress.show(batch.bytes_read, format!("{read} rows, {} rows/s", rate(read, self.progress.elapsed())));
        Ok(())
    }

    fn tell(
        &mut self,
        origins: &[Origin],
        answer: ImportReceivablesResponse,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let fact_count: usize = origins.iter().map(|origin| origin.fact_count).sum();
        if answer.results.len() != fact_count {
            bail!("the server answered {} results for {fact_count} rows", answer.results.len());
        }
        let mut results = answer.results.as_slice();
        let mut told = Vec::new();
        for origin in origins {
            let (own, rest) = results.split_at(origin.fact_count.min(results.len()));
            told.extend(self.tally.sent(origin, own, &self.mapping));
            results = rest;
        }
        self.write(&told, out)?;
        if let Some(token) = answer.token {
            self.token = token;
        }
        Ok(())
    }

    fn write(&self, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.progress.aside(|| lines.iter().try_for_each(|line| writeln!(out, "{line}")))
    }
}
