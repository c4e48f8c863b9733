//! Functions of C libraries that are called by the standard library and not linked: those of the unwinder, and one of the
//! C library itself.
//!
//! They are written in Rust, and not aliases for the linker, because link-time optimisation then sees that a backtrace has
//! no frames, and drops what would name them: 185 kB of the standard library (gimli, addr2line, miniz_oxide). A panic
//! prints its message and aborts.

#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};

/// `_URC_END_OF_STACK` of the Itanium C++ ABI: there is no frame for the callback.
const END_OF_STACK: c_int = 5;

// SAFETY, of `no_mangle` here and in the macro: these are the names of the unwinder's own functions, and nothing else that is
// linked defines them; a second definition would be an error of the linker.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_callback: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

/// Defines functions that are never reached: the first ones are called for a frame, the last ones while unwinding.
macro_rules! never_called {
    ($($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        }
    )* };
}

never_called! {
    _Unwind_GetIP _Unwind_GetIPInfo _Unwind_GetRegionStart _Unwind_GetTextRelBase _Unwind_GetDataRelBase
    _Unwind_GetLanguageSpecificData _Unwind_SetGR _Unwind_SetIP _Unwind_Resume
}

/// The C library's own writes the name to a file whose path it makes with `snprintf`: 9 kB for the only call of `printf`.
/// No thread of the program has a name, and the standard library ignores the result.
// SAFETY, of `no_mangle`: the linker takes a function from the C library only where nobody else defines it.
#[unsafe(no_mangle)]
extern "C" fn pthread_setname_np(_thread: *mut c_void, _name: *const c_char) -> c_int {
    0
}
