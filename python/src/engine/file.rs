//! Files of Python's, as the core reads and writes them.

use std::io::{Read, Write};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A binary file of Python's.
pub(super) struct PythonFile(pub(super) Py<PyAny>);

impl Write for PythonFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Python::attach(|py| {
            let written = self.0.call_method1(py, "write", (PyBytes::new(py, bytes),))?;
            // An unbuffered file may take less, and says `None` when it would block.
            Ok(written.extract::<Option<usize>>(py)?.unwrap_or(0).min(bytes.len()))
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Python::attach(|py| Ok(self.0.call_method0(py, "flush").map(drop)?))
    }
}

impl Read for PythonFile {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        Python::attach(|py| {
            let read = self.0.call_method1(py, "read", (bytes.len(),))?;
            let read = read.bind(py).cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let len = read.len().min(bytes.len());
            if let (Some(to), Some(from)) = (bytes.get_mut(..len), read.get(..len)) {
                to.copy_from_slice(from);
            }
            Ok(len)
        })
    }
}
