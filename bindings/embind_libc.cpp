// A function of the C library in a form that fits a module without a console or a process. The
// linker takes it before that of libc, and with that leaves out what only that would need.

// Reached only when memory runs out. A trap ends the call with a WebAssembly.RuntimeError, upon
// which js/engine gives the instance up; libc's abort would print, raise a signal and end the
// process.
extern "C" [[noreturn]] void abort() { __builtin_trap(); }
