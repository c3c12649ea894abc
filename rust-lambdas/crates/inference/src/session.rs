//! One graph in ONNX Runtime, run by several threads at once.

use crate::error::InferenceError;
use ort::AsPointer;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SharedSessionInner};
use ort::value::{DynValue, Tensor, ValueType};
use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// The inputs that a graph may declare; only the declared ones are fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenInput {
    Ids,
    Mask,
    Types,
}

impl TokenInput {
    fn name(self) -> &'static str {
        match self {
            Self::Ids => "input_ids",
            Self::Mask => "attention_mask",
            Self::Types => "token_type_ids",
        }
    }
}

/// `ort` runs a session through `&mut`, because a session may have been given an execution provider that is not safe for
/// threads. This one has the processor's alone, for which ONNX Runtime allows `Run` from several threads; so the call is
/// made here, and two batches of one model need neither two copies of its weights nor to wait for each other.
pub(crate) struct SharedSession {
    session: Arc<SharedSessionInner>,
    inputs: Vec<TokenInput>,
    input_names: Vec<CString>,
    output_name: CString,
}

impl SharedSession {
    /// Reads the graph at `path` and checks that it can be driven: token tensors in, `[batch, tokens, dimension]` out.
    pub fn open(path: &Path, output: &str, dimension: usize) -> Result<Self, InferenceError> {
        let refuse = |reason: String| InferenceError::Model {
            path: path.to_owned(),
            reason,
        };
        let session = commit(path).map_err(|error| refuse(error.to_string()))?;
        let inputs = declared_inputs(&session).map_err(refuse)?;
        check_output(&session, output, dimension).map_err(refuse)?;
        let name = |text: &str| CString::new(text).map_err(|error| refuse(error.to_string()));
        Ok(Self {
            input_names: inputs
                .iter()
                .map(|input| name(input.name()))
                .collect::<Result<_, _>>()?,
            output_name: name(output)?,
            session: session.inner(),
            inputs,
        })
    }

    /// What `run` wants, in its order.
    pub fn inputs(&self) -> &[TokenInput] {
        &self.inputs
    }

    /// The graph's output for one tensor per input.
    pub fn run(&self, tensors: &[Tensor<i64>]) -> Result<DynValue, ort::Error> {
        assert_eq!(tensors.len(), self.inputs.len(), "one tensor per input");
        let names: Vec<*const c_char> = self.input_names.iter().map(|name| name.as_ptr()).collect();
        let values: Vec<*const ort::sys::OrtValue> = tensors.iter().map(AsPointer::ptr).collect();
        let output_name = self.output_name.as_ptr();
        let mut output: *mut ort::sys::OrtValue = ptr::null_mut();
        // SAFETY: the session lives as long as `self.session`. `names` and `values` have the lengths that are told, each
        // pointer is of a string or value that outlives the call, and one output is named and given room for. No run
        // options are needed. Other threads may be inside the same call: see the type.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr().cast_mut(),
                ptr::null(),
                names.as_ptr(),
                values.as_ptr(),
                values.len(),
                &raw const output_name,
                1,
                &raw mut output,
            )
        };
        // SAFETY: the status is the one that ONNX Runtime just gave, and nobody else frees it.
        unsafe { ort::Error::result_from_status(status)? };
        let output = NonNull::new(output).ok_or_else(|| ort::Error::new("no output came back"))?;
        // SAFETY: a value that ONNX Runtime made for us, owned by nobody else; it keeps the session alive.
        Ok(unsafe { DynValue::from_ptr(output, Some(self.session.clone())) })
    }
}

fn commit(path: &Path) -> Result<Session, ort::Error> {
    let builder = Session::builder()?
        // Threads are ours: one batch, one thread. More batches make more threads, not more of them each.
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        // Every batch has another shape; a plan per shape would be kept for good and never be used again.
        .with_memory_pattern(false)?;
    builder
        .with_optimization_level(GraphOptimizationLevel::All)?
        .commit_from_file(path)
}

fn declared_inputs(session: &Session) -> Result<Vec<TokenInput>, String> {
    let known = [TokenInput::Ids, TokenInput::Mask, TokenInput::Types];
    let find = |name: &str| {
        let found = known.into_iter().find(|input| input.name() == name);
        found.ok_or_else(|| format!("its input `{name}` is none that this engine can feed"))
    };
    let inputs = session
        .inputs()
        .iter()
        .map(|input| find(input.name()))
        .collect::<Result<Vec<_>, _>>()?;
    if !inputs.contains(&TokenInput::Ids) || !inputs.contains(&TokenInput::Mask) {
        return Err("expected the inputs `input_ids` and `attention_mask`".to_owned());
    }
    Ok(inputs)
}

fn check_output(session: &Session, name: &str, dimension: usize) -> Result<(), String> {
    let output = session
        .outputs()
        .iter()
        .find(|output| output.name() == name);
    let output = output.ok_or_else(|| format!("it has no output `{name}`"))?;
    let ValueType::Tensor { shape, .. } = output.dtype() else {
        return Err(format!("its output `{name}` is no tensor"));
    };
    match **shape {
        [_, _, found] if found == dimension as i64 || found == -1 => Ok(()),
        _ => Err(format!(
            "expected an output of shape [batch, tokens, {dimension}], got {shape}"
        )),
    }
}
