//! Where a context's database is, and the rule that one process at a time may work on a SQLite folder.
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use secrecy::SecretString;

use crate::{Error, Result};

/// Where a context's database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// One file a context in a folder on a local disk; one process at a time.
    Sqlite {
        /// The data folder, made if absent. Never on a network file system: SQLite's locks do not hold there.
        folder: PathBuf,
        /// The context, which names the file: `limits` → `limits.db`.
        context: &'static str,
    },
    /// One schema a context in a PostgreSQL database; any number of processes.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: SecretString,
        /// The schema, made if absent: lower-case letters, digits and `_`.
        schema: String,
        /// The most connections in the pool, at least 2; a running [`Journal`](crate::Journal) listens on one more.
        connections: u32,
    },
}

/// The file in a data folder that its one process keeps locked.
const LOCK_FILE: &str = "weir.lock";

/// A locked data folder; unlocked when dropped, or by the operating system when the process dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// The folders this process holds, so that its contexts share one lock.
static HELD: Mutex<Option<HashMap<PathBuf, Weak<FolderLock>>>> = Mutex::new(None);

impl FolderLock {
    /// Makes the folder if absent and locks it for this process.
    pub(crate) fn take(folder: &Path) -> Result<Arc<FolderLock>> {
        let failed = |source| Error::Folder { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let mut held = HELD.lock();
        let held = held.get_or_insert_default();
        if let Some(lock) = held.get(&folder).and_then(Weak::upgrade) {
            return Ok(lock);
        }
        let path = folder.join(LOCK_FILE);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // only to say who: an unreadable file changes nothing about the lock
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { String::new() } else { format!(" ({holder})") };
                return Err(Error::FolderInUse { folder, holder });
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "process {}", std::process::id())).map_err(failed)?;
        let lock = Arc::new(FolderLock { _file: file });
        held.insert(folder, Arc::downgrade(&lock));
        Ok(lock)
    }
}
