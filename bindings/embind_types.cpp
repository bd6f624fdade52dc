// The types that cross the boundary, as Embind has to know them: numbers. The linker takes these
// functions before those of Emscripten's libembind, which also brings strings, views of memory,
// 64-bit integers and JavaScript's own values: 2.5 KB of glue and wasm (gzip) in each module.
// Should a later Emscripten expect another function here, it takes its own file as well, and says
// so
// ("duplicate symbol").
#include <emscripten/bind.h>

#include <cstdlib>
#include <limits>

namespace {

using emscripten::internal::InitFunc;
using emscripten::internal::TypeID;

InitFunc* first_binding = nullptr;

template <typename Integer>
void register_integer(const char* name) {
  using Limits = std::numeric_limits<Integer>;
  emscripten::internal::_embind_register_integer(TypeID<Integer>::get(), name, sizeof(Integer),
                                                 Limits::min(), Limits::max());
}

}  // namespace

// What the glue and <emscripten/bind.h> call, by their names.
extern "C" {

void _embind_register_bindings(InitFunc* binding) {
  binding->next = first_binding;
  first_binding = binding;
}

void _embind_initialize_bindings() {
  for (InitFunc* binding = first_binding; binding != nullptr; binding = binding->next) {
    binding->init_func();
  }
}

// Of a type that is not among those below, which is a mistake in embind_*.cpp that their first test
// shows. The glue frees it.
const char* __getTypeName(const std::type_info* /*type*/) {
  auto* const name = static_cast<char*>(std::malloc(2));
  if (name == nullptr) return nullptr;
  name[0] = '?';
  name[1] = '\0';
  return name;
}

// Coroutines that await a promise: there are none.
void _emval_coro_resume(emscripten::val::awaiter* /*awaiter*/, emscripten::EM_VAL /*result*/) {
  __builtin_trap();
}
void _emval_coro_reject(emscripten::val::awaiter* /*awaiter*/, emscripten::EM_VAL /*error*/) {
  __builtin_trap();
}

}  // extern "C"

EMSCRIPTEN_BINDINGS(numbers) {
  emscripten::internal::_embind_register_void(TypeID<void>::get(), "void");
  register_integer<int32_t>("int");
  register_integer<uint32_t>("unsigned int");
  emscripten::internal::_embind_register_float(TypeID<double>::get(), "double", sizeof(double));
}
