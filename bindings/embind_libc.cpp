// Two functions of the C library in a form that fits a module without a console or a process. The
// linker takes these before those of libc, and with that leaves out what only they would need.

// Embind names a type that was never bound by printing its address. That is a mistake in
// embind.cpp, which its first test shows; it is not worth the whole of printf (5 KB). The compiler
// turns sprintf into siprintf where no floating-point number is printed.
extern "C" int siprintf(char* text, const char* /*format*/, ...) {
  text[0] = '?';
  text[1] = '\0';
  return 1;
}

// Reached only when memory runs out. A trap ends the call with a WebAssembly.RuntimeError, upon
// which js/engine gives the instance up; libc's abort would print, raise a signal and end the
// process.
extern "C" [[noreturn]] void abort() { __builtin_trap(); }
