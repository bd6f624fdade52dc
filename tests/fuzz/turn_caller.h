// What the caller of a TurnClient may expect of its events: each command ends once, with an event
// of its own or with the end of everything; after that end there is silence.
#pragma once

#include <map>
#include <set>

#include "client/turn/turn_client.h"
#include "require.h"

namespace postern::fuzz {

class TurnCaller {
 public:
  // --- Commands that the client has taken.
  void allocating() { is_allocating_ = true; }
  void asked_permission(const TransportAddress& peer) { ask(permissions_[host_of(peer)]); }
  void asked_channel(uint16_t channel, const TransportAddress& peer) {
    ask(channels_[channel]);
    ++permissions_[host_of(peer)].asked;  // a channel brings it
  }
  void asked_connect(uint32_t token) { require(connects_.insert(token).second); }
  void asked_refresh() { ask(refresh_); }
  void asked_move() { ask(move_); }
  // A wish that is taken back may still be answered.
  void released_permission(const TransportAddress& peer) {
    permissions_[host_of(peer)].is_open = false;
  }
  void released_channel(uint16_t channel) { channels_[channel].is_open = false; }
  void set_credentials() { ++refresh_.asked; }
  void closed() { is_closed_ = true; }

  // --- What the client tells.
  void hear(const client::TurnEvent& event) {
    using enum client::TurnEventKind;
    require(!has_ended_);
    for (const auto text :
         {event.reason, event.realm, event.software, event.alternate_domain, event.third_party}) {
      touch(text);
    }
    switch (event.kind) {
      case Allocated:
      case AllocateFailed:
        require(is_allocating_);
        is_allocating_ = false;
        break;
      case Permitted:
      case PermissionFailed:
        answer(permissions_[host_of(event.peer)]);
        break;
      case ChannelBound:
      case ChannelFailed:
        answer(channels_[static_cast<uint16_t>(event.number)]);
        break;
      case Connected:
      case ConnectFailed:
        require(connects_.erase(event.token) == 1);
        break;
      case Refreshed:
      case RefreshFailed:
        answer(refresh_);
        break;
      case Moved:
      case MoveFailed:
        answer(move_);
        break;
      case PermissionLost:
      case ConnectionAttempt:
      case Icmp:
        require(may_hear(event.peer));
        break;
      case ChannelLost:
        require(channels_[static_cast<uint16_t>(event.number)].asked > 0);
        break;
      case CredentialsRefused:
        break;
      case Closed:
        require(is_closed_);
        end();
        break;
      case Lost:
        end();
        break;
    }
  }
  void hear(const client::PeerData& data) {
    require(may_hear(data.peer));
    touch(data.data);
  }

  // Whether somebody waits for an answer.
  [[nodiscard]] bool waits() const {
    const auto is_open = [](const auto& entry) { return entry.second.is_open; };
    return !has_ended_ &&
           (is_closed_ || is_allocating_ || refresh_.is_open || move_.is_open ||
            !connects_.empty() || std::any_of(permissions_.begin(), permissions_.end(), is_open) ||
            std::any_of(channels_.begin(), channels_.end(), is_open));
  }
  [[nodiscard]] bool has_ended() const { return has_ended_; }
  // Whether this peer was ever asked for.
  [[nodiscard]] bool may_hear(const TransportAddress& peer) const {
    const auto found = permissions_.find(host_of(peer));
    return found != permissions_.end() && found->second.asked > 0;
  }

 private:
  using Host = std::array<uint8_t, 17>;
  // The same wish, uttered again before it is answered, is answered once.
  struct Wish {
    unsigned asked = 0;
    unsigned answered = 0;
    bool is_open = false;
  };

  static Host host_of(const TransportAddress& peer) {
    Host host{static_cast<uint8_t>(peer.family)};
    std::copy(peer.bytes.begin(), peer.bytes.end(), host.begin() + 1);
    return host;
  }
  static void ask(Wish& wish) {
    ++wish.asked;
    wish.is_open = true;
  }
  static void answer(Wish& wish) {
    require(++wish.answered <= wish.asked);
    wish.is_open = false;
  }
  void end() {
    has_ended_ = true;
    is_allocating_ = false;
  }

  bool is_allocating_ = false;
  bool is_closed_ = false;
  bool has_ended_ = false;
  Wish refresh_;
  Wish move_;
  std::map<Host, Wish> permissions_;
  std::map<uint16_t, Wish> channels_;
  std::set<uint32_t> connects_;
};

}  // namespace postern::fuzz
