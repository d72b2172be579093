// Gives the processes of a script their turns. See memload_events.h.
#include "tests/ground_truth/memload_events.h"

#include <algorithm>

#include "tests/ground_truth/memload_process.h"

namespace oomcast::ground_truth {

Player::Player(const Script& script, Timing timing, Feed feed, Now now, std::vector<File> files, bool text_on_disk)
    : timing_(timing), feed_(std::move(feed)), now_(std::move(now)), files_(std::move(files)) {
  if (text_on_disk) {
    files_.emplace_back("/usr/bin/memload", kTextPages * kPage);
    text_file_ = files_.size();
  }
  processes_.push_back(std::make_unique<Process>(*this, kRootPid, 0u, script.steps));
  processes_.front()->start();
}

Player::~Player() = default;

void Player::emit(Event event) {
  ++events_;
  feed_(event);
}

// The one that is furthest behind on its own clock; a process that waits for its children has no turn.
Player::Process* Player::next_process() {
  Process* next = nullptr;
  for (const auto& process : processes_) {
    if (process->ended()) continue;
    if (process->waiting()) {
      int64_t last_exit = 0;
      const bool busy = std::any_of(processes_.begin(), processes_.end(), [&](const auto& other) {
        if (other->parent() != process->pid()) return false;
        last_exit = std::max(last_exit, other->clock());
        return !other->ended();
      });
      if (busy) continue;
      process->wake(last_exit);
    }
    if (!next || process->clock() < next->clock()) next = process.get();
  }
  return next;
}

bool Player::advance() {
  Process* process = next_process();
  if (!process) return false;
  process->advance();
  return true;
}

void Player::watch(uint32_t pid, uint64_t address) {
  for (const auto& process : processes_) {
    if (process->pid() == pid) process->watch(address);
  }
}

void Player::kill(uint32_t pid) {
  for (const auto& process : processes_) {
    if (process->pid() == pid) process->exit(kKilled, trace::kExitBySignal);
  }
}

std::vector<Event> play(const Script& script, Timing timing) {
  std::vector<Event> events;
  Player player(script, timing, [&](const Event& event) { events.push_back(event); });
  while (player.advance()) {
  }
  return events;
}

}  // namespace oomcast::ground_truth
