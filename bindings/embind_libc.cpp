// Functions of the C library in a form that fits a module without a process. The linker takes these
// before those of libc, and with that leaves out what only they would need.

// Reached only when memory runs out. A trap ends the call with a WebAssembly.RuntimeError, upon
// which js/engine gives the instance up; libc's abort would print, raise a signal and end the
// process.
extern "C" [[noreturn]] void abort() { __builtin_trap(); }

// Where the glue's timer for setitimer() would end. Nobody sets one, but the linker asks for this
// all the same; libc's has signals, and with them the glue for timers and for the end of a process.
extern "C" [[noreturn]] void _emscripten_timeout(int /*which*/, double /*now*/) {
  __builtin_trap();
}
