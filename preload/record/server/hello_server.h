// HelloServer: the socket on which guests say hello, with their userfaultfds, and get their answer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>

#include "model/base/result.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/server/event_loop.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

/// What a hello brings: a userfaultfd for all memory but the heap, and one for that; either may be missing.
struct FaultDescriptors {
  UniqueFd all, heap;
};

struct Hello {
  int connection = -1;  // to be answered by HelloServer::reply()
  uint32_t pid = 0;     // by the kernel's word; of a socketpair that of its maker
  uint32_t user = 0;
  ring::Request request;
  FaultDescriptors descriptors;
};

class HelloServer {
 public:
  /// `stack_sample_bytes`: sent to each guest. `take`: called with each hello.
  HelloServer(EventLoop& loop, int64_t stack_sample_bytes, std::function<void(Hello)> take);
  ~HelloServer();
  HelloServer(const HelloServer&) = delete;
  HelloServer& operator=(const HelloServer&) = delete;

  /// Opens the abstract socket that guests say hello on. An empty name: one is made up.
  Result<void> listen(const std::string& abstract_name);
  const std::string& socket_name() const { return socket_name_; }
  void add_connection(int fd);
  /// Descriptors that may be opened may have become more: one of them is kept for those who meet no other.
  void keep_spare_descriptor();

  /// Somebody waits at the socket.
  void accept_connection();
  /// Something has come over the connection.
  void read_connection(int fd);

  /// What the answer to a hello says.
  struct Answer {
    ring::ReplyStatus status = ring::ReplyStatus::kStayOut;
    bool polled = false, huge_pages_off = false;
  };
  /// But for kTakeDevice this is the last word over this connection.
  void reply(int fd, const Answer& answer, std::span<const int> descriptors = {});

  /// The connection stays open, as the caller's.
  UniqueFd keep(int fd);

  /// Hellos that met no free descriptor of ours.
  uint64_t turned_away() const { return turned_away_; }

 private:
  void hang_up(int fd);

  EventLoop& loop_;
  int64_t stack_sample_bytes_;
  std::function<void(Hello)> take_;
  std::string socket_name_;
  UniqueFd listener_, spare_;
  std::set<int> connections_;  // of those who are saying hello
  uint64_t turned_away_ = 0;
};

}  // namespace oomcast::record
