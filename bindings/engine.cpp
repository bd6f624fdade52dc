#include "bindings/engine.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "bindings/binder_port.h"
#include "bindings/open_settings.h"
#include "bindings/stun_port.h"
#include "bindings/turn_port.h"

namespace postern::bindings {

namespace {

// Handles: the slot in the low bits, its generation above; both together stay positive as int32_t.
constexpr uint32_t kSlotBits = 12;
constexpr uint32_t kSlotMask = (1U << kSlotBits) - 1;
constexpr uint32_t kGenerationMask = (1U << (31 - kSlotBits)) - 1;
static_assert(Engine::kMaxClients == 1U << kSlotBits);

// What a client has at least before anything is done with it: an ID for each exchange that may
// begin then, and as many for answers to challenges.
constexpr size_t kLeastEntropy = 2 * client::kMaxTurnExchanges * stun::kTransactionIdBytes;
static_assert(kLeastEntropy >= 2 * client::kMaxTransactions * stun::kTransactionIdBytes);
static_assert(kLeastEntropy <= EntropyPool::kCapacity);

template <typename Port>
Errc make_port(std::unique_ptr<ClientPort>& out, uint32_t handle, const OpenSettings& settings) {
  auto port = std::unique_ptr<Port>(new (std::nothrow) Port(handle, settings));
  if (port == nullptr) return Errc::TooManyClients;
  const Errc errc = port->set_up(settings);
  if (errc == Errc::Ok) out = std::move(port);
  return errc;
}

}  // namespace

// Here, where nothing knows types at run time: users of the header that do would look for them.
Engine::Engine() = default;
Engine::~Engine() = default;

Engine::Slot* Engine::find(uint32_t handle) {
  const uint32_t index = handle & kSlotMask;
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.port != nullptr && slot.generation == handle >> kSlotBits ? &slot : nullptr;
}

Engine::Slot* Engine::find_free() {
  for (Slot& slot : slots_) {
    if (slot.port == nullptr) return &slot;
  }
  return slots_.size() < kMaxClients ? &slots_.emplace_back() : nullptr;
}

void Engine::mark_ready(Slot& slot) {
  if (slot.is_ready) return;
  slot.is_ready = true;
  ready_.push_back(static_cast<uint32_t>(&slot - slots_.data()));
}

void Engine::set_deadline(Slot& slot, Instant deadline) {
  if (!slot.deadline.is_never()) --armed_;
  if (!deadline.is_never()) ++armed_;
  slot.deadline = deadline;
  earliest_ = armed_ == 0 ? Instant::never() : std::min(earliest_, deadline);
}

bool Engine::top_up(ClientPort& port) {
  const size_t available = port.entropy_available();
  if (available >= kLeastEntropy) return true;
  const size_t wanted = kLeastEntropy - available;
  const size_t held = std::min(status_.entropy_bytes, kEntropyBytes);
  if (held < wanted) return false;
  const std::span<uint8_t> given = std::span(entropy_).subspan(held - wanted, wanted);
  port.provide_entropy(given);
  std::fill(given.begin(), given.end(), uint8_t{0});
  status_.entropy_bytes = static_cast<uint32_t>(held - wanted);
  return true;
}

int32_t Engine::open(uint32_t kind, double now_milliseconds, uint32_t bytes) {
  if (has_more()) return failure(Errc::QueueFull);
  const std::span<uint8_t> request = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  Slot* const slot = find_free();
  Errc errc = slot == nullptr ? Errc::TooManyClients : Errc::Ok;
  uint32_t handle = 0;
  if (slot != nullptr) {
    const uint32_t generation = (slot->generation + 1) & kGenerationMask;
    handle = generation << kSlotBits | static_cast<uint32_t>(slot - slots_.data());
    errc = make(*slot, handle, static_cast<Kind>(kind),
                Instant::from_milliseconds(now_milliseconds), request);
    if (errc == Errc::Ok) slot->generation = generation;
  }
  std::fill(request.begin(), request.end(), uint8_t{0});
  return errc == Errc::Ok ? static_cast<int32_t>(handle) : failure(errc);
}

Errc Engine::make(Slot& slot, uint32_t handle, Kind kind, Instant now, Bytes request) {
  Errc errc = Errc::BadRecord;
  if (kind == Kind::Binder) {
    OpenBinderRequest binder;
    if (!take(request, binder)) return errc;
    const Slot* const relay = find(binder.relay);
    if (relay == nullptr || relay->kind != Kind::Turn) return Errc::NoSuchHandle;
    auto port = std::unique_ptr<BinderPort>(
        new (std::nothrow) BinderPort(handle, static_cast<const TurnPort&>(*relay->port)));
    if (port == nullptr) return Errc::TooManyClients;
    if (!top_up(*port)) return Errc::EntropyNeeded;
    errc = port->start(now, binder.connection_id);
    if (errc == Errc::Ok) slot.port = std::move(port);
  } else {
    OpenSettings settings;
    if (!read_open_settings(request, settings)) return errc;
    if (kind == Kind::Stun) errc = make_port<StunPort>(slot.port, handle, settings);
    if (kind == Kind::Turn) errc = make_port<TurnPort>(slot.port, handle, settings);
  }
  if (errc != Errc::Ok) return errc;
  slot.kind = kind;
  mark_ready(slot);
  return errc;
}

void Engine::close(uint32_t handle) {
  Slot* const slot = find(handle);
  if (slot == nullptr) return;
  slot->port.reset();
  set_deadline(*slot, Instant::never());
}

int32_t Engine::command(uint32_t handle, uint32_t command, double now_milliseconds,
                        uint32_t bytes) {
  if (has_more()) return failure(Errc::QueueFull);
  Slot* const slot = find(handle);
  if (slot == nullptr) return failure(Errc::NoSuchHandle);
  if (!top_up(*slot->port)) return failure(Errc::EntropyNeeded);
  const std::span<uint8_t> request = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  const int32_t result = slot->port->command(static_cast<Command>(command),
                                             Instant::from_milliseconds(now_milliseconds), request);
  std::fill(request.begin(), request.end(), uint8_t{0});
  mark_ready(*slot);
  return result;
}

uint32_t Engine::process(uint32_t bytes, double now_milliseconds) {
  const Instant now = Instant::from_milliseconds(now_milliseconds);
  outbox_.clear();
  if (!has_more()) {
    inbox_at_ = 0;
    inbox_end_ = std::min(bytes, kInboxBytes);
    input_index_ = 0;
  }
  const bool is_done = work_off_inbox(now) && handle_timeouts(now) && drain_ready();
  status_.has_more = is_done ? 0 : 1;
  status_.next_timeout = next_timeout();
  return outbox_.records();
}

bool Engine::work_off_inbox(Instant now) {
  while (inbox_at_ < inbox_end_) {
    Bytes rest = std::span(inbox_).subspan(inbox_at_, inbox_end_ - inbox_at_);
    InputRecord record;
    Bytes payload;
    if (!take(rest, record) || !take_bytes(rest, record.bytes, payload)) {
      inbox_at_ = inbox_end_;
      return true;
    }
    Incoming incoming{.input = static_cast<Input>(record.input),
                      .index = input_index_,
                      .port = record.port,
                      .address = {},
                      .bytes = payload};
    Slot* const slot = find(record.handle);
    if (slot != nullptr &&
        take_address(incoming.bytes, record.address_bytes, record.port, incoming.address)) {
      mark_ready(*slot);
      if (!top_up(*slot->port) || !slot->port->handle_input(incoming, now, outbox_)) return false;
    }
    inbox_at_ += static_cast<uint32_t>(sizeof record) + padded(payload.size());
    ++input_index_;
  }
  return true;
}

bool Engine::handle_timeouts(Instant now) {
  if (earliest_ > now) return true;
  Instant earliest = Instant::never();
  for (Slot& slot : slots_) {
    if (slot.deadline <= now) {
      if (!top_up(*slot.port)) return false;
      slot.port->handle_timeout(now);
      // It gets the next one when it is drained: until then that would be now.
      set_deadline(slot, Instant::never());
      mark_ready(slot);
    }
    earliest = std::min(earliest, slot.deadline);
  }
  earliest_ = earliest;
  return true;
}

bool Engine::drain_ready() {
  size_t done = 0;
  for (; done < ready_.size(); ++done) {
    Slot& slot = slots_[ready_[done]];
    if (slot.port != nullptr) {
      if (!slot.port->drain(outbox_)) break;
      set_deadline(slot, slot.port->poll_timeout());
    }
    slot.is_ready = false;
  }
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(done));
  return ready_.empty();
}

double Engine::next_timeout() const {
  return earliest_.is_never() ? -1 : earliest_.in_milliseconds();
}

uint32_t Engine::stats(uint32_t handle) {
  const Slot* const slot = find(handle);
  // What waits in the outbox is not written over.
  if (slot == nullptr || has_more()) return 0;
  std::array<double, 16> counters{};
  const size_t count = slot->port->stats(counters);
  std::memcpy(outbox_.whole().data(), counters.data(), count * sizeof counters[0]);
  return static_cast<uint32_t>(count);
}

}  // namespace postern::bindings
